/**
 * The UDP side of an exchange: a socket of its own for each invitation, all of them kept open, so that every answer names
 * the invitation it belongs to. An ESP32 answers the port of the packet, an ESP8266 or RP2040 the port of the invitation.
 */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface SocketEndpoint {
  readonly address: string;
  readonly port: number;
}

export type UdpInput =
  /** `invitation`: the one whose socket it came to. */
  | {
      readonly type: 'datagram';
      readonly bytes: Uint8Array;
      readonly from: SocketEndpoint;
      readonly invitation: number;
    }
  /** An ICMP error came back for a datagram: `ECONNREFUSED` is "port unreachable", nothing listens there. */
  | { readonly type: 'undeliverable'; readonly code: string };

/**
 * An ESP32 holds six datagrams, which is three invitations. What is older than that gets no answer, and a push that
 * waits for a device to appear must not use up this host's sockets.
 */
const mostSockets = 8;

export interface UdpOptions {
  readonly device: SocketEndpoint;
  /** Default: the address of the route to the device. */
  readonly hostAddress?: string | undefined;
  /** Default: one of the system's. */
  readonly newSocket?: ((device: SocketEndpoint) => Socket) | undefined;
}

export interface UdpSockets {
  /** This host's, on the route to the device. */
  readonly address: string;
  /**
   * From the socket of this invitation, which is opened where it is the first datagram from there. Never throws: what
   * cannot be sent is reported as `undeliverable`, each error once.
   */
  send(text: string, invitation: number): void;
  close(): Promise<void>;
}

/**
 * Opens the first socket and sends nothing. The sockets are connected: their own address is then that of the route to the
 * device (not of the first interface), the kernel drops what others send, and reports ICMP errors.
 *
 * Rejects with the system's error: `EADDRNOTAVAIL`, `ENETUNREACH`, …
 */
export async function openUdpSockets(
  options: UdpOptions & { readonly tell: (input: UdpInput) => void },
): Promise<UdpSockets> {
  const { device, hostAddress, tell, newSocket = systemSocket } = options;
  const first = newSocket(device);
  try {
    await connect(first, device, hostAddress);
  } catch (error) {
    await closed(first);
    throw error;
  }
  const { address } = first.address();
  let unused: Socket | undefined = first;
  const channels = new Map<number, Channel>();
  let closing: Promise<void> | undefined;

  // A connect that fails is both an event of its socket and a rejection.
  const reported = new WeakSet<Error>();
  const failed = (error: Error): void => {
    if (reported.has(error)) return;
    reported.add(error);
    tell({ type: 'undeliverable', code: codeOf(error) });
  };
  const open = (invitation: number): Channel => {
    const socket = unused ?? newSocket(device);
    const channel: Channel = { socket, ready: undefined, isDead: false };
    socket.on('message', (bytes, from) => tell({ type: 'datagram', bytes, from, invitation }));
    socket.on('error', failed);
    if (unused === undefined) {
      // The device connects to the address of the invitation, and the listener is at that of the first one.
      channel.ready = connect(socket, device, address)
        .catch((error: Error) => {
          channel.isDead = true;
          failed(error);
        })
        .finally(() => (channel.ready = undefined));
    }
    unused = undefined;
    channels.set(invitation, channel);
    const [oldest] = channels.keys();
    if (channels.size > mostSockets && oldest !== undefined) {
      channels.get(oldest)?.socket.close();
      channels.delete(oldest);
    }
    return channel;
  };
  const transmit = ({ socket, isDead }: Channel, text: string): void => {
    // A socket that is not connected would throw, as it has nowhere to send to.
    if (isDead) return;
    socket.send(text, (error) => {
      if (error !== null) failed(error);
    });
  };

  const close = async (): Promise<void> => {
    // What was sent goes out, also from a socket that was just opened.
    await Promise.all([...channels.values()].map(({ ready }) => ready));
    const sockets = [...channels.values()].map(({ socket }) => socket);
    await Promise.all([...sockets, ...(unused === undefined ? [] : [unused])].map(closed));
  };

  return {
    address,
    send(text, invitation) {
      if (closing !== undefined) return;
      const channel = channels.get(invitation) ?? open(invitation);
      if (channel.ready === undefined) transmit(channel, text);
      else void channel.ready.then(() => transmit(channel, text)).catch(failed);
    },
    close: () => (closing ??= close()),
  };
}

interface Channel {
  readonly socket: Socket;
  /** While it is being connected. */
  ready: Promise<unknown> | undefined;
  /** Could not be connected: the network was lost, or this host's address with it. */
  isDead: boolean;
}

function systemSocket({ address }: SocketEndpoint): Socket {
  // Not `isIPv6`: the expression behind it takes Node 20 three milliseconds to compile, and an address it is.
  return createSocket(address.includes(':') ? 'udp6' : 'udp4');
}

async function connect(
  socket: Socket,
  device: SocketEndpoint,
  hostAddress: string | undefined,
): Promise<void> {
  if (hostAddress !== undefined) {
    socket.bind({ address: hostAddress });
    await once(socket, 'listening');
  }
  socket.connect(device.port, device.address);
  await once(socket, 'connect');
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.close(resolve));
}

export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
