/** How long one device's push may take: one deadline, from its turn to the verdict, passed down as one signal. */

import { cancelled, OtaError } from '../model/errors.ts';

/** Slower than any link on which a push is worth waiting for. */
const slowestBytesPerSecond = 2_000;
const leastMs = 60_000;

export interface Deadline {
  /** Aborts with `TIMEOUT` when the time is over, and with the caller's own reason when the caller aborts. */
  readonly signal: AbortSignal;
  /** Milliseconds, never negative. */
  leftMs(): number;
  /** The same work, given up when the signal aborts: for work that was started before the deadline was. */
  bound<T>(work: Promise<T>): Promise<T>;
  close(): void;
}

export interface DeadlineOptions {
  /** For the message. */
  readonly name: string;
  readonly limitMs: number;
  /** Of the whole run. */
  readonly signal: AbortSignal;
}

/** Generous: for finding the device, for another otarc that uses it, and for the slowest link. */
export function defaultLimitMs({ sizeBytes }: { readonly sizeBytes: number }): number {
  return leastMs + (sizeBytes * 1000) / slowestBytesPerSecond;
}

export function startDeadline({ name, limitMs, signal }: DeadlineOptions): Deadline {
  const endsAtMs = performance.now() + limitMs;
  const over = new AbortController();
  const timer = setTimeout(
    () => {
      const message = `${name} was not done within ${Number((limitMs / 1000).toFixed(1))} s.`;
      over.abort(new OtaError('TIMEOUT', message, { details: { timeoutMs: limitMs } }));
    },
    Math.min(limitMs, 2 ** 31 - 1),
  );
  const both = AbortSignal.any([signal, over.signal]);
  return {
    signal: both,
    leftMs: () => Math.max(0, endsAtMs - performance.now()),
    async bound(work) {
      // Work that loses the race may still reject: that is nobody's failure.
      work.catch(() => {});
      if (both.aborted) throw cancelled(both);
      const done = new AbortController();
      const aborted = new Promise<never>((_, reject) => {
        both.addEventListener('abort', () => reject(cancelled(both)), { once: true, signal: done.signal });
      });
      try {
        return await Promise.race([work, aborted]);
      } finally {
        done.abort();
      }
    },
    close: () => clearTimeout(timer),
  };
}
