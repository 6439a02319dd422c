/**
 * What `upload_flags` say to espota. Pure.
 *
 * pio hands each entry of the list on as one argument, after SCons (`$$` is a dollar sign) and a shell (quotes) had their
 * turn. So `--auth=two words` in one entry is a password with a space. Entries that hold several flags (`--auth=x --port=1`)
 * fail with pio itself, but what they mean is plain, and they are taken apart. A flag at the end of an entry has its value
 * in the next one, which is espota's next argument.
 */

import { isAddress } from '../../model/address.ts';
import { portFrom } from '../../model/port.ts';
import { Secret } from '../../model/secret.ts';

export interface UploadFlags {
  readonly ip?: string;
  readonly port?: number;
  readonly auth?: Secret;
  readonly hostAddress?: string;
  readonly hostPort?: number;
}

/** espota's flags with a value, by all their names. */
const valued: Readonly<Record<string, string>> = {
  '-i': 'ip',
  '--ip': 'ip',
  '-I': 'host_ip',
  '--host_ip': 'host_ip',
  '-p': 'port',
  '--port': 'port',
  '-P': 'host_port',
  '--host_port': 'host_port',
  '-a': 'auth',
  '--auth': 'auth',
  '-f': 'file',
  '--file': 'file',
  '-t': 'timeout',
  '--timeout': 'timeout',
};
/** Flags without one; and flags that no espota has so far. */
const others = /^(?:-[sdrm]+|--[a-z][\w-]*)$/;

/** Of a flag that is given twice the last counts, as espota has it. */
export function readUploadFlags(entries: readonly Secret[]): UploadFlags {
  const said = new Map(flagsOf(entries.map((entry) => entry.reveal())));
  const text = (name: string): string | undefined => said.get(name) || undefined;
  const [ip, auth, hostAddress] = [text('ip'), text('auth'), text('host_ip')];
  const [port, hostPort] = [portFrom(text('port')), portFrom(text('host_port'))];
  return {
    ...(ip !== undefined && { ip }),
    ...(port !== undefined && { port }),
    ...(auth !== undefined && { auth: new Secret(auth) }),
    // espota's own default, 0.0.0.0, names no address.
    ...(hostAddress !== undefined &&
      isAddress(hostAddress) &&
      !/^[0.:]+$/.test(hostAddress) && { hostAddress }),
    ...(hostPort !== undefined && { hostPort }),
  };
}

/** Pairs of a flag's name and its value. */
function flagsOf(entries: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  /** Whether the last flag has its value already; what follows in the entry then belongs to it, blanks included. */
  let hasValue = true;
  for (const entry of entries) {
    let last = hasValue ? undefined : found.at(-1);
    for (const { text, before } of words(entry)) {
      const flag = flagIn(text);
      if (flag !== undefined) {
        last = [flag.name, flag.value ?? ''];
        found.push(last);
        hasValue = flag.value !== undefined;
      } else if (last !== undefined) {
        last[1] = hasValue ? last[1] + before + text : text;
        hasValue = true;
      }
    }
  }
  return found;
}

function flagIn(word: string): { name: string; value?: string } | undefined {
  const name = valued[word];
  if (name !== undefined) return { name };
  if (others.test(word)) return { name: word, value: '' };
  const [, long = '', longValue] = /^(--\w+)=(.*)$/s.exec(word) ?? [];
  const [, short = '', shortValue] = /^(-[iIpPat])(.+)$/s.exec(word) ?? [];
  const [joined, value] = longValue === undefined ? [valued[short], shortValue] : [valued[long], longValue];
  return joined === undefined || value === undefined ? undefined : { name: joined, value };
}

interface Word {
  readonly text: string;
  /** The blanks in front of it. */
  readonly before: string;
}

/** As a POSIX shell splits them; a quote that nothing closes is a character like any other. */
function words(entry: string): Word[] {
  const piece = /"(?:[^"\\]|\\[^])*"|'[^']*'|\\[^]|[^\s]/gy;
  const found: Word[] = [];
  const text = entry.replaceAll('$$', '$');
  for (let at = 0; at < text.length;) {
    const [before = ''] = /\s*/y.exec(text.slice(at)) ?? [];
    at += before.length;
    let word = '';
    piece.lastIndex = at;
    for (let match = piece.exec(text); match !== null; match = piece.exec(text)) {
      word += unquoted(match[0]);
      at = piece.lastIndex;
    }
    if (word !== '' || at < text.length) found.push({ text: word, before });
  }
  return found;
}

function unquoted(piece: string): string {
  if (piece.length < 2) return piece;
  if (piece.startsWith("'")) return piece.slice(1, -1);
  if (piece.startsWith('"')) return piece.slice(1, -1).replaceAll(/\\(["\\$`])/g, '$1');
  return piece.startsWith('\\') ? piece.slice(1) : piece;
}
