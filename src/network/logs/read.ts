/** One connection to what a device prints: it resolves at its end, and who calls it decides whether to connect again. */

import { once } from 'node:events';
import { request as askHttp, type IncomingMessage } from 'node:http';
import { request as askHttps } from 'node:https';
import { connect, isIPv6 } from 'node:net';
import { createParser } from 'eventsource-parser';
import { runProcess } from '../../builders/process.ts';
import { childEnvironment } from '../../model/child-environment.ts';
import { isSameAddress, withoutZone } from '../../model/address.ts';
import { messageOf, OtaError } from '../../model/errors.ts';
import type { LogSource } from '../../model/log-source.ts';
import { filled } from '../../model/placeholders.ts';
import { LogLines, TelnetFilter } from './lines.ts';
import { readUdp } from './read-udp.ts';

export type ReadableSource = Exclude<LogSource, { type: 'serial' }>;

export interface ReadOnce {
  readonly name: string;
  /** Of the device, now. */
  readonly address: string;
  /** Ends the connection. */
  readonly signal: AbortSignal;
  /** A line, fit for a terminal. */
  readonly print: (line: string) => void;
  readonly onConnected: () => void;
  /** How long a connection may take. Default: 1 s; a device that is away lets it wait for ever. */
  readonly connectMs?: number;
  readonly env: NodeJS.ProcessEnv;
  readonly secretVariables: readonly string[];
}

const usualConnectMs = 1_000;

/** Resolves to why it ended (`ECONNREFUSED`); rejects with what cannot get better by itself. */
export async function readLogs(source: ReadableSource, options: ReadOnce): Promise<string> {
  const lines = new LogLines(options.print);
  try {
    switch (source.type) {
      case 'tcp':
        return await readTcp(urlOf(source.address, options), lines, options);
      case 'http':
        return await readEvents(urlOf(source.url, options), lines, options);
      case 'udp':
        return await readUdp(source.port, options);
      case 'command':
        return await readCommand(source, lines, options);
    }
  } finally {
    lines.end();
  }
}

/**
 * Whether something takes connections there. Undefined: there is no port to try. A device that is away answers nothing, one
 * that is up takes them within the delay of its Wi-Fi.
 */
export async function takesConnections(
  source: ReadableSource,
  options: Pick<ReadOnce, 'address' | 'name' | 'signal'> & { readonly connectMs: number },
): Promise<boolean | undefined> {
  if (source.type !== 'tcp' && source.type !== 'http') return undefined;
  const url = urlOf(source.type === 'tcp' ? source.address : source.url, options);
  const socket = connect({ host: hostIn(url, options.address), port: portOf(url) });
  try {
    await once(socket, 'connect', {
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.connectMs)]),
    });
    return true;
  } catch {
    return false;
  } finally {
    // Without a reset, for the sake of who serves one connection at a time and waits for its end.
    socket.on('error', () => {}).end();
    socket.destroySoon();
  }
}

const portOf = ({ port, protocol }: URL): number => Number(port || (protocol === 'https:' ? 443 : 80));

function urlOf(template: string, { address, name }: Pick<ReadOnce, 'address' | 'name'>): URL {
  const host = isIPv6(address) ? `[${withoutZone(address)}]` : address;
  return new URL(
    filled(template, (each) =>
      each === 'address' ? host : each === 'name' ? encodeURIComponent(name) : undefined,
    ),
  );
}

/** Where the URL names the device itself: with the zone that no URL can have. */
function hostIn(url: URL, address: string): string {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isSameAddress(host, address) ? address : host;
}

async function readTcp(url: URL, lines: LogLines, options: ReadOnce): Promise<string> {
  const { signal, address, onConnected, connectMs = usualConnectMs } = options;
  const socket = connect({ host: hostIn(url, address), port: portOf(url) });
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  const late = setTimeout(stop, connectMs);
  const telnet = new TelnetFilter();
  let why = 'the connection ended';
  socket.on('connect', () => {
    clearTimeout(late);
    // A device that restarts says no goodbye; once it is back, it resets what it does not know.
    socket.setKeepAlive(true, 1_000);
    onConnected();
  });
  socket.on('data', (chunk) => lines.add(telnet.filter(chunk)));
  socket.on('error', (error) => (why = messageOf(error)));
  try {
    if (signal.aborted) stop();
    await once(socket, 'close').catch(() => {});
    return why;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

/** ESPHome's web server sends its log as events `log`, and states and pings between them. */
async function readEvents(url: URL, lines: LogLines, options: ReadOnce): Promise<string> {
  const { signal, address, onConnected, connectMs = usualConnectMs } = options;
  const over = new AbortController();
  const late = setTimeout(() => over.abort(), connectMs);
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = (url.protocol === 'https:' ? askHttps : askHttp)({
        host: hostIn(url, address),
        port: portOf(url),
        path: url.pathname + url.search,
        headers: { host: url.host, accept: 'text/event-stream' },
        agent: false,
        signal: AbortSignal.any([signal, over.signal]),
      });
      asked.on('socket', (socket) => {
        socket.once('connect', () => {
          clearTimeout(late);
          socket.setKeepAlive(true, 1_000);
        });
      });
      asked.on('response', resolve).on('error', reject).end();
    });
    if (answer.statusCode !== 200) {
      answer.destroy();
      return `it answers with status ${answer.statusCode}`;
    }
    onConnected();
    const parser = createParser({
      onEvent({ event, data }) {
        if (event !== undefined && event !== 'log' && event !== 'message') return;
        lines.addText(`${data}\n`);
      },
    });
    const decoder = new TextDecoder();
    let unfinished = 0;
    for await (const chunk of answer) {
      const text = decoder.decode(chunk as Uint8Array, { stream: true });
      unfinished = /[\r\n]/.test(text) ? 0 : unfinished + text.length;
      // An event without end would be kept whole.
      if (unfinished > longestEvent) return 'it sends an event without end';
      parser.feed(text);
    }
    return 'the connection ended';
  } catch (error) {
    return messageOf(error);
  } finally {
    clearTimeout(late);
  }
}

const longestEvent = 64 * 1024;

async function readCommand(
  { command, cwd }: Extract<LogSource, { type: 'command' }>,
  lines: LogLines,
  { name, address, env, secretVariables, signal, onConnected, print }: ReadOnce,
): Promise<string> {
  const [file = '', ...args] = command.map((word) =>
    filled(word, (each) => (each === 'address' ? address : each === 'name' ? name : undefined)),
  );
  const errors = new LogLines(print);
  const end = await runProcess(
    { file, args, cwd },
    {
      env: {
        ...childEnvironment(env, { secretVariables, texts: command }),
        OTARC_DEVICE: name,
        OTARC_ADDRESS: address,
      },
      signal,
      read(stdout, stderr) {
        onConnected();
        stdout.on('data', (chunk: Uint8Array) => lines.add(chunk));
        stderr.on('data', (chunk: Uint8Array) => errors.add(chunk));
      },
    },
  ).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return undefined;
  });
  errors.end();
  if (end === undefined) return 'ended';
  if (end.type === 'ended') return `\`${file}\` ended with exit status ${end.exitCode}`;
  throw new OtaError('CONFIG_INVALID', `The command of \`logs:\` cannot be run: ${messageOf(end.cause)}`, {
    hint: `Correct \`devices.${name}.logs\`.`,
    cause: end.cause,
  });
}
