/** Whether this computer slept while it should have talked: its clock then goes on, and nothing here does. */

const tickMs = 1000;
/** A busy computer is late as well, but not by this much. */
const leastMs = 3000;

export interface SleepWatch {
  /** Looks at the clock now, not at the next tick. */
  look(): void;
  stop(): void;
}

/** Notes the longest time that nothing ran in `observed.suspendedMs`. */
export function watchForSleep(
  observed: { suspendedMs?: number },
  clock: () => number = () => Date.now(),
): SleepWatch {
  let lastMs = clock();
  const look = (): void => {
    const nowMs = clock();
    const lostMs = Math.round(nowMs - lastMs - tickMs);
    lastMs = nowMs;
    if (lostMs >= Math.max(leastMs, observed.suspendedMs ?? 0)) observed.suspendedMs = lostMs;
  };
  const timer = setInterval(look, tickMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}
