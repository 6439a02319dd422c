import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Emission } from '../../../src/simulator/emission.ts';
import { Transfer, type DeviceTransferOptions } from '../../../src/simulator/transfer.ts';

const esp8266: DeviceTransferOptions = {
  sizeBytes: 409_600,
  startMs: 0,
  roundTripMs: 0,
  windowBytes: 2144,
  segmentBytes: 536,
  msPerSector: 55,
  counts: 'when-dry',
};
const esp32: DeviceTransferOptions = {
  ...esp8266,
  windowBytes: 5744,
  segmentBytes: 1436,
  counts: 'per-read',
  silenceMs: 1000,
};
const forever = 1e9;

/** Everything handed over half a round trip after the device began to listen. */
const flood = (options: DeviceTransferOptions): { transfer: Transfer; emissions: Emission[] } => {
  const transfer = new Transfer(options);
  transfer.offer(options.sizeBytes, options.roundTripMs / 2);
  return { transfer, emissions: transfer.advance(forever) };
};
const types = (emissions: Emission[]): string[] =>
  emissions.map(({ type }) => type).filter((type) => type !== 'count' && type !== 'sector-written');
const counts = (emissions: Emission[]): number[] =>
  emissions.flatMap((emission) => (emission.type === 'count' ? [emission.bytes] : []));
const timeOf = (emissions: Emission[], type: Emission['type']): number | undefined =>
  emissions.find((emission) => emission.type === type)?.atMs;

// protocol.md: 6.6 s, 8.6 s and 11.7 s, each with 100 ms before the connection and 1 s before the verdict in it.
test.each([
  [5840, 1460, 0, 5500],
  [5840, 1460, 20, 5520],
  [5840, 1460, 50, 5550],
  [2144, 536, 0, 5500],
  [2144, 536, 20, 7520],
  [2144, 536, 50, 10_550],
])(
  '400 KiB, window %d, segments of %d, round trip %d ms: %d ms',
  (windowBytes, segmentBytes, roundTripMs, ms) => {
    const { emissions } = flood({ ...esp8266, windowBytes, segmentBytes, roundTripMs });
    expect(timeOf(emissions, 'complete')).toBe(ms);
  },
);

test('a full window gives one single sum at the end; a small one a sum for each sector', () => {
  const wide = flood({ ...esp8266, windowBytes: 5840, segmentBytes: 1460, roundTripMs: 20 });
  expect(counts(wide.emissions)).toEqual([409_600]);
  const narrow = flood({ ...esp8266, roundTripMs: 20 });
  expect(counts(narrow.emissions).length).toBeGreaterThan(90);
});

test('an ESP32 prints each read, at most 1460', () => {
  const { emissions } = flood({ ...esp32, sizeBytes: 5000 });
  expect(counts(emissions)).toEqual([1460, 1460, 1460, 620]);
});

test('lockstep costs a round trip for each chunk', () => {
  const transfer = new Transfer({ ...esp32, sizeBytes: 14_600, roundTripMs: 100, msPerSector: 0 });
  let nowMs = 50;
  for (let sent = 0; sent < 14_600; sent += 1460) {
    transfer.offer(1460, nowMs);
    const [count] = transfer.advance(nowMs + 60).filter(({ type }) => type === 'count');
    expect(count?.atMs).toBe(nowMs + 50);
    nowMs += 100;
  }
  expect(transfer.writtenBytes).toBe(14_600);
});

test('a full buffer waits for one byte more', () => {
  const transfer = new Transfer({ ...esp8266, windowBytes: 8192 });
  transfer.offer(4096, 0);
  expect(transfer.advance(500)).toEqual([{ type: 'count', atMs: 1, bytes: 4096 }]);
  expect(transfer.writtenBytes).toBe(0);
  transfer.offer(1, 500);
  expect(transfer.advance(600)).toContainEqual({ type: 'sector-written', atMs: 555, writtenBytes: 4096 });
});

test('patience: an ESP32 prints its last count three times again, then gives up; an ESP8266 waits', () => {
  const transfer = new Transfer(esp32);
  transfer.offer(1000, 0);
  expect(transfer.advance(forever)).toEqual([
    { type: 'count', atMs: 0, bytes: 1000 },
    { type: 'count', atMs: 1000, bytes: 1000 },
    { type: 'count', atMs: 2000, bytes: 1000 },
    { type: 'count', atMs: 3000, bytes: 1000 },
    { type: 'gave-up', atMs: 4000 },
  ]);
  expect(new Transfer(esp32).advance(forever)).toEqual([{ type: 'gave-up', atMs: 1000 }]);
  expect(new Transfer(esp8266).nextDueMs).toBe(Number.POSITIVE_INFINITY);
});

