/** The sockets of one exchange: a UDP socket towards the device, and a listener on the address that it will see. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** What comes in, whichever socket it comes from. */
export type Input =
  | { readonly type: 'datagram'; readonly bytes: Uint8Array; readonly from: Endpoint }
  /** An ICMP error came back for a datagram: `ECONNREFUSED` is "port unreachable", nothing listens there. */
  | { readonly type: 'undeliverable'; readonly code: string }
  | { readonly type: 'connection'; readonly connection: Connection }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'closed'; readonly code?: string };

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Connection {
  readonly address: string;
  /** From now on `data` and `closed` of this connection are told. */
  accept(): void;
  write(bytes: Uint8Array): void;
  /** Ends it in order: what was written is still delivered. */
  end(): void;
  /**
   * Ends it at once with a reset. After a plain close the kernel delivers all that it has taken, and an aborted image
   * would arrive whole.
   */
  reset(): void;
}

export interface Transport {
  /** This host's address and port as the device is told them. */
  readonly local: Endpoint;
  send(text: string): void;
  /** Resets every connection that was not ended. */
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly device: Endpoint;
  /** Default: the address of the route to the device. */
  readonly hostAddress?: string;
  /** Default: any free port. */
  readonly hostPort?: number;
  readonly tell: (input: Input) => void;
}

export type OpenTransport = (options: TransportOptions) => Promise<Transport>;

/**
 * Opens both sockets and sends nothing. The UDP socket is connected: its own address is then that of the route to the
 * device (not of the first interface), the kernel drops what others send, and reports ICMP errors.
 *
 * Rejects with the system's error: `EADDRINUSE`, `EADDRNOTAVAIL`, `ENETUNREACH`, …
 */
export const openTransport: OpenTransport = async (options) => {
  const { device, tell } = options;
  // Not `isIPv6`: the expression behind it takes Node 20 three milliseconds to compile, and an address it is.
  const udp = createSocket(device.address.includes(':') ? 'udp6' : 'udp4');
  // Each connection until it is ended or reset: one that came while nobody asked any more must not outlive the rest.
  const open = new Set<Connection>();
  let isClosed = false;
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    const connection = wrap(socket, tell, () => open.delete(connection));
    open.add(connection);
    tell({ type: 'connection', connection });
  });
  const close = async (): Promise<void> => {
    isClosed = true;
    listener.close();
    for (const connection of open) connection.reset();
    await new Promise<void>((resolve) => udp.close(resolve));
  };
  try {
    await bind(udp, options);
    const { address } = udp.address();
    listener.listen({ host: address, port: options.hostPort ?? 0, backlog: 16 });
    await once(listener, 'listening');
  } catch (error) {
    await close();
    throw error;
  }
  udp.on('message', (bytes, from) => tell({ type: 'datagram', bytes, from }));
  udp.on('error', (error) => tell({ type: 'undeliverable', code: codeOf(error) }));
  listener.on('error', () => {});
  const { address } = udp.address();
  const bound = listener.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    local: { address, port },
    send(text) {
      if (isClosed) return;
      udp.send(text, (error) => {
        if (error !== null) tell({ type: 'undeliverable', code: codeOf(error) });
      });
    },
    close,
  };
};

async function bind(udp: ReturnType<typeof createSocket>, options: TransportOptions): Promise<void> {
  const { device, hostAddress } = options;
  if (hostAddress !== undefined) {
    udp.bind({ address: hostAddress });
    await once(udp, 'listening');
  }
  udp.connect(device.port, device.address);
  await once(udp, 'connect');
}

function wrap(socket: Socket, tell: (input: Input) => void, over: () => void): Connection {
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

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
