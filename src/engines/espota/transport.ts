/** The sockets of one exchange: UDP sockets towards the device, and a listener on the address that it will see. */

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import {
  codeOf,
  openUdpSockets,
  type SocketEndpoint,
  type UdpInput,
  type UdpOptions,
} from './udp-sockets.ts';

/** What comes in, whichever socket it comes from. */
export type ExchangeInput =
  | UdpInput
  | { readonly type: 'connection'; readonly connection: Connection }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'closed'; readonly code?: string };

export interface Connection {
  readonly address: string;
  /** From now on `data` and `closed` of this connection are told. */
  accept(): void;
  write(bytes: Uint8Array): void;
  /** What was written and the kernel has not taken yet: no other computer can have it. */
  waitingBytes(): number;
  /** Ends it in order: what was written is still delivered. */
  end(): void;
  /**
   * Ends it at once with a reset. After a plain close the kernel delivers all that it has taken, and an aborted image
   * would arrive whole.
   */
  reset(): void;
}

export interface Transport {
  /** This host's address and port as the invitation names them. */
  readonly local: SocketEndpoint;
  /** From the UDP socket of this invitation, counted from 1: each has its own. */
  send(text: string, invitation: number): void;
  /** Resets every connection that was not ended. */
  close(): Promise<void>;
}

export interface TransportOptions extends UdpOptions {
  /** Default: any free port. */
  readonly hostPort?: number;
  readonly tell: (input: ExchangeInput) => void;
}

export type OpenTransport = (options: TransportOptions) => Promise<Transport>;

/**
 * Opens a UDP socket and the listener, and sends nothing. However many UDP sockets there will be: the port in the
 * invitation is the listener's.
 *
 * Rejects with the system's error: `EADDRINUSE`, `EADDRNOTAVAIL`, `ENETUNREACH`, …
 */
export const openTransport: OpenTransport = async (options) => {
  const { tell } = options;
  const udp = await openUdpSockets(options);
  // Each connection until it is ended or reset: one that came while nobody asked any more must not outlive the rest.
  const open = new Set<Connection>();
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    const connection = wrap(socket, tell, () => open.delete(connection));
    open.add(connection);
    tell({ type: 'connection', connection });
  });
  const close = async (): Promise<void> => {
    listener.close();
    for (const connection of open) connection.reset();
    await udp.close();
  };
  try {
    listener.listen({ host: udp.address, port: options.hostPort ?? 0, backlog: 16 });
    await once(listener, 'listening');
  } catch (error) {
    await close();
    throw error;
  }
  listener.on('error', () => {});
  const bound = listener.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    local: { address: udp.address, port },
    send: udp.send,
    close,
  };
};

function wrap(socket: Socket, tell: (input: ExchangeInput) => void, over: () => void): Connection {
  // A connection that is dropped before it was accepted may still report an error.
  socket.on('error', () => {});
  return {
    address: socket.remoteAddress ?? '',
    accept() {
      let code: string | undefined;
      socket.setNoDelay(true);
      socket.on('data', (bytes) => tell({ type: 'data', bytes }));
      socket.on('error', (error) => (code = codeOf(error)));
      // `end` comes before `close`: the device has said all it will. Answering with an end of our own is left to
      // whoever decides that this was the verdict.
      socket.on('end', () => tell({ type: 'closed' }));
      socket.on('close', () => tell({ type: 'closed', ...(code === undefined ? {} : { code }) }));
      socket.resume();
    },
    write: (bytes) => void socket.write(bytes),
    waitingBytes: () => socket.writableLength,
    end() {
      over();
      socket.destroySoon();
    },
    reset() {
      over();
      socket.resetAndDestroy();
    },
  };
}
