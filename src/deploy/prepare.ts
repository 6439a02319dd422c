/**
 * What is done for a device while its image is still in the making: it is looked for, and the sockets are opened. The
 * search goes on until the first byte of the image is sent, for the protocol names nobody: whoever is at the address
 * gets the image.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { lookOut, type Located, type Lookout } from '../network/index.ts';
import type { LastSeen } from '../network/last-seen.ts';
import { isAddress } from '../model/address.ts';
import type { Engine, Session } from '../engines/engine.ts';
import { cancelled, OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import type { Deadline } from './deadline.ts';
import { portOf, targetOf } from './target.ts';
import type { Device, Image, Target } from '../model/types.ts';

interface PrepareOptions {
  readonly engine: Engine;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  /** Waits so long for a device that sleeps to announce itself, also where its address is known. */
  readonly whenSeenMs?: number | undefined;
  /** The limit of the whole push, where one was given: no search for the device takes longer. */
  readonly timeoutMs?: number | undefined;
  /** How old the place of a device may be at the invitation. */
  readonly freshMs?: number | undefined;
  /** How long one search for a name takes at most. Default: 5 s. */
  readonly searchMs?: number | undefined;
  /** Where devices were found last, to be asked first. */
  readonly lastSeen?: LastSeen | undefined;
}

/** What is left of the whole push. */
type Limit = Pick<Deadline, 'leftMs'>;

export interface Preparation {
  /** Where the image goes, now that it is known. With a limit, the search takes no longer. */
  target(image: Image, limit?: Limit): Promise<Target>;
  /**
   * The same, if it was found a moment ago; else where the device is now. To be asked when nothing more can delay the
   * push.
   */
  current(target: Target, image: Image, limit: Limit): Promise<Target>;
  /**
   * The sockets that were opened for this very target, else new ones. What is sent by them is broken off where a second
   * device of the name turns up before the first byte of the image.
   */
  session(target: Target): Promise<Session>;
  /** Gives back what nobody took; the sockets that were taken belong to who took them. */
  close(): Promise<void>;
}

/** A build may take minutes, and so may another otarc: a lease is another device's by then. */
const longestFreshMs = 10_000;

/**
 * From the question for a name to the first byte of the image at the earliest: a second device of that name may answer so
 * late, as a station in modem sleep hears the question at its next beacon. The invitation, the connection and most of all
 * a build take their part of it.
 */
const duplicateNameWindowMs = 300;

/** Another otarc may have pushed to it a moment ago: it restarts, and is back in the network no sooner. */
const restartMs = 15_000;

/** Starts at once; sends nothing to the device but the question for its name. */
export function prepare(device: Device, options: PrepareOptions): Preparation {
  const { engine } = options;
  const looking = new AbortController();
  const signal = AbortSignal.any([options.signal, looking.signal]);
  const search = searchFor(device, { ...options, tell: withoutRepeats(options.tell), signal });
  const context = { tell: options.tell, signal: options.signal };
  let prepared: Promise<Prepared | undefined> | undefined = search.first
    .then(async (located): Promise<Prepared | undefined> => {
      // A port of this host that was chosen by hand is not held for as long as a build takes: another push may need it.
      if (device.hostPort !== undefined || portOf({ engine, device, located }) === undefined)
        return undefined;
      const target = await targetOf({ engine, device, located });
      return { target, session: await engine.prepare(target, context) };
    })
    // Prepared once more when the image is there; what fails then counts.
    .catch(() => undefined);

  const take = async (target: Target): Promise<Session> => {
    const early = await prepared;
    const isSame = early !== undefined && isSamePlace(early.target, target);
    if (isSame) prepared = undefined;
    return isSame ? early.session : engine.prepare(target, context);
  };
  return {
    target: async (image, limit) => targetOf({ engine, device, located: await search.last(limit), image }),
    current: async (target, image, limit) => {
      const located = await search.refreshed(limit);
      return located === undefined ? target : targetOf({ engine, device, located, image });
    },
    session: async (target) => {
      const doubted = search.doubted();
      if (doubted.aborted) throw doubted.reason;
      const session = await take(target);
      return {
        send: (image, sending) =>
          session.send(image, {
            ...sending,
            signal: AbortSignal.any([sending.signal, doubted]),
            beforeImage: () => search.untilClear(),
          }),
        close: () => session.close(),
      };
    },
    close: async () => {
      looking.abort();
      search.close();
      await (await prepared)?.session.close();
    },
  };
}

