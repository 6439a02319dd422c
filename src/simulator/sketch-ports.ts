/** All that a sketch serves or sends beside its updates: web pages and its log. It begins and ends with each boot. */

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Socket } from 'node:net';

import { messageOf } from '../model/errors.ts';
import type { Platform } from '../model/types.ts';
import type { VirtualDeviceEventBody } from './events.ts';
import type { BootedSketch } from './running.ts';
import { createSketchLog, type SketchLog } from './sketch-log.ts';
import { SketchServer } from './sketch-server.ts';
import type { Timeline } from './timeline.ts';
import { createWeb, type EventStreams, type WebOptions } from './web.ts';

export interface LogOptions {
  /** TCP port that prints the log to whoever connects, as telnet. Default: none; 0: any free one. */
  readonly tcpPort?: number | undefined;
  /** Sends each line there as a syslog message (RFC 5424) over UDP, from its own address. */
  readonly syslog?: { readonly host: string; readonly port: number } | undefined;
  /** Between two counters. Default 1000. */
  readonly everyMs?: number | undefined;
  /** So many of the last lines since the boot go to each new connection first. Default 10; 0: what was printed is lost. */
  readonly recentLines?: number | undefined;
}

export interface SketchPortsOptions {
  readonly name: string;
  readonly platform: Platform;
  readonly timeline: Timeline;
  readonly web: WebOptions | undefined;
  readonly logs: LogOptions | undefined;
  readonly sketch: () => BootedSketch;
  readonly tell: (event: VirtualDeviceEventBody) => void;
}

/** `user.info` */
const priority = 14;

export class SketchPorts {
  readonly #options: SketchPortsOptions;
  readonly #log: SketchLog;
  readonly #streams: EventStreams;
  readonly #web: SketchServer | undefined;
  readonly #telnet: SketchServer | undefined;
  readonly #listeners = new Set<Socket>();
  #syslog: UdpSocket | undefined;
  #bootedMs = 0;

  constructor(options: SketchPortsOptions) {
    const { name, platform, timeline, web, logs = {}, sketch } = options;
    const { everyMs = 1000, recentLines = 10 } = logs;
    this.#options = options;
    this.#log = createSketchLog({
      name,
      timeline,
      everyMs,
      recentLines,
      print: (line) => this.#print(line),
    });
    this.#streams = createWeb({
      name,
      core: platform.toUpperCase(),
      sketch,
      upTimeMs: () => timeline.now() - this.#bootedMs,
      sysinfo: web?.sysinfo,
      recent: () => this.#log.recent,
    });
    if (web) this.#web = new SketchServer(web.port ?? 80, () => this.#streams.create());
    if (logs.tcpPort !== undefined)
      this.#telnet = new SketchServer(logs.tcpPort, () => createServer((socket) => this.#listen(socket)));
  }

  /** Undefined: it has none. */
  get webPort(): number | undefined {
    return this.#web?.port;
  }

  get logPort(): number | undefined {
    return this.#telnet?.port;
  }

  /** @throws OtaError `HOST_PORT_IN_USE` or `USAGE` when it cannot listen there. */
  async open(address: string): Promise<void> {
    const { logs, tell } = this.#options;
    await this.#web?.up(address);
    await this.#telnet?.up(address);
    if (logs?.syslog) {
      this.#syslog = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
      this.#syslog.on('error', () => {});
      this.#syslog.bind({ address, exclusive: true });
    }
    if (this.#web) tell({ type: 'serves', what: 'web', address, port: this.#web.port });
    if (this.#telnet) tell({ type: 'serves', what: 'log', address, port: this.#telnet.port });
  }

  /** As `open`, after a boot: where that is impossible the device goes on without. */
  async reopen(address: string): Promise<void> {
    try {
      await this.open(address);
    } catch (error) {
      this.#options.tell({ type: 'serve-failed', reason: messageOf(error) });
    }
  }

  boot(sketch: BootedSketch, atMs: number): void {
    this.#bootedMs = atMs;
    this.#log.boot(sketch, atMs);
  }

  crash(reason: string): void {
    this.#log.print(`crash: ${reason}`);
  }

  /** The sketch is down. `hang`: connections stay without a word. */
  down(options: { readonly hang: boolean }): void {
    this.#log.stop();
    this.#listeners.clear();
    this.#streams.clear();
    this.#web?.down(options);
    this.#telnet?.down(options);
    this.#syslog?.close();
    this.#syslog = undefined;
  }

  #listen(socket: Socket): void {
    for (const line of this.#log.recent) socket.write(`${line}\r\n`);
    // Telnet's negotiation, and whatever a person types.
    socket.resume();
    this.#listeners.add(socket);
    socket.once('close', () => this.#listeners.delete(socket));
  }

  #print(line: string): void {
    const { name, logs } = this.#options;
    for (const socket of this.#listeners) socket.write(`${line}\r\n`);
    this.#streams.print(line);
    if (!logs?.syslog) return;
    const { host, port } = logs.syslog;
    this.#syslog?.send(`<${priority}>1 - ${name} sketch - - - ${line}`, port, host, () => {});
  }
}
