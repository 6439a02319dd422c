/** Lines of a log to whoever reads it: without end, and perhaps faster than they are read. */

import { thousands } from '../../model/numbers.ts';

/** What may wait for a reader that has stopped (`| less`, Ctrl-S): some thousand lines. */
const mostWaiting = 256 * 1024;

export interface LogLinesOptions {
  /** What is written in place of lines that nobody had room for. */
  readonly leftOut?: (count: number) => string;
}

/** Writes a line each time it is called. What cannot wait any more is left out, and that is said once there is room. */
export function logLinesTo(
  stream: NodeJS.WritableStream & { readonly writableLength?: number },
  {
    leftOut = (count) => `… ${thousands(count)} ${count === 1 ? 'line' : 'lines'} left out`,
  }: LogLinesOptions = {},
): (line: string) => void {
  let missed = 0;
  return (line) => {
    if (missed === 0 && (stream.writableLength ?? 0) < mostWaiting) return void stream.write(`${line}\n`);
    missed++;
    if (missed > 1) return;
    stream.once('drain', () => {
      const count = missed;
      missed = 0;
      stream.write(`${leftOut(count)}\n`);
    });
  };
}
