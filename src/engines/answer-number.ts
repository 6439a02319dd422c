/** What an answer of a core's updater says by its number alone; what it comes from is in `updater-answers.ts`. Pure. */

/** Of an ESP8266 or RP2040 updater's `ERROR[n]: text`. */
export function numberIn(answer: string): number | undefined {
  const digits = /ERROR\[(\d{1,3})\]/.exec(answer)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether it refuses to begin because an update is running. An RP2040 has no number for that, and says that there is no error. */
export function isAlreadyRunning(answer: string): boolean {
  const number = numberIn(answer);
  return number === 15 || number === 0 || /already running/i.test(answer);
}
