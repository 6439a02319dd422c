/** The devices of the configuration and those that announce themselves, as one list. Pure. */

import type { DeviceConfig } from '../../config/types.ts';
import { usualPortOf } from '../../engines/usual-port.ts';
import { conflictsOf, match, pairUp, refOf } from '../match.ts';
import { longestName } from '../service.ts';
import { printable } from '../../model/printable.ts';
import type { FoundDevice, RunningSketch } from '../../model/announcement.ts';
import { canonicalHost } from '../../model/host-name.ts';
import { isAddress } from '../../model/address.ts';
import type { Platform } from '../../model/types.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { AddressCheck } from './check.ts';

export type ConfiguredEntry = Pick<
  DeviceConfig,
  'name' | 'host' | 'port' | 'platform' | 'engine' | 'interfaces'
> & {
  readonly hasPassword: boolean;
};

/** `awaited`: it may still answer. `absent`: it has not. `unknown`: it cannot be asked. `ambiguous`: there are several. */
export type EntryState = 'here' | 'ambiguous' | 'awaited' | 'absent' | 'unknown';

/** Fit for a terminal. */
export interface Entry {
  readonly name: string;
  readonly isConfigured: boolean;
  readonly state: EntryState;
  readonly host: string;
  /** The best to send to first; empty where none is known. */
  readonly addresses: readonly string[];
  readonly port?: number;
  readonly platform?: Platform;
  readonly board?: string;
  /** As the device says. */
  readonly authRequired?: boolean;
  /** Whether the configuration has one for it. */
  readonly hasPassword?: boolean;
  /** What it says of the sketch that it runs. */
  readonly running?: RunningSketch;
  /** Why it started last, as it says. */
  readonly boot?: string;
  /** Of its last start: another value at each. */
  readonly run?: string;
  /** What else a person should know. */
  readonly notes: readonly string[];
}

export interface KnownNetwork {
  readonly configured: readonly ConfiguredEntry[];
  readonly found: readonly FoundDevice[];
  /** By name of the configured device: what could be said of it without asking it. */
  readonly checks: ReadonlyMap<string, AddressCheck>;
  /** Whoever is here has had the time to say so. */
  readonly isSettled: boolean;
  /** By mDNS, on one interface at least. */
  readonly canAsk: boolean;
}

/** Those of the configuration first, each part by name. */
export function entriesOf(known: KnownNetwork): Entry[] {
  const { pairs, strangers } = pairUp(known.configured, known.found);
  const names = countsOf(known.found.map(({ name }) => canonicalHost(name)));
  const hasTwin = ({ name }: FoundDevice) => (names.get(canonicalHost(name)) ?? 0) > 1;
  return [
    ...byName(pairs.map(({ device, found, matches }) => configuredEntry(device, { found, matches, known }))),
    ...byName(strangers.map((found) => strangerEntry(found, hasTwin(found)))),
  ];
}

/** How the list names a configured device. */
export const listedName = ({ name }: Pick<ConfiguredEntry, 'name'>): string => printable(name, longestName);

export const isHere = ({ state }: Entry): boolean => state === 'here' || state === 'ambiguous';

interface Seen {
  readonly found: FoundDevice | undefined;
  readonly matches: readonly FoundDevice[];
  readonly known: KnownNetwork;
}

interface Heard extends Pick<Seen, 'matches' | 'known'> {
  readonly check: AddressCheck | undefined;
}

function configuredEntry(device: ConfiguredEntry, { found, matches, known }: Seen): Entry {
  const check = known.checks.get(device.name);
  const platform = device.platform ?? found?.platform;
  return withoutUndefined({
    name: listedName(device),
    isConfigured: true,
    state: stateOf({ matches, check, known }),
    host: printable(found?.host ?? device.host, { longest: 255 }),
    addresses: isAddress(device.host) ? [device.host] : (found?.addresses ?? check?.addresses ?? []),
    port: device.port ?? found?.port ?? usualPortOf({ engine: device.engine, platform }),
    platform,
    board: found?.board,
    authRequired: found?.authRequired,
    hasPassword: device.hasPassword,
    running: found?.running,
    boot: found?.boot,
    run: found?.run,
    notes:
      matches.length > 1
        ? [`${matches.length} devices have this name: rename one, or give its address as its host in .otarc`]
        : found === undefined
          ? [...elsewhereOf(device, known), ...(check?.notes ?? [])]
          : differencesOf(device, found),
  });
}

function stateOf({ matches, check, known: { isSettled, canAsk } }: Heard): EntryState {
  if (matches.length > 0) return matches.length > 1 ? 'ambiguous' : 'here';
  if (!isSettled) return 'awaited';
  return canAsk && check?.isNear !== false ? 'absent' : 'unknown';
}

/** The name of one that is looked for by an address may be heard from another one. */
function elsewhereOf(device: ConfiguredEntry, { found }: KnownNetwork): string[] {
  return conflictsOf(refOf(device), found).map(
    ({ addresses: [address = ''] }) => `${listedName(device)} announces itself at ${address} now`,
  );
}

/** What would make a push fail, or go astray. */
function differencesOf(device: ConfiguredEntry, found: FoundDevice): string[] {
  const { port, platform, hasPassword } = device;
  return [
    // The protocol names nobody: whoever has the address gets the sketch.
    match(refOf(device), found) === 'address' && `it announces itself as ${found.name}`,
    port !== undefined && port !== found.port && `it announces port ${found.port}`,
    platform !== undefined &&
      found.platform !== undefined &&
      platform !== found.platform &&
      `it announces a board of ${found.platform}`,
    found.authRequired === true && !hasPassword && 'it asks for a password, and none is configured',
    found.authRequired === false && hasPassword && 'it asks for no password',
  ].filter((note) => note !== false);
}

function strangerEntry(found: FoundDevice, hasTwin: boolean): Entry {
  const { name, host, addresses, port, platform, board, authRequired, running, boot, run } = found;
  return withoutUndefined({
    name,
    isConfigured: false,
    state: 'here' as const,
    host,
    addresses,
    port,
    platform,
    board,
    authRequired,
    running,
    boot,
    run,
    notes: hasTwin ? ['another device has this name'] : [],
  });
}

/** `virtual-2` before `virtual-10`; a collator would take 12 ms to load. */
function byName(entries: readonly Entry[]): Entry[] {
  const keyed = entries.map((entry) => ({
    entry,
    key: canonicalHost(entry.name).replaceAll(/\d+/g, (digits) => digits.padStart(10, '0')),
  }));
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ entry }) => entry);
}

function countsOf(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
