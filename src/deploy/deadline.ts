/** How long one device's push may take: one deadline, from its turn to the verdict, passed down as one signal. */

import { OtaError } from '../model/errors.ts';
import { withWaitedFor, type WaitedFor } from '../model/waiting.ts';

/** Slower than any link on which a push is worth waiting for. */
const slowestBytesPerSecond = 2_000;
const leastMs = 60_000;

export interface Deadline {
  /** Aborts with `TIMEOUT` when the time is over, and with the caller's own reason when the caller aborts. */
  readonly signal: AbortSignal;
  /** Milliseconds, never negative. */
  leftMs(): number;
  /** What is being waited for from now on, for the error; undefined: who is given the signal knows better. */
  waitsFor(wait: WaitedFor | undefined): void;
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
  let waitedFor: WaitedFor | undefined;
  const timer = setTimeout(
    () => {
      const message = `${name} was not done within ${Number((limitMs / 1000).toFixed(1))} s.`;
      const error = new OtaError('TIMEOUT', message, { details: { timeoutMs: limitMs } });
      over.abort(withWaitedFor(error, waitedFor));
    },
    Math.min(limitMs, 2 ** 31 - 1),
  );
  return {
    signal: AbortSignal.any([signal, over.signal]),
    leftMs: () => Math.max(0, endsAtMs - performance.now()),
    waitsFor: (wait) => (waitedFor = wait),
    close: () => clearTimeout(timer),
  };
}
