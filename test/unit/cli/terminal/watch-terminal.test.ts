import { describe, expect, it } from 'vitest';
import type { Controls } from '../../../../src/watch/options.ts';
import { createKeyboard } from '../../../../src/cli/terminal/keyboard.ts';
import { keysIn } from '../../../../src/cli/terminal/keys.ts';
import { statusText } from '../../../../src/cli/terminal/status.ts';

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
    expect(statusText(status, { hasColor: false, cells: 80 })).toBe(text);
    expect(statusText(status, { hasColor: true, cells: 80 })).toContain('\u001B[');
  });
});

it.each([
  [60, 'watching │ livingroom │ deployed at 12:00:00 │ h for help'],
  [50, 'watching │ livingroom │ deployed at 12:00:00'],
  [40, 'watching │ deployed at 12:00:00'],
  [20, 'watching'],
])('the status line keeps to what a terminal of %i cells has room for, whole words only', (cells, text) => {
  const status = {
    phase: 'watching',
    isPaused: false,
    isQueued: false,
    devices: ['livingroom'],
    builds: true,
    changed: 0,
    last: { text: 'deployed at 12:00:00', isGood: true },
    inPhaseMs: 0,
  } as const;
  expect(statusText(status, { hasColor: false, cells })).toBe(text);
  expect(statusText(status, { hasColor: true, cells })).toContain('watching');
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
