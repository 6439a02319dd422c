import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultLimitMs, startDeadline } from '../../../src/deploy/deadline.ts';
import { OtaError } from '../../../src/model/errors.ts';
import { withWaitedFor } from '../../../src/model/waiting.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(limitMs: number) {
  const run = new AbortController();
  return { run, deadline: startDeadline({ name: 'hall', limitMs, signal: run.signal }) };
}

describe('the deadline of one push', () => {
  it('aborts with TIMEOUT when its time is over, and names device and limit', () => {
    const { deadline } = start(1500);
    vi.advanceTimersByTime(1499);
    expect(deadline.signal.aborted).toBe(false);
    expect(deadline.leftMs()).toBe(1);
    vi.advanceTimersByTime(1);
    expect(deadline.signal.reason).toMatchObject({
      code: 'TIMEOUT',
      message: 'hall was not done within 1.5 s.',
      details: { timeoutMs: 1500 },
    });
    expect(deadline.leftMs()).toBe(0);
  });

  it('says what it was waiting for when its time was over, and not what came later', () => {
    const { deadline } = start(1500);
    deadline.waitsFor('other-otarc');
    deadline.waitsFor('device');
    vi.advanceTimersByTime(1500);
    deadline.waitsFor('other-otarc');
    const { reason } = deadline.signal;
    expect(reason).toMatchObject({
      message: 'hall was not done within 1.5 s: otarc was looking for the device.',
      details: { timeoutMs: 1500, waitedFor: 'device' },
    });
    expect(withWaitedFor(reason, 'answer')).toBe(reason);
  });

  it('aborts with the reason of the run', () => {
    const { run, deadline } = start(1000);
    run.abort(new OtaError('CANCELLED', 'Interrupted by SIGINT.'));
    expect(deadline.signal.reason).toMatchObject({ code: 'CANCELLED', message: 'Interrupted by SIGINT.' });
  });

  it('does not abort once it is closed', () => {
    const { deadline } = start(1000);
    deadline.close();
    vi.advanceTimersByTime(5000);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('is generous by default: 60 s, and more for a larger image', () => {
    expect(defaultLimitMs({ sizeBytes: 0 })).toBe(60_000);
    expect(defaultLimitMs({ sizeBytes: 400_000 })).toBe(260_000);
  });
});
