import { OtaError } from '../model/errors.ts';

/** A script that waits for an image must not wait for ever: nobody may ever build one. */
export function idleLimit(
  limitMs: number | undefined,
  onReached: (error: OtaError) => void,
): { /** Something happens. */ end(): void } {
  if (limitMs === undefined) return { end: () => {} };
  const timer = setTimeout(() => {
    const seconds = Math.round(limitMs / 1000);
    onReached(
      new OtaError('TIMEOUT', `No build has completed an image within ${seconds} s.`, {
        hint: 'Start the build while otarc waits; or push what is there with `otarc push`.',
        details: { limitMs },
      }),
    );
  }, limitMs);
  return { end: () => clearTimeout(timer) };
}
