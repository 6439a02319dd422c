/**
 * What mDNS says of all devices that announce themselves. Pure: packets and the time go in, knowledge comes out; no
 * sockets, no clock. Bounded, whatever comes in.
 */

import type { Answer } from 'dns-packet';
import {
  type Fact,
  type Instance,
  type Statement,
  targetsOf,
  withDoubts,
  withFact,
  withGroup,
  withoutAddress,
  withoutExpired,
  withoutHost,
} from './facts.ts';
import type { Source } from './mdns.ts';
import { folded } from '../model/host-name.ts';
import { withoutZone } from '../model/address.ts';
import { isGoodbye } from './service.ts';
import {
  deniesIpv4,
  instanceNameIn,
  saidOfService,
  type SaysOfHost,
  saysOfHosts,
  type Spoken,
  spokenOf,
} from './spoken.ts';

/** By folded name. */
export type Sightings = ReadonlyMap<string, Instance>;

export interface Packet {
  readonly records: readonly Answer[];
  readonly source: Source;
  readonly nowMs: number;
  /** Addresses of this host. */
  readonly own: ReadonlySet<string>;
  /** Names that are looked for, folded, without `.local`: their hosts are of interest without a service, too. */
  readonly wanted?: ReadonlySet<string>;
}

const noNames: ReadonlySet<string> = new Set();

export const nothingSeen: Sightings = new Map();

/** `otarc simulate --count` makes 500. */
export const mostInstances = 1000;

/** A host has a handful of services. More than that is a flood, in which each address would have to be noted for each. */
const mostServicesPerHost = 64;

/** Returns the same object where the packet has nothing to do with a device, or with a name that is looked for. */
export function learn(sightings: Sightings, packet: Packet): Sightings {
  const { source, nowMs, wanted = noNames } = packet;
  const draft = draftOf(sightings);
  const goodbyes = packet.records.filter(isGoodbye);
  const records = packet.records.filter((record) => !isGoodbye(record));
  for (const record of goodbyes) takeGoodbye(draft, { record, packet });
  forEachInstanceAt(draft, saysOfHosts(goodbyes, source), (instance, says) =>
    says.reduce((each, { said }) => withoutAddress(each, said.address, nowMs), instance),
  );

  const says = saysOfHosts(records, source);
  const spoken = spokenOf(records);
  for (const [key, { name }] of spoken) makeInstance(draft, { key, name, packet, spoken });
  for (const host of says.keys()) {
    const key = wanted.size === 0 ? undefined : /^(.+)\.local$/.exec(host)?.[1];
    if (key !== undefined && wanted.has(key)) makeInstance(draft, { key, name: key, packet, spoken });
  }
  const done = new Set<string>();
  // Services say whose addresses are of interest.
  const take = (instance: Instance, ofHosts: readonly SaysOfHost[], key: string): Instance => {
    done.add(key);
    return withPacket(instance, { ofHosts, items: spoken.get(key)?.items ?? [], records, packet });
  };
  forEachInstanceAt(draft, says, take, (key) => spoken.get(key)?.targets ?? []);
  for (const key of spoken.keys()) {
    const instance = done.has(key) ? undefined : draft.now().get(key);
    if (instance !== undefined) draft.set(key, take(instance, [], key));
  }

  for (const record of records.filter(isFlushing)) takeDoubt(draft, { record, packet });
  forEachInstanceAt(draft, says, (instance, all) =>
    all
      .filter(({ record }) => isFlushing(record))
      .reduce((each, { said }) => withDoubts(each, said, nowMs), instance),
  );
  return draft.now();
}

/** Returns the same object where nothing has expired. */
export function forget(sightings: Sightings, nowMs: number): Sightings {
  const kept = [...sightings].map(([key, instance]) => [key, withoutExpired(instance, nowMs)] as const);
  if (kept.every(([key, instance]) => sightings.get(key) === instance)) return sightings;
  return new Map(kept.filter(([, { facts }]) => facts.length > 0));
}

/** What is known while one packet is looked at; copied once, if at all. */
interface Draft {
  now(): Sightings;
  set(key: string, instance: Instance): void;
  delete(key: string): void;
}

function draftOf(sightings: Sightings): Draft {
  let copy: Map<string, Instance> | undefined;
  const writable = (): Map<string, Instance> => (copy ??= new Map(sightings));
  return {
    now: () => copy ?? sightings,
    set: (key, instance) => {
      if ((copy ?? sightings).get(key) !== instance) writable().set(key, instance);
    },
    delete: (key) => void writable().delete(key),
  };
}

interface One {
  readonly record: Answer;
  readonly packet: Packet;
}

interface NewInstance {
  readonly key: string;
  readonly name: string;
  readonly packet: Packet;
  readonly spoken: ReadonlyMap<string, Spoken>;
}

