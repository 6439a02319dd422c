/**
 * The sockets of mDNS. Asks two ways, one socket for each way and endpoint:
 *
 * - from an ephemeral port: a responder answers such a question by unicast to that very socket, also where the system's
 *   own responder owns 5353;
 * - from 5353, where that can be shared: for devices that answer by multicast only, and for firewalls that let in 5353
 *   but no answer from an address that was not asked.
 *
 * `dgram` and `dns-packet` rather than `multicast-dns`: that one decodes whatever comes in, a header that promises
 * 4 × 65,535 records included, takes records cut off at the end for whole ones, and costs 12 ms to load.
 *
 * Nothing here throws or rejects for what the network or the system does: an endpoint that cannot be asked is told by
 * `onProblem`, the others go on.
 */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import type { Answer, Question } from 'dns-packet';
import { messageOf } from '../model/errors.ts';
import { createAllowance, type AllowanceLimits } from './allowance.ts';
import type { AskingAddress } from './interfaces.ts';
import { parseResponse, recordsPromised } from './packets.ts';
import { formatQuery, formatQuestionForAll, type KnownAnswer } from './queries.ts';
import type { PacketSender } from './service.ts';

const mdnsPort = 5353;
const groups = { IPv4: '224.0.0.251', IPv6: 'ff02::fb' } as const;
const anyAddress = { IPv4: '0.0.0.0', IPv6: '::' } as const;

/**
 * Where 5353 is shared: bound to the group a socket takes nothing that is sent to this host alone, which would be an
 * answer for the system's own responder. Linux then still sends from the interface's address; Windows binds to no group,
 * and BSD (macOS) would send from it.
 */
function sharedAddress(family: 'IPv4' | 'IPv6', multicastInterface: string): string {
  if (process.platform !== 'linux') return anyAddress[family];
  return family === 'IPv4' ? groups.IPv4 : multicastInterface.replace(/^::/, groups.IPv6);
}

/** `shared` is 5353. */
export type Way = 'ephemeral' | 'shared';

export interface Source extends PacketSender {
  /** The way that the question was asked, where it is an answer to one. */
  readonly way: Way;
}

export interface MdnsProblem {
  readonly endpoint: AskingAddress;
  readonly way: Way;
  readonly message: string;
}

export interface MdnsOptions {
  readonly endpoints: readonly AskingAddress[];
  readonly onRecords: (records: readonly Answer[], source: Source) => void;
  /** That endpoint is out of use in that way. */
  readonly onProblem: (problem: MdnsProblem) => void;
  /**
   * The zone of the interface that leads to the sender; undefined where that is none of the chosen ones. What comes in
   * on 5353 carries no mark of its interface: Linux gives every socket what any of them has joined.
   */
  readonly zoneOfSender: (address: string) => string | undefined;
  /** Packets beyond them are not looked at. */
  readonly limits: AllowanceLimits;
}

export interface Mdns {
  /** The sockets of a way are opened when it is first asked by. Resolves when the question was sent. */
  ask(questions: readonly Question[], way: Way): Promise<void>;
  /** One host alone, where a question to all may not get through: from an ephemeral port, so that it answers there. */
  askAt(questions: readonly Question[], address: string): Promise<void>;
  /** All devices but those that are known, from 5353. */
  askForOthers(known: readonly KnownAnswer[]): Promise<void>;
  /** Opens 5353 without asking. */
  listen(): void;
  close(): void;
}

