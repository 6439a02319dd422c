import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createScreen } from '../../../../src/cli/terminal/screen.ts';

/** As much of a terminal as is needed: lines, the cursor going up, and what is wiped. */
function terminal(columns: number, rows: number) {
  let lines: string[] = [''];
  let row = 0;
  const apply = (text: string) => {
    for (const [token] of text.matchAll(/␛\[\d*[AKJ]|\r|\n|[^␛\r\n]+/g)) {
      const up = /^␛\[(\d+)A$/.exec(token);
      if (up !== null) row = Math.max(0, row - Number(up[1]));
      else if (token === '␛[2K') lines[row] = '';
      else if (token === '␛[J') lines = [...lines.slice(0, row), ''];
      else if (token === '\n') row += 1;
      else if (token !== '\r') lines[row] = token;
    }
  };
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      apply(chunk.toString().replaceAll('\u001B', '␛'));
      done();
    },
  });
  return { stream: Object.assign(stream, { columns, rows, isTTY: true }), lines: () => lines };
}

const footer = { text: 'footer' };
const lines = (...texts: string[]) => texts.map((text) => ({ text }));

describe('the screen', () => {
  it('draws in place, also where there are fewer lines than before', () => {
    const { stream, lines: shown } = terminal(80, 24);
    const screen = createScreen(stream, false);
    screen.draw(lines('one', 'two'), footer);
    expect(shown()).toEqual(['one', 'two', 'footer', '']);
    screen.draw(lines('one'), footer);
    expect(shown()).toEqual(['one', 'footer', '']);
    screen.finish(lines('one', 'two', 'three'));
    expect(shown()).toEqual(['one', 'two', 'three', '']);
  });

  it('keeps within the window while it draws, and shows all of it at the end', () => {
    const { stream, lines: shown } = terminal(10, 5);
    const screen = createScreen(stream, false);
    const all = lines('1', '2', 'a line too long for it', '4', '5');
    screen.draw([...lines('x'.repeat(30)), ...all], footer);
    expect(shown()).toEqual(['xxxxxxxx…', '1', '… and 4 …', 'footer', '']);
    screen.finish(all);
    expect(shown()).toEqual(['1', '2', 'a line too long for it', '4', '5', '']);
  });

  it('colours only where it may', () => {
    let text = '';
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    createScreen(stream, true).draw([{ text: 'absent', style: 'dim' }], footer);
    expect(text).toContain('\u001B[2mabsent');
  });
});
