/**
 * What one device prints, over all its restarts.
 *
 *   connecting ──▶ reading ──(ended)──▶ connecting …
 *                     └──(the device took an image)──▶ its last words ──(it is away)──▶ connecting, every 200 ms
 *
 * A device that restarts says no goodbye, and its first lines after boot are the ones that matter: so after an update it is
 * tried whether the device still takes connections. The first time that it does not, the old connection is given up. An ESP8266
 * runs its old sketch for up to a second more, and what a serial server reads stays open over the restart.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { readLogs, takesConnections, type ReadableSource, type ReadOnce } from './read.ts';

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
  /** How long it is tried whether the device is away. */
  readonly departureMs?: number;
}

export interface LogFollower {
  /** The device has accepted an image, and restarts now. */
  restarts(address?: string): void;
  /** Rejects with what cannot get better by itself; resolves when the signal is aborted. */
  readonly ended: Promise<void>;
}

/** The ESP32 restarts 110 ms after its verdict. */
const usualLastWordsMs = 300;
const usualDepartureMs = 3_000;
/** A connection that still brings lines so long after the update is one to what runs now. */
const silenceMs = 1_500;
const shortestPauseMs = 200;
const longestPauseMs = 2_000;
/** A device takes this long to boot and to join the network. */
const hurryMs = 30_000;
/** The first packet to a device that boots is lost, and the system sends the second one after a second. */
const hurriedConnectMs = 500;
const mostHeld = 1_000;

export function followLogs(options: FollowLogsOptions): LogFollower {
  const { source, place, note, print, signal } = options;
  const { lastWordsMs = usualLastWordsMs, departureMs = usualDepartureMs } = options;
  let address: string | undefined;
  let hurryUntilMs = 0;
  let connection = new AbortController();
  let isReading = false;
  let isNoted = false;
  let failures = 0;
  /** The device has not been away yet since its last update. */
  let departing: object | undefined;
  /** What was printed meanwhile to a connection that is newer than the update: of the old sketch, if the device goes away. */
  let held: string[] | undefined;
  let lastLineMs = 0;
  let onAddress: (address: string) => void = () => {};

  const hold = (line: string): void => {
    lastLineMs = performance.now();
    if (held === undefined) return print(line);
    if (held.length === mostHeld) held.shift();
    held.push(line);
  };
  const release = (): void => {
    const lines = held ?? [];
    held = undefined;
    for (const line of lines) print(line);
  };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      connection = new AbortController();
      isReading = false;
      // Meanwhile the run may have found it.
      const told = new Promise<string>((resolve) => (onAddress = resolve));
      const found = address ?? (await Promise.race([place(), told]));
      address ??= found;
      const either = AbortSignal.any([signal, connection.signal]);
      const isHurriedNow = performance.now() < hurryUntilMs;
      const why = await readLogs(source, {
        ...options,
        address,
        print: hold,
        signal: either,
        ...(isHurriedNow && { connectMs: hurriedConnectMs }),
        onConnected() {
          isReading = true;
          failures = 0;
          if (isNoted) note('the logs go on');
          isNoted = false;
        },
      });
      if (signal.aborted) return;
      const isHurried = performance.now() < hurryUntilMs;
      // Given up by ourselves it says nothing of the device.
      if (!isReading && !connection.signal.aborted) {
        failures++;
        departing = undefined;
      }
      held &&= departing && [];
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
  /** Gives the connection up as soon as the device is away. */
  const depart = async (): Promise<void> => {
    const update = {};
    departing = update;
    const untilMs = performance.now() + departureMs;
    const isOver = (): boolean => signal.aborted || departing !== update;
    await sleep(isReading ? lastWordsMs : 0, undefined, { signal });
    while (!isOver() && performance.now() < untilMs) {
      const at = address;
      const is =
        at === undefined ||
        (await takesConnections(source, { ...options, address: at, connectMs: hurriedConnectMs }));
      if (isOver()) return;
      if (is !== true) {
        departing = held = undefined;
        return connection.abort();
      }
      await sleep(shortestPauseMs, undefined, { signal });
    }
    if (isOver()) return;
    departing = undefined;
    if (held !== undefined) return release();
    // It was away too shortly to be seen, or says little.
    if (performance.now() - lastLineMs > silenceMs) connection.abort();
  };

  return {
    restarts(at) {
      const hasMoved = at !== undefined && at !== address;
      if (source.type === 'udp' && !hasMoved) return;
      hurryUntilMs = performance.now() + hurryMs;
      if (hasMoved) {
        address = at;
        onAddress(at);
        connection.abort();
        isReading = false;
      }
      if (!isReading && source.type !== 'udp' && source.type !== 'command') held ??= [];
      void depart().catch(() => {});
    },
    ended: follow().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
  };
}
