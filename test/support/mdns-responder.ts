/** A device's mDNS side for tests, written apart from `src`: answers questions about one name as it is told to. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, decode, encode, type Packet } from 'dns-packet';

const groups = { udp4: '224.0.0.251', udp6: 'ff02::fb' } as const;
const mdnsPort = 5353;
const arduino = '_arduino._tcp.local';

export interface ResponderOptions {
  /** Without `.local`. */
  readonly name: string;
  /** What it says its addresses are. */
  readonly addresses: readonly string[];
  /** The host of the service; default: `<name>.local`. */
  readonly target?: string;
  readonly servicePort?: number;
  readonly text?: readonly string[];
  readonly ttl?: number;
  /** This host's IPv4 address that it listens on, or `::%interface` for IPv6. */
  readonly on?: string;
  /** Sends from another address, as a second device would; default: `on`. */
  readonly from?: string;
  /** `unicast`: to whoever asked; `multicast`: to the group alone. */
  readonly way?: 'unicast' | 'multicast';
  /** Only what is sent to `from` alone, as where multicast is filtered. */
  readonly hears?: 'unicast';
  readonly delayMs?: number;
  /** Answers only the n-th question about it, and later ones. */
  readonly fromQuestion?: number;
  /** Answers those who ask for all devices, too: with its pointer alone, or with all records. */
  readonly pointer?: 'alone' | 'whole';
  /** Answers with these records instead of its own. */
  readonly records?: (asked: Packet) => Answer[];
  /** Answers with these bytes instead of a packet. */
  readonly bytes?: () => Uint8Array;
}

export interface Responder {
  /** Questions about its name, so far: UDP port they came from. */
  readonly askedFrom: number[];
  close(): Promise<void>;
}

export async function startResponder(options: ResponderOptions): Promise<Responder> {
  const { name, on = '127.0.0.1', from = on, delayMs = 0, fromQuestion = 1 } = options;
  const over = new AbortController();
  const askedFrom: number[] = [];
  const receiving = await openShared(on.includes(':') ? '::' : '0.0.0.0', on);
  const sending = await openShared(from === on && on.includes(':') ? '::' : from, on);

  const onMessage = (bytes: Buffer, asker: RemoteInfo): void => {
    const asked = tryDecode(bytes);
    if (asked?.type !== 'query') return;
    const isOurs = (asked.questions ?? []).some((question) =>
      question.name.toLowerCase().startsWith(`${name.toLowerCase()}.`),
    );
    if (!isOurs && !(options.pointer !== undefined && asksForAll(asked))) return;
    askedFrom.push(asker.port);
    if (askedFrom.length < fromQuestion) return;
    const isMulticast = options.way === 'multicast' || asker.port === mdnsPort;
    const to = isMulticast ? { address: groups[typeOf(on)], port: mdnsPort } : asker;
    const answer = options.bytes?.() ?? encode(replyTo(asked, options));
    void delay(delayMs, undefined, { signal: over.signal }).then(
      () => sending.send(answer, to.port, to.address),
      () => undefined,
    );
  };
  // What is sent to its address alone goes to the socket that is bound to it.
  if (options.hears !== 'unicast') receiving.on('message', onMessage);
  sending.on('message', onMessage);

  return {
    askedFrom,
    close: async () => {
      over.abort();
      await Promise.all(
        [receiving, sending].map((socket) => new Promise<void>((done) => socket.close(done))),
      );
    },
  };
}

export function recordsOf({
  name,
  addresses,
  target = `${name}.local`,
  servicePort = 8266,
  text = ['board=ESP8266_WEMOS_D1MINI', 'auth_upload=no', 'tcp_check=no', 'ssh_upload=no'],
  ttl = 10,
}: ResponderOptions): Answer[] {
  const instance = `${name}.${arduino}`;
  const hosts = addresses.map((data): Answer => {
    const type = data.includes(':') ? 'AAAA' : 'A';
    return { type, name: target, ttl, flush: true, data };
  });
  if (servicePort === 0) return hosts;
  return [
    ...hosts,
    { type: 'SRV', name: instance, ttl, flush: true, data: { port: servicePort, target } },
    { type: 'TXT', name: instance, ttl, data: [...text] },
  ];
}

/** A socket that shares 5353 and belongs to the group on one interface. */
export async function openShared(bindTo: string, on: string): Promise<Socket> {
  const type = typeOf(on);
  const socket = createSocket({ type, reuseAddr: true, ipv6Only: type === 'udp6' });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(mdnsPort, bindTo, resolve);
  });
  socket.addMembership(groups[type], on);
  socket.setMulticastInterface(on);
  socket.setMulticastLoopback(true);
  return socket;
}

function typeOf(address: string): 'udp4' | 'udp6' {
  return address.includes(':') ? 'udp6' : 'udp4';
}

function replyTo(asked: Packet, options: ResponderOptions): Packet {
  return {
    type: 'response',
    id: asked.id ?? 0,
    flags: 1 << 10,
    questions: asked.questions ?? [],
    answers: options.records?.(asked) ?? answersTo(asked, options),
  };
}

function answersTo(asked: Packet, options: ResponderOptions): Answer[] {
  if (!asksForAll(asked)) return recordsOf(options);
  const data = `${options.name}.${arduino}`;
  const pointer: Answer = { type: 'PTR', name: arduino, ttl: 4500, data };
  return options.pointer === 'alone' ? [pointer] : [pointer, ...recordsOf(options)];
}

function asksForAll({ questions = [] }: Packet): boolean {
  return questions.some(({ type, name }) => type === 'PTR' && name === arduino);
}

function tryDecode(bytes: Buffer): Packet | undefined {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}
