/** Work that several ask for at the same time, such as the diagnoses of a whole house that fails at once, done once. */

interface Shared<T> {
  readonly result: Promise<T>;
  readonly over: AbortController;
  waiting: number;
}

export type SingleFlight<T> = (
  key: string,
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
) => Promise<T | undefined>;

/**
 * What came of it is kept for `keepMs` after it has ended. Undefined for whoever aborts; the work itself is aborted when
 * nobody waits for it any more.
 */
export function createSingleFlight<T>(keepMs: number): SingleFlight<T> {
  const all = new Map<string, Shared<T>>();
  const begin = (key: string, work: (signal: AbortSignal) => Promise<T>): Shared<T> => {
    const over = new AbortController();
    const forget = (): void => {
      if (all.get(key) === shared) all.delete(key);
    };
    const result = work(over.signal).finally(() => {
      if (keepMs > 0) setTimeout(forget, keepMs).unref();
      else forget();
    });
    const shared = { result, over, waiting: 0 };
    over.signal.addEventListener('abort', forget);
    all.set(key, shared);
    return shared;
  };
  return async (key, work, signal) => {
    if (signal.aborted) return undefined;
    const shared = all.get(key) ?? begin(key, work);
    shared.waiting += 1;
    const done = new AbortController();
    try {
      const aborted = new Promise<undefined>((resolve) =>
        signal.addEventListener('abort', () => resolve(undefined), { signal: done.signal }),
      );
      return await Promise.race([shared.result, aborted]);
    } finally {
      done.abort();
      shared.waiting -= 1;
      if (signal.aborted && shared.waiting === 0) shared.over.abort();
    }
  };
}
