import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Controls } from '../../../src/watch/options.ts';
import { createKeyboard } from '../../../src/watch/terminal/keyboard.ts';
import { keysIn } from '../../../src/watch/terminal/keys.ts';
import { createScreen } from '../../../src/watch/terminal/screen.ts';
import { statusText } from '../../../src/watch/terminal/status.ts';

/** A terminal that keeps what stands on it: carriage return, wiped lines, line feeds. */
function paper(columns = 60) {
  let raw = '';
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        raw += chunk.toString();
        done();
      },
    }),
    { isTTY: true, columns },
  );
  const lines = (): string[] =>
    raw.split('\n').map((line) => line.slice(line.lastIndexOf('\r\u001B[2K') + 1).replace('\u001B[2K', ''));
  return { stream, lines, raw: () => raw };
}

describe('the status line', () => {
  it('stays the last one, and what is written goes above it', async () => {
    const { stream, lines } = paper();
    const screen = createScreen({ stdout: stream, stderr: stream });
    screen.setStatus('watching');
    await nextTurn();
    screen.stderr.write('one\n');
    screen.stdout.write('two\n');
    await nextTurn();
    expect(lines()).toEqual(['one', 'two', 'watching']);
    screen.setStatus('building');
    await nextTurn();
    expect(lines()).toEqual(['one', 'two', 'building']);
    screen.close();
    expect(lines()).toEqual(['one', 'two', '']);
  });

  it('makes room for a line that is not finished, as the progress of a push is', async () => {
    const { stream, lines } = paper();
    const screen = createScreen({ stdout: stream, stderr: stream });
    screen.setStatus('deploying');
    await nextTurn();
    screen.stderr.write('\r\u001B[2Klivingroom [███] 50 %');
    await nextTurn();
    screen.setStatus('deploying, one more to come');
    await nextTurn();
    expect(lines()).toEqual(['livingroom [███] 50 %']);
    screen.stderr.write('\r\u001B[2K');
    screen.stderr.write('accepted\n');
    await nextTurn();
    expect(lines()).toEqual(['accepted', 'deploying, one more to come']);
  });

  it('leaves room for what others print in the midst of a line', async () => {
    const { stream, lines } = paper();
    const screen = createScreen({ stdout: stream, stderr: stream });
    screen.setStatus('deploying');
    await nextTurn();
    screen.stderr.write('\r\u001B[2Khall [███░] 50 %');
    screen.aside.write('r  deploy again\n');
    await nextTurn();
    expect(lines()).toEqual(['r  deploy again', 'deploying']);
    screen.stderr.write('\r\u001B[2Khall [████] 99 %');
    screen.aside.write('half ');
    screen.aside.write('a line\n');
    await nextTurn();
    expect(lines()).toEqual(['r  deploy again', 'half a line', 'deploying']);
  });

  it('is never wider than the terminal', async () => {
    const { stream, lines } = paper(20);
    const screen = createScreen({ stdout: stream, stderr: stream });
    screen.setStatus(`\u001B[1m${'x'.repeat(50)}\u001B[22m`);
    await nextTurn();
    expect(lines().at(-1)).toBe(`\u001B[1m${'x'.repeat(19)}\u001B[22m`);
  });

  it('leaves every line whole, whatever is written', async () => {
    const piece = fc.oneof(
      fc.constantFrom('a\n', 'bb\ncc\n', 'd', '\r\u001B[2Kprogress', '\r\u001B[2K', '\n'),
      fc.constant(undefined),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        const [plain, watched] = [paper(), paper()];
        const screen = createScreen({ stdout: watched.stream, stderr: watched.stream });
        screen.setStatus('status');
        for (const each of pieces) {
          if (each === undefined) await nextTurn();
          else {
            plain.stream.write(each);
            screen.stderr.write(each);
          }
        }
        await nextTurn();
        screen.close();
        expect(watched.lines()).toEqual(plain.lines());
      }),
    );
  });
});

