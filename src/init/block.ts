/**
 * Lines of ours in somebody else's file, between two marks:
 *
 *     # >>> otarc init 1f2e3d4c (otarc init --remove takes these lines out)
 *     .otarc.env
 *     # <<< otarc init
 *
 * The number is a digest of the lines between; it tells whether somebody has changed them. `new`: the file was made for them.
 */

import { createHash } from 'node:crypto';
import { textLines, withLines, withoutLines, type TextLine } from './lines.ts';

export interface Block {
  readonly start: number;
  readonly end: number;
  /** What stands between the marks. */
  readonly lines: readonly string[];
  /** As they were written. */
  readonly unchanged: boolean;
  /** The file was made for this block. */
  readonly madeFile: boolean;
}

interface BlockOptions {
  /** The mark of a comment. Default: `#`. */
  readonly comment?: '#' | ';';
  readonly madeFile?: boolean;
  /** Where a line starts, or the end (default). */
  readonly at?: number;
}

const begin = /^[#;] >>> otarc init ([0-9a-f]{8})( new)?(?= |$)/;
const end = /^[#;] <<< otarc init/;

/** Puts a block in. */
export function withBlock(text: string, lines: readonly string[], options: BlockOptions = {}): string {
  const { comment = '#', madeFile = false, at = text.length } = options;
  const first = `${comment} >>> otarc init ${digestOf(lines)}${madeFile ? ' new' : ''} (otarc init --remove takes these lines out)`;
  return withLines(text, at, [first, ...lines, `${comment} <<< otarc init`]);
}

/** The blocks of a text. One whose end is missing is none: nobody knows how far it went. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { line: TextLine; digest: string; madeFile: boolean; lines: string[] } | undefined;
  for (const line of textLines(text)) {
    const [whole, digest = '', isNew] = begin.exec(line.text) ?? [];
    if (whole !== undefined) open = { line, digest, madeFile: isNew !== undefined, lines: [] };
    else if (open !== undefined && end.test(line.text)) {
      const { lines, madeFile } = open;
      const unchanged = digestOf(lines) === open.digest;
      blocks.push({ start: open.line.start, end: line.end, lines, unchanged, madeFile });
      open = undefined;
    } else open?.lines.push(line.text);
  }
  return blocks;
}

/**
 * Takes a block out; `kept` lines of it stay.
 *
 * @returns undefined where the whole file was made for it, and nothing else stands in it
 */
export function withoutBlock(text: string, block: Block, kept: readonly string[] = []): string | undefined {
  const rest = withoutLines(text, block);
  if (kept.length === 0) return block.madeFile && rest === '' ? undefined : rest;
  return withLines(rest, Math.min(block.start, rest.length), kept);
}

const userMark = '# used by: ';

/** Lines that tell which projects need a file or block that several share; they come and go. */
export const isUserLine = (line: string): boolean => line.startsWith(userMark);
export const userLine = (folder: string): string => userMark + folder;
export const userOf = (line: string): string => line.slice(userMark.length);

function digestOf(lines: readonly string[]): string {
  const text = lines.filter((line) => !isUserLine(line)).join('\n');
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 8);
}
