/**
 * What one device prints, over all its restarts.
 *
 *   connecting ──▶ reading ──(ended)──▶ connecting …
 *                     └──(the device took an image)──▶ its last words ──▶ connecting, every 200 ms
 *
 * A device that restarts says no goodbye, and its first lines after boot are the ones that matter: so after an update the
 * old connection is given up, and a new one is tried at short intervals from then on.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { readLogs, type ReadableSource, type ReadOnce } from './read.ts';

export interface FollowLogsOptions extends Pick<
  ReadOnce,
  'name' | 'signal' | 'print' | 'env' | 'secretVariables'
> {
  readonly source: ReadableSource;
  /** Where the device is; asked anew after some connections that failed. */
  readonly place: () => Promise<string>;
  /** Whether it can be read, and why not: once for each change. Fit for a terminal. */
  readonly note: (text: string) => void;
  /** How long the last words before a restart are waited for. */
  readonly lastWordsMs?: number;
}

export interface LogFollower {
  /** The device has accepted an image, and restarts now. */
  restarts(address?: string): void;
  /** Rejects with what cannot get better by itself; resolves when the signal is aborted. */
  readonly ended: Promise<void>;
}

/** The ESP32 restarts 110 ms after its verdict, an ESP8266 sooner. */
const usualLastWordsMs = 300;
const shortestPauseMs = 200;
const longestPauseMs = 2_000;
/** A device takes this long to boot and to join the network. */
const hurryMs = 30_000;

export function followLogs(options: FollowLogsOptions): LogFollower {
  const { source, place, note, signal, lastWordsMs = usualLastWordsMs } = options;
  let address: string | undefined;
  let hurryUntilMs = 0;
  let connection = new AbortController();
  let isReading = false;
  let isNoted = false;
  let failures = 0;

  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      connection = new AbortController();
      isReading = false;
      // Meanwhile the run may have found it.
      const found = address ?? (await place());
      address ??= found;
      const either = AbortSignal.any([signal, connection.signal]);
      const why = await readLogs(source, {
        ...options,
        address,
        signal: either,
        onConnected() {
          isReading = true;
          failures = 0;
          if (isNoted) note('the logs go on');
          isNoted = false;
        },
      });
      if (signal.aborted) return;
      const isHurried = performance.now() < hurryUntilMs;
      if (!isReading) failures++;
      if (!isNoted && !isHurried && !connection.signal.aborted) {
        note(`no logs at the moment: ${why}`);
        isNoted = true;
      }
      // It may have got another address.
      if (failures > 0 && failures % 5 === 0) address = undefined;
      const pauseMs = isHurried ? shortestPauseMs : Math.min(longestPauseMs, shortestPauseMs * 2 ** failures);
      await sleep(pauseMs, undefined, { signal: either }).catch(() => {});
    }
  };
  return {
    restarts(at) {
      if (source.type === 'udp' && (at === undefined || at === address)) return;
      hurryUntilMs = performance.now() + hurryMs;
      const old = connection;
      const end = (): void => {
        address = at ?? address;
        old.abort();
      };
      if (isReading) setTimeout(end, lastWordsMs).unref();
      else end();
    },
    ended: follow().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
  };
}
