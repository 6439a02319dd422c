/** Comparing and choosing among addresses of devices. Pure. */

import { BlockList, isIPv4 } from 'node:net';
import { isAddress, withoutZone } from '../model/address.ts';
import { isLinkLocal } from './interfaces.ts';

export function isLoopback(address: string): boolean {
  return isAddress(address) && loopback.check(withoutZone(address), familyOf(address));
}

/** What is known of the addresses of two answers. */
export type Relation = 'same' | 'different' | 'unknown';

/**
 * Whether two sets of addresses belong to one host: they share one, or both belong to this very host. Sets without a
 * common family say nothing: one may be the IPv4 side of a device and one its IPv6 side.
 */
export function relationOf(
  left: readonly string[],
  right: readonly string[],
  own: ReadonlySet<string>,
): Relation {
  const bare = (addresses: readonly string[]) =>
    addresses.map(withoutZone).map((address) => (own.has(address) ? 'this host' : address));
  const [a, b] = [bare(left), bare(right)];
  if (a.some((address) => b.includes(address))) return 'same';
  const families = new Set(left.map(familyOf));
  return right.some((address) => families.has(familyOf(address))) ? 'different' : 'unknown';
}

/**
 * Best first: IPv4 before IPv6 (ArduinoOTA of most cores listens on IPv4 alone), one on a link of this host before one
 * behind a router. A link-local address without its zone leads nowhere.
 */
export function byPreference(addresses: readonly string[], onLink: (address: string) => boolean): string[] {
  const rank = (address: string) => (isIPv4(address) ? 0 : 2) + (onLink(address) ? 0 : 1);
  return addresses
    .filter((address) => !isLinkLocal(address) || address.includes('%'))
    .map((address) => ({ address, rank: rank(address) }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ address }) => address);
}

/** The one to send to. */
export function preferredAddress(
  addresses: readonly string[],
  onLink: (address: string) => boolean,
): string | undefined {
  return byPreference(addresses, onLink)[0];
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
