/**
 * What mDNS says of all devices that announce themselves. Pure: packets and the time go in, knowledge comes out; no
 * sockets, no clock. Bounded, whatever comes in.
 */

import type { Answer } from 'dns-packet';
import {
  type Instance,
  pointsAt,
  type Said,
  withDoubts,
  withFact,
  withoutAddress,
  withoutExpired,
  withoutHost,
} from './facts.ts';
import { withoutZone } from './interfaces.ts';
import type { Source } from './mdns.ts';
import { folded } from '../endpoint.ts';
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

/** Returns the same object where the packet has nothing to do with a device. */
export function learn(sightings: Sightings, packet: Packet): Sightings {
  const records = packet.records.filter((record) => !isGoodbye(record));
  // Services first: they say whose addresses are of interest.
  const steps = [
    { records: packet.records.filter(isGoodbye), apply: withGoodbye },
    { records, apply: withService },
    { records, apply: withAddress },
    { records: records.filter((record) => 'flush' in record && record.flush === true), apply: withDoubt },
  ];
  return steps.reduce(
    (before, step) => step.records.reduce((known, record) => step.apply(known, { record, packet }), before),
    sightings,
  );
}

/** Returns the same object where nothing has expired. */
export function forget(sightings: Sightings, nowMs: number): Sightings {
  const kept = [...sightings].map(([key, instance]) => [key, withoutExpired(instance, nowMs)] as const);
  if (kept.every(([key, instance]) => sightings.get(key) === instance)) return sightings;
  return new Map(kept.filter(([, { facts }]) => facts.length > 0));
}

interface One {
  readonly record: Answer;
  readonly packet: Packet;
}

function withService(sightings: Sightings, { record, packet }: One): Sightings {
  const name = instanceNameIn(record);
  const said = name === undefined ? undefined : saidOfService(record);
  if (name === undefined || said === undefined) return sightings;
  const known = sightings.get(folded(name));
  if (known === undefined && said.type === 'text') return sightings;
  const room = known === undefined ? withRoom(sightings, packet.source) : sightings;
  if (room === undefined) return sightings;
  return changed(room, [[folded(name), withFact(known ?? { name, facts: [] }, said, heard(record, packet))]]);
}

/** Where there are too many, one goes of whoever announced the most; nobody gets room for more than that. */
function withRoom(sightings: Sightings, source: Source): Sightings | undefined {
  if (sightings.size < mostInstances) return sightings;
  const senders = [...sightings].map(([key, { facts }]) => ({ key, sender: facts[0]?.sender ?? '' }));
  const counts = new Map<string, number>();
  for (const { sender } of senders) counts.set(sender, (counts.get(sender) ?? 0) + 1);
  const [loudest, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
  if ((counts.get(withoutZone(source.address)) ?? 0) + 1 >= most) return undefined;
  const last = senders.findLast(({ sender }) => sender === loudest);
  return new Map([...sightings].filter(([key]) => key !== last?.key));
}

function withAddress(sightings: Sightings, { record, packet }: One): Sightings {
  const said = saidOfHost(record, packet.source);
  if (said === undefined) return sightings;
  return changed(
    sightings,
    instancesAt(sightings, said.target).map(([key, instance]) => [
      key,
      withFact(instance, said, heard(record, packet)),
    ]),
  );
}

function withDoubt(sightings: Sightings, { record, packet: { source, nowMs } }: One): Sightings {
  const host = saidOfHost(record, source);
  if (host !== undefined) {
    return changed(
      sightings,
      instancesAt(sightings, host.target).map(([key, instance]) => [key, withDoubts(instance, host, nowMs)]),
    );
  }
  const key = folded(instanceNameIn(record) ?? '');
  const [instance, said] = [sightings.get(key), saidOfService(record)];
  if (instance === undefined || said === undefined) return sightings;
  return changed(sightings, [[key, withDoubts(instance, said, nowMs)]]);
}

function withGoodbye(sightings: Sightings, { record, packet: { source, nowMs, own } }: One): Sightings {
  const address = addressIn(record);
  if (address !== undefined) {
    return changed(
      sightings,
      instancesAt(sightings, folded(record.name)).map(([key, instance]) => [
        key,
        withoutAddress(instance, address, nowMs),
      ]),
    );
  }
  const key = folded(instanceNameIn(record) ?? '');
  const instance = sightings.get(key);
  // A text alone may go and come again.
  if (instance === undefined || record.type === 'TXT') return sightings;
  return changed(sightings, [[key, withoutHost(instance, { sender: source.address, nowMs, own })]]);
}

function changed(
  sightings: Sightings,
  changes: readonly (readonly [key: string, instance: Instance])[],
): Sightings {
  return changes.every(([key, instance]) => sightings.get(key) === instance)
    ? sightings
    : new Map([...sightings, ...changes]);
}

function instancesAt(sightings: Sightings, target: string): (readonly [string, Instance])[] {
  return [...sightings].filter(([, instance]) => pointsAt(instance, target));
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
