import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled } from '../../model/errors.ts';

interface Repeated<T> {
  /** By `performance.now()`. */
  readonly endsAtMs: number;
  readonly signal: AbortSignal;
  /** Its signal is aborted at the limit too; what it comes to then counts for nothing. */
  attempt(signal: AbortSignal): Promise<{ readonly done: T } | { readonly pauseMs: number }>;
}

/**
 * Tries until something is known; undefined: the time is over.
 *
 * @throws CANCELLED
 */
export async function repeat<T>({ endsAtMs, signal, attempt }: Repeated<T>): Promise<T | undefined> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), Math.max(0, endsAtMs - performance.now()));
  const either = AbortSignal.any([signal, over.signal]);
  try {
    while (!either.aborted) {
      const tried = await attempt(either);
      if (over.signal.aborted || signal.aborted) break;
      if ('done' in tried) return tried.done;
      await sleep(tried.pauseMs, undefined, { signal: either });
    }
  } catch (error) {
    if (!either.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  if (signal.aborted) throw cancelled(signal);
  return undefined;
}
