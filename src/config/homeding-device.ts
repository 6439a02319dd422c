/** HomeDing's JSON from the device itself: `homeding: http://lamp.local/env.json`. */

import { lookup } from 'node:dns/promises';
import { get, type IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { cancelled, messageOf, OtaError } from '../model/errors.ts';
import { thousands } from '../model/numbers.ts';
import { hostOf, shownUrl } from './homeding-url.ts';

const defaultTimeoutMs = 5_000;
const limitBytes = 256 * 1024;

/** The address of a host, asked for on these interfaces; none: on all. @throws OtaError NAME_NOT_RESOLVED; CANCELLED */
export type FindHost = (
  host: string,
  options: { readonly signal: AbortSignal; readonly interfaces: readonly string[] },
) => Promise<string>;

interface ReadOptions {
  readonly signal: AbortSignal;
  readonly findHost?: FindHost | undefined;
  /** Names or addresses; default: all suitable ones. */
  readonly interfaces?: readonly string[];
  readonly timeoutMs?: number;
}

/**
 * What the device says.
 *
 * @throws OtaError CONFIG_UNREADABLE: not found, no answer within 5 s, another answer than a small text; CANCELLED
 */
export async function readFromDevice(
  url: URL,
  { signal, findHost = bySystem, interfaces = [], timeoutMs = defaultTimeoutMs }: ReadOptions,
): Promise<string> {
  const late = AbortSignal.timeout(timeoutMs);
  const ended = AbortSignal.any([signal, late]);
  try {
    const host = hostOf(url);
    const address =
      isIP(host) === 0 ? await ending(findHost(host, { signal: ended, interfaces }), ended) : host;
    return await bodyOf(await answerOf(url, address, ended));
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    const reason = late.aborted
      ? `no whole answer within ${timeoutMs / 1000} s`
      : messageOf(error).replace(/\.$/, '');
    throw new OtaError('CONFIG_UNREADABLE', `${shownUrl(url)} cannot be read: ${reason}.`, {
      hint: 'Check that the device is on and in this network; or copy its env.json beside .otarc, and name that.',
      cause: error,
    });
  }
}

async function bySystem(host: string): Promise<string> {
  return (await lookup(host)).address;
}

/** The system's resolver takes no signal. */
function ending<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(cancelled(signal)), { once: true });
  });
  return Promise.race([work, aborted]);
}

function answerOf(url: URL, address: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(
      {
        host: address,
        port: url.port || 80,
        path: url.pathname + url.search,
        headers: { host: url.host, accept: 'application/json' },
        // A connection of its own: nothing is kept open to a device that has four.
        agent: false,
        signal,
      },
      resolve,
    ).on('error', reject);
  });
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const { statusCode = 0 } = answer;
  if (statusCode !== 200) {
    answer.destroy();
    throw new Error(
      statusCode === 404 ? 'it has no such file (404)' : `it answers with status ${statusCode}`,
    );
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    const bytes = Buffer.from(chunk as Uint8Array);
    length += bytes.length;
    if (length > limitBytes) throw new Error(`it sends more than ${thousands(limitBytes)} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
