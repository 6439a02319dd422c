/**
 * mDNS answers to what is known about one name. Pure: packets in, knowledge out; no sockets, no clock.
 *
 * Only records of the name itself are believed: addresses of `<name>.local`, the service `<name>._arduino._tcp.local`, and
 * addresses of the host that this service points at. What one packet says belongs to one host; packets are then put
 * together by the addresses that they share. What cannot be one host is a contradiction and is not resolved by taking
 * the first: whoever is chosen gets the firmware.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Answer } from 'dns-packet';
import { hostsBehind } from './hosts.ts';
import { withoutZone } from '../model/address.ts';
import { folded } from '../model/host-name.ts';
import { hasOtherSpellings } from './names.ts';
import { arduinoService } from './packets.ts';
import {
  addressIn,
  isBelievable,
  isGoodbye,
  reachable,
  type Sender,
  type Service,
  serviceIn,
  type Text,
  textIn,
} from './service.ts';

/** What one packet says about the name. */
interface Claim {
  readonly sender: string;
  readonly addresses: readonly string[];
  readonly services: readonly Service[];
  readonly text?: Text;
  /** The packet answers for the host, and has no IPv4 address for it although all of them were asked for. */
  readonly lacksIpv4?: boolean;
}

export interface Knowledge {
  readonly mdnsName: string;
  readonly claims: readonly Claim[];
}

/** One host that claims the name. */
export interface Host {
  readonly addresses: readonly string[];
  readonly senders: readonly string[];
  /** UDP ports of its services of this name; more than one is a contradiction unless the port is configured. */
  readonly ports: readonly number[];
  readonly board?: string;
  readonly authRequired?: boolean;
  /** What each of its services says, where there are several. */
  readonly texts?: readonly (Text & Pick<Service, 'port'>)[];
  /** It has none, as far as it says. */
  readonly lacksIpv4?: boolean;
}

export type Sighting =
  | { readonly type: 'nothing' }
  | { readonly type: 'host'; readonly host: Host }
  | { readonly type: 'contradiction'; readonly hosts: readonly Host[] };

/** A flood of different answers must not grow without end; a real name has a handful. */
const mostClaims = 32;
const mostRecordsPerClaim = 16;

export function nothingKnown(mdnsName: string): Knowledge {
  return { mdnsName: folded(mdnsName), claims: [] };
}

/** Returns the same object where the packet says nothing new about the name. */
export function learn(knowledge: Knowledge, records: readonly Answer[], sender: Sender): Knowledge {
  const known = afterGoodbyes(knowledge, records);
  const claim = known.claims.length < mostClaims ? claimOf(known, records, sender) : undefined;
  if (claim === undefined) return known;
  const isRepeated = known.claims.some((other) => isDeepStrictEqual(other, claim));
  return isRepeated ? known : { ...known, claims: [...known.claims, claim] };
}

/** @param own addresses of this host: they are one host, whatever interface they are on. */
export function sightingOf(knowledge: Knowledge, own: ReadonlySet<string>): Sighting {
  const [first, ...others] = hostsBehind(knowledge.claims, own).map(hostOf);
  if (first === undefined) return { type: 'nothing' };
  return others.length === 0
    ? { type: 'host', host: first }
    : { type: 'contradiction', hosts: [first, ...others] };
}

/** Hosts that the service points at and whose address nobody told yet, to be asked for. */
export function hostsToAskFor({ mdnsName, claims }: Knowledge): string[] {
  if (claims.some(({ addresses }) => addresses.length > 0)) return [];
  const hosts = claims.flatMap(({ services }) => services.map(({ host }) => host));
  const isAskedFor = (host: string) => folded(host) === `${mdnsName}.local` && !hasOtherSpellings(host);
  return [...new Set(hosts)].filter((host) => !isAskedFor(host)).slice(0, 4);
}

