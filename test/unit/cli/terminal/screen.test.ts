import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canRedraw, createScreen } from '../../../../src/cli/terminal/screen.ts';

/** As much of a terminal as is needed: lines, the cursor going up and back, and what is wiped. */
function terminal(columns = 60, rows = 24) {
  let lines: string[] = [''];
  let [row, column] = [0, 0];
  const apply = (text: string) => {
    for (const [token] of text.matchAll(/␛\[\d*[AKJ]|\r|\n|(?:␛\[\d+m|[^␛\r\n])+/g)) {
      const up = /^␛\[(\d+)A$/.exec(token);
      const line = lines[row] ?? '';
      if (up !== null) row = Math.max(0, row - Number(up[1]));
      else if (token === '␛[2K') lines[row] = '';
      else if (token === '␛[J') lines = [...lines.slice(0, row), line.slice(0, column)];
      else if (token === '\n') {
        [row, column] = [row + 1, 0];
        lines[row] ??= '';
      } else if (token === '\r') column = 0;
      else {
        lines[row] = line.slice(0, column) + token + line.slice(column + token.length);
        column += token.length;
      }
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

  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
    [{}, {}, false],
  ])('on %j with %j: %s', (kind, env, expected) => {
    expect(canRedraw(Object.assign(new Writable(), kind), env)).toBe(expected);
  });
});

describe('the status line', () => {
  it('stays the last one, and what is written goes above it', async () => {
    const { stream, lines: shown } = terminal();
    const screen = createScreen(stream, false);
    const [stdout, stderr] = [screen.above(stream), screen.above(stream)];
    screen.setStatus('watching');
    await nextTurn();
    stderr.write('one\n');
    stdout.write('two\n');
    await nextTurn();
    expect(shown()).toEqual(['one', 'two', 'watching']);
    screen.setStatus('building');
    await nextTurn();
    expect(shown()).toEqual(['one', 'two', 'building']);
    screen.close();
    expect(shown()).toEqual(['one', 'two', '']);
  });

  it('makes room for the progress of a push', async () => {
    const { stream, lines: shown } = terminal();
    const screen = createScreen(stream, false);
    const stderr = screen.above(stream);
    screen.setStatus('deploying');
    await nextTurn();
    screen.draw(lines('livingroom [███] 50 %'));
    await nextTurn();
    screen.setStatus('deploying, one more to come');
    await nextTurn();
    expect(shown()).toEqual(['livingroom [███] 50 %']);
    screen.draw([]);
    stderr.write('accepted\n');
    await nextTurn();
    expect(shown()).toEqual(['accepted', 'deploying, one more to come']);
  });

  it('is never wider than the terminal', async () => {
    const { stream, lines: shown } = terminal(20);
    const screen = createScreen(stream, false);
    screen.setStatus(`\u001B[1m${'x'.repeat(50)}\u001B[22m`);
    await nextTurn();
    expect(shown().at(-1)).toBe(`␛[1m${'x'.repeat(19)}␛[22m`);
  });
});

describe('what is written beside the screen', () => {
  it('goes above the progress, which stays the last line', async () => {
    const { stream, lines: shown } = terminal();
    const screen = createScreen(stream, false);
    const aside = screen.above(stream);
    screen.draw(lines('hall [███░] 50 %'));
    aside.write('r  deploy again\n');
    await nextTurn();
    expect(shown()).toEqual(['r  deploy again', 'hall [███░] 50 %']);
    screen.draw(lines('hall [████] 99 %'));
    aside.write('half ');
    await nextTurn();
    expect(shown()).toEqual(['r  deploy again', 'half ']);
    screen.draw(lines('hall [████] 100 %'));
    aside.write('a line\n');
    await nextTurn();
    expect(shown()).toEqual(['r  deploy again', 'half a line', 'hall [████] 100 %']);
  });

  it('begins on a line of its own where another writer has not ended one', async () => {
    const { stream, lines: shown } = terminal();
    const screen = createScreen(stream, false);
    const [build, aside] = [screen.above(stream), screen.above(stream)];
    screen.setStatus('building');
    build.write('Linking ');
    aside.write('Paused\n');
    await nextTurn();
    expect(shown()).toEqual(['Linking ', 'Paused', 'building']);
  });

  it('is left whole, whatever is drawn meanwhile', async () => {
    const written = fc.record({ by: fc.nat(1), text: fc.constantFrom('a\n', 'bb\ncc\n', 'd', '\n', '') });
    const drawn = fc.array(fc.constantFrom('x', 'yy', 'zzz'), { maxLength: 4 });
    const piece = fc.oneof(written, drawn, fc.constant(undefined));
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        const { stream, lines: shown } = terminal();
        const screen = createScreen(stream, false);
        const writers = [screen.above(stream), screen.above(stream)];
        let text = '';
        let last = 0;
        screen.setStatus('status');
        for (const each of pieces) {
          if (each === undefined) await nextTurn();
          else if (Array.isArray(each)) screen.draw(lines(...each));
          else {
            writers[each.by]?.write(each.text);
            if (each.text === '') continue;
            if (each.by !== last && text !== '' && !text.endsWith('\n')) text += '\n';
            last = each.by;
            text += each.text;
          }
        }
        await nextTurn();
        screen.close();
        expect(shown()).toEqual(text.split('\n'));
      }),
    );
  });
});
