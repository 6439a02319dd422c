/** What an answer of a core's updater says by its number alone; what it comes from is in `updater-answers.ts`. Pure. */

/** Of an ESP8266 or RP2040 updater's `ERROR[n]: text`. */
export function numberIn(answer: string): number | undefined {
  const digits = /ERROR\[(\d{1,3})\]/.exec(answer)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Errors that an image or its end can meet, and `Update.begin` cannot. */
const errorsOfImages: ReadonlySet<number> = new Set([1, 2, 3, 6, 7, 9, 10, 12, 13]);

/**
 * Whether it refuses to begin because an update is running. An RP2040 has no number for that: it says that there is no error,
 * or repeats the one before, which tells itself by being none that a beginning can meet.
 *
 * @param answer to an invitation
 */
export function isAlreadyRunning(answer: string): boolean {
  const number = numberIn(answer);
  if (number === undefined) return /already running/i.test(answer);
  return number === 15 || number === 0 || errorsOfImages.has(number);
}