interface Prepared {
  readonly target: Target;
  readonly session: Session;
}

function isSamePlace(one: Target, other: Target): boolean {
  return one.address === other.address && one.port === other.port && one.hostAddress === other.hostAddress;
}

interface Search {
  readonly first: Promise<Located>;
  /**
   * The answer when the image is there; a device that was not found while the build still ran is looked for once more,
   * as it may have come back in between.
   */
  last(limit?: Limit): Promise<Located>;
  /** Where the device is now; undefined: it was found a moment ago, or is not looked for. */
  refreshed(limit: Limit): Promise<Located | undefined>;
  /** Aborted where answers contradict each other. */
  doubted(): AbortSignal;
  /**
   * Resolves when some time was given to such answers; the device, which has connected by then, is the one, and is worth
   * remembering. Rejects with the contradiction.
   */
  untilClear(): Promise<void>;
  close(): void;
}

function searchFor(device: Device, options: Omit<PrepareOptions, 'engine'>): Search {
  const { signal, lastSeen, freshMs = longestFreshMs } = options;
  // An address is taken as it is: no file has to be read for it.
  const hint = isAddress(device.host) ? undefined : lastSeen?.addressOf(device.host);
  const look = (leftMs = options.timeoutMs): Lookout => {
    const { tell, whenSeenMs, searchMs } = options;
    return lookOut(device, { signal, tell, whenSeenMs, timeoutMs: searchMs, leftMs, lastSeen: hint });
  };
  let current = look();
  let failedEarly = false;
  let foundAtMs = Infinity;
  let found: Located | undefined;
  const note = (located: Located): Located => {
    [found, foundAtMs] = [located, performance.now()];
    return located;
  };
  const lookAgain = (limit: Limit | undefined): Promise<Located> => {
    current.close();
    // Whole tenths of a second, as the error states them.
    current = look(limit && Math.ceil(limit.leftMs() / 100) * 100);
    return current.located.then(note);
  };
  const first = current.located.then(note);
  first.catch(() => (failedEarly = true));
  return {
    first,
    last: (limit) => {
      const again = failedEarly && !signal.aborted;
      return first.catch((error: unknown) => {
        if (again && error instanceof OtaError && error.code === 'NAME_NOT_RESOLVED') return lookAgain(limit);
        throw error;
      });
    },
    refreshed: async (limit) => {
      const askedAtMs = performance.now();
      if (askedAtMs - foundAtMs <= freshMs || found?.via === 'config') return undefined;
      for (;;) {
        try {
          return await lookAgain(limit);
        } catch (error) {
          const isOver = performance.now() - askedAtMs > restartMs || limit.leftMs() === 0;
          if (!isAbsent(error) || isOver) throw error;
          const message = `nobody answers for ${device.host}: looking again, as it may restart`;
          options.tell({ type: 'log', level: 'debug', message });
        }
      }
    },
    doubted: () => current.doubted,
    untilClear: async () => {
      const { doubted, sinceMs } = current;
      const isByName = !isAddress(device.host) && found?.via === 'mdns';
      const address = isByName ? found?.address : undefined;
      // A second one would have shown itself when the device was last pushed to at this very place.
      const isNew = address !== undefined && address !== hint;
      const leftMs = isNew ? sinceMs + duplicateNameWindowMs - performance.now() : 0;
      if (leftMs > 0) {
        const over = AbortSignal.any([doubted, signal]);
        await sleep(leftMs, undefined, { signal: over }).catch(() => undefined);
      }
      if (doubted.aborted) throw doubted.reason;
      if (signal.aborted) throw cancelled(signal);
      current.close();
      if (address !== undefined) lastSeen?.remember(device.host, address);
    },
    close: () => current.close(),
  };
}

/** Nobody has answered; two that contradict each other have. */
function isAbsent(error: unknown): boolean {
  if (!(error instanceof OtaError) || error.code !== 'NAME_NOT_RESOLVED') return false;
  return error.details['ambiguous'] !== true && error.details['elsewhere'] !== true;
}

/** What was said of the first search need not be said of the second. */
function withoutRepeats(tell: Tell): Tell {
  const told = new Set<string>();
  return (event) => {
    if (event.type === 'log' && event.level === 'warn') {
      if (told.has(event.message)) return;
      told.add(event.message);
    }
    tell(event);
  };
}
