/**
 * How long to wait for more changes before a build starts. Pure.
 *
 * One saved file waits for the blink in which an editor finishes its own business (a temporary file, a rename, a second
 * write). Many files are a storm (save all, a branch switched, a generator), which pauses for breath: the more of them, the
 * longer the calm that ends it. Changes that came while a build had just begun say that the calm was too short.
 */

/** Changes that no build has seen yet. */
export interface Batch {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** How many different files. */
  readonly files: number;
  /** How many builds were begun too early, one shortly after the other. */
  readonly falseStarts: number;
}

const oneFileMs = 28;
const someFilesMs = 90;
const stormMs = 250;
const longestCalmMs = 500;
/** From the first change: what goes on for longer is no storm, and is built as it stands. */
export const settleLimitMs = 5_000;

/** When the build is to start, where no further change comes. */
export function dueAtMs(batch: Batch): number {
  return Math.min(batch.lastAtMs + calmMs(batch), batch.firstAtMs + settleLimitMs);
}

function calmMs({ files, falseStarts }: Batch): number {
  const calm = files <= 2 ? oneFileMs : files <= 10 ? someFilesMs : stormMs;
  return Math.min(longestCalmMs, calm * 2 ** falseStarts);
}
