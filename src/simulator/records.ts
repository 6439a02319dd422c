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
  /** What its sketch says of itself, as items of a TXT record; absent: nothing. */
  readonly proof?: SketchProof;
}

export interface SketchProof {
  readonly items: readonly string[];
  /** In the record of the update service, or of one of its own (RP2040, whose responder takes no items for the first). */
  readonly place: 'beside' | 'own-service';
}

export interface DnsReply {
  readonly answers: Answer[];
  readonly additionals: Answer[];
}

const serviceType = '_arduino._tcp.local';
const proofType = '_otarc._tcp.local';
const serviceList = '_services._dns-sd._udp.local';
/** RFC 6762, 10: 75 minutes, and two for what holds a host name or an address. */
const longTtl = 4500;
const shortTtl = 120;
/** RFC 6762, 6.7: who asked from another port than 5353 may not keep an answer for longer. */
const legacyTtl = 10;

/** All records of the device at `address`; with `ttl` 0 it says goodbye. */
export function recordsOf(service: Service, address: string, ttl?: number): Answer[] {
  const host = `${service.name}.local`;
  const { name, port, proof } = service;
  const updates = [
    'tcp_check=no',
    'ssh_upload=no',
    `board=${service.board}`,
    `auth_upload=${service.password ? 'yes' : 'no'}`,
    ...(proof?.place === 'beside' ? proof.items : []),
  ];
  return [
    ...serviceRecords({ name, type: serviceType, port, txt: updates }, ttl),
    ...(proof?.place === 'own-service'
      ? serviceRecords({ name, type: proofType, port, txt: proof.items }, ttl)
      : []),
    {
      type: isIPv6(address) ? 'AAAA' : 'A',
      name: host,
      data: address,
      ttl: ttl ?? shortTtl,
      flush: true,
    },
  ];
}

function serviceRecords(
  {
    name,
    type,
    port,
    txt,
  }: { readonly name: string; readonly type: string; readonly port: number; readonly txt: readonly string[] },
  ttl: number | undefined,
): Answer[] {
  const instance = `${name}.${type}`;
  const pointer: StringAnswer = { type: 'PTR', name: type, data: instance, ttl: ttl ?? longTtl };
  const target = `${name}.local`;
  return [
    pointer,
    { type: 'SRV', name: instance, data: { port, target }, ttl: ttl ?? shortTtl, flush: true },
    { type: 'TXT', name: instance, data: [...txt], ttl: ttl ?? longTtl, flush: true },
  ];
}

/** What the device answers, if any of it is about the device. */
export function replyTo(questions: readonly Question[], records: readonly Answer[]): DnsReply | undefined {
  const types = records.flatMap(({ type, name }) => (type === 'PTR' ? [name] : []));
  const list = types.map((data): Answer => ({ type: 'PTR', name: serviceList, data, ttl: longTtl }));
  const answers = [...records, ...list].filter((record) =>
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
