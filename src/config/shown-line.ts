/** The line of a mistake as it may be printed: never with a password in it. */

import { knownKeys } from './schema.ts';

/** A key that may hold a password, mistyped or not: password, passwd, pasword, pw, secret, … */
const secretKey = /["']?[\w.-]*(?:p\w*s\w*w|pw|secret|auth|hash|token)[\w.-]*["']?\s*[:=]/i;

/**
 * The line, numbered, with a mark under the column.
 *
 * What follows a key that may hold a password is left out. Below such a key a line may be the rest of the password, so
 * it is shown only where it begins with a key that the schema knows.
 */
export function shownLine(source: string, at: { line: number; column: number }): string | undefined {
  const lines = source.split(/\r?\n/);
  const line = lines[at.line - 1]?.replaceAll('\t', ' ');
  if (line === undefined || line.trim() === '' || line.length > 200) return undefined;
  const isBelowSecret = lines.slice(0, at.line - 1).some((each) => secretKey.test(each));
  if (isBelowSecret && !knownKeys.has(firstKeyOf(line))) return undefined;
  const prefix = `  ${at.line} | `;
  const match = secretKey.exec(line);
  if (match) return `${prefix}${line.slice(0, match.index + match[0].length)} …`;
  return `${prefix}${line}\n${' '.repeat(prefix.length + at.column - 1)}^`;
}

const firstKeyOf = (line: string): string => /^[\s{,]*["']?(\w+)["']?\s*:/.exec(line)?.[1] ?? '';

/** `message` without the words that stand behind keys that may hold a password in `source`. */
export function withoutSecrets(message: string, source: string): string {
  const values = source.matchAll(
    new RegExp(`${secretKey.source}\\s*("[^"]*"|'[^']*'|\`[^\`]*\`|[^\\s,}]+)`, 'gi'),
  );
  const words = [...values].flatMap(([, value = '']) => value.match(/[\p{L}\p{N}_$]{3,}/gu) ?? []);
  return words.reduce((clean, word) => clean.replaceAll(word, '…'), message);
}
