/**
 * Texts as lines, so that what is put in can be taken out again to the byte.
 *
 * A text here is a file's bytes, one character each (`latin1`): whatever its encoding is, what is not touched stays as it
 * was. So only ASCII is looked for, and never with `\s` or `trim`, which would cut into letters of UTF-8.
 */

export interface TextLine {
  /** Without its end. */
  readonly text: string;
  readonly start: number;
  /** Behind its end: where the next line starts. */
  readonly end: number;
}

/** The lines of a text, ended as Python and git end them: CRLF, LF, or CR alone. */
export function textLines(text: string): TextLine[] {
  const lines: TextLine[] = [];
  for (const { 0: whole, 1: line = '', index } of text.matchAll(/([^\r\n]*)(?:\r\n|\n|\r|$)/g)) {
    if (whole !== '') lines.push({ text: line, start: index, end: index + whole.length });
  }
  return lines;
}

/** The line end that a text uses; LF where it has none yet. */
export function lineEndOf(text: string): string {
  return /\r\n|\n/.exec(text)?.[0] ?? (text.includes('\r') ? '\r' : '\n');
}

/**
 * Puts lines in where a line starts, or at the end.
 *
 * At the end of a text whose last line is not ended, the new last line is not ended either: by that `withoutLines` knows
 * that the line end before them came with them.
 */
export function withLines(text: string, at: number, lines: readonly string[]): string {
  const lineEnd = lineEndOf(text);
  const isOpen = at === text.length && text !== '' && !/[\r\n]$/.test(text);
  const added = lines.join(lineEnd);
  const piece = isOpen ? lineEnd + added : added + lineEnd;
  return text.slice(0, at) + piece + text.slice(at);
}

/** Takes out what `withLines` has put in; `start` and `end` enclose whole lines. */
export function withoutLines(text: string, { start, end }: { start: number; end: number }): string {
  const isOpen = end === text.length && !/[\r\n]$/.test(text.slice(start, end));
  const before = text.slice(0, start);
  return (isOpen ? before.replace(/(?:\r\n|\n|\r)$/, '') : before) + text.slice(end);
}

/** A text of ours as it stands in a file's bytes. */
export const toBytesText = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
/** The same for people. */
export const toReadableText = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');