/** A text alone makes no instance of a name that nobody looks for. */
function makeInstance(draft: Draft, { key, name, packet, spoken }: NewInstance): void {
  const known = draft.now().get(key);
  const items = spoken.get(key)?.items ?? [];
  const isWanted = packet.wanted?.has(key) === true;
  if (known === undefined) {
    if (!isWanted && items.every(({ said }) => said.type === 'text')) return;
    if (!makeRoom(draft, packet.source)) return;
  }
  // As it is announced, once it is.
  const isAnnounced = known?.facts.some(({ type }) => type === 'pointer' || type === 'service') === true;
  const named = known === undefined || (!isAnnounced && items.length > 0) ? { ...known, name } : known;
  const wantedHost = isWanted ? `${key}.local` : known?.wantedHost;
  const isSame = known !== undefined && named.name === known.name && wantedHost === known.wantedHost;
  if (isSame) return;
  draft.set(key, {
    ...named,
    facts: known?.facts ?? [],
    ...(wantedHost === undefined ? {} : { wantedHost }),
  });
}

interface ForInstance {
  readonly ofHosts: readonly SaysOfHost[];
  readonly items: Spoken['items'];
  readonly records: readonly Answer[];
  readonly packet: Packet;
}

/** With all that one packet says of it. */
function withPacket(before: Instance, { ofHosts, items, records, packet }: ForInstance): Instance {
  const addresses = ofHosts.map(({ said }) => said.address);
  const { instance, group } = withGroup(before, addresses, packet.source);
  const add = (each: Instance, { record, said }: { record: Answer; said: Statement }): Instance =>
    withFact(each, said, { ...heard(record, packet), group });
  const [first] = ofHosts;
  const isIpv6Only =
    first !== undefined &&
    addresses.every((address) => address.includes(':')) &&
    (items.some(({ said }) => said.type === 'service') || deniesIpv4(records, ofHosts));
  return [
    ...items,
    ...ofHosts,
    ...(isIpv6Only ? [{ record: first.record, said: { type: 'ipv6-only' as const } }] : []),
  ].reduce(add, instance);
}

/** Where there are too many, one goes of whoever announced the most; nobody gets room for more than that. */
function makeRoom(draft: Draft, source: Source): boolean {
  const sightings = draft.now();
  if (sightings.size < mostInstances) return true;
  const senders = [...sightings].map(([key, { facts }]) => ({ key, sender: facts[0]?.sender ?? '' }));
  const counts = new Map<string, number>();
  for (const { sender } of senders) counts.set(sender, (counts.get(sender) ?? 0) + 1);
  const [loudest, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
  if ((counts.get(withoutZone(source.address)) ?? 0) + 1 >= most) return false;
  const last = senders.findLast(({ sender }) => sender === loudest);
  if (last !== undefined) draft.delete(last.key);
  return true;
}

function takeDoubt(draft: Draft, { record, packet: { nowMs } }: One): void {
  const key = folded(instanceNameIn(record) ?? '');
  const [instance, said] = [draft.now().get(key), saidOfService(record)];
  if (instance !== undefined && said !== undefined) draft.set(key, withDoubts(instance, said, nowMs));
}

function takeGoodbye(draft: Draft, { record, packet: { source, nowMs, own } }: One): void {
  const key = folded(instanceNameIn(record) ?? '');
  const instance = draft.now().get(key);
  // A text alone may go and come again.
  if (instance === undefined || record.type === 'TXT') return;
  draft.set(key, withoutHost(instance, { sender: source.address, nowMs, own }));
}

const isFlushing = (record: Answer): boolean => 'flush' in record && record.flush === true;

/** One pass over all instances a packet, however many addresses it has. */
function forEachInstanceAt(
  draft: Draft,
  says: ReadonlyMap<string, readonly SaysOfHost[]>,
  change: (instance: Instance, says: readonly SaysOfHost[], key: string) => Instance,
  /** That this packet is the first to tell. */
  targetsNow: (key: string) => readonly string[] = () => [],
): void {
  if (says.size === 0) return;
  const counts = new Map<string, number>();
  const isSaid = (fact: Fact): boolean => fact.type === 'service' && says.has(fact.service.target);
  for (const [key, instance] of draft.now()) {
    const now = targetsNow(key);
    const isWanted = instance.wantedHost !== undefined && says.has(instance.wantedHost);
    if (!isWanted && now.length === 0 && !instance.facts.some(isSaid)) continue;
    const targets = [...new Set([...targetsOf(instance), ...now])].filter((target) => {
      const count = says.has(target) ? (counts.get(target) ?? 0) + 1 : Infinity;
      if (count <= mostServicesPerHost) counts.set(target, count);
      return count <= mostServicesPerHost;
    });
    const all = targets.flatMap((target) => says.get(target) ?? []);
    if (all.length > 0) draft.set(key, change(instance, all, key));
  }
}

function heard(record: Answer, { source, nowMs }: Packet) {
  const ttlSeconds = 'ttl' in record ? (record.ttl ?? 0) : 0;
  return { source, ttlSeconds, nowMs };
}
