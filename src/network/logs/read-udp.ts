/** What a device sends to a UDP port of this host: syslog, one datagram a line. */

import { createSocket, type Socket as UdpSocket, type SocketOptions } from 'node:dgram';
import { once } from 'node:events';
import { isSameAddress } from '../../model/address.ts';
import { messageOf, OtaError } from '../../model/errors.ts';
import { LogLines, withoutPriority } from './lines.ts';

export interface ReadUdp {
  /** Of the device, now. */
  readonly address: string;
  readonly signal: AbortSignal;
  /** A line, fit for a terminal. */
  readonly print: (line: string) => void;
  readonly onConnected: () => void;
}

interface Hub {
  /** Bound. */
  readonly opening: Promise<UdpSocket>;
  /** Its reason: the error that the socket has ended with. */
  readonly failed: AbortSignal;
  users: number;
}

/** One socket a port, for all devices: the system gives a datagram to one of several. */
const hubs = new Map<number, Hub>();

function hubAt(port: number): Hub {
  const known = hubs.get(port);
  if (known !== undefined) return known;
  const failing = new AbortController();
  const opening = openUdp(port).then((socket) => {
    socket.setMaxListeners(0);
    // It may fail at any time, as where the network of this host changes. Whoever reads from it then opens another one.
    return socket.on('error', (error) => {
      if (hubs.get(port) === hub) hubs.delete(port);
      closeUdp(socket);
      failing.abort(error);
    });
  });
  const hub: Hub = { opening, failed: failing.signal, users: 0 };
  hubs.set(port, hub);
  return hub;
}

/** Resolves to why it ended; rejects with what cannot get better by itself. */
export async function readUdp(
  port: number,
  { address, signal, print, onConnected }: ReadUdp,
): Promise<string> {
  const hub = hubAt(port);
  hub.users++;
  const listen = (datagram: Buffer, from: { readonly address: string }): void => {
    if (!isSameAddress(from.address, address)) return;
    const lines = new LogLines(print);
    lines.addText(withoutPriority(datagram.toString('utf8')));
    lines.end();
  };
  let socket: UdpSocket | undefined;
  try {
    socket = await hub.opening;
    socket.on('message', listen);
    onConnected();
    const either = AbortSignal.any([signal, hub.failed]);
    if (!either.aborted) await once(either, 'abort');
    return hub.failed.aborted ? messageOf(hub.failed.reason) : 'ended';
  } catch (error) {
    return noUdp(port, error);
  } finally {
    socket?.removeListener('message', listen);
    if (--hub.users === 0 && hubs.get(port) === hub) {
      hubs.delete(port);
      if (socket !== undefined) closeUdp(socket);
    }
  }
}

/** Throws what cannot get better by itself; else says why, and it is tried again. */
function noUdp(port: number, error: unknown): string {
  const [message, code] = [
    `UDP port ${port} for the logs cannot be opened: ${messageOf(error)}`,
    codeOf(error),
  ];
  if (code === 'EADDRINUSE')
    throw new OtaError('HOST_PORT_IN_USE', `${message}.`, {
      hint: 'End the other program that listens there, or choose another port in `logs:` and in the sketch.',
      cause: error,
    });
  if (code === 'EACCES' || code === 'EPERM')
    throw new OtaError('CONFIG_INVALID', `${message}.`, {
      hint: 'A port below 1024 needs rights that otarc does not have: choose another one in `logs:` and in the sketch.',
      cause: error,
    });
  return message;
}

/** For both families; a host without IPv6 (`ipv6.disable=1`) has IPv4 alone. */
async function openUdp(port: number): Promise<UdpSocket> {
  try {
    return await boundUdp(port, { type: 'udp6', ipv6Only: false });
  } catch (error) {
    if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(codeOf(error) ?? '')) throw error;
    return boundUdp(port, { type: 'udp4' });
  }
}

async function boundUdp(port: number, options: SocketOptions): Promise<UdpSocket> {
  const socket = createSocket(options);
  try {
    await once(socket.bind(port), 'listening');
    return socket;
  } catch (error) {
    closeUdp(socket);
    throw error;
  }
}

function closeUdp(socket: UdpSocket): void {
  try {
    socket.close();
  } catch {
    // It is closed already.
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
