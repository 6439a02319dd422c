/** Keys, names and lines of a configuration as messages may quote them: never with a password in it. */

import { isIP } from 'node:net';
import { mayNameSecret, namesPassword, onlyKnownWords, redacted } from '../model/redaction.ts';
import { nearest } from './nearest.ts';
import { knownKeys } from './schema.ts';

/** What the schema has below its objects, and JSON's own words. */
const harmless: ReadonlySet<string> = new Set([
  ...knownKeys,
  'env',
  'file',
  'passwd',
  'name',
  '0',
  '$import',
  'true',
  'false',
  'null',
]);

/**
 * A key that the schema does not know, where it may be quoted: a password that stands between two commas is a key as well. So
 * it resembles a known one, or is cut behind the word that may name a secret.
 */
export function shownKey(key: string): string {
  if (harmless.has(key)) return key;
  const isWord = /^[\p{L}\p{N}_$-]+$/u.test(key);
  if (isWord && nearest(key, harmless) !== undefined) return redacted(key);
  const cut = redacted(key);
  return namesPassword(cut) && startsWithSecretWord(cut) ? cut : '…';
}

/**
 * Whether an unknown key is one that somebody meant as a key: a single word of letters with a value. A password that has come
 * to stand there has none, or has digits, or its colon in it; beside a password in plain text it may still be the rest of it.
 */
export function isOrdinaryKey(key: string, object: unknown): boolean {
  if (typeof object !== 'object' || object === null || !/^[A-Za-z][A-Za-z_-]{0,39}$/.test(key)) return false;
  const isValue = (value: unknown): boolean => value !== null && value !== undefined && value !== '';
  const entries: [string, unknown][] = Object.entries(object);
  return entries.every(([each, value]) =>
    each === key ? isValue(value) && !mayNameSecret(key) : typeof value !== 'string' || !mayNameSecret(each),
  );
}

const startsWithSecretWord = (text: string): boolean => /^[\p{L}\p{N}_$-]+…?$/u.test(text);

/** A name that the user has chosen, of a device or a group. */
export const shownName = (name: string): string =>
  namesPassword(name) ? redacted(name) : name.slice(0, 200);

/** `devices.livingroom.port`; a key that is no plain word stands in brackets and quotes. */
export function shownKeyPath(path: readonly PropertyKey[], isLastOrdinary = false): string {
  const isNamed = path[0] === 'devices' || path[0] === 'groups';
  return path
    .map((segment, index) => {
      if (typeof segment === 'number') return `[${segment}]`;
      const key = String(segment);
      const isShown = isLastOrdinary && index === path.length - 1;
      const text = isShown ? key : index === 1 && isNamed ? shownName(key) : shownKey(key);
      if (!/^[\p{L}\p{N}_$-]+$/u.test(text)) return `[${JSON.stringify(text)}]`;
      return index === 0 ? text : `.${text}`;
    })
    .join('');
}

/**
 * Whether it is a password that has come to stand where names stand, as `password: x` under `devices:` does where the
 * indentation slips.
 */
export function isMisplacedPassword(name: string, value: unknown): boolean {
  if (/^(?:password|passwd|passwordHash)$/i.test(name)) return true;
  const isBareWord =
    value === null || (typeof value === 'string' && isIP(value) === 0 && !value.includes('.'));
  if (namesPassword(name)) return isBareWord || /[:=]/.test(name);
  // `token: x`, but not `token-ring: 192.0.2.7`.
  return isBareWord && mayNameSecret(name) && redacted(name) === name;
}

/**
 * The line of a mistake, numbered, with a mark under the column. Its words only as far as the schema knows them: what the
 * others are, a mistake leaves open. Where no word of the file may name a secret, also those that resemble one.
 */
export function shownLine(source: string, at: { line: number; column: number }): string | undefined {
  const line = source.split(/\r?\n/, at.line)[at.line - 1]?.replaceAll('\t', ' ');
  if (line === undefined || line.trim() === '' || line.length > 200) return undefined;
  const hasSecret = mayNameSecret(source);
  const isShown = (word: string): boolean =>
    harmless.has(word) || (!hasSecret && nearest(word, harmless) !== undefined);
  const quoted = (text: string): string => onlyKnownWords(text, isShown);
  const prefix = `  ${at.line} | `;
  const before = quoted(line.slice(0, at.column - 1));
  return `${prefix}${quoted(line)}\n${' '.repeat(prefix.length + before.length)}^`;
}

export const isHarmlessWord = (word: string): boolean => harmless.has(word);
