import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { widthOf } from '../../../../src/cli/terminal/width.ts';
import { OtaError } from '../../../../src/model/errors.ts';
import type { DeployEvent, EventBody } from '../../../../src/model/events.ts';
import { bar, eventLines, progressLine, progressText, seconds } from '../../../../src/cli/report/text.ts';

const at = '2026-01-02T03:04:05.678Z';
const told = (body: EventBody, device?: string): DeployEvent => ({
  ...body,
  at,
  ...(device === undefined ? {} : { device }),
});
const textOf = (body: EventBody, device?: string): string[] =>
  eventLines(told(body, device)).map(({ type, text }) => `${type} ${text}`);

const failed = (more: object): EventBody => {
  const { code, message, hint, details } = new OtaError('DEVICE_SILENT', 'No answer.', { hint: 'Look.' });
  return { type: 'failed', code, message, hint, details, stage: 'push', ...more };
};

describe('an event as a sentence', () => {
  it.each([
    [
      { type: 'build-started', tool: 'pio', command: ['pio', 'run', '-e', 'd1'], environment: 'd1' },
      ['message building d1: pio run -e d1'],
    ],
    [{ type: 'build-finished', tool: 'pio', durationMs: 2149, exitCode: 0 }, ['message built in 2.1 s']],
    [{ type: 'build-finished', tool: 'pio', durationMs: 2149, exitCode: 1 }, []],
    [
      {
        type: 'image-ready',
        path: '/p/f.bin',
        sizeBytes: 312_448,
        md5: 'abc',
        kind: 'firmware',
        platform: 'esp32',
        chip: 'esp32-c3',
        identity: 'i1',
      },
      ['message image /p/f.bin: ESP32-C3 firmware, 312,448 bytes', 'detail MD5 abc, identity i1'],
    ],
    [
      { type: 'image-ready', path: '/p/l.bin', sizeBytes: 999, md5: 'abc', kind: 'filesystem' },
      ['message image /p/l.bin: file system, 999 bytes', 'detail MD5 abc'],
    ],
    [{ type: 'rebooting' }, []],
    [{ type: 'log', level: 'warn', message: 'careful' }, ['warning careful']],
    [{ type: 'change-detected', paths: [], reason: 'start' }, []],
    [{ type: 'change-detected', paths: [], reason: 'the device is back' }, ['message the device is back']],
    [
      { type: 'change-detected', paths: ['/p/src/a', 'C:\\p\\src\\b', 'c', 'd'], reason: 'saved' },
      ['message saved: src/a, src/b, c and 1 more'],
    ],
  ] satisfies [EventBody, string[]][])('%o', (body, lines) => {
    expect(textOf(body)).toEqual(lines);
  });

  it.each([
    [
      { type: 'device-located', name: 'x', address: '10.0.0.7', port: 8266, via: 'mdns' },
      ['message hall: at 10.0.0.7:8266 (over mDNS)'],
    ],
    [
      { type: 'device-located', name: 'x', address: 'fe80::7%eth0', port: 8266, via: 'config' },
      ['detail hall: at [fe80::7%eth0]:8266 (as configured)'],
    ],
    [
      { type: 'invited', attempt: 1, hostAddress: '10.0.0.1', hostPort: 4711 },
      ['detail hall: invited (try 1), to connect to 10.0.0.1:4711'],
    ],
    [
      { type: 'invited', attempt: 2, hostAddress: '10.0.0.1', hostPort: 4711 },
      ['message hall: no answer yet, asking again'],
    ],
    [{ type: 'authenticated', scheme: 'none' }, ['detail hall: asks for no password']],
    [{ type: 'authenticated', scheme: 'sha256' }, ['detail hall: password accepted (sha256)']],
    [
      { type: 'accepted', durationMs: 4000, sizeBytes: 409_600, sentBytes: 204_800, countedBytes: 204_800 },
      ['message hall: accepted 409,600 bytes in 4.0 s (50 KiB/s); it restarts now'],
    ],
    [
      { type: 'accepted', durationMs: 4000, sizeBytes: 409_600, sentBytes: 409_600, countedBytes: 372_000 },
      [
        'message hall: accepted 409,600 bytes in 4.0 s (100 KiB/s); it restarts now',
        'detail hall: its counts add up to 372,000 of 409,600 bytes',
      ],
    ],
    [
      { type: 'accepted', durationMs: 4000, sizeBytes: 409_600, sentBytes: 409_600, countedBytes: 200_000 },
      ['message hall: accepted 409,600 bytes in 4.0 s (100 KiB/s); it restarts now'],
    ],
    [
      { type: 'retrying', code: 'DEVICE_BUSY', inMs: 500 },
      ['message hall: DEVICE_BUSY, trying again in 500 ms'],
    ],
    [{ type: 'skipped', reason: 'it runs that already' }, ['message hall: skipped: it runs that already']],
    [
      { type: 'unverified', method: 'auto', reason: 'nobody looked' },
      ['message hall took the image; whether it runs was not checked (nobody looked)'],
    ],
    [
      { type: 'unverified', method: 'none', reason: 'not asked for' },
      ['detail hall took the image; whether it runs was not checked (not asked for)'],
    ],
    [
      { type: 'unverified', method: 'return', reason: 'back after 4.1 s; which sketch runs is not proven' },
      ['message hall took the image: back after 4.1 s; which sketch runs is not proven'],
    ],
    [
      { type: 'verified', method: 'announce', proof: 'says so itself, 3.2 s after the push' },
      ['message hall runs the new sketch (it says so itself, 3.2 s after the push)'],
    ],
    [
      { type: 'verified', method: 'announce', proof: 'says so itself', isRollback: true },
      ['message hall runs the sketch from before (it says so itself)'],
    ],
  ] satisfies [EventBody, string[]][])('of a device: %o', (body, lines) => {
    expect(textOf(body, 'hall')).toEqual(lines);
  });

  it.each([
    { what: 'names its device', more: {}, text: 'DEVICE_SILENT: hall: No answer.' },
    {
      what: 'does not name it twice',
      more: { message: 'hall gave no answer.' },
      text: 'DEVICE_SILENT: hall gave no answer.',
    },
    {
      what: 'of a build is nobody’s in particular',
      more: { code: 'BUILD_FAILED', stage: 'build' },
      text: 'BUILD_FAILED: No answer.',
    },
    {
      what: 'of an image that another device could take names the one that cannot',
      more: { code: 'IMAGE_WRONG_CHIP', stage: 'image' },
      text: 'IMAGE_WRONG_CHIP: hall: No answer.',
    },
  ])('a failure $what, and says what to do', ({ more, text }) => {
    expect(textOf(failed(more), 'hall')).toEqual([`error ${text}`, 'hint Look.']);
  });

  it('the end is the one result, in a line; without devices there is none', () => {
    const end = { type: 'done', ok: true, durationMs: 12_345, exitCode: 0 } as const;
    expect(textOf({ ...end, deployed: ['a', 'b'], skipped: ['c'], failed: ['d'] })).toEqual([
      'result pushed to a, b; skipped c; failed on d in 12.3 s',
    ]);
    expect(textOf({ ...end, deployed: [], skipped: [], failed: [] })).toEqual([]);
  });
});

