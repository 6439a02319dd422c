/** The host's side of the protocol, by hand: datagrams and a socket, nothing clever. For tests of the virtual device. */

import { createHash, pbkdf2Sync } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface RawClientOptions {
  readonly address: string;
  readonly port: number;
}

/** What one connection from the device said, and how it ended. */
export interface RawConnection {
  readonly socket: Socket;
  readonly from: string;
  /** Everything so far. */
  readonly text: () => string;
  /** Each read by itself, and when it came. */
  readonly reads: { text: string; atMs: number }[];
  /** Waits until all that was said fits. */
  readonly untilText: (pattern: RegExp) => Promise<string>;
  /** Waits until the device has closed its side: `end`, or `reset` when it broke. */
  readonly ended: Promise<'end' | 'reset'>;
}

export class RawClient {
  readonly #udp: UdpSocket;
  readonly #server: Server;
  readonly #tcpPort: number;
  readonly #device: RawClientOptions;
  readonly #connections = new Inbox<RawConnection>('connection');
  readonly #datagrams = new Inbox<string>('datagram');

  static async open(device: RawClientOptions): Promise<RawClient> {
    const host = device.address.includes(':') ? '::1' : '127.0.0.1';
    const server = createServer({ allowHalfOpen: true }).listen(0, host);
    const udp = createSocket(host === '::1' ? 'udp6' : 'udp4').bind(0, host);
    await Promise.all([once(server, 'listening'), once(udp, 'listening')]);
    return new RawClient({ udp, server, device });
  }

  private constructor(parts: { udp: UdpSocket; server: Server; device: RawClientOptions }) {
    this.#udp = parts.udp;
    this.#server = parts.server;
    this.#tcpPort = (parts.server.address() as AddressInfo).port;
    this.#device = parts.device;
    this.#udp.on('message', (bytes) => this.#datagrams.put(bytes.toString('latin1')));
    this.#server.on('connection', (socket) => this.#connections.put(watch(socket)));
  }

  send(text: string, from: UdpSocket = this.#udp): void {
    from.send(text, this.#device.port, this.#device.address);
  }

  invite(
    image: Uint8Array,
    { command = 0, md5 = md5Of(image) }: { command?: number; md5?: string } = {},
  ): void {
    this.send(`${command} ${this.#tcpPort} ${image.length} ${md5}\n`);
  }

  /** The next answer of the device, in the order in which they came. */
  answer(timeoutMs?: number): Promise<string> {
    return this.#datagrams.next(timeoutMs);
  }

  /** Answers that nobody has asked for yet. */
  get unread(): number {
    return this.#datagrams.length;
  }

  connection(timeoutMs?: number): Promise<RawConnection> {
    return this.#connections.next(timeoutMs);
  }

  get waitingConnections(): number {
    return this.#connections.length;
  }

  stopListening(): void {
    this.#server.close();
  }

  /** Invites, proves, connects, and sends the whole image in one write. */
  async flood(
    image: Uint8Array,
    options: { command?: number; md5?: string; prove?: (nonce: string) => string } = {},
  ): Promise<RawConnection> {
    this.invite(image, options);
    let answer = await this.answer();
    if (answer.startsWith('AUTH ') && options.prove) {
      this.send(options.prove(answer.slice(5)));
      answer = await this.answer();
    }
    if (answer !== 'OK') throw new Error(`The device said ${JSON.stringify(answer)}.`);
    const connection = await this.connection();
    connection.socket.write(image);
    return connection;
  }

  close(): void {
    this.#udp.close();
    this.#server.close();
    this.#connections.forEach(({ socket }) => socket.destroy());
  }
}

/** `200 …` for `stored`, the hash that the sketch keeps. */
export function authentication(scheme: 'md5' | 'sha256', stored: string, nonce: string): string {
  const cnonce = (scheme === 'md5' ? 'cd'.repeat(16) : 'cd'.repeat(32)).toLowerCase();
  const salt = `${nonce}:${cnonce}`;
  const key = scheme === 'md5' ? stored : pbkdf2Sync(stored, salt, 10_000, 32, 'sha256').toString('hex');
  return `200 ${cnonce} ${createHash(scheme).update(`${key}:${salt}`).digest('hex')}\n`;
}

export function md5Of(bytes: Uint8Array | string): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** Bytes that look like a sketch for the first glance of an ESP8266 (4 MiB flash) or an ESP32. */
export function sketch(sizeBytes: number, seed = 1): Buffer {
  const image = Buffer.alloc(sizeBytes);
  for (let index = 0; index < sizeBytes; index += 1)
    image[index] = (index * 31 + seed * 17 + (index >> 8)) & 0xff;
  image.set([0xe9, 1, 2, 0x40].slice(0, sizeBytes));
  return image;
}

function watch(socket: Socket): RawConnection {
  const reads: { text: string; atMs: number }[] = [];
  const text = (): string => reads.map((read) => read.text).join('');
  let look = (): void => {};
  const ended = new Promise<'end' | 'reset'>((resolve) => {
    socket.once('end', () => resolve('end'));
    socket.once('error', () => resolve('reset'));
    socket.once('close', () => resolve('reset'));
  });
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    reads.push({ text: bytes.toString('latin1'), atMs: performance.now() });
    look();
  });
  const untilText = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      look = () => {
        if (pattern.test(text())) resolve(text());
      };
      void ended.then(() => reject(new Error(`The connection ended after ${JSON.stringify(text())}.`)));
      look();
    });
  return { socket, from: socket.remoteAddress ?? '', text, reads, untilText, ended };
}

class Inbox<T> {
  readonly #name: string;
  readonly #items: T[] = [];
  readonly #all: T[] = [];
  #wake: () => void = () => {};

  constructor(name: string) {
    this.#name = name;
  }

  get length(): number {
    return this.#items.length;
  }

  put(item: T): void {
    this.#items.push(item);
    this.#all.push(item);
    this.#wake();
  }

  forEach(visit: (item: T) => void): void {
    this.#all.forEach((item) => visit(item));
  }

  async next(timeoutMs = 20_000): Promise<T> {
    const giveUp = AbortSignal.timeout(timeoutMs);
    while (this.#items.length === 0) {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        giveUp.addEventListener('abort', () => reject(new Error(`No ${this.#name} in ${timeoutMs} ms.`)));
      });
    }
    return this.#items.shift() as T;
  }
}
