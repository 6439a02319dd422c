/** TCP connections from the device to a host. */

import { connect, isIP, type Socket } from 'node:net';

/** Patience of the cores' TCP client while it connects. */
const connectTimeoutMs = 5000;

interface Call {
  readonly host: string;
  readonly port: number;
  /** Own address; a wildcard leaves it to the system. */
  readonly from: string;
}

export interface Caller {
  /** A connection that is up; undefined: the host did not take it. */
  call(call: Call): Promise<Socket | undefined>;
  /** Breaks every connection. */
  close(): void;
}

export function createCaller(): Caller {
  const sockets = new Set<Socket>();
  return {
    call: ({ host, port, from }) => {
      const anywhere = from === '0.0.0.0' || from === '::';
      // `connect` throws for these.
      if (!isIP(from)) return Promise.resolve(undefined);
      const socket = connect({ host, port, allowHalfOpen: true, ...(!anywhere && { localAddress: from }) });
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return new Promise((resolve) => {
        const timer = setTimeout(() => socket.destroy(), connectTimeoutMs);
        const over = (): void => {
          clearTimeout(timer);
          resolve(undefined);
        };
        const ignore = (): void => {};
        socket.once('close', over);
        socket.on('error', ignore);
        socket.once('connect', () => {
          clearTimeout(timer);
          socket.off('close', over);
          socket.off('error', ignore);
          resolve(socket);
        });
      });
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
