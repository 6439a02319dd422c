/** What will be written, as a unified diff without context: what is not touched may hold passwords. Pure. */

import { relative, isAbsolute } from 'node:path';
import { styleText } from 'node:util';
import { structuredPatch } from 'diff';
import { printable, printableLines } from '../model/printable.ts';
import { withoutValues } from './env-file.ts';
import { textLines, toReadableText } from './lines.ts';
import { beforeMark } from './pio-hooks.ts';
import { redactedLine } from '../model/redaction.ts';
import type { FileEdit } from './types.ts';

interface ShowOptions {
  /** Paths below it are shown relative to it. */
  readonly folder: string;
  readonly isColored: boolean;
}

const briefLines = 5;

export function diffOf(edits: readonly FileEdit[], options: ShowOptions): string {
  return edits.map((edit) => diffOfOne(edit, options)).join('');
}

function diffOfOne(edit: FileEdit, { folder, isColored }: ShowOptions): string {
  const name = printable(shownPath(edit.path, folder));
  const paint = (color: 'red' | 'green' | 'cyan' | 'bold', line: string): string =>
    isColored ? styleText(color, line, { validateStream: false }) : line;
  const { hunks } = structuredPatch('', '', shown(edit, edit.before), shown(edit, edit.after), '', '', {
    context: 0,
  });
  const head = [
    paint('bold', `--- ${edit.before === undefined ? '/dev/null' : name}`),
    paint('bold', `+++ ${edit.after === undefined ? '/dev/null' : name}`),
  ];
  const before = new Set(shown(edit, edit.before).split('\n'));
  const body = hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    paint(
      'cyan',
      `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@${headingBefore(edit.before, oldStart)}`,
    ),
    ...(edit.isCopy === true ? shortened(lines) : lines).map((line) => {
      const text = edit.isSecret === true ? line : maskedLine(line, before);
      return line.startsWith('+') ? paint('green', text) : line.startsWith('-') ? paint('red', text) : text;
    }),
  ]);
  // A new password looks like the old one when neither is shown.
  const rest = hunks.length === 0 ? [paint('cyan', '@@ only values that are not shown @@')] : [];
  return `${[...head, ...body, ...rest].join('\n')}\n`;
}

/** Of a whole template only the beginning: the rest is as it comes with otarc, and would hide what matters. */
function shortened(lines: readonly string[]): readonly string[] {
  const more = lines.length - briefLines;
  if (more < briefLines) return lines;
  return [...lines.slice(0, briefLines), ` … ${more} more lines, as they come with otarc`];
}

/** As every tool that reads diffs wants it: of no lines, the line before. */
const range = (start: number, count: number): string => `${count === 0 ? start - 1 : start},${count}`;

export function shownPath(path: string, folder: string): string {
  const way = relative(folder, path);
  return way === '' || way.startsWith('..') || isAbsolute(way) ? path : way;
}

function shown({ isSecret }: FileEdit, text = ''): string {
  const readable = toReadableText(text).replaceAll(/\r\n?/g, '\n');
  return printableLines(isSecret === true ? withoutValues(readable) : readable);
}

/** Lines that were there before may hold a password: what stands behind a word that tells of one is left out. */
function maskedLine(line: string, before: ReadonlySet<string>): string {
  const text = line.slice(1).replace(beforeMark, '');
  return line.startsWith('+') && !before.has(text) ? line : withoutSecrets(line);
}

function withoutSecrets(line: string): string {
  if (/password["']?: *\{ *(?:env|file): *[\w./-]+ *\},? *(?:#.*)?$/.test(line)) return line;
  return redactedLine(line);
}

/** Of an ini: the section that the lines stand in. */
function headingBefore(before: string | undefined, line: number): string {
  const sections = textLines(before ?? '')
    .slice(0, line)
    .filter(({ text }) => /^\s*\[[^\]]+\]/.test(text));
  const last = sections.at(-1)?.text.trim();
  return last === undefined ? '' : ` ${printable(toReadableText(last))}`;
}
