/** All devices that announce themselves, as they come and go, for seconds or for days. */

import { isDeepStrictEqual } from 'node:util';
import type { Announcement, FoundDevice } from '../model/announcement.ts';
import { openRegistry, type Registry } from './registry.ts';
import { restMsFor } from './registry-state.ts';
import { mostInstances } from './sightings.ts';
import type { BrowseOptions } from './types.ts';

/**
 * Resolves when the signal is aborted; no socket and no timer is left then, but for others who use the registry.
 *
 * @param open the registry that all share, unless a test has another
 * @throws `CONFIG_INVALID` for an interface that does not exist at the beginning.
 */
export async function browse(options: BrowseOptions, open = openRegistry): Promise<void> {
  const { interfaces, signal, onChange, onProblem } = options;
  if (signal.aborted) return;
  let shown: readonly object[] = [];
  let isCutSaid = false;
  const sayCut = (): void => {
    if (!isCutSaid) onProblem?.({ message: cutText, isTotal: false });
    isCutSaid = true;
  };
  let lastLookAtMs = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  let registry: Registry | undefined;
  const over = new AbortController();
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
      registry = open({ interfaces, onProblem });
      const look = (): void => {
        timer = undefined;
        lastLookAtMs = performance.now();
        try {
          const devices = subscription.announcements();
          // That it was heard again is no news.
          const now = devices.map(withoutTime);
          if (isDeepStrictEqual(now, shown)) return;
          shown = now;
          if (now.length >= mostInstances) sayCut();
          onChange(devices);
        } catch (error) {
          reject(error);
        }
      };
      const lookSoon = (): void => {
        const restMs = lastLookAtMs + restMsFor(shown.length) - performance.now();
        timer ??= setTimeout(look, Math.max(0, restMs));
      };
      const subscription = registry.watch('all', lookSoon);
      // Who joins a question that others have asked a moment ago is not called for what has been answered already.
      lookSoon();
    });
  } finally {
    over.abort();
    clearTimeout(timer);
    registry?.close();
  }
}

const cutText = `The list is cut: more than ${mostInstances} devices announce themselves, or somebody pretends that they do.`;

function withoutTime(device: Announcement): object {
  const { heardAtMs: _, ...rest } = device;
  return rest;
}

/** All that answer within this time. */
export async function browseFor({
  forMs,
  signal,
  ...options
}: Omit<BrowseOptions, 'onChange'> & { readonly forMs: number }): Promise<readonly FoundDevice[]> {
  let found: readonly FoundDevice[] = [];
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), forMs);
  const onChange = (devices: readonly FoundDevice[]) => {
    found = devices;
  };
  try {
    await browse({ ...options, onChange, signal: AbortSignal.any([signal, over.signal]) });
    return found;
  } finally {
    clearTimeout(timer);
  }
}
