import { cancelled } from '../model/errors.ts';

interface Limit {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** What to reject with when the time is over. */
  late(): Error;
}

/** `work`, or a rejection when the time is over or the signal is aborted: for work that cannot be stopped itself. */
export function within<T>(work: Promise<T>, { timeoutMs, signal, late }: Limit): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const abort = (): void => {
      end();
      reject(cancelled(signal));
    };
    const timer = setTimeout(() => {
      end();
      reject(late());
    }, timeoutMs);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    work.then(resolve, reject).finally(end);
  });
}
