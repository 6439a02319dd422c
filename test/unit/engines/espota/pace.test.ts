import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as paces from '../../../../src/engines/espota/pace.ts';

const sizeBytes = 409_600;
const started = (roundTripMs?: number): paces.TransferPace =>
  paces.startPace({ sizeBytes, nowMs: 0, ...(roundTripMs === undefined ? {} : { roundTripMs }) });
const sendAll = (pace: paces.TransferPace, nowMs: number): paces.TransferPace => {
  const bytes = paces.allowanceBytes(pace, nowMs);
  return bytes === 0 ? pace : paces.sent(pace, bytes, nowMs);
};

/** The three small parts, one after the other, without a count. */
function probed(roundTripMs?: number): { pace: paces.TransferPace; nowMs: number } {
  let pace = started(roundTripMs);
  let nowMs = 0;
  for (let probe = 0; probe < 3; probe += 1) {
    pace = sendAll(pace, nowMs);
    nowMs = paces.goOnAtMs(pace);
  }
  return { pace, nowMs };
}

/** After the small parts and `windows` windows of a device that takes 55 ms a sector, each count heard `roundTripMs` later. */
function settled(roundTripMs: number, windows = 3): { pace: paces.TransferPace; nowMs: number } {
  let { pace, nowMs } = probed(roundTripMs);
  pace = paces.acknowledged(pace, pace.sentBytes, nowMs + roundTripMs);
  nowMs += roundTripMs;
  for (let window = 0; window < windows; window += 1) {
    pace = sendAll(pace, nowMs);
    const bytes = pace.sentBytes - pace.acknowledgedBytes;
    nowMs += (bytes / 4096) * 55 + roundTripMs;
    pace = paces.acknowledged(pace, pace.sentBytes, nowMs);
  }
  return { pace, nowMs };
}

describe('the round trip', () => {
  test('three small parts go first, a pause between them, and each measures it', () => {
    let pace = sendAll(started(), 0);
    const { sentBytes } = pace;
    expect(sentBytes).toBeLessThan(1460);
    expect(paces.allowanceBytes(pace, 0)).toBe(0);
    pace = sendAll(pace, paces.goOnAtMs(pace));
    expect(pace.sentBytes).toBe(2 * sentBytes);
    pace = paces.acknowledged(pace, sentBytes, 300);
    expect(pace.roundTripMs).toBe(300);
    pace = paces.acknowledged(pace, 2 * sentBytes, 303);
    expect(pace.roundTripMs).toBe(300);
    const late = sendAll(pace, 400);
    expect(paces.acknowledged(late, late.sentBytes, 420).roundTripMs).toBe(20);
  });

  test('is the shortest of all, that of the invitation included', () => {
    for (const [invitationMs, countMs] of [
      [900, 20],
      [20, 900],
    ] as const) {
      const pace = sendAll(started(invitationMs), 0);
      expect(paces.acknowledged(pace, pace.sentBytes, countMs).roundTripMs).toBe(20);
    }
  });

  test('is not measured by what was read when this host woke late', () => {
    const pace = paces.woken(sendAll(started(50), 0), 3, 10);
    expect(paces.acknowledged(pace, pace.sentBytes, 10).roundTripMs).toBe(50);
  });
});

describe('window', () => {
  test('before anything was measured: four sectors beside the small parts, whatever the round trip', () => {
    for (const roundTripMs of [0, 5, 50, 5000]) {
      const { pace, nowMs } = probed(roundTripMs);
      expect(paces.allowanceBytes(pace, nowMs)).toBe(4 * 4096);
    }
  });

  test.each([0, 2, 10, 50, 100, 500])(
    'round trip %i ms: whole sectors, and at most what takes a second',
    (ms) => {
      const { pace, nowMs } = settled(ms);
      const bytes = paces.allowanceBytes(pace, nowMs);
      expect(bytes % 4096).toBe(0);
      expect(bytes).toBeGreaterThanOrEqual(32 * 1024 - 4096);
      expect((bytes / 4096) * 55).toBeLessThanOrEqual(1000);
    },
  );

  test('one busy moment of the host makes it no larger than that', () => {
    let { pace, nowMs } = settled(2);
    pace = sendAll(pace, nowMs);
    pace = paces.acknowledged(pace, pace.sentBytes, nowMs + 3000);
    expect((paces.windowBytes(pace) / 4096) * 55).toBeLessThanOrEqual(1000);
  });

  test('never more than the image', () => {
    let pace = paces.startPace({ sizeBytes: 500, nowMs: 0 });
    expect(paces.allowanceBytes(pace, 0)).toBe(500);
    pace = sendAll(pace, 0);
    expect(paces.allowanceBytes(pace, 1000)).toBe(0);
    expect(paces.goOnAtMs(pace)).toBe(Infinity);
  });
});

