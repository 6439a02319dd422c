import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatAuthentication,
  formatInvitation,
  parseAnswer,
  printableAnswer,
} from '../../../../src/engines/espota/messages.ts';

const answerTo = (text: string): unknown => parseAnswer(Buffer.from(text, 'latin1'));

test('an invitation names command, port, size and digest on one line', () => {
  const invitation = { hostPort: 48266, sizeBytes: 409_600, md5: 'ab'.repeat(16) };
  expect(formatInvitation({ ...invitation, kind: 'firmware' })).toBe(`0 48266 409600 ${'ab'.repeat(16)}\n`);
  expect(formatInvitation({ ...invitation, kind: 'filesystem' })).toMatch(/^100 48266 409600 /);
});

test('an authentication is command 200', () => {
  expect(formatAuthentication({ cnonce: 'c'.repeat(32), response: 'd'.repeat(32) })).toBe(
    `200 ${'c'.repeat(32)} ${'d'.repeat(32)}\n`,
  );
});

describe('parseAnswer', () => {
  test.each([
    ['OK', { type: 'ok' }],
    ['OK\r\n', { type: 'ok' }],
    [`AUTH ${'a1'.repeat(16)}`, { type: 'challenge', nonce: 'a1'.repeat(16) }],
    [`AUTH ${'B2'.repeat(32)}\n`, { type: 'challenge', nonce: 'B2'.repeat(32) }],
    ['Authentication Failed', { type: 'authentication-failed' }],
    [
      'ERR: ERROR[4]: Not Enough Space\r\n',
      { type: 'refused', text: 'ERROR[4]: Not Enough Space', number: 4 },
    ],
    ['ERR: no', { type: 'refused', text: 'no' }],
    ['ERR', { type: 'refused', text: '' }],
    ['ERROR[11]: reset first', { type: 'refused', text: 'ERROR[11]: reset first', number: 11 }],
  ])('%j', (text, answer) => {
    expect(answerTo(text)).toEqual(answer);
  });

  test.each([
    '',
    'ok',
    'OKAY',
    'AUTH',
    'AUTH 12',
    `AUTH ${'a'.repeat(33)}`,
    `AUTH ${'g'.repeat(32)}`,
    'ERRATIC',
  ])('%j is none of the answers', (text) => {
    expect(answerTo(text)).toMatchObject({ type: 'unknown' });
  });

  test('takes any datagram, and gives back nothing that moves a cursor', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const answer = parseAnswer(bytes);
        if ('text' in answer) expect(answer.text).toMatch(/^[\x20-\x7e]{0,200}$/);
      }),
    );
  });

  test('takes anything behind the words that it knows', () => {
    const known = fc.constantFrom('OK', 'AUTH ', 'ERR: ', 'Authentication Failed');
    fc.assert(
      fc.property(known, fc.string({ unit: 'binary', maxLength: 80 }), (word, rest) => {
        const { type } = parseAnswer(Buffer.from(word + rest));
        expect(['ok', 'challenge', 'authentication-failed', 'refused', 'unknown']).toContain(type);
      }),
    );
  });
});

test('an answer is one line, and safe to print', () => {
  expect(printableAnswer(Buffer.from('\u001b[2Ja\r\n\tb\u0000\r\n'))).toBe(String.raw`\u001b[2Ja b\u0000`);
});
