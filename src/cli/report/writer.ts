/** Events to a terminal or a pipe. On a terminal the progress is one line redrawn; in a pipe, a line every few seconds. */

import { isColored, styled, type ColorChoice, type Style } from '../terminal/color.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import type { Screen, TerminalStream } from '../terminal/screen.ts';
import type { DeployEvent } from '../../model/events.ts';
import { eventLines, progressLine, progressText, type ReportLine } from './text.ts';

export interface WriterOptions {
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  /** Of stderr, where it is a terminal that lines can be drawn on. */
  readonly screen?: Screen | undefined;
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

export function createWriter(options: WriterOptions): Reporter {
  const { stdout, stderr, screen, verbosity, now } = options;
  const errorsTold = new Set<string>();
  const verified = new Set<string>();
  let drawnAtMs = -Infinity;

  const writeLine = (line: ReportLine): void => {
    if (!isShown(line, verbosity)) return;
    screen?.draw([]);
    const isEnd = line.type === 'result' || line.type === 'failure';
    const stream = isEnd ? stdout : stderr;
    const { text, style } = shownAs(line);
    stream.write(`${styled(text, style, isColored(options.color, stream))}\n`);
  };
  const drawProgress = (event: Extract<DeployEvent, { type: 'progress' }>): void => {
    if (verbosity === 'quiet') return;
    const isLast = event.acknowledgedBytes === event.totalBytes;
    const sinceMs = now() - drawnAtMs;
    // The first of a pipe only starts the clock: a push that is over at once needs no such line.
    const isFirst = drawnAtMs === -Infinity;
    if (screen === undefined) {
      if (sinceMs < plainProgressMs) return;
      if (!isFirst) printLine(stderr, `${event.device ?? ''}: ${progressText(event).trim()}`);
    } else {
      if (sinceMs < redrawMs && !isLast) return;
      screen.draw([{ text: progressLine(event, screen.cells) }]);
    }
    drawnAtMs = now();
  };

  return {
    tell(event) {
      if (event.type === 'progress') return drawProgress(event);
      if (event.type === 'accepted') drawnAtMs = -Infinity;
      // Of one run: a watch has many.
      if (event.type === 'run-started') verified.clear();
      if (event.type === 'verified' && event.device !== undefined) verified.add(event.device);
      const lines = eventLines(event, verified);
      // One build that fails for ten devices is reported once.
      if (event.type === 'failed') {
        const key = lines.map(({ text }) => text).join('\n');
        if (errorsTold.has(key)) return;
        errorsTold.add(key);
        // What else would have stood above it.
        const isPlaced = event.details['line'] !== undefined;
        if (verbosity === 'quiet' && !isPlaced)
          for (const line of tailOf(event.details)) printLine(stderr, line);
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
  return { tell: (event) => void stdout.write(`${jsonText(event)}\n`) };
}

function isShown(line: ReportLine, verbosity: WriterOptions['verbosity']): boolean {
  if (line.type === 'error' || line.type === 'hint') return true;
  if (verbosity === 'quiet') return false;
  return line.type !== 'detail' || verbosity === 'verbose';
}

function shownAs({ type, text }: ReportLine): { readonly text: string; readonly style?: Style } {
  switch (type) {
    case 'result':
      return { text, style: 'green' };
    case 'failure':
      return { text, style: 'red' };
    case 'message':
      return { text };
    case 'detail':
      return { text, style: 'dim' };
    case 'warning':
      return { text: `warning: ${text}`, style: 'yellow' };
    case 'error':
      return { text: `error ${text}`, style: 'red' };
    case 'hint':
      return { text: `  → ${text.replaceAll('\n', '\n    ')}`, style: 'cyan' };
  }
}
