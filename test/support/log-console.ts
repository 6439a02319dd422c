/** What a device prints, at both ends: its telnet port, and who reads it. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What was printed, and when the next of it is there. */
export class Printed {
  readonly lines: string[] = [];
  #waiting: (() => void)[] = [];

  readonly add = (line: string): void => {
    this.lines.push(line);
    for (const wake of this.#waiting.splice(0)) wake();
  };

  async until(wanted: string): Promise<void> {
    while (!this.lines.includes(wanted)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** A device's telnet port, which greets whoever connects with its boot's number. */
export class Console {
  port = 0;
  boots = 0;
  #server: Server | undefined;
  #sockets = new Set<Socket>();

  async boot(): Promise<void> {
    this.boots++;
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).write(`boot ${this.boots}\r\n`);
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  say(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  /** With goodbye, or as a device that loses its power: its connections stay as they are. */
  halt({ isSilent = false } = {}): void {
    this.#server?.close();
    if (!isSilent) for (const socket of this.#sockets) socket.destroy();
    if (isSilent) return;
    this.#sockets.clear();
  }
}

export async function bootedConsole(): Promise<Console> {
  const device = new Console();
  await device.boot();
  onTestFinished(() => device.halt());
  return device;
}
