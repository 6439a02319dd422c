/**
 * The web pages of a sketch: `/version`, HomeDing's `/api/sysinfo`, and `/events` with the log, as ESPHome's web server
 * sends it.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { BootedSketch } from './running.ts';

export interface WebOptions {
  /** TCP. Default 80; 0: any free one. */
  readonly port?: number | undefined;
  /** Answers `/api/sysinfo` as HomeDing does. Default: no. */
  readonly sysinfo?: Sysinfo | undefined;
}

export interface Sysinfo {
  /** `__DATE__` of HomeDing's library; another image does not change it. Default `Jan  1 2026`. */
  readonly build?: string | (() => string) | undefined;
}

export interface WebState {
  readonly name: string;
  /** `ESP8266`, `ESP32`, `RP2040`. */
  readonly core: string;
  readonly sketch: () => BootedSketch;
  readonly upTimeMs: () => number;
  readonly sysinfo: Sysinfo | undefined;
  /** Lines that a new listener of `/events` gets first. */
  readonly recent: () => readonly string[];
}

export interface EventStreams {
  create(): Server;
  print(line: string): void;
  /** The sketch that served them is gone. */
  clear(): void;
}

/** The pages, and how a line gets to all who listen to `/events`. */
export function createWeb(state: WebState): EventStreams {
  const streams = new Set<ServerResponse>();
  let id = 0;

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname } = new URL(request.url ?? '/', 'http://device');
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (pathname === '/version') {
      const { md5, run, version } = state.sketch();
      const lines = [...(version === undefined ? [] : [`version=${version}`]), `md5=${md5}`, `run=${run}`];
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`${lines.join('\n')}\n`);
    } else if (pathname === '/api/sysinfo' && state.sysinfo) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(sysinfoText(state, state.sysinfo));
    } else if (pathname === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      response.write(`retry: 30000\nevent: ping\ndata: ${JSON.stringify({ title: state.name })}\n\n`);
      for (const line of state.recent()) response.write(eventOf(line, (id += 1)));
      streams.add(response);
      response.once('close', () => streams.delete(response));
    } else response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
  };

  return {
    create: () => createServer(answer),
    print: (line) => {
      id += 1;
      for (const stream of streams) stream.write(eventOf(line, id));
    },
    clear: () => streams.clear(),
  };
}

/** ESPHome sends each line with the colour that it has on a terminal. */
function eventOf(line: string, id: number): string {
  return `id: ${id}\nevent: log\ndata: \u001B[0;32m[I][sketch:001]: ${line}\u001B[0m\n\n`;
}

/** The keys of HomeDing 0.9.8; `safemode` is a text there. */
function sysinfoText({ name, core, upTimeMs }: WebState, { build = 'Jan  1 2026' }: Sysinfo): string {
  return JSON.stringify({
    devicename: name,
    coreVersion: '3.1.2',
    core,
    build: typeof build === 'function' ? build() : build,
    freeHeap: 28_416,
    flashSize: 4_194_304,
    mac: '5C:CF:7F:00:00:01',
    fsTotalBytes: 2_072_576,
    fsUsedBytes: 81_920,
    safemode: 'false',
    upTime: Math.floor(upTimeMs() / 1000),
    ssid: 'virtual',
  });
}
