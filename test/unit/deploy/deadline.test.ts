import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultLimitMs, startDeadline } from '../../../src/deploy/deadline.ts';
import { OtaError } from '../../../src/model/errors.ts';

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
  it('aborts with TIMEOUT when its time is over, and names device and limit', async () => {
    const { deadline } = start(1500);
    const waiting = deadline.bound(new Promise(() => {}));
    const ended = expect(waiting).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: 'hall was not done within 1.5 s.',
      details: { timeoutMs: 1500 },
    });
    vi.advanceTimersByTime(1499);
    expect(deadline.signal.aborted).toBe(false);
    expect(deadline.leftMs()).toBe(1);
    vi.advanceTimersByTime(1);
    await ended;
    expect(deadline.leftMs()).toBe(0);
    await expect(deadline.bound(Promise.resolve('late'))).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('gives the result of work that ends before, and its own failure', async () => {
    const { deadline } = start(1000);
    await expect(deadline.bound(Promise.resolve('done'))).resolves.toBe('done');
    await expect(deadline.bound(Promise.reject(new OtaError('DEVICE_SILENT', 'gone')))).rejects.toMatchObject(
      {
        code: 'DEVICE_SILENT',
      },
    );
  });

  it('aborts with the reason of the run', async () => {
    const { run, deadline } = start(1000);
    const waiting = deadline.bound(new Promise(() => {}));
    run.abort(new OtaError('CANCELLED', 'Interrupted by SIGINT.'));
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED', message: 'Interrupted by SIGINT.' });
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
