/** Waits until a device that could not be reached announces itself again. */

import { matchesOf, refOf } from '../network/match.ts';
import type { BrowseOptions } from '../network/types.ts';
import type { Device } from '../model/types.ts';

/** As `browse` of the discover stage. */
export type Browse = (options: BrowseOptions) => Promise<void>;

type Missed = Pick<Device, 'name' | 'host' | 'port' | 'interfaces'>;

export interface ReturnOptions {
  readonly browse: Browse;
  readonly signal: AbortSignal;
  /** Whether a device that answers at once counts: it may have come back just now, or never have been gone. */
  readonly atOnce: boolean;
}

/** Who answers within this time was here all the while. */
const firstLookMs = 3_000;

/** Resolves to `true` when one of them is here again, to `false` when the signal was aborted, or nobody can be asked. */
export async function awaitDeviceBack(devices: readonly Missed[], options: ReturnOptions): Promise<boolean> {
  const { browse, signal, atOnce } = options;
  if (signal.aborted) return false;
  const over = new AbortController();
  const abort = (): void => over.abort();
  signal.addEventListener('abort', abort, { once: true });
  const startedAtMs = performance.now();
  /** From the beginning, so that they cannot have come back. */
  const wereHere = new Set<string>();
  const left = new Set<string>();
  let isBack = false;
  try {
    await browse({
      interfaces: [...new Set(devices.flatMap((device) => device.interfaces))],
      signal: over.signal,
      onChange(found) {
        const isFirstLook = performance.now() - startedAtMs < firstLookMs;
        for (const device of devices) {
          const isHere = matchesOf(refOf(device), found).length > 0;
          const wasHere = wereHere.has(device.name);
          if (!isHere) {
            if (wasHere) left.add(device.name);
          } else if (atOnce || left.has(device.name) || (!wasHere && !isFirstLook)) isBack = true;
          else wereHere.add(device.name);
        }
        if (isBack) over.abort();
      },
    });
  } catch {
    // Nobody can be asked on this network: the next save tries again.
  } finally {
    signal.removeEventListener('abort', abort);
  }
  return isBack && !signal.aborted;
}
