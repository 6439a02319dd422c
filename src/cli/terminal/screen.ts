/**
 * The last lines of a terminal, which are drawn again in place: the progress of pushes, a table, the status of a watch.
 * What else is written goes above them. The cursor stays visible and at their end, so that nothing has to be restored.
 */

import { Writable } from 'node:stream';
import { printable } from '../../model/printable.ts';
import { styled, type Style } from './color.ts';
import { cut } from './width.ts';

export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface ScreenLine {
  readonly text: string;
  readonly style?: Style;
}

export interface Screen {
  /** What a line may take. */
  readonly cells: number;
  /**
   * At once, in place of what was drawn before; without lines, nothing stays. As many as have room above the footer; the
   * cursor then stands below that.
   */
  draw(lines: readonly ScreenLine[], footer?: ScreenLine): void;
  /** All of these in place of what was drawn, for good. */
  finish(lines: readonly ScreenLine[]): void;
  /** The last line while nothing else is drawn, in a moment; it may have colours. Empty: there is none. */
  setStatus(text: string): void;
  /** A stream of the same terminal, to be written to in its place. */
  above(stream: TerminalStream): TerminalStream;
  /** Wipes what is drawn, for good. */
  close(): void;
}

/** Whether lines of it can be drawn again: a terminal that knows the escape sequences for that. */
export function canRedraw(stream: TerminalStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

const clearLine = '\u001B[2K';
const clearBelow = '\u001B[J';

/** On this stream of the terminal. */
export function createScreen(on: TerminalStream, hasColor: boolean): Screen {
  let lines: readonly string[] = [];
  let status = '';
  /** How many lines stand there now. */
  let shown = 0;
  /** Who has written a line without its end, which nothing may be drawn behind. */
  let isOpenBy: TerminalStream | undefined;
  let isClosed = false;
  let refreshing: NodeJS.Immediate | undefined;

  const cellsNow = (): number => (on.columns ?? 80) - 1;
  const show = (next: readonly string[]): void => {
    if (shown + next.length === 0) return;
    const up = shown > 1 ? `\u001B[${shown - 1}A` : '';
    const text = next.map((line) => `${clearLine}${line}`).join('\n');
    const rest = next.length === 0 && shown === 1 ? clearLine : shown > next.length ? clearBelow : '';
    on.write(`\r${up}${text}${rest}`);
    shown = next.length;
  };
  const wipe = (): void => show([]);
  const refresh = (): void => {
    if (refreshing !== undefined) clearImmediate(refreshing);
    refreshing = undefined;
    if (isClosed || isOpenBy !== undefined) return;
    if (lines.length > 0) show(lines);
    else show(status === '' ? [] : [cut(status, cellsNow(), '')]);
  };
  // Not after each of a hundred lines that come at once.
  const refreshSoon = (): void => {
    refreshing ??= setImmediate(refresh);
  };
  const fitted = (line: ScreenLine): string =>
    // A line that wraps would be two.
    styled(cut(printable(line.text), cellsNow()), line.style, hasColor);

  return {
    get cells() {
      return cellsNow();
    },
    draw(wanted, footer) {
      const room = Math.max(2, (on.rows ?? 24) - (footer === undefined ? 1 : 2));
      const more: ScreenLine = { text: `… and ${wanted.length - room + 1} more`, style: 'dim' };
      const visible = wanted.length <= room ? wanted : [...wanted.slice(0, room - 1), more];
      lines = [...visible, ...(footer === undefined ? [] : [footer, { text: '' }])].map(fitted);
      refresh();
    },
    finish(wanted) {
      lines = [];
      show([...wanted.map(({ text, style }) => styled(text, style, hasColor)), '']);
      shown = 0;
    },
    setStatus(text) {
      if (text === status) return;
      status = text;
      refreshSoon();
    },
    above(stream) {
      const writable = new Writable({
        decodeStrings: false,
        write(chunk: string | Buffer, _encoding, done) {
          const text = chunk.toString();
          if (text === '') return done();
          wipe();
          if (isOpenBy !== undefined && isOpenBy !== writable) stream.write('\n');
          isOpenBy = text.endsWith('\n') ? undefined : writable;
          refreshSoon();
          if (stream.write(chunk)) done();
          else stream.once('drain', () => done());
        },
      });
      return Object.defineProperties(writable, {
        isTTY: { value: true },
        columns: { get: () => stream.columns },
        rows: { get: () => stream.rows },
      });
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      if (refreshing !== undefined) clearImmediate(refreshing);
      wipe();
    },
  };
}
