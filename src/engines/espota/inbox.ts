/** What comes from sockets, in the order it came, to be taken one by one with a limit of time. */

import { cancelled } from '../../model/errors.ts';

export interface Inbox<T> {
  put(input: T): void;
  /** The next input; undefined at `untilMs` (of `now`). Rejects at once when the signal aborts. */
  next(options: { untilMs: number; signal: AbortSignal }): Promise<T | undefined>;
}

export function createInbox<T>(now: () => number): Inbox<T> {
  const waiting: T[] = [];
  let wake: (() => void) | undefined;
  return {
    put(input) {
      waiting.push(input);
      wake?.();
    },
    async next({ untilMs, signal }) {
      if (signal.aborted) throw cancelled(signal);
      const delayMs = untilMs - now();
      if (waiting.length === 0 && delayMs > 0) {
        await new Promise<void>((resolve) => {
          // Rounded up: a timer that fires a fraction early would be set again for nothing.
          // Once round the event loop: what came while this host was busy comes before the end of the wait.
          const timer = setTimeout(() => setImmediate(resolve), Math.min(Math.ceil(delayMs), 2 ** 31 - 1));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
          signal.addEventListener('abort', wake, { once: true });
        });
        if (wake !== undefined) signal.removeEventListener('abort', wake);
        wake = undefined;
        if (signal.aborted) throw cancelled(signal);
      }
      return waiting.shift();
    },
  };
}
