/** All devices that announce themselves, as they come and go, for seconds or for days. */

import { isDeepStrictEqual } from 'node:util';
import { knownAnswers, questionsDue } from './asks.ts';
import { followNetwork, type Network } from './follow-network.ts';
import { devicesIn } from './found-devices.ts';
import { forget, learn, nothingSeen } from './sightings.ts';
import type { BrowseOptions, FoundDevice } from './types.ts';

/** Between two looks at what was heard; the first one is at once. A look at a thousand devices takes its time. */
const settleMsFor = (count: number): number => (count < 100 ? 5 : 30);
const longestTimerMs = 2 ** 31 - 1;

/**
 * Resolves when the signal is aborted; no socket and no timer is left then.
 *
 * @throws `CONFIG_INVALID` for an interface that does not exist at the beginning.
 */
export async function browse(options: BrowseOptions): Promise<void> {
  const { interfaces, signal, onChange, onProblem = () => undefined } = options;
  if (signal.aborted) return;
  const nowMs = () => performance.now();
  let sightings = nothingSeen;
  let shown: readonly FoundDevice[] = [];
  let lastStepAtMs = -Infinity;
  let nextStepAtMs = Infinity;
  let timer: NodeJS.Timeout | undefined;
  let network: Network | undefined;
  const over = new AbortController();

  try {
    await new Promise<void>((resolve, reject) => {
      const stepAt = (atMs: number) => {
        if (atMs >= nextStepAtMs) return;
        nextStepAtMs = atMs;
        clearTimeout(timer);
        timer = setTimeout(step, Math.min(Math.max(0, Math.ceil(atMs - nowMs())), longestTimerMs));
      };
      const step = () => {
        try {
          if (network === undefined) return;
          const now = nowMs();
          lastStepAtMs = now;
          nextStepAtMs = Infinity;
          const due = questionsDue(forget(sightings, now), now);
          sightings = due.sightings;
          for (const questions of due.packets) network.ask(questions);
          show(devicesIn(sightings, network.here()));
          stepAt(due.nextAtMs);
        } catch (error) {
          reject(error);
        }
      };
      const show = (devices: readonly FoundDevice[]) => {
        if (isDeepStrictEqual(devices, shown)) return;
        shown = devices;
        onChange(devices);
      };
      signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
      network = followNetwork({
        interfaces,
        onProblem,
        knownAnswers: () => knownAnswers(sightings, nowMs()),
        onRecords: (records, source) => {
          const before = sightings;
          const { own } = network?.here() ?? { own: new Set() };
          sightings = learn(sightings, { records, source, nowMs: nowMs(), own });
          if (sightings !== before) stepAt(lastStepAtMs + settleMsFor(sightings.size));
        },
      });
    });
  } finally {
    over.abort();
    clearTimeout(timer);
    network?.close();
  }
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
