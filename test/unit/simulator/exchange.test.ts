import fc from 'fast-check';
import { expect, test } from 'vitest';

import { react, type DeviceState } from '../../../src/simulator/exchange.ts';

const md5 = '0123456789abcdef0123456789abcdef';
const facts = { tokenLength: 32 };
const states: DeviceState[] = ['idle', 'waiting-for-auth', 'updating', 'rebooting'];

test('an invitation, with and without the newline', () => {
  const invitation = { command: 0, hostPort: 48_266, sizeBytes: 409_600, md5 };
  for (const end of ['\n', '', '\r\n']) {
    expect(react('idle', `0 48266 409600 ${md5}${end}`, facts)).toEqual({
      state: 'idle',
      step: { type: 'invited', invitation },
    });
  }
  expect(react('idle', `100 1 2 ${md5}\n`, facts).step).toMatchObject({ invitation: { command: 100 } });
});

test('what gets silence', () => {
  const reasonOf = (text: string): unknown => {
    const { state, step } = react('idle', text, facts);
    expect(state).toBe('idle');
    return step.type === 'ignored' && step.reason;
  };
  expect(reasonOf(`200 ${md5} ${md5}\n`)).toBe('unknown-command');
  expect(reasonOf(`1 1 2 ${md5}\n`)).toBe('unknown-command');
  expect(reasonOf(`0 1 2 ${md5}0\n`)).toBe('md5-length');
  expect(reasonOf(`0 1 2 ${md5.slice(1)}\n`)).toBe('md5-length');
});

test('a proof, and what makes the device idle without a word', () => {
  expect(react('waiting-for-auth', `200 ${md5} ${md5}\n`, facts)).toEqual({
    state: 'waiting-for-auth',
    step: { type: 'check', cnonce: md5, response: md5 },
  });
  for (const text of [`0 1 2 ${md5}\n`, `200 ${md5} ${md5}${md5}\n`, '200', '', `100 1 2 ${md5}\n`]) {
    expect(react('waiting-for-auth', text, facts)).toMatchObject({
      state: 'idle',
      step: { type: 'ignored' },
    });
  }
  expect(react('waiting-for-auth', `200 ${md5}${md5} ${md5}${md5}\n`, { tokenLength: 64 }).step.type).toBe(
    'check',
  );
});

test('nothing disturbs an update or a restart, and nothing at all throws', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...states), (text, state) => {
      const reaction = react(state, text, facts);
      if (state === 'updating' || state === 'rebooting') {
        expect(reaction).toEqual({ state, step: { type: 'ignored', reason: state } });
      } else expect(['idle', 'waiting-for-auth']).toContain(reaction.state);
    }),
  );
});
