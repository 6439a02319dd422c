/**
 * What mDNS says of all devices that announce themselves. Pure: packets and the time go in, knowledge comes out; no
 * sockets, no clock. Bounded, whatever comes in.
 */

import type { Answer } from 'dns-packet';
import {
  type Fact,
  type Instance,
  type Said,
  targetsOf,
  withDoubts,
  withFact,
  withoutAddress,
  withoutExpired,
  withoutHost,
} from './facts.ts';
import type { Source } from './mdns.ts';
import { withoutZone } from '../model/address.ts';
import { folded } from '../model/host-name.ts';
import { arduinoService } from './packets.ts';
import { addressIn, isBelievable, isGoodbye, reachable, serviceIn, textIn } from './service.ts';

/** By folded name. */
export type Sightings = ReadonlyMap<string, Instance>;

export interface Packet {
  readonly records: readonly Answer[];
  readonly source: Source;
  readonly nowMs: number;
  /** Addresses of this host. */
  readonly own: ReadonlySet<string>;
}

export const nothingSeen: Sightings = new Map();

/** `otarc simulate --count` makes 500. */
const mostInstances = 1000;

/**
 * A host has a handful of addresses, and a handful of services on it. More than that in one packet is a flood, in which
 * each address would have to be noted for each service.
 */
const mostAddressesPerHost = 8;
const mostServicesPerHost = 64;

/** Returns the same object where the packet has nothing to do with a device. */
export function learn(sightings: Sightings, packet: Packet): Sightings {
  const draft = draftOf(sightings);
  const goodbyes = packet.records.filter(isGoodbye);
  const records = packet.records.filter((record) => !isGoodbye(record));
  for (const record of goodbyes) takeGoodbye(draft, { record, packet });
  forEachInstanceAt(draft, saysOfHosts(goodbyes, packet.source), (instance, { said }) =>
    withoutAddress(instance, said.address, packet.nowMs),
  );
  // Services first: they say whose addresses are of interest.
  for (const record of records) takeService(draft, { record, packet });
  const says = saysOfHosts(records, packet.source);
  forEachInstanceAt(draft, says, (instance, { said, record }) =>
    withFact(instance, said, heard(record, packet)),
  );
  for (const record of records.filter(isFlushing)) takeDoubt(draft, { record, packet });
  forEachInstanceAt(draft, says, (instance, { said, record }) =>
    isFlushing(record) ? withDoubts(instance, said, packet.nowMs) : instance,
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

function takeService(draft: Draft, { record, packet }: One): void {
  const name = instanceNameIn(record);
  const said = name === undefined ? undefined : saidOfService(record);
  if (name === undefined || said === undefined) return;
  const key = folded(name);
  const known = draft.now().get(key);
  if (known === undefined && (said.type === 'text' || !makeRoom(draft, packet.source))) return;
  draft.set(key, withFact(known ?? { name, facts: [] }, said, heard(record, packet)));
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

interface SaysOfHost {
  readonly record: Answer;
  readonly said: Extract<Said, { type: 'address' }>;
}

const isFlushing = (record: Answer): boolean => 'flush' in record && record.flush === true;

/** By host. */
function saysOfHosts(records: readonly Answer[], source: Source): ReadonlyMap<string, readonly SaysOfHost[]> {
  const byHost = new Map<string, SaysOfHost[]>();
  for (const record of records) {
    const ofHost = byHost.get(folded(record.name)) ?? [];
    // Before the address is looked at: that costs the most.
    const said = ofHost.length < mostAddressesPerHost ? saidOfHost(record, source) : undefined;
    if (said !== undefined) byHost.set(said.target, [...ofHost, { record, said }]);
  }
  return byHost;
}

/** One pass over all instances a packet, however many addresses it has. */
function forEachInstanceAt(
  draft: Draft,
  says: ReadonlyMap<string, readonly SaysOfHost[]>,
  change: (instance: Instance, says: SaysOfHost) => Instance,
): void {
  if (says.size === 0) return;
  const counts = new Map<string, number>();
  const isSaid = (fact: Fact): boolean => fact.type === 'service' && says.has(fact.service.target);
  for (const [key, instance] of draft.now()) {
    if (!instance.facts.some(isSaid)) continue;
    const targets = targetsOf(instance).filter((target) => {
      const count = says.has(target) ? (counts.get(target) ?? 0) + 1 : Infinity;
      if (count <= mostServicesPerHost) counts.set(target, count);
      return count <= mostServicesPerHost;
    });
    const all = targets.flatMap((target) => says.get(target) ?? []);
    draft.set(key, all.reduce(change, instance));
  }
}

function saidOfService(record: Answer): Said | undefined {
  if (record.type === 'PTR') return { type: 'pointer' };
  const service = serviceIn(record);
  if (service !== undefined) return { type: 'service', service };
  const text = textIn(record);
  return text === undefined ? undefined : { type: 'text', text };
}

function saidOfHost(record: Answer, source: Source): Extract<Said, { type: 'address' }> | undefined {
  const address = addressIn(record);
  if (address === undefined || !isBelievable(address, source)) return undefined;
  return { type: 'address', target: folded(record.name), address: reachable(address, source) };
}

/** Of the service instance that a PTR points at, or that an SRV or a TXT belongs to. */
function instanceNameIn(record: Answer): string | undefined {
  const name =
    record.type === 'PTR' && folded(record.name) === arduinoService
      ? record.data
      : record.type === 'SRV' || record.type === 'TXT'
        ? record.name
        : '';
  const ending = `.${arduinoService}`;
  return folded(name).endsWith(ending) ? name.slice(0, -ending.length) || undefined : undefined;
}

function heard(record: Answer, { source, nowMs }: Packet) {
  const ttlSeconds = 'ttl' in record ? (record.ttl ?? 0) : 0;
  return { source, ttlSeconds, nowMs };
}
