import { expect, test } from 'vitest';
import { createSingleFlight } from '../../../src/diagnose/single-flight.ts';

const never = new AbortController().signal;

test('those who ask at the same time get one answer, and after it the next is asked anew', async () => {
  const share = createSingleFlight<number>(0);
  let count = 0;
  const work = async () => (count += 1);
  expect(
    await Promise.all([share('a', work, never), share('a', work, never), share('b', work, never)]),
  ).toEqual([1, 1, 2]);
  expect(await share('a', work, never)).toBe(3);
});

test('an answer that is kept serves whoever comes soon', async () => {
  const share = createSingleFlight<number>(60_000);
  let count = 0;
  const work = async () => (count += 1);
  expect([await share('a', work, never), await share('a', work, never)]).toEqual([1, 1]);
});

test('who aborts waits no longer, and the work ends with the last of them', async () => {
  const share = createSingleFlight<string>(60_000);
  const [one, other] = [new AbortController(), new AbortController()];
  let working: AbortSignal | undefined;
  let count = 0;
  const work = (signal: AbortSignal) => {
    working = signal;
    count += 1;
    return new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('broken off')));
  };
  const both = [share('a', work, one.signal), share('a', work, other.signal)];
  one.abort();
  expect(await both[0]).toBeUndefined();
  expect(working?.aborted).toBe(false);
  other.abort();
  expect(await both[1]).toBeUndefined();
  expect(working?.aborted).toBe(true);
  expect(await share('a', work, one.signal)).toBeUndefined();
  void share('a', work, never);
  expect(count).toBe(2);
});

test('a failure is that of all who wait, and not of the next', async () => {
  const share = createSingleFlight<string>(0);
  const fails = () => Promise.reject(new Error('no'));
  const both = await Promise.allSettled([share('a', fails, never), share('a', fails, never)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await share('a', async () => 'well', never)).toBe('well');
});
