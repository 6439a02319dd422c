/** Lines on a terminal that are drawn again in place. The cursor stays visible and below them: nothing is to be restored. */

import { styleText } from 'node:util';
import type { Line } from '../commands/devices-text.ts';
import { cut } from './width.ts';

export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface Screen {
  /** What a line may take. */
  readonly cells: number;
  /** In place of what was drawn before; as many as have room above the footer. */
  draw(lines: readonly Line[], footer: Line): void;
  /** All of them, for good. */
  finish(lines: readonly Line[]): void;
}

const clearLine = '\u001B[2K';
const clearBelow = '\u001B[J';

export function createScreen(stream: TerminalStream, hasColor: boolean): Screen {
  let drawn = 0;
  const write = (lines: readonly Line[]): void => {
    const up = drawn === 0 ? '' : `\u001B[${drawn}A`;
    const text = lines.map((line) => `${clearLine}${styled(line, hasColor)}\n`).join('');
    stream.write(`\r${up}${text}${clearBelow}`);
    drawn = lines.length;
  };
  return {
    get cells() {
      return (stream.columns ?? 80) - 1;
    },
    draw(lines, footer) {
      const room = Math.max(2, (stream.rows ?? 24) - 2);
      const more: Line = { text: `… and ${lines.length - room + 1} more`, style: 'dim' };
      const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), more];
      // A line that wraps would be two.
      write([...shown, footer].map((line) => ({ ...line, text: cut(line.text, this.cells) })));
    },
    finish: write,
  };
}

export function styled({ text, style }: Line, hasColor: boolean): string {
  return style === undefined || !hasColor ? text : styleText(style, text, { validateStream: false });
}