export function openMdns({ endpoints, onRecords, onProblem, zoneOfSender, limits }: MdnsOptions): Mdns {
  const opened = new Map<Way, MulticastSocket[]>();
  const isAllowed = createAllowance(limits);
  let closed = false;

  const isWelcome = (bytes: Uint8Array, { port, address }: RemoteInfo) =>
    !closed &&
    port === mdnsPort &&
    isAllowed({ sender: address, records: recordsPromised(bytes), nowMs: performance.now() });
  const open = (endpoint: AskingAddress, way: Way) =>
    openSocket(endpoint, {
      way,
      onMessage: (bytes, from) => {
        if (!isWelcome(bytes, from)) return;
        const zone = way === 'ephemeral' ? endpoint.zone : zoneOfSender(from.address);
        const records = zone === undefined ? undefined : parseResponse(bytes);
        if (records !== undefined) onRecords(records, { address: from.address, zone, way });
      },
      onFailure: (error) => {
        if (!closed) onProblem({ endpoint, way, message: messageOf(error) });
      },
    });
  const socketsOf = (way: Way) => {
    const sockets = opened.get(way) ?? (closed ? [] : endpoints.map((endpoint) => open(endpoint, way)));
    opened.set(way, sockets);
    return sockets;
  };

  const send = async (query: Uint8Array, way: Way) => {
    await Promise.all(socketsOf(way).map((socket) => socket.send(query)));
  };

  return {
    askAt: async (questions, address) => {
      const zone = zoneOfSender(address);
      const family = isIPv4(address) ? 'IPv4' : 'IPv6';
      const isOnWay = (endpoint: AskingAddress) =>
        endpoint.family === family && (zone === undefined ? !endpoint.loopback : endpoint.zone === zone);
      const query = formatQuery(questions);
      const sockets = socketsOf('ephemeral').filter((_, index) =>
        endpoints.slice(index, index + 1).some(isOnWay),
      );
      await Promise.all(sockets.map((socket) => socket.sendTo(query, address)));
    },
    ask: (questions, way) => send(formatQuery(questions), way),
    askForOthers: async (known) => {
      for (const query of formatQuestionForAll(known)) await send(query, 'shared');
    },
    listen: () => void socketsOf('shared'),
    close: () => {
      closed = true;
      for (const socket of [...opened.values()].flat()) socket.close();
    },
  };
}

interface MulticastSocket {
  /** To the group. */
  send(query: Uint8Array): Promise<void>;
  /** To one host; that it cannot be reached says nothing of the endpoint. */
  sendTo(query: Uint8Array, address: string): Promise<void>;
  close(): void;
}

interface SocketOptions {
  readonly way: Way;
  readonly onMessage: (bytes: Uint8Array, from: RemoteInfo) => void;
  readonly onFailure: (error: unknown) => void;
}

function openSocket(
  { family, address, multicastInterface }: AskingAddress,
  { way, onMessage, onFailure }: SocketOptions,
): MulticastSocket {
  const isShared = way === 'shared';
  const socket = createSocket({
    type: family === 'IPv4' ? 'udp4' : 'udp6',
    ipv6Only: family === 'IPv6',
    reuseAddr: isShared,
  });
  const isReady = new Promise<boolean>((resolve) => {
    const fail = (error: unknown) => {
      onFailure(error);
      resolve(false);
    };
    socket.on('error', fail);
    socket.on('message', onMessage);
    socket.on('close', () => resolve(false));
    const to = isShared
      ? { port: mdnsPort, address: sharedAddress(family, multicastInterface) }
      : { port: 0, address };
    socket.bind({ ...to, exclusive: true }, () => {
      try {
        widen(socket);
        socket.setMulticastTTL(255);
        socket.setMulticastInterface(multicastInterface);
        if (isShared) socket.addMembership(groups[family], multicastInterface);
        resolve(true);
      } catch (error) {
        fail(error);
      }
    });
  });
  return {
    send: async (query) => {
      if (await isReady) await sendTo(socket, { query, to: groups[family] }).catch(onFailure);
    },
    sendTo: async (query, to) => {
      if (await isReady) await sendTo(socket, { query, to }).catch(() => undefined);
    },
    close: () => closeQuietly(socket),
  };
}

function sendTo(socket: Socket, { query, to }: { query: Uint8Array; to: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(query, mdnsPort, to, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** All devices answer a question at once; what does not fit is lost. The system gives as much as it likes. */
const bufferBytes = 1 << 20;

function widen(socket: Socket): void {
  try {
    socket.setRecvBufferSize(bufferBytes);
  } catch {
    // As it was, then.
  }
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // Closed already.
  }
}
