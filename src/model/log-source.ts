/** Where a device's own output is read: `logs:` of the configuration. Pure. */

import { filled } from './placeholders.ts';
import { portFrom } from './port.ts';

export type LogSource =
  /** Text as it comes, and telnet, whose negotiation is left out. `address`: with `{address}` and `{name}`. */
  | { readonly type: 'tcp'; readonly address: string }
  /** Server-sent events. */
  | { readonly type: 'http'; readonly url: string }
  /** Syslog: what this very device sends to a port of this host. */
  | { readonly type: 'udp'; readonly port: number }
  /** The build tool's own monitor, by cable. */
  | { readonly type: 'serial' }
  | { readonly type: 'command'; readonly command: readonly string[]; readonly cwd: string };

export const logPlaceholders = ['address', 'name'] as const;

export const logSourceWords =
  'must be tcp://{address}:23, http://{address}/events, udp://:5514, serial, or { command: [PROGRAM, …] }';

/** Of its text form; undefined: it has none of them. */
export function parseLogSource(text: string): Exclude<LogSource, { type: 'command' }> | undefined {
  if (text === 'serial') return { type: 'serial' };
  const [, udp] = /^udp:\/\/:(\d+)$/.exec(text) ?? [];
  if (udp !== undefined) {
    const port = portFrom(udp);
    return port === undefined ? undefined : { type: 'udp', port };
  }
  const sample = filled(text, (name) => (name === 'address' ? '192.0.2.1' : 'x'));
  if (!URL.canParse(sample)) return undefined;
  const { protocol, username, password, port, hostname, pathname } = new URL(sample);
  if (username !== '' || password !== '' || hostname === '') return undefined;
  if (protocol === 'http:' || protocol === 'https:') return { type: 'http', url: text };
  const isWhole = port !== '' && /^\/?$/.test(pathname);
  return protocol === 'tcp:' && isWhole ? { type: 'tcp', address: text } : undefined;
}
