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
import { errorCodes, OtaError } from '../../model/errors.ts';
import { readLogs, takesConnections, type ReadableSource, type ReadOnce } from './read.ts';

export interface FollowLogsOptions extends Pick<
  ReadOnce,
  'name' | 'signal' | 'print' | 'env' | 'secretVariables'
> {
  readonly source: ReadableSource;
  /**
   * Searches for the device; asked anew after some connections that failed. A transient error (`NAME_NOT_RESOLVED`)
   * ends nothing: the device is off at the moment.
   */
  readonly place: (signal: AbortSignal) => Promise<string>;
  /** Whether it can be read, and why not: once for each change. Fit for a terminal. */
  readonly note: (text: string) => void;
  /** How long the last words before a restart are waited for. */
  readonly lastWordsMs?: number;
  /** How long it is tried whether the device is away. */
  readonly departureMs?: number;
  /** How long after an update it is tried without a pause, and without a search. */
  readonly hurryMs?: number;
  /** How long a connection lasts that is no failure. */
  readonly lastingMs?: number;
  /** Waits between two connections, in milliseconds. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
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
/** A source that opens and ends at once, perhaps with a line, is not to be opened again and again without a pause. */
const usualLastingMs = 2_000;
/** A connection that still brings lines so long after the update is one to what runs now. */
const silenceMs = 1_500;
const shortestPauseMs = 200;
const longestPauseMs = 2_000;
/** A device takes this long to boot and to join the network. */
const usualHurryMs = 30_000;
/** The first packet to a device that boots is lost, and the system sends the second one after a second. */
const hurriedConnectMs = 500;
const mostHeld = 1_000;
/** Then it may have got another address. */
const failuresToSearch = 5;

const usualPause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => {});

export function followLogs(options: FollowLogsOptions): LogFollower {
  const { source, place, note, print, signal } = options;
  const { lastWordsMs = usualLastWordsMs, departureMs = usualDepartureMs } = options;
  const { hurryMs = usualHurryMs, lastingMs = usualLastingMs, pause = usualPause } = options;
  /** Where it is read. */
  let address: string | undefined;
  /** What a run has learnt last; a search may find less. */
  let learnt: string | undefined;
  let hurryUntilMs = 0;
  let connection = new AbortController();
  let isReading = false;
  let isNoted = false;
  /** The last connection was opened and did not last: the next line means little. */
  let isFlapping = false;
  /** In a row; connections that did not last are among them. */
  let failures = 0;
  let failuresHere = 0;
  /** The device has not been away yet since its last update. */
  let departing: object | undefined;
  /** What was printed meanwhile to a connection that is newer than the update: of the old sketch, if the device goes away. */
  let held: string[] | undefined;
  let lastLineMs = 0;

  const isHurried = (): boolean => performance.now() < hurryUntilMs;
  const noteGoesOn = (): void => {
    if (isNoted) note('the logs go on');
    isNoted = false;
  };
  const hold = (line: string): void => {
    lastLineMs = performance.now();
    if (held === undefined) {
      if (!isFlapping) noteGoesOn();
      return print(line);
    }
    if (held.length === mostHeld) held.shift();
    held.push(line);
  };
  const release = (): void => {
    const lines = held ?? [];
    held = undefined;
    for (const line of lines) print(line);
  };
  const noteOnce = (why: string): void => {
    if (!isNoted && !isHurried()) {
      note(`no logs at the moment: ${why}`);
      isNoted = true;
    }
  };
  const hasLasted = (): void => {
    failures = failuresHere = 0;
    isFlapping = false;
    noteGoesOn();
  };
  /** Resolves to nothing where it is not found, or a run has found it meanwhile. */
  const search = async (either: AbortSignal): Promise<string | undefined> => {
    try {
      return await place(either);
    } catch (error) {
      if (either.aborted) return undefined;
      if (!(error instanceof OtaError) || !errorCodes[error.code].transient) throw error;
      noteOnce(`${error.message} ${error.hint}`);
      return undefined;
    }
  };
  /** What is found and what was learnt, by turns. */
  const locateAnew = async (either: AbortSignal): Promise<void> => {
    const found = await search(either);
    if (either.aborted) return;
    address = found === undefined || found === address ? (learnt ?? address) : found;
    failuresHere = 0;
  };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      connection = new AbortController();
      isReading = false;
      const either = AbortSignal.any([signal, connection.signal]);
      if (address === undefined || (failuresHere >= failuresToSearch && !isHurried()))
        await locateAnew(either);
      if (address !== undefined && !either.aborted) await readOnce(address, either);
      else failures++;
      // Given up by ourselves it says nothing of the device.
      if (either.aborted) {
        failures = 0;
        held &&= departing && [];
        continue;
      }
      const pauseMs = isHurried()
        ? shortestPauseMs
        : Math.min(longestPauseMs, shortestPauseMs * 2 ** (failures - 1));
      await pause(pauseMs, either);
    }
  };
  const readOnce = async (at: string, either: AbortSignal): Promise<void> => {
    let lasting: NodeJS.Timeout | undefined;
    let openedMs = Infinity;
    const why = await readLogs(source, {
      ...options,
      address: at,
      print: hold,
      signal: either,
      ...(isHurried() && { connectMs: hurriedConnectMs }),
      onConnected() {
        isReading = true;
        openedMs = performance.now();
        lasting = setTimeout(hasLasted, lastingMs);
      },
    }).finally(() => clearTimeout(lasting));
    const wasReading = isReading;
    isReading = false;
    if (either.aborted) return;
    if (performance.now() - openedMs >= lastingMs) hasLasted();
    failures++;
    isFlapping = wasReading && failures > 1;
    if (!wasReading) {
      failuresHere++;
      departing = undefined;
    }
    held &&= departing && [];
    noteOnce(why);
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
      learnt = at ?? learnt;
      const hasMoved = at !== undefined && at !== address;
      if (source.type === 'udp' && !hasMoved) return;
      hurryUntilMs = performance.now() + hurryMs;
      if (hasMoved) {
        address = at;
        failuresHere = 0;
        isReading = false;
      }
      // A search, a pause, and a connection that waits for an answer are not waited for.
      if (!isReading) connection.abort();
      if (source.type === 'udp') return;
      if (!isReading && source.type !== 'command') held ??= [];
      void depart().catch(() => {});
    },
    ended: follow().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
  };
}
