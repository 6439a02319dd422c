import { describe, expect, it } from 'vitest';
import { proofsToTry } from '../../../../src/deploy/verify/prove.ts';
import { ownAfter, ownAmong, saidIn } from '../../../../src/network/said.ts';
import { proofVerdictOf } from '../../../../src/deploy/verify/verdict.ts';
import type { Verification, VerifyConfig } from '../../../../src/model/verification.ts';

const sum = 'a'.repeat(32);

describe('a verification', () => {
  it.each([
    [
      { type: 'verified', method: 'announce', proof: 'says so itself', afterMs: 3210 },
      'verified by announce: says so itself, 3.2 s after the push',
    ],
    [
      { type: 'returned', afterMs: 4100 },
      'unverified by return: back after 4.1 s; which sketch runs is not proven',
    ],
    [
      { type: 'returned', afterMs: 4100, reason: 'reports a sum that otarc does not know' },
      'unverified by return: back after 4.1 s and reports a sum that otarc does not know; which sketch runs is not proven',
    ],
    [{ type: 'returned', afterMs: 4100, isFilesystem: true }, 'unverified by return: back after 4.1 s'],
    [{ type: 'not-checked', why: 'nobody looked' }, 'unverified by auto: nobody looked'],
    [{ type: 'not-checked', why: 'not asked for', isOff: true }, 'unverified by none: not asked for'],
    [
      { type: 'old-image', method: 'announce', running: { md5: sum }, boot: 'exception', afterMs: 12_400 },
      'OLD_IMAGE_RUNS hall restarted with the old sketch, 12 s after the push (reset reason: exception).',
    ],
    [
      { type: 'old-image', method: 'announce', running: {}, afterMs: 60_000, hasRestarted: false },
      'OLD_IMAGE_RUNS hall took the image and has not restarted within 60 s: the old sketch runs.',
    ],
    [
      { type: 'gone', waitedMs: 60_000 },
      'DEVICE_GONE hall took the image and has not come back within 60 s.',
    ],
    [
      { type: 'gone', waitedMs: 60_000, cameAtMs: 5000 },
      'DEVICE_GONE hall came back after 5 s, went away again, and was not back within 60 s.',
    ],
    [
      { type: 'crash-loop', everyMs: 6040, boots: 3, boot: 'watchdog' },
      'DEVICE_GONE hall restarts every 6 s: crash loop (watchdog).',
    ],
    [
      { type: 'unproven', method: 'http', reason: 'no answer', waitedMs: 60_000, hint: 'Look there.' },
      'NOT_VERIFIED hall took the image, but which sketch runs is not proven: no answer.',
    ],
  ] satisfies [Verification, string][])('%o says what is known, and no more', (verification, words) => {
    const verdict = proofVerdictOf(verification, { name: 'hall', isAskedFor: true });
    const said =
      verdict.type === 'failed'
        ? `${verdict.error.code} ${verdict.error.message}`
        : `${verdict.event.type} by ${verdict.event.method}: ${verdict.event.type === 'verified' ? verdict.event.proof : verdict.event.reason}`;
    expect(said).toBe(words);
  });

  it('that lacks a proof is an error only where proof was asked for', () => {
    const unproven = { type: 'unproven', method: 'return', reason: 'no answer', waitedMs: 1 } as const;
    expect(proofVerdictOf(unproven, { name: 'hall', isAskedFor: false })).toMatchObject({
      type: 'passed',
      event: { type: 'unverified' },
    });
  });
});