describe('ahead of the count', () => {
  test('on a slow link a few sectors go when the device has just run dry, the rest with the count', () => {
    const { pace, nowMs } = settled(100);
    const full = sendAll(pace, nowMs);
    const takesMs = ((full.sentBytes - full.acknowledgedBytes) / 4096) * 55;
    expect(paces.goOnAtMs(full)).toBeGreaterThan(nowMs + takesMs);
    expect(paces.goOnAtMs(full)).toBeLessThan(nowMs + takesMs + 20);
    const ahead = sendAll(paces.goOn(full, paces.goOnAtMs(full)), paces.goOnAtMs(full));
    const bridge = ahead.sentBytes - full.sentBytes;
    expect((bridge / 4096) * 55).toBeGreaterThan(100);
    expect((bridge / 4096) * 55).toBeLessThan(300);
    const heardMs = nowMs + takesMs + 100;
    const counted = paces.acknowledged(ahead, full.sentBytes, heardMs);
    expect(counted.misses).toBe(0);
    expect(paces.allowanceBytes(counted, heardMs)).toBeGreaterThan(0);
  });

  test('a count that covers some of the bridge was a miss: the next margin is longer', () => {
    const { pace, nowMs } = settled(100);
    const full = sendAll(pace, nowMs);
    const dueMs = paces.goOnAtMs(full);
    const ahead = sendAll(paces.goOn(full, dueMs), dueMs);
    const missed = paces.acknowledged(ahead, ahead.sentBytes, dueMs + 300);
    expect(missed.misses).toBe(1);
    const next = sendAll(missed, dueMs + 300);
    const marginMs = (of: paces.TransferPace, sentAtMs: number): number =>
      paces.goOnAtMs(of) - sentAtMs - ((of.sentBytes - of.acknowledgedBytes) / 4096) * 55;
    expect(marginMs(next, dueMs + 300)).toBeGreaterThan(marginMs(full, nowMs));
  });

  test('where the count is as soon there, it is waited for', () => {
    const { pace, nowMs } = settled(2);
    const full = sendAll(pace, nowMs);
    expect(paces.goOnAtMs(full)).toBeGreaterThan(nowMs + 500);
  });
});

test('without any count all bytes go out, a part of a window at a time', () => {
  let pace = started();
  let nowMs = 0;
  for (let step = 0; step < 1000 && pace.sentBytes < sizeBytes; step += 1) {
    pace = sendAll(pace, nowMs);
    nowMs = Math.min(paces.goOnAtMs(pace), 1e9);
    pace = paces.goOn(pace, nowMs);
    expect(pace.sentBytes - pace.presumedBytes).toBeLessThanOrEqual(paces.windowBytes(pace));
  }
  expect(pace.sentBytes).toBe(sizeBytes);
  expect(pace.acknowledgedBytes).toBe(0);
});

describe('stallLimitMs', () => {
  test('ten seconds and three times the window', () => {
    const { pace } = settled(0);
    expect(paces.stallLimitMs(pace)).toBeGreaterThan(10_000 + 3 * 380);
    expect(paces.stallLimitMs(pace)).toBeLessThan(12_000);
  });

  test('the window is never longer than the image', () => {
    const small = paces.startPace({ sizeBytes: 1000, nowMs: 0 });
    expect(paces.stallLimitMs(small)).toBeLessThan(10_100);
  });
});

test('whatever comes, at whatever time: bounds hold', () => {
  const step = fc.record({
    type: fc.constantFrom('send', 'count', 'stop', 'go-on'),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    afterMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
    lateMs: fc.double({ min: 0, max: 2000, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3_000_000 }), (steps, bytes) => {
      let pace = paces.startPace({ sizeBytes: bytes, nowMs: 0 });
      let nowMs = 0;
      for (const { type, share, afterMs, lateMs } of steps) {
        nowMs += afterMs + lateMs;
        pace = paces.woken(pace, nowMs - lateMs, nowMs);
        if (type === 'send') pace = sendAll(pace, nowMs);
        if (type === 'go-on') pace = paces.goOn(pace, nowMs);
        if (type === 'count' || type === 'stop') {
          const outstanding = pace.sentBytes - pace.acknowledgedBytes;
          const counted = type === 'stop' ? outstanding : Math.floor(share * outstanding);
          pace = paces.acknowledged(pace, pace.acknowledgedBytes + counted, nowMs);
        }
        expect(pace.sentBytes).toBeLessThanOrEqual(bytes);
        expect(pace.presumedBytes).toBeLessThanOrEqual(pace.sentBytes);
        expect(Number.isInteger(paces.allowanceBytes(pace, nowMs))).toBe(true);
        expect(paces.allowanceBytes(pace, nowMs)).toBeGreaterThanOrEqual(0);
        expect(paces.windowBytes(pace)).toBeGreaterThanOrEqual(8 * 1024);
        expect(Number.isFinite(paces.stallLimitMs(pace))).toBe(true);
        expect(
          pace.sentBytes === bytes || Number.isFinite(paces.goOnAtMs(pace)) || pace.sentBytes === 0,
        ).toBe(true);
      }
    }),
  );
});
