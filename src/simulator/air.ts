/** Datagrams between host and device: late by half a round trip, and some of them lost. */

import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

import { OtaError, messageOf } from '../model/errors.ts';
import type { Link } from './models.ts';
import type { Timeline } from './timeline.ts';

export interface Peer {
  readonly address: string;
  readonly port: number;
}

export interface Datagram {
  readonly text: string;
  readonly from: Peer;
  /** When the device has it. */
  readonly atMs: number;
}

export interface Air {
  readonly address: string;
  readonly port: number;
  /** The device sends `text` at `atMs`. */
  send(text: string, to: Peer, atMs: number): void;
  close(): Promise<void>;
}

export interface AirOptions {
  readonly host: string;
  readonly port: number;
  readonly link: Link;
  readonly timeline: Timeline;
  readonly receive: (datagram: Datagram) => void;
  readonly lost: (direction: 'in' | 'out', text: string) => void;
}

export type OpenAir = (options: AirOptions) => Promise<Air>;

/** @throws OtaError `HOST_PORT_IN_USE` or `USAGE` when the port cannot be had. */
export const openAir: OpenAir = async (options) => {
  const { host, link, timeline, receive, lost } = options;
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  await bind(socket, options);
  const random = createRandom(link.seed);
  const isLost = (): boolean => link.datagramLoss > 0 && random() < link.datagramLoss;
  const halfTripMs = link.roundTripMs / 2;

  socket.on('message', (bytes, { address, port }) => {
    const text = bytes.toString('latin1');
    if (isLost()) return lost('in', text);
    timeline.at(timeline.now() + halfTripMs, (atMs) => receive({ text, from: { address, port }, atMs }));
  });
  // A host that is gone answers with an ICMP error; the device does not care.
  socket.on('error', () => {});

  return {
    ...socket.address(),
    send: (text, to, atMs) => {
      if (isLost()) return lost('out', text);
      timeline.at(atMs + halfTripMs, () => socket.send(text, to.port, to.address, () => {}));
    },
    close: () => new Promise((resolve) => void socket.close(resolve)),
  };
};

function bind(socket: Socket, { host, port }: AirOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(bindError(error, { address: host, port }));
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
}

function bindError(error: unknown, { address, port }: Peer): OtaError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new OtaError('HOST_PORT_IN_USE', `UDP port ${port} of ${address} is taken.`, {
      hint: 'End the other virtual device, or choose another `--port`.',
      details: { address, port },
      cause: error,
    });
  }
  return new OtaError('USAGE', `A virtual device cannot listen at ${address}:${port}: ${messageOf(error)}.`, {
    hint: 'Give an address of this host with `--host`, and a port from 1024 up with `--port`.',
    details: { address, port },
    cause: error,
  });
}

/** The mulberry32 generator: small, and the same sequence for the same seed everywhere. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