/** TTL 0 takes a record back (RFC 6762, section 10.1), whoever it was heard from. */
function afterGoodbyes(knowledge: Knowledge, records: readonly Answer[]): Knowledge {
  const goodbyes = records.filter(isGoodbye);
  if (goodbyes.length === 0 || knowledge.claims.length === 0) return knowledge;
  const hosts = hostNames(knowledge, []);
  const gone = new Set(addressesIn(goodbyes, hosts));
  const goneServices = servicesIn(goodbyes, knowledge.mdnsName);
  if (gone.size === 0 && goneServices.length === 0) return knowledge;
  const claims = knowledge.claims
    .map((claim) => ({
      ...claim,
      addresses: claim.addresses.filter((address) => !gone.has(withoutZone(address))),
      services: claim.services.filter(
        (service) => !goneServices.some((other) => isDeepStrictEqual(service, other)),
      ),
    }))
    .filter(({ addresses, services }) => addresses.length + services.length > 0);
  return { ...knowledge, claims };
}

function claimOf(knowledge: Knowledge, all: readonly Answer[], sender: Sender): Claim | undefined {
  const records = all.filter((record) => !isGoodbye(record));
  const services = servicesIn(records, knowledge.mdnsName);
  const hosts = hostNames(knowledge, services);
  const from = withoutZone(sender.address);
  const addresses = addressesIn(records, hosts)
    .filter((address) => isBelievable(address, sender))
    .map((address) => reachable(address, sender));
  const text = textOf(records, knowledge.mdnsName);
  if (addresses.length === 0 && services.length === 0 && text === undefined) return undefined;
  return {
    sender: from,
    addresses: [...new Set(addresses)].toSorted().slice(0, mostRecordsPerClaim),
    services: services.slice(0, mostRecordsPerClaim),
    ...(text === undefined ? {} : { text }),
    ...(lacksIpv4({ records, hosts, addresses, services }) ? { lacksIpv4: true } : {}),
  };
}

/** It says so (NSEC, RFC 6762, section 6.1), or answers all questions in one packet and leaves this one out. */
function lacksIpv4({
  records,
  hosts,
  addresses,
  services,
}: Pick<Claim, 'addresses' | 'services'> & {
  readonly records: readonly Answer[];
  readonly hosts: ReadonlySet<string>;
}): boolean {
  if (addresses.length === 0 || addresses.some((address) => !address.includes(':'))) return false;
  const isDenied = records.some(
    (record) =>
      record.type === 'NSEC' && hosts.has(folded(record.name)) && !record.data.rrtypes.includes('A'),
  );
  return isDenied || services.length > 0;
}

function hostNames({ mdnsName, claims }: Knowledge, services: readonly Service[]): ReadonlySet<string> {
  return new Set([`${mdnsName}.local`, ...targetsOf(claims), ...services.map(({ target }) => target)]);
}

function targetsOf(claims: readonly Claim[]): ReadonlySet<string> {
  return new Set(claims.flatMap(({ services }) => services.map(({ target }) => target)));
}

function addressesIn(records: readonly Answer[], hosts: ReadonlySet<string>): string[] {
  return records
    .filter(({ name }) => hosts.has(folded(name)))
    .map(addressIn)
    .filter((address) => address !== undefined);
}

function servicesIn(records: readonly Answer[], mdnsName: string): Service[] {
  return recordsOfInstance(records, mdnsName)
    .map(serviceIn)
    .filter((service) => service !== undefined);
}

function textOf(records: readonly Answer[], mdnsName: string): Text | undefined {
  return recordsOfInstance(records, mdnsName)
    .map(textIn)
    .find((text) => text !== undefined);
}

function recordsOfInstance(records: readonly Answer[], mdnsName: string): Answer[] {
  const instance = `${mdnsName}.${arduinoService}`;
  return records.filter(({ name }) => folded(name) === instance);
}

function hostOf(group: readonly Claim[]): Host {
  const text = textsOf(group);
  const ports = [...new Set(group.flatMap(({ services }) => services.map(({ port }) => port)))];
  const texts = ports.map((port) => ({
    port,
    ...textsOf(group.filter(({ services }) => services.some((service) => service.port === port))),
  }));
  return {
    addresses: [...new Set(group.flatMap(({ addresses }) => addresses))],
    senders: [...new Set(group.map(({ sender }) => sender))],
    ports,
    ...text,
    ...(ports.length > 1 ? { texts } : {}),
    ...(group.some((claim) => claim.lacksIpv4) ? { lacksIpv4: true } : {}),
  };
}

const textsOf = (claims: readonly Claim[]): Text =>
  claims.reduce<Text>((merged, claim) => ({ ...merged, ...claim.text }), {});
