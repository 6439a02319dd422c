/** Runs things when they are due, and tells them when they *were* due, so that lateness does not add up. */
export interface Timeline {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Returns how to call it off. What is due already runs soon, but never before this returns. */
  at(dueMs: number, run: (dueMs: number) => void): () => void;
  /** Nothing runs any more. */
  close(): void;
}

/** Node's timers may fire a fraction early; sleeping again for less than this would only cost a tick. */
const earlyMs = 0.3;

export function createTimeline(): Timeline {
  const pending = new Set<() => void>();
  let closed = false;

  const at = (dueMs: number, run: (dueMs: number) => void): (() => void) => {
    if (closed || dueMs === Number.POSITIVE_INFINITY) return () => {};
    let stop: () => void;
    const cancel = (): void => {
      pending.delete(cancel);
      stop();
    };
    const arm = (): void => {
      const restMs = dueMs - performance.now();
      if (restMs > earlyMs) {
        const timer = setTimeout(arm, restMs);
        stop = () => clearTimeout(timer);
      } else if (pending.delete(cancel)) run(dueMs);
    };
    pending.add(cancel);
    const restMs = dueMs - performance.now();
    if (restMs > earlyMs) {
      const timer = setTimeout(arm, restMs);
      stop = () => clearTimeout(timer);
    } else {
      const immediate = setImmediate(arm);
      stop = () => clearImmediate(immediate);
    }
    return cancel;
  };

  return {
    now: () => performance.now(),
    at,
    close: () => {
      closed = true;
      for (const cancel of pending) cancel();
    },
  };
}
