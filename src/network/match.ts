/**
 * The one answer to "is this the device that is meant?". Pure.
 *
 * Names are compared without their case, in any Unicode normal form, with or without `.local`; addresses however they are
 * spelled. Two announcements that both match are a question for the caller, never for luck.
 */

import { domainToASCII } from 'node:url';
import { canonicalHost } from '../model/host-name.ts';
import { isAddress, isSameAddress } from '../model/address.ts';
import type { DeviceRef, FoundDevice } from '../model/announcement.ts';

/**
 * - `name`: by a name to find it by; or it is at a configured address, by the name that its user gives it.
 * - `label`: its host is a name of the DNS, and it announces the first part of it (`hall` of `hall.fritz.box`), or the
 *   name that its user gives it.
 * - `address`: it is at a configured address, and goes by a name that says nothing: users call devices as they like.
 * - `conflict`: it has the user's name, and is at none of the addresses that are configured: whoever is there now may be
 *   another device.
 */
export type Match = 'none' | 'name' | 'label' | 'address' | 'conflict';

/** What of an announcement identifies a device. */
export type Identity = Pick<FoundDevice, 'name' | 'host' | 'addresses' | 'port'>;

export function match({ name, hosts, port }: DeviceRef, heard: Identity): Match {
  const words = hosts.filter((host) => !isAddress(host));
  if (words.some((word) => isNamed(heard, word))) return 'name';
  const isUsersName = !isAddress(name) && isNamed(heard, name);
  const hasLabel = words.some((word) => isNamed(heard, firstLabel(word)));
  if (isAt(heard, hosts.filter(isAddress))) {
    // The port of one with the right name may differ: what is configured goes before what is announced.
    if (isUsersName) return 'name';
    if (hasLabel) return 'label';
    if (port === undefined || port === heard.port) return 'address';
  }
  if (hasLabel) return 'label';
  if (!isUsersName) return 'none';
  if (words.length === 0) return 'conflict';
  return words.every(isDnsName) ? 'label' : 'none';
}

/** Whether it is at one of these addresses. */
export function isAt({ addresses }: Pick<Identity, 'addresses'>, places: readonly string[]): boolean {
  return places.some((place) => addresses.some((address) => isSamePlace(place, address)));
}

/** Best first. */
const kinds = ['name', 'label', 'address'] as const;

/** All that could be meant, by the strongest match that there is. The port distinguishes several services of one host. */
export function matchesOf<T extends Identity>(ref: DeviceRef, heard: readonly T[]): T[] {
  const matches = heard.map((each) => ({ each, kind: match(ref, each) }));
  const best = kinds.find((kind) => matches.some((other) => other.kind === kind));
  const those = matches.flatMap(({ each, kind }) => (kind === best ? [each] : []));
  const atPort = those.filter(({ port }) => port === ref.port);
  const isBeside = (each: T) => atPort.some(({ addresses }) => isAt(each, addresses));
  return those.filter((each) => each.port === ref.port || !isBeside(each));
}

/** Those that have the name that is meant, and are not where it is configured to be. */
export function conflictsOf<T extends Identity>(ref: DeviceRef, heard: readonly T[]): T[] {
  return heard.filter((each) => match(ref, each) === 'conflict');
}

export interface Pair<D, T> {
  readonly device: D;
  /** Absent where there is none, and where there are several: who would get the sketch? */
  readonly found?: T;
  /** All that could be it. */
  readonly matches: readonly T[];
}

export function pairUp<D extends Named, T extends Identity>(
  devices: readonly D[],
  found: readonly T[],
): { readonly pairs: readonly Pair<D, T>[]; readonly strangers: readonly T[] } {
  const pairs = devices.map((device): Pair<D, T> => {
    const matches = matchesOf(refOf(device), found);
    const [first, ...others] = matches;
    return { device, matches, ...(first === undefined || others.length > 0 ? {} : { found: first }) };
  });
  const taken = new Set(pairs.map((pair) => pair.found));
  return { pairs, strangers: found.filter((each) => !taken.has(each)) };
}

/** A `Device` is one. */
export interface Named {
  readonly name: string;
  readonly host: string;
  readonly port?: number | undefined;
}

export function refOf({ name, host, port }: Named): DeviceRef {
  return { name, hosts: [host], ...(port === undefined ? {} : { port }) };
}

/** Whether `word` is a name of the DNS, rather than of mDNS alone: `hall.fritz.box`, but not `hall` or `My Lamp v1.2`. */
function isDnsName(word: string): boolean {
  const name = word.replace(/\.$/, '');
  const isDotted = name.includes('.') && !/\.local$/i.test(name);
  return isDotted && !/\.(?:\d+|0x[0-9a-f]*)$/i.test(name) && domainToASCII(name) !== '';
}

/** Of a name of the DNS. */
function firstLabel(word: string): string | undefined {
  return isDnsName(word) ? word.slice(0, word.indexOf('.')) : undefined;
}

function isNamed({ name, host }: Identity, word: string | undefined): boolean {
  if (word === undefined || word === '') return false;
  const wanted = canonicalHost(word);
  return canonicalHost(name) === wanted || canonicalHost(host) === wanted;
}

/** An address with a zone is another one on another link. */
function isSamePlace(one: string, other: string): boolean {
  const [zone, otherZone] = [one, other].map((address) => address.split('%')[1]?.toLowerCase());
  const isOtherLink = zone !== undefined && otherZone !== undefined && zone !== otherZone;
  return !isOtherLink && isSameAddress(one, other);
}