describe('what the status line says', () => {
  const base = {
    isPaused: false,
    isQueued: false,
    devices: ['hall'],
    builds: true,
    changed: 0,
    last: undefined,
    inPhaseMs: 0,
  };

  it.each([
    [{ ...base, phase: 'watching' }, 'watching │ hall │ h for help'],
    [{ ...base, phase: 'watching', isPaused: true }, 'paused │ hall │ h for help'],
    [
      { ...base, phase: 'watching', isPaused: true, changed: 2 },
      'paused, 2 changed files waiting │ hall │ h for help',
    ],
    [
      { ...base, phase: 'building', inPhaseMs: 3_400, builds: false },
      'waiting for the whole image 3 s │ hall │ h for help',
    ],
    [{ ...base, phase: 'building', inPhaseMs: 3_400 }, 'building 3 s │ hall │ h for help'],
    [
      { ...base, phase: 'deploying', isQueued: true, devices: ['a', 'b', 'c', 'd'] },
      'deploying, one more to come │ 4 devices │ h for help',
    ],
    [
      { ...base, phase: 'settling', last: { text: 'deployed at 12:00:00', isGood: true } },
      'changes coming in │ hall │ deployed at 12:00:00 │ h for help',
    ],
  ] as const)('%j', (status, text) => {
    expect(statusText(status, false)).toBe(text);
    expect(statusText(status, true)).toContain('\u001B[');
  });
});

describe('what a terminal sends', () => {
  it.each([
    ['rq', ['r', 'q']],
    ['\u001B[Aq', ['q']],
    ['\u001B[1;5Cb\u001BOPl\u001B[3~', ['b', 'l']],
    ['\u001B', ['\u001B']],
    ['\u0003', ['\u0003']],
  ])('%j', (text, keys) => {
    expect(keysIn(text)).toEqual(keys);
  });
});

describe('the keys', () => {
  function keyboard(all = ['one', 'two'], builds = true) {
    const calls: string[] = [];
    const printed: string[] = [];
    let isPaused = false;
    const controls: Controls = {
      redeploy: () => calls.push('redeploy'),
      buildOnly: () => calls.push('build'),
      setPaused(paused) {
        isPaused = paused;
        calls.push(paused ? 'pause' : 'resume');
      },
      quit: () => calls.push('quit'),
      interrupt: () => calls.push('interrupt'),
      devices: () => ({ all, chosen: all.slice(0, 1) }),
      choose: (names) => calls.push(`choose ${names.join(' ')}`),
      lastOutput: () => '',
    };
    const { press } = createKeyboard({
      controls,
      isPaused: () => isPaused,
      builds: () => builds,
      print: (text) => printed.push(text),
    });
    return { calls, printed, type: (keys: string) => [...keys].forEach(press) };
  }

  it('do what the help says', () => {
    const { calls, printed, type } = keyboard();
    type('rbppRq\u0003\u0004xyz');
    expect(calls).toEqual(['redeploy', 'build', 'pause', 'resume', 'redeploy', 'quit', 'interrupt', 'quit']);
    type('hl');
    expect(printed).toEqual([
      expect.stringContaining('Paused'),
      'Going on.',
      expect.stringContaining('b  build only'),
      expect.stringContaining('No build'),
    ]);
    const without = keyboard(['one'], false);
    without.type('h');
    expect(without.printed).toEqual([expect.not.stringMatching(/^[bl] /m)]);
  });

  it('choose devices, and mean nothing else meanwhile', () => {
    const { calls, printed, type } = keyboard(['one', 'two', 'three']);
    type('d3r1\r');
    expect(calls).toEqual(['choose three']);
    expect(printed.at(-1)).toBe('From now on: three.');
    type('r');
    expect(calls.at(-1)).toBe('redeploy');
  });

  it('choose at least one, and can be left', () => {
    const { calls, printed, type } = keyboard();
    type('d1\r');
    expect(printed.at(-1)).toMatch(/At least one/);
    type('\u001B');
    expect(calls).toEqual([]);
    const single = keyboard(['one']);
    single.type('dr');
    expect(single.printed).toEqual([expect.stringMatching(/no other device/)]);
    expect(single.calls).toEqual(['redeploy']);
  });

  it('take Ctrl-C while devices are chosen', () => {
    const { calls, type } = keyboard();
    type('d\u0003');
    expect(calls).toEqual(['interrupt']);
  });
});