describe('progress', () => {
  it('says the share, the amount, the rate and the time that is left', () => {
    const text = progressText({ acknowledgedBytes: 197_632, totalBytes: 319_488, bytesPerSecond: 72_704 });
    expect(text).toBe(' 61 %, 193 of 312 KiB, 71 KiB/s, 2 s left');
  });

  it('says no time left where none is known, or none is left', () => {
    const whole = { totalBytes: 2048, bytesPerSecond: 1024 };
    expect(progressText({ ...whole, acknowledgedBytes: 2048 })).toBe(
      '100 %, 2 of 2 KiB, 1 KiB/s, being checked',
    );
    expect(progressText({ ...whole, acknowledgedBytes: 0, bytesPerSecond: 0 })).not.toContain('left');
  });

  it('says 100 % only when all is acknowledged', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 24 }), fc.nat(), (totalBytes, some) => {
        const acknowledgedBytes = some % (totalBytes + 1);
        const text = progressText({ acknowledgedBytes, totalBytes, bytesPerSecond: 1000 });
        return text.startsWith('100 %') === (acknowledgedBytes === totalBytes);
      }),
    );
  });

  it.each([
    [100, `livingroom [${'█'.repeat(15)}${'░'.repeat(9)}]  61 %, 193 of 312 KiB, 71 KiB/s, 2 s left`],
    [70, 'livingroom [██████░░░░]  61 %, 193 of 312 KiB, 71 KiB/s, 2 s left'],
    [60, 'livingroom  61 %, 193 of 312 KiB, 71 KiB/s, 2 s left'],
    [40, 'livingroom  61 %, 71 KiB/s, 2 s left'],
    [30, 'livingroom  61 %, 2 s left'],
    [20, 'livingroom  61 %'],
  ])('on a terminal of %i cells loses the bar before it loses words', (cells, line) => {
    const progress = { acknowledgedBytes: 197_632, totalBytes: 319_488, bytesPerSecond: 72_704 };
    expect(progressLine({ ...progress, device: 'livingroom' }, cells)).toBe(line);
  });

  it('has no word cut in two, however narrow the terminal is and whatever the device is called', () => {
    const progress = { acknowledgedBytes: 197_632, totalBytes: 319_488, bytesPerSecond: 72_704 };
    fc.assert(
      fc.property(
        fc.constantFrom('hall', 'Küche', '客厅'),
        fc.integer({ min: 12, max: 160 }),
        (device, cells) => {
          const line = progressLine({ ...progress, device }, cells);
          expect(widthOf(line)).toBeLessThanOrEqual(cells);
          expect(line).toMatch(/^\S+ (\[█+░+\] )? 61 %(, 193 of 312 KiB)?(, 71 KiB\/s)?(, 2 s left)?$/);
        },
      ),
    );
  });

  it('has a bar of one width', () => {
    expect(bar(0.5, 4)).toBe('[██░░]');
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.nat(60), (fraction, width) => {
        return bar(fraction, width).length === width + 2;
      }),
    );
  });
});

it('times are milliseconds below a second, then seconds', () => {
  expect([0.4, 999, 1000, 61_250].map(seconds)).toEqual(['0 ms', '999 ms', '1.0 s', '61.3 s']);
});
