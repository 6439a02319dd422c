import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as paces from '../../../../src/engines/espota/pace.ts';

const sizeBytes = 409_600;
const started = (roundTripMs?: number): paces.Pace =>
  paces.startPace({ sizeBytes, nowMs: 0, ...(roundTripMs === undefined ? {} : { roundTripMs }) });
const sendAll = (pace: paces.Pace, nowMs: number): paces.Pace =>
  paces.sent(pace, Math.floor(paces.allowanceBytes(pace)), nowMs);

/** Steady state: the probe is back after `roundTripMs`, then counts of 4 KiB at 75,000 bytes a second. */
function steady(roundTripMs: number): paces.Pace {
  let pace = sendAll(started(), 0);
  pace = paces.acknowledged(pace, pace.sentBytes, roundTripMs);
  for (let bytes = 5120; bytes < 100_000; bytes += 4096) {
    pace = sendAll(pace, roundTripMs);
    pace = paces.acknowledged(pace, bytes, roundTripMs + (bytes * 1000) / 75_000);
  }
  return pace;
}

test('the first bytes go alone and measure the round trip', () => {
  const first = sendAll(started(), 0);
  expect(first.sentBytes).toBeLessThan(4096);
  expect(paces.allowanceBytes(first)).toBe(0);
  const after = paces.acknowledged(first, first.sentBytes, 20);
  expect(after.roundTripMs).toBe(20);
  expect(paces.allowanceBytes(after)).toBeGreaterThanOrEqual(32 * 1024);
});

test('the invitation has measured a longer round trip: the shorter counts', () => {
  const first = sendAll(started(900), 0);
  expect(paces.acknowledged(first, first.sentBytes, 20).roundTripMs).toBe(20);
  const other = sendAll(started(10), 0);
  expect(paces.acknowledged(other, other.sentBytes, 70).roundTripMs).toBe(10);
});

describe('window', () => {
  test('at least 32 KiB', () => {
    expect(paces.windowBytes(steady(0))).toBe(32 * 1024);
  });

  test('a hundred round trips of flash writing', () => {
    expect(paces.windowBytes(steady(20))).toBeGreaterThan(140_000);
    expect(paces.windowBytes(steady(20))).toBeLessThan(160_000);
  });

  test('a round trip that no link has does not count', () => {
    expect(paces.windowBytes(steady(3000))).toBeLessThan(100 * 0.16 * 80_000);
  });

  test('never more than the image', () => {
    const small = paces.startPace({ sizeBytes: 500, nowMs: 0 });
    expect(paces.allowanceBytes(small)).toBe(500);
    expect(paces.allowanceBytes(sendAll(small, 0))).toBe(0);
  });
});

describe('goOn', () => {
  test('lets a part of the window go, and is not due at once', () => {
    const full = sendAll(steady(0), 2000);
    expect(paces.allowanceBytes(full)).toBe(0);
    expect(paces.goOnAtMs(full)).toBeGreaterThan(2000 + 32_768 / 75);
    const more = paces.goOn(full, paces.goOnAtMs(full));
    expect(paces.allowanceBytes(more)).toBeGreaterThan(0);
    expect(paces.allowanceBytes(more)).toBeLessThan(paces.windowBytes(full));
    expect(more.acknowledgedBytes).toBe(full.acknowledgedBytes);
  });

  test('brings all bytes out although no count ever comes', () => {
    let pace = started();
    for (let step = 0; step < 1000 && pace.sentBytes < sizeBytes; step += 1) {
      pace = sendAll(pace, pace.lastMoveMs);
      pace = paces.goOn(pace, paces.goOnAtMs(pace));
    }
    expect(pace.sentBytes).toBe(sizeBytes);
    expect(pace.acknowledgedBytes).toBe(0);
  });
});

describe('stallLimitMs', () => {
  test('ten seconds and three times the window', () => {
    expect(paces.stallLimitMs(steady(0))).toBeGreaterThan(10_000 + 3 * 430);
    expect(paces.stallLimitMs(steady(0))).toBeLessThan(12_000);
  });

  test('the window is never longer than the image', () => {
    const small = paces.startPace({ sizeBytes: 1000, nowMs: 0 });
    expect(paces.stallLimitMs(small)).toBeLessThan(10_100);
  });
});

test('whatever comes, at whatever time: bounds hold', () => {
  const step = fc.record({
    type: fc.constantFrom('send', 'count', 'go-on'),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    afterMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3_000_000 }), (steps, bytes) => {
      let pace = paces.startPace({ sizeBytes: bytes, nowMs: 0 });
      let nowMs = 0;
      for (const { type, share, afterMs } of steps) {
        nowMs += afterMs;
        if (type === 'send') pace = sendAll(pace, nowMs);
        if (type === 'go-on') pace = paces.goOn(pace, nowMs);
        if (type === 'count') {
          const outstanding = pace.sentBytes - pace.acknowledgedBytes;
          const counted = pace.acknowledgedBytes + Math.floor(share * outstanding);
          pace = paces.acknowledged(pace, counted, nowMs);
        }
        expect(pace.sentBytes).toBeLessThanOrEqual(bytes);
        expect(pace.acknowledgedBytes + pace.presumedBytes).toBeLessThanOrEqual(pace.sentBytes);
        expect(paces.allowanceBytes(pace)).toBeGreaterThanOrEqual(0);
        expect(paces.windowBytes(pace)).toBeGreaterThanOrEqual(32 * 1024);
        expect(Number.isFinite(paces.stallLimitMs(pace))).toBe(true);
        expect(Number.isFinite(paces.goOnAtMs(pace))).toBe(true);
      }
    }),
  );
});
