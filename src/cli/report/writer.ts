/** Events to a terminal or a pipe. On a terminal the progress is one line redrawn; in a pipe a line now and then. */

import { styleText } from 'node:util';
import type { DeployEvent } from '../../model/events.ts';
import { bar, linesOf, progressText, type Line } from './text.ts';

interface Stream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** `auto`: on those of the two streams that are terminals. */
export type ColorChoice = 'auto' | 'always' | 'never';

export interface WriterOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly verbosity: 'quiet' | 'normal' | 'verbose';
  readonly color: ColorChoice;
  readonly now: () => number;
}

export interface Reporter {
  tell(event: DeployEvent): void;
}

/** In a pipe, a line of progress this often. */
const plainProgressMs = 3000;
const redrawMs = 80;
/** `100 %, 1,024 of 1,024 KiB, 100 KiB/s, being checked`, and the brackets of the bar. */
const longestNumbers = 50;
const clearLine = '\r\x1b[2K';

export function createWriter(options: WriterOptions): Reporter {
  const { stdout, stderr, verbosity, now } = options;
  const redraws = stderr.isTTY === true;
  const errorsTold = new Set<string>();
  let isDrawn = false;
  let drawnAtMs = -Infinity;

  const clear = (): void => {
    if (isDrawn) stderr.write(clearLine);
    isDrawn = false;
  };
  const writeLine = (line: Line): void => {
    if (!isShown(line, verbosity)) return;
    clear();
    const isEnd = line.type === 'result' || line.type === 'failure';
    const stream = isEnd ? stdout : stderr;
    const color = options.color === 'always' || (options.color === 'auto' && stream.isTTY === true);
    stream.write(`${decorate(line, color)}\n`);
  };
  const drawProgress = (event: Extract<DeployEvent, { type: 'progress' }>): void => {
    if (verbosity === 'quiet') return;
    const isLast = event.acknowledgedBytes === event.totalBytes;
    if (now() - drawnAtMs < (redraws ? redrawMs : plainProgressMs) && !(isLast && redraws)) return;
    // The first of a pipe only starts the clock: a push that is over at once needs no such line.
    const isFirst = drawnAtMs === -Infinity;
    drawnAtMs = now();
    if (!redraws) {
      if (!isFirst) stderr.write(`${event.device ?? ''}: ${progressText(event).trim()}\n`);
      return;
    }
    const fraction = event.acknowledgedBytes / Math.max(1, event.totalBytes);
    const room = (stderr.columns ?? 80) - 1;
    const [name, numbers] = [event.device ?? '', progressText(event)];
    // On a narrow terminal the numbers say more than the bar, which keeps its length while they change theirs.
    const cells = Math.min(24, room - name.length - longestNumbers);
    const text = `${name} ${cells < 4 ? '' : `${bar(fraction, cells)} `}${numbers}`;
    stderr.write(`${clearLine}${text.slice(0, Math.max(20, room))}`);
    isDrawn = true;
  };

  return {
    tell(event) {
      if (event.type === 'progress') return drawProgress(event);
      if (event.type === 'accepted') drawnAtMs = -Infinity;
      const lines = linesOf(event);
      // One build that fails for ten devices is told once.
      if (event.type === 'failed') {
        const key = lines.map(({ text }) => text).join('\n');
        if (errorsTold.has(key)) return;
        errorsTold.add(key);
        // What else would have stood above it.
        const isPlaced = event.details['line'] !== undefined;
        if (verbosity === 'quiet' && !isPlaced)
          for (const line of tailOf(event.details)) stderr.write(`${line}\n`);
      }
      lines.forEach(writeLine);
    },
  };
}

function tailOf({ tail }: Readonly<Record<string, unknown>>): readonly string[] {
  return Array.isArray(tail) ? tail.filter((line) => typeof line === 'string') : [];
}

/** One JSON object a line; `stdout` carries nothing else. */
export function createJsonWriter(stdout: NodeJS.WritableStream): Reporter {
  return { tell: (event) => void stdout.write(`${JSON.stringify(event)}\n`) };
}

function isShown(line: Line, verbosity: WriterOptions['verbosity']): boolean {
  if (line.type === 'error' || line.type === 'hint') return true;
  if (verbosity === 'quiet') return false;
  return line.type !== 'detail' || verbosity === 'verbose';
}

function decorate({ type, text }: Line, color: boolean): string {
  const shown = {
    result: text,
    failure: text,
    message: text,
    detail: text,
    warning: `warning: ${text}`,
    error: `error ${text}`,
    hint: `  → ${text.replaceAll('\n', '\n    ')}`,
  }[type];
  if (!color) return shown;
  const style = (
    {
      result: 'green',
      failure: 'red',
      message: undefined,
      detail: 'dim',
      warning: 'yellow',
      error: 'red',
      hint: 'cyan',
    } as const
  )[type];
  return style === undefined ? shown : styleText(style, shown, { validateStream: false });
}
