/** A TCP port of a sketch: it listens while the sketch runs, and its connections end with it. */

import { once } from 'node:events';
import type { Server, Socket } from 'node:net';

import { OtaError, messageOf } from '../model/errors.ts';

export class SketchServer {
  port: number;
  readonly #create: () => Server;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  /** `create` makes a server for each boot. `port` 0: any free one, and the same after each boot. */
  constructor(port: number, create: () => Server) {
    this.port = port;
    this.#create = create;
  }

  /** @throws OtaError `HOST_PORT_IN_USE` or `USAGE` when it cannot listen there. */
  async up(address: string): Promise<void> {
    const server = this.#create();
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#sockets.delete(socket));
    });
    try {
      await once(server.listen({ host: address, port: this.port, exclusive: true }), 'listening');
    } catch (error) {
      this.#server = undefined;
      throw cannotListen(error, address, this.port);
    }
    const bound = server.address();
    if (typeof bound === 'object' && bound !== null) this.port = bound.port;
  }

  /** The sketch is down. `hang`: its connections stay as they are until somebody sends something. */
  down({ hang }: { readonly hang: boolean }): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) {
      if (!hang) socket.resetAndDestroy();
      // The new boot knows of no such connection.
      else socket.once('data', () => socket.resetAndDestroy()).resume();
    }
  }
}

function cannotListen(error: unknown, address: string, port: number): OtaError {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  return isTaken
    ? new OtaError('HOST_PORT_IN_USE', `TCP port ${port} of ${address} is taken.`, {
        hint: 'End the other virtual device, or choose another port (0: any free one).',
        details: { address, port },
        cause: error,
      })
    : new OtaError(
        'USAGE',
        `A virtual device cannot listen at TCP port ${port} of ${address}: ${messageOf(error)}.`,
        { hint: 'Choose a port from 1024 up (0: any free one).', details: { address, port }, cause: error },
      );
}
