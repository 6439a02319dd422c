/** The list of all devices, kept up to date: what is configured, who announces itself, and what the checks say of the rest. */

import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { browse } from '../browse.ts';
import type { FoundDevice } from '../../model/announcement.ts';
import type { LookUp } from '../types.ts';
import { isAddress } from '../../model/address.ts';
import { checkDevice, type AddressCheck } from './check.ts';
import { entriesOf, type ConfiguredEntry, type Entry } from './entries.ts';

/** Who is awake has answered by then: the question was sent three times. Whoever is later is still shown. */
const settleMs = 1500;
/** Where nobody at all is heard until then, mDNS may not get through: the checks are begun. */
const doubtMs = 700;

/** Checks that are under way when the time is over are worth so much more of it; a DNS that is silent takes ten seconds. */
const lateMs = 2000;

/** What the configuration says. */
export interface Read {
  readonly configured: readonly ConfiguredEntry[];
  /** Sentences for a person. */
  readonly warnings: readonly string[];
}

export interface List {
  readonly entries: readonly Entry[];
  /** About the configuration. */
  readonly warnings: readonly string[];
  /** Why not everybody could be asked: sentences for a person. */
  readonly problems: readonly string[];
  /** Over mDNS, on one interface at least. */
  readonly canAsk: boolean;
}

export interface FollowOptions {
  /** The network is asked meanwhile; nothing is told before. */
  readonly reading: Promise<Read>;
  /** Names or addresses; empty: all suitable ones. */
  readonly interfaces: readonly string[];
  /** Ends it. */
  readonly signal: AbortSignal;
  /** How long to listen; absent: until the signal is aborted. */
  readonly forMs?: number | undefined;
  /** At once, and whenever the list has changed. */
  readonly onChange: (list: List) => void;
  /** In place of the system's resolver. */
  readonly lookUp?: LookUp;
}

/**
 * Resolves when the time is over or the signal aborted; no socket, timer or child is left then.
 *
 * @throws what `reading` is rejected with; `CONFIG_INVALID` for an interface that does not exist
 */
export async function followDevices(options: FollowOptions): Promise<void> {
  const { interfaces, forMs, onChange } = options;
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  const checks = new Map<string, AddressCheck>();
  const checking = new Map<string, Promise<void>>();
  let known: Read | undefined;
  let found: readonly FoundDevice[] = [];
  let problems: readonly string[] = [];
  let [isSettled, isDoubtful, canAsk] = [false, false, true];
  let shown: List | undefined;

  const show = (): void => {
    if (signal.aborted || known === undefined) return;
    const { configured, warnings } = known;
    const entries = entriesOf({ configured, found, checks, isSettled, canAsk });
    const list = { entries, warnings, problems, canAsk };
    if (isDeepStrictEqual(list, shown)) return;
    shown = list;
    onChange(list);
  };
  const check = async (device: ConfiguredEntry): Promise<void> => {
    const { lookUp } = options;
    const result = await checkDevice(device.host, {
      interfaces: device.interfaces,
      signal,
      ...(lookUp === undefined ? {} : { lookUp }),
    });
    if (signal.aborted) return;
    checks.set(device.name, result);
    show();
  };
  const checkNeeded = (): void => {
    for (const device of known?.configured ?? []) {
      if (checking.has(device.name) || (!isDoubtful && isForMdns(device.host))) continue;
      checking.set(device.name, check(device));
    }
  };
  const doubt = (): void => {
    if (found.length > 0) return;
    isDoubtful = true;
    checkNeeded();
  };
  const read = async (): Promise<void> => {
    try {
      known = await options.reading;
      checkNeeded();
      show();
    } catch (error) {
      over.abort();
      throw error;
    }
  };
  const settle = (): void => {
    isSettled = true;
    show();
  };
  const finish = (): void => {
    const end = async (): Promise<void> => {
      await Promise.race([
        Promise.allSettled(checking.values()),
        sleep(lateMs, undefined, { signal }).catch(() => undefined),
      ]);
      settle();
      over.abort();
    };
    // However short the time is, the configured ones are in the list.
    reading.then(end, end);
  };

  const reading = read();
  const timers = [setTimeout(doubt, doubtMs), setTimeout(settle, settleMs)];
  if (forMs !== undefined) timers.push(setTimeout(finish, forMs));
  try {
    await browse({
      interfaces,
      signal,
      onChange: (devices) => {
        found = devices;
        if (devices.length > 0) canAsk = true;
        show();
      },
      onProblem: ({ message, isTotal }) => {
        problems = [...problems, message];
        if (isTotal && found.length === 0) canAsk = false;
        if (isTotal) doubt();
        show();
      },
    });
    await reading;
  } finally {
    over.abort();
    timers.forEach(clearTimeout);
    await Promise.allSettled([reading, ...checking.values()]);
  }
}

/** Whether it can be asked for by its name. */
function isForMdns(host: string): boolean {
  return !isAddress(host) && (!host.includes('.') || /\.local\.?$/i.test(host));
}
