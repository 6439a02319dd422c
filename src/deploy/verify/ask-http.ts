/** One question to a device over HTTP, bounded in time and size. */

import { request as askHttp, type IncomingMessage } from 'node:http';
import { request as askHttps } from 'node:https';
import { isIP } from 'node:net';
import { messageOf } from '../../model/errors.ts';

export type HttpAnswer =
  | { readonly type: 'answered'; readonly status: number; readonly text: string }
  /** It answers, but with nothing that says anything: it sends on elsewhere, or without end. `why`: a predicate. */
  | { readonly type: 'unusable'; readonly why: string }
  /** Nothing answers: refused, not reachable, broken off, silent. */
  | { readonly type: 'silent'; readonly why: string };

export interface AskOptions {
  readonly signal: AbortSignal;
  /** Default 1 s: a packet to a device that is away is lost, and the system repeats it later than we do. */
  readonly connectMs?: number;
  /** From the connection to the end of the answer. Default 5 s. */
  readonly answerMs?: number;
}

const limitBytes = 64 * 1024;
const mostRedirects = 3;

/**
 * GET. Follows redirects on the same host, and no proxy. The text is that of the device: not fit for a terminal.
 *
 * `address`: of the host of `url`, where it is not to be looked up: an IPv6 address with a zone stands in no URL.
 */
export async function askOverHttp(url: URL, options: AskOptions & { address?: string }): Promise<HttpAnswer> {
  let at = url;
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const found = await askOnce(at, options);
    if (!('location' in found)) return found;
    const next = URL.canParse(found.location, at.href) ? new URL(found.location, at) : undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol) || next.hostname !== url.hostname)
      return { type: 'unusable', why: `sends on to another place (status ${found.status})` };
    at = next;
  }
  return { type: 'unusable', why: 'sends on in a circle' };
}

type Sent = HttpAnswer | { readonly location: string; readonly status: number };

async function askOnce(
  url: URL,
  { signal, connectMs = 1_000, answerMs = 5_000, address }: AskOptions & { address?: string },
): Promise<Sent> {
  const over = new AbortController();
  let late = 'does not take the connection';
  let timer = setTimeout(() => over.abort(), connectMs);
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const isSecure = url.protocol === 'https:';
      const host = url.hostname.replace(/^\[|\]$/g, '');
      const asked = (isSecure ? askHttps : askHttp)({
        host: address ?? host,
        // Of a name: whose certificate it is.
        ...(isSecure && isIP(host) === 0 && { servername: host }),
        port: url.port || (isSecure ? 443 : 80),
        path: url.pathname + url.search,
        headers: { host: url.host, accept: '*/*' },
        // A connection of its own: nothing is kept open to a device that has four, and no proxy is asked.
        agent: false,
        signal: AbortSignal.any([signal, over.signal]),
      });
      asked.on('socket', (socket) =>
        socket.once('connect', () => {
          clearTimeout(timer);
          late = `gives no whole answer within ${answerMs / 1000} s`;
          timer = setTimeout(() => over.abort(), answerMs);
        }),
      );
      asked.on('response', resolve).on('error', reject).end();
    });
    return await read(answer);
  } catch (error) {
    return { type: 'silent', why: over.signal.aborted ? late : messageOf(error).replace(/\.$/, '') };
  } finally {
    clearTimeout(timer);
  }
}

async function read(answer: IncomingMessage): Promise<Sent> {
  const { statusCode: status = 0, headers } = answer;
  if ([301, 302, 303, 307, 308].includes(status) && headers.location !== undefined) {
    answer.destroy();
    return { location: headers.location, status };
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    const bytes = Buffer.from(chunk as Uint8Array);
    length += bytes.length;
    if (length > limitBytes) {
      answer.destroy();
      return { type: 'unusable', why: `sends more than ${limitBytes / 1024} KiB` };
    }
    chunks.push(bytes);
  }
  return { type: 'answered', status, text: Buffer.concat(chunks).toString('utf8') };
}
