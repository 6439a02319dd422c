/**
 * A terminal with a status line at its end. What is written goes above it; while a line is unfinished (the progress of a
 * push), that line is the last one.
 */

import { Writable } from 'node:stream';

export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Screen {
  /** To be written to in place of the streams. */
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  /** The same for others: where a line of those two is unfinished, it is wiped, for its writer draws it again. */
  readonly aside: TerminalStream;
  /** Empty: there is none. */
  setStatus(text: string): void;
  /** Wipes the line, for good. */
  close(): void;
}

const clearLine = '\r\u001B[2K';

export function createScreen({ stdout, stderr }: { stdout: TerminalStream; stderr: TerminalStream }): Screen {
  let status = '';
  let isDrawn = false;
  let isLineOpen = false;
  let isAsideOpen = false;
  let isClosed = false;
  let drawing: NodeJS.Immediate | undefined;

  const wipe = (): void => {
    if (isDrawn) stderr.write(clearLine);
    isDrawn = false;
  };
  const draw = (): void => {
    drawing = undefined;
    if (isClosed || isLineOpen) return;
    wipe();
    if (status === '') return;
    stderr.write(fitted(status, (stderr.columns ?? 80) - 1));
    isDrawn = true;
  };
  // Not after each of a hundred lines that come at once.
  const drawSoon = (): void => {
    drawing ??= setImmediate(draw);
  };
  const above = (stream: TerminalStream, isAside = false): TerminalStream => {
    const writable = new Writable({
      decodeStrings: false,
      write(chunk: string | Buffer, _encoding, done) {
        const text = chunk.toString();
        wipe();
        if (isAside && isLineOpen && !isAsideOpen) stream.write(clearLine);
        if (text !== '') isAsideOpen = isAside && !text.endsWith('\n');
        if (text !== '') isLineOpen = !text.endsWith('\n') && !text.endsWith(clearLine);
        drawSoon();
        if (stream.write(chunk)) done();
        else stream.once('drain', () => done());
      },
    });
    return Object.defineProperties(writable, {
      isTTY: { value: true },
      columns: { get: () => stream.columns },
    });
  };
  return {
    stdout: stdout.isTTY === true ? above(stdout) : stdout,
    stderr: above(stderr),
    aside: above(stderr, true),
    setStatus(text) {
      if (text === status) return;
      status = text;
      drawSoon();
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      if (drawing !== undefined) clearImmediate(drawing);
      wipe();
    },
  };
}

const styleOrCharacter = new RegExp(String.raw`(\u001B\[[\d;]*m)|[^]`, 'gu');

/** Escape sequences take no room, and none is cut in two. */
function fitted(text: string, width: number): string {
  let left = Math.max(0, width);
  return text.replaceAll(styleOrCharacter, (char, style: string | undefined) => {
    if (style !== undefined) return style;
    left -= 1;
    return left < 0 ? '' : char;
  });
}