test('the end follows the last byte; a reset takes along what has not left', () => {
  const ended = new Transfer({ ...esp8266, roundTripMs: 20 });
  ended.offer(10_000, 10);
  ended.end(10);
  expect(types(ended.advance(forever))).toEqual(['end-of-stream']);
  expect(ended.receivedBytes).toBe(10_000);

  const reset = new Transfer({ ...esp8266, roundTripMs: 20 });
  reset.offer(10_000, 10);
  reset.reset(10);
  const emissions = reset.advance(forever);
  expect(types(emissions)).toEqual(['reset']);
  expect(reset.receivedBytes).toBeLessThanOrEqual(2144);
});

test('the end during the last write is seen after it', () => {
  const transfer = new Transfer({ ...esp8266, sizeBytes: 100 });
  transfer.offer(100, 0);
  transfer.end(0);
  expect(transfer.advance(forever)).toEqual([
    { type: 'sector-written', atMs: 55, writtenBytes: 100 },
    { type: 'count', atMs: 55, bytes: 100 },
    { type: 'complete', atMs: 55 },
    { type: 'end-of-stream', atMs: 55 },
  ]);
});

test('halts exactly where it shall', () => {
  for (const options of [esp8266, esp32]) {
    const { transfer, emissions } = flood({ ...options, haltAtBytes: 5001 });
    expect(types(emissions)).toEqual(['halted']);
    expect(transfer.receivedBytes).toBe(5001);
    transfer.reset(forever);
    expect(types(transfer.advance(2 * forever))).toEqual(['reset']);
  }
});

test('a failed write ends it; an ESP8266 counts what it had read, an ESP32 what it had written', () => {
  for (const options of [esp8266, esp32]) {
    const { transfer, emissions } = flood({ ...options, failAtBytes: 5000 });
    expect(types(emissions)).toEqual(['write-failed']);
    expect(transfer.writtenBytes).toBe(4096);
    expect(transfer.unreadBytes).toBeGreaterThan(0);
    const counted = counts(emissions).reduce((sum, bytes) => sum + bytes, 0);
    expect(counted === transfer.receivedBytes).toBe(options === esp8266);
  }
});

const anyOptions = fc.record({
  model: fc.constantFrom(esp8266, esp32),
  sizeBytes: fc.integer({ min: 1, max: 60_000 }),
  roundTripMs: fc.constantFrom(0, 1, 20, 333),
  windowBytes: fc.integer({ min: 1, max: 9000 }),
  segmentBytes: fc.integer({ min: 1, max: 1460 }),
  msPerSector: fc.constantFrom(0, 0.5, 55),
});

test('whatever the link, the window and the chunks: all arrives, and the counts add up', () => {
  fc.assert(
    fc.property(
      anyOptions,
      fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 30 }),
      ({ model, ...given }, chunks) => {
        const transfer = new Transfer({ ...model, ...given, silenceMs: Number.POSITIVE_INFINITY });
        const emissions: Emission[] = [];
        let offered = 0;
        for (const [index, chunk] of chunks.entries()) {
          const bytes = Math.min(chunk, given.sizeBytes - offered);
          emissions.push(...transfer.advance(index * 7));
          transfer.offer(bytes, index * 7);
          offered += bytes;
        }
        transfer.offer(given.sizeBytes - offered, chunks.length * 7);
        emissions.push(...transfer.advance(forever));
        expect(types(emissions)).toEqual(['complete']);
        expect(counts(emissions).reduce((sum, bytes) => sum + bytes, 0)).toBe(given.sizeBytes);
        const times = emissions.map(({ atMs }) => atMs);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      },
    ),
    { numRuns: 200 },
  );
});

test('times do not depend on how often one looks', () => {
  fc.assert(
    fc.property(anyOptions, fc.array(fc.integer({ min: 0, max: 3000 })), ({ model, ...given }, looks) => {
      const options = { ...model, ...given };
      const once = flood(options).emissions;
      const transfer = new Transfer(options);
      transfer.offer(options.sizeBytes, options.roundTripMs / 2);
      const often = looks.toSorted((a, b) => a - b).flatMap((atMs) => transfer.advance(atMs));
      expect([...often, ...transfer.advance(forever)]).toEqual(once);
    }),
    { numRuns: 100 },
  );
});
