/**
 * mDNS answers to what is known about one name. Pure: packets in, knowledge out; no sockets, no clock.
 *
 * Only records of the name itself are believed: addresses of `<name>.local`, the service `<name>._arduino._tcp.local`, and
 * addresses of the host that this service points at. What one packet says belongs to one host; packets are then put
 * together by the addresses that they share. What cannot be one host is a contradiction and is not resolved by taking
 * the first: whoever is chosen gets the firmware.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Answer, TxtData } from 'dns-packet';
import { isLoopback, isUsableAddress, relationOf } from './addresses.ts';
import { withZone, withoutZone } from './interfaces.ts';
import { folded } from './names.ts';
import { arduinoService } from './packets.ts';

/** Who sent a packet. */
export interface Sender {
  readonly address: string;
  /** Of the interface it came in by: link-local addresses in the packet are meant there. */
  readonly zone?: string | undefined;
}

/** What one packet says about the name. */
interface Claim {
  readonly sender: string;
  readonly addresses: readonly string[];
  readonly services: readonly Service[];
  readonly text?: Text;
}

/** One SRV record: which host, which UDP port. */
interface Service {
  readonly target: string;
  readonly port: number;
}

interface Text {
  readonly board?: string;
  readonly authRequired?: boolean;
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
  const groups = groupByHost(
    knowledge.claims.filter(({ addresses }) => addresses.length > 0),
    own,
  );
  if (groups.length === 0) return { type: 'nothing' };
  const silent = knowledge.claims.filter(({ addresses }) => addresses.length === 0);
  if (groups.length === 1 || !haveConflict(groups, own)) {
    return { type: 'host', host: hostOf([...groups.flat(), ...silent]) };
  }
  return {
    type: 'contradiction',
    hosts: groups.map((group) => {
      const senders = new Set(group.map(({ sender }) => sender));
      return hostOf([...group, ...silent.filter(({ sender }) => senders.has(sender))]);
    }),
  };
}

/** Hosts that the service points at and whose address nobody told yet, to be asked for. */
export function hostsToAskFor({ mdnsName, claims }: Knowledge): string[] {
  if (claims.some(({ addresses }) => addresses.length > 0)) return [];
  return [...targetsOf(claims)].filter((target) => target !== `${mdnsName}.local`).slice(0, 4);
}

/** TTL 0 takes a record back (RFC 6762, section 10.1), whoever it was heard from. */
function afterGoodbyes(knowledge: Knowledge, records: readonly Answer[]): Knowledge {
  const goodbyes = records.filter((record) => 'ttl' in record && record.ttl === 0);
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
  const records = all.filter((record) => 'ttl' in record && record.ttl !== 0);
  const services = servicesIn(records, knowledge.mdnsName);
  const hosts = hostNames(knowledge, services);
  const from = withoutZone(sender.address);
  const addresses = addressesIn(records, hosts)
    // A device that says its address is 127.0.0.1 would have this host flash itself.
    .filter((address) => !isLoopback(address) || isLoopback(from))
    .map((address) => withZone(address, sender.zone));
  const text = textIn(records, knowledge.mdnsName);
  if (addresses.length === 0 && services.length === 0 && text === undefined) return undefined;
  return {
    sender: from,
    addresses: [...new Set(addresses)].toSorted().slice(0, mostRecordsPerClaim),
    services: services.slice(0, mostRecordsPerClaim),
    ...(text === undefined ? {} : { text }),
  };
}

function hostNames({ mdnsName, claims }: Knowledge, services: readonly Service[]): ReadonlySet<string> {
  return new Set([`${mdnsName}.local`, ...targetsOf(claims), ...services.map(({ target }) => target)]);
}

function targetsOf(claims: readonly Claim[]): ReadonlySet<string> {
  return new Set(claims.flatMap(({ services }) => services.map(({ target }) => target)));
}

function addressesIn(records: readonly Answer[], hosts: ReadonlySet<string>): string[] {
  return records.flatMap((record) =>
    (record.type === 'A' || record.type === 'AAAA') &&
    hosts.has(folded(record.name)) &&
    isUsableAddress(record.data)
      ? [record.data]
      : [],
  );
}

function servicesIn(records: readonly Answer[], mdnsName: string): Service[] {
  const instance = `${mdnsName}.${arduinoService}`;
  return records.flatMap((record) =>
    record.type === 'SRV' && folded(record.name) === instance && record.data.port > 0
      ? [{ target: folded(record.data.target), port: record.data.port }]
      : [],
  );
}

function textIn(records: readonly Answer[], mdnsName: string): Text | undefined {
  const instance = `${mdnsName}.${arduinoService}`;
  const record = records.find(({ type, name }) => type === 'TXT' && folded(name) === instance);
  if (record?.type !== 'TXT') return undefined;
  const pairs = new Map(stringsOf(record.data).map(keyAndValue));
  const board = printable(pairs.get('board') ?? '');
  const auth = pairs.get('auth_upload');
  return {
    ...(board === '' ? {} : { board }),
    ...(auth === 'yes' || auth === 'no' ? { authRequired: auth === 'yes' } : {}),
  };
}

function stringsOf(data: TxtData): string[] {
  return [data].flat().map((item) => item.toString());
}

function keyAndValue(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text.toLowerCase(), ''] : [text.slice(0, at).toLowerCase(), text.slice(at + 1)];
}

/** Fit for a terminal: a board's name comes from whoever is on the network. */
function printable(text: string): string {
  return text
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '')
    .replaceAll('"', '')
    .trim()
    .slice(0, 64);
}

function groupByHost(claims: readonly Claim[], own: ReadonlySet<string>): Claim[][] {
  return claims.reduce<Claim[][]>((groups, claim) => {
    const isSame = (group: Claim[]) => relationOf(addressesOf(group), claim.addresses, own) === 'same';
    return [...groups.filter((group) => !isSame(group)), [...groups.filter(isSame).flat(), claim]];
  }, []);
}

function haveConflict(groups: readonly Claim[][], own: ReadonlySet<string>): boolean {
  return groups.some((left, index) =>
    groups
      .slice(index + 1)
      .some((right) => relationOf(addressesOf(left), addressesOf(right), own) === 'different'),
  );
}

function addressesOf(group: readonly Claim[]): string[] {
  return [...new Set(group.flatMap(({ addresses }) => addresses))];
}

function hostOf(group: readonly Claim[]): Host {
  const text = group.reduce<Text>((merged, claim) => ({ ...merged, ...claim.text }), {});
  return {
    addresses: addressesOf(group),
    senders: [...new Set(group.map(({ sender }) => sender))],
    ports: [...new Set(group.flatMap(({ services }) => services.map(({ port }) => port)))],
    ...text,
  };
}
