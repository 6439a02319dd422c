import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DiscoveryState, splitLines, step } from '../../../../src/network/arduino/protocol.ts';

/** What each line is answered with; a list shows as `list of ports`. */
function answersTo(...lines: string[]): string[] {
  let state: DiscoveryState = 'alive';
  return lines.map((line) => {
    const next = step(state, line);
    state = next.state;
    const { eventType, message, error } = next.reply ?? { eventType: 'list', message: 'of ports' };
    return `${eventType}${error === true ? ' error' : ''}: ${message}`;
  });
}

const hello = 'HELLO 1 "arduino-cli 1.0.4"';

describe('the commands', () => {
  it('in their order', () => {
    expect(answersTo(hello, 'START', 'LIST', 'LIST', 'STOP', 'START_SYNC', 'STOP', 'QUIT')).toEqual([
      'hello: OK',
      'start: OK',
      'list: of ports',
      'list: of ports',
      'stop: OK',
      'start_sync: OK',
      'stop: OK',
      'quit: OK',
    ]);
    expect(step('alive', hello).reply).toEqual({ eventType: 'hello', protocolVersion: 1, message: 'OK' });
  });

  it('may be in lower case, padded, and end as on Windows', () => {
    expect(answersTo(' hello  2 "IDE"\r', 'start\r', ' List ')).toEqual([
      'hello: OK',
      'start: OK',
      'list: of ports',
    ]);
  });

  it('QUIT is answered at any time', () => {
    for (const state of ['alive', 'idle', 'listing', 'syncing'] as const) {
      expect(step(state, 'QUIT')).toEqual({ state: 'dead', reply: { eventType: 'quit', message: 'OK' } });
    }
  });
});

describe('a command at the wrong time changes nothing', () => {
  it.each<[DiscoveryState, string, string]>([
    ['alive', 'START', 'command_error'],
    ['alive', 'START_SYNC', 'command_error'],
    ['alive', 'LIST', 'command_error'],
    ['alive', 'STOP', 'command_error'],
    ['idle', hello, 'hello'],
    ['idle', 'LIST', 'list'],
    ['idle', 'STOP', 'stop'],
    ['listing', hello, 'hello'],
    ['listing', 'START', 'start'],
    ['listing', 'START_SYNC', 'start_sync'],
    ['syncing', 'START', 'start'],
    ['syncing', 'START_SYNC', 'start_sync'],
    ['syncing', 'LIST', 'list'],
  ])('%s: %s', (state, line, eventType) => {
    expect(step(state, line)).toEqual({
      state,
      reply: { eventType, error: true, message: expect.stringMatching(/^[A-Z].*\.$/) },
    });
  });
});

describe('what is no command', () => {
  it.each([
    '',
    'FOO',
    'STARTS',
    'HELLO',
    'HELLO 1',
    'HELLO one "x"',
    'HELLO 1 x',
    'HELLO 1 "a"b"',
    '{}',
    '\u0000',
  ])('%j is a command_error', (line) => {
    expect(step('alive', line)).toMatchObject({
      state: 'alive',
      reply: { eventType: 'command_error', error: true },
    });
  });

  it('is answered, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        const { state, reply } = step('idle', line);
        expect(state === 'idle' || reply?.message === 'OK').toBe(true);
        expect(JSON.stringify(reply).length).toBeLessThan(500);
      }),
    );
  });
});

describe('lines', () => {
  const linesOf = (chunks: readonly string[]) => {
    let rest: string | undefined = '';
    return chunks.flatMap((chunk) => {
      const split = splitLines(rest, chunk);
      rest = split.rest;
      return split.lines;
    });
  };

  it('are the same, wherever the text is cut', () => {
    const text = `${hello}\nSTART_SYNC\r\n\nQUIT\nrest`;
    for (let at = 0; at <= text.length; at += 1) {
      expect(linesOf([text.slice(0, at), text.slice(at)])).toEqual([hello, 'START_SYNC\r', '', 'QUIT']);
    }
  });

  it('that are too long are told as such, once, and take no room', () => {
    const endless = Array.from({ length: 100 }, () => 'x'.repeat(1000));
    expect(linesOf(['START\n', ...endless, '\nQUIT\n'])).toEqual(['START', undefined, 'QUIT']);
    expect(splitLines('x'.repeat(8192), 'y')).toEqual({ lines: [], rest: undefined });
  });
});
