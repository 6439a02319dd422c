/** The DNS records that a device announces, and which of them answer a question. Pure. */

import { isIPv6 } from 'node:net';

import type { Answer, Question, StringAnswer } from 'dns-packet';

export interface Service {
  readonly name: string;
  /** TXT `board`. */
  readonly board: string;
  readonly password: boolean;
  /** UDP. */
  readonly port: number;
}

export interface DnsReply {
  readonly answers: Answer[];
  readonly additionals: Answer[];
}

const serviceType = '_arduino._tcp.local';
const serviceList = '_services._dns-sd._udp.local';
/** RFC 6762, 10: 75 minutes, and two for what holds a host name or an address. */
const longTtl = 4500;
const shortTtl = 120;
/** RFC 6762, 6.7: who asked from another port than 5353 may not keep an answer for longer. */
const legacyTtl = 10;

/** All records of the device at `address`; with `ttl` 0 it says goodbye. */
export function recordsOf(service: Service, address: string, ttl?: number): Answer[] {
  const host = `${service.name}.local`;
  const instance = `${service.name}.${serviceType}`;
  const pointer: StringAnswer = { type: 'PTR', name: serviceType, data: instance, ttl: ttl ?? longTtl };
  const unique = { ttl: ttl ?? shortTtl, flush: true };
  return [
    pointer,
    { type: 'SRV', name: instance, data: { port: service.port, target: host }, ...unique },
    {
      type: 'TXT',
      name: instance,
      data: [
        'tcp_check=no',
        'ssh_upload=no',
        `board=${service.board}`,
        `auth_upload=${service.password ? 'yes' : 'no'}`,
      ],
      ttl: ttl ?? longTtl,
      flush: true,
    },
    { type: isIPv6(address) ? 'AAAA' : 'A', name: host, data: address, ...unique },
  ];
}

/** What the device answers, if any of it is about the device. */
export function replyTo(questions: readonly Question[], records: readonly Answer[]): DnsReply | undefined {
  const list: Answer = { type: 'PTR', name: serviceList, data: serviceType, ttl: longTtl };
  const answers = [...records, list].filter((record) =>
    questions.some((question) => asksFor(question, record)),
  );
  if (answers.length === 0) return undefined;
  return { answers, additionals: records.filter((record) => !answers.includes(record)) };
}

/** As it goes to one who asked from an ephemeral port. */
export function asLegacy(reply: DnsReply): DnsReply {
  return { answers: reply.answers.map(forLegacy), additionals: reply.additionals.map(forLegacy) };
}

function forLegacy(record: Answer): Answer {
  return record.type === 'OPT'
    ? record
    : { ...record, ttl: Math.min(record.ttl ?? legacyTtl, legacyTtl), flush: false };
}

function asksFor(question: Question, record: Answer): boolean {
  // dns-packet's types leave out ANY, which it decodes all the same.
  const type: string = question.type;
  return (
    (type === record.type || type === 'ANY') && question.name.toLowerCase() === record.name.toLowerCase()
  );
}
