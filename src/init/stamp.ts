/**
 * The mark of a file that init has made: a comment with a digest of the rest. Who deletes a file by it deletes nothing that
 * somebody has changed since. Line ends do not count: git changes them.
 *
 *     # otarc init 1a2b3c4d5e6f: made by it; otarc init --remove deletes this file while it is unchanged
 */

import { createHash } from 'node:crypto';
import { isUserLine } from './block.ts';
import { textLines } from './lines.ts';

/** How a comment looks; `json`: the first key of an object, where the format has none. */
export type CommentStyle = '#' | '//' | 'json';

export interface Stamp {
  readonly unchanged: boolean;
  /** How many of the folders that the file lies in were made for it. */
  readonly madeFolders: number;
}

const pattern = /^(?:# |\/\/ | {2}"\/\/otarc": ")otarc init ([0-9a-f]{12})(?:\+(\d+))?: /;

/** The text with the mark in its first line, or behind a first line that has to be first (`#!`, `{`). */
export function withStamp(text: string, style: CommentStyle, madeFolders = 0): string {
  const folders = madeFolders > 0 ? `+${madeFolders}` : '';
  const words = `otarc init ${digestOf(text)}${folders}: made by it; otarc init --remove deletes this file while it is unchanged`;
  const line = style === 'json' ? `  "//otarc": "${words}",\n` : `${style} ${words}\n`;
  const [first] = textLines(text);
  const isHead = first !== undefined && (first.text.startsWith('#!') || style === 'json');
  const at = isHead ? first.end : 0;
  return text.slice(0, at) + line + text.slice(at);
}

/** The mark of a text; undefined: it is somebody else's. */
export function stampOf(text: string): Stamp | undefined {
  for (const { text: line, start, end } of textLines(text).slice(0, 2)) {
    const [whole, digest, folders = '0'] = pattern.exec(line) ?? [];
    if (whole === undefined) continue;
    const rest = text.slice(0, start) + text.slice(end);
    return { unchanged: digestOf(rest) === digest, madeFolders: Number(folders) };
  }
  return undefined;
}

/** The text without its mark, as it was given to `withStamp`. */
export function withoutStamp(text: string): string {
  const line = textLines(text)
    .slice(0, 2)
    .find((each) => pattern.test(each.text));
  return line === undefined ? text : text.slice(0, line.start) + text.slice(line.end);
}

function digestOf(text: string): string {
  const lines = textLines(text).filter((line) => !isUserLine(line.text));
  const counted = lines.map((line) => text.slice(line.start, line.end).replace('\r\n', '\n')).join('');
  return createHash('sha256').update(counted, 'latin1').digest('hex').slice(0, 12);
}