describe('what is waited for', () => {
  const config: VerifyConfig = { method: 'auto', isAskedFor: false, timeoutMs: 1 };
  const http = { url: 'http://{address}/' };
  const command = ['check'];
  it.each([
    ['nothing, of a device that says nothing', config, {}, []],
    ['its own word, of one that has said it before', config, { md5: sum }, ['announce']],
    ['its return at least, where proof is asked for', { ...config, isAskedFor: true }, {}, ['return']],
    ['what is configured', { ...config, isAskedFor: true, http, command }, {}, ['http', 'command']],
    ['its own word first', { ...config, isAskedFor: true, http }, { md5: sum }, ['announce', 'http']],
    ['the one method that is named', { ...config, method: 'http', http }, { md5: sum }, ['http']],
    ['nothing, where that is named', { ...config, method: 'none' }, { md5: sum }, []],
  ] satisfies [string, VerifyConfig, { md5?: string }, string[]][])('is %s', (_, given, before, methods) => {
    expect(proofsToTry(given, before)).toEqual(methods);
  });
});

describe('what a device says', () => {
  it('is read without its case, and made safe', () => {
    const txt = { md5: sum.toUpperCase(), run: '0000000A', boot: 'excep\u001B[2Jtion', version: '1.0' };
    expect(saidIn({ txt })).toEqual({
      md5: sum,
      run: '0000000a',
      boot: String.raw`excep\u001b[2Jtion`,
      version: '1.0',
      isDescribed: true,
    });
  });

  it.each([{ md5: 'x'.repeat(32) }, { md5: 'a' }, { run: '1' }, { run: '123456789' }, { boot: ' ' }])(
    'is nothing where it is none of these items: %o',
    (txt) => {
      expect(saidIn({ txt })).toEqual({ isDescribed: true });
    },
  );

  it('is that of the device where the image went, and nobody’s where several have its name elsewhere', () => {
    const at = (...addresses: string[]) => ({ addresses, port: 8266 });
    const place = { address: '192.0.2.7', port: 8266 };
    const [own, other, third] = [at('192.0.2.7'), at('192.0.2.8'), at('192.0.2.9')];
    expect(ownAmong([other, own], place)).toBe(own);
    expect(ownAmong([other], place)).toBe(other);
    expect(ownAmong([other, third], place)).toBeUndefined();
    expect(ownAmong([{ ...own, port: 1 }, own], place)).toBe(own);
    expect(ownAmong([{ ...own, port: 1 }], place)).toBeUndefined();
    const pico = { ...own, port: 2040 };
    expect(ownAmong([pico], place)).toBe(pico);
    expect(ownAmong([], place)).toBeUndefined();
  });

  it('is found elsewhere by its new boot mark, and never with one that had its name before the push', () => {
    const at = (address: string, run: string) => ({ addresses: [address], port: 8266, txt: { run } });
    const place = { address: '192.0.2.7', port: 8266 };
    const [old, moved, twin] = [
      at('192.0.2.7', '00000001'),
      at('192.0.2.8', '00000002'),
      at('192.0.2.9', '00000009'),
    ];
    const known = { run: '00000001', twins: [twin] };
    expect(ownAfter([old, moved], place, known)).toBe(moved);
    expect(ownAfter([old, twin], place, known)).toBe(old);
    expect(ownAfter([twin], place, known)).toBeUndefined();
    expect(ownAfter([old], place, known)).toBe(old);
    expect(ownAfter([old, moved], place, { twins: [] })).toBe(old);
  });

  it.each([
    ['another service of the same host', '192.0.2.7', 8267],
    ['the same service of another host', '192.0.2.8', 8266],
  ])('is found beside a twin that is %s', (_, address, port) => {
    const place = { address: '192.0.2.7', port: 8266 };
    const own = { addresses: ['fe80::7', '192.0.2.7'], port: 8266, txt: { run: '00000002' } };
    const twin = { addresses: [address], port, txt: { run: '00000009' } };
    const known = { run: '00000001', twins: [twin] };
    expect(ownAfter([own, twin], place, known)).toBe(own);
    expect(ownAfter([own], place, known)).toBe(own);
    expect(ownAfter([twin], place, known)).toBeUndefined();
  });

  it('is its own where somebody else was there before it', () => {
    const own = { addresses: ['192.0.2.7'], port: 8266, txt: { run: '00000002' } };
    expect(ownAfter([own], { address: '192.0.2.7', port: 8266 }, { twins: [own] })).toBe(own);
  });
});
