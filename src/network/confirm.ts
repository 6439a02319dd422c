/**
 * Whether an address that the system's resolver gave belongs to the name: a hosts file, or a lease in a router's DNS, may
 * name the neighbour, and the protocol names nobody. Who announces itself there is asked. Pure.
 */

import { withoutZone } from '../model/address.ts';
import { canonicalHost } from '../model/host-name.ts';
import { isLoopback } from './addresses.ts';
import { isOnLink, type HostAddress } from './interfaces.ts';
import type { FoundDevice, LocateRequest } from './types.ts';

/** Those that announce themselves at the addresses in question. */
export interface Announcers {
  /** By the name that is meant. */
  readonly named: readonly FoundDevice[];
  /** By other names alone. */
  readonly others: readonly FoundDevice[];
}

export const nobody: Announcers = { named: [], others: [] };

/** Of the addresses: those that mDNS could confirm. Loopback is this very host, whoever else has a name there. */
export function confirmable(addresses: readonly string[], asked: readonly HostAddress[]): string[] {
  return addresses.filter(
    (address) => !isLoopback(address) && asked.some((own) => !own.loopback && isOnLink(own, address)),
  );
}

export function announcersAt(
  found: readonly FoundDevice[],
  { addresses, request }: { readonly addresses: readonly string[]; readonly request: LocateRequest },
): Announcers {
  const places = new Set(addresses.filter((address) => !isLoopback(address)).map(withoutZone));
  const there = found.filter((each) => each.addresses.some((address) => places.has(withoutZone(address))));
  const names = namesOf(request);
  const isNamed = ({ name, host }: FoundDevice) => [name, host].some((own) => names.has(canonicalHost(own)));
  const { port } = request;
  // Behind one address there may be several, as with a port that is forwarded.
  return {
    named: there.filter(isNamed),
    others: there.filter((each) => !isNamed(each) && (port === undefined || port === each.port)),
  };
}

/** As a device may call itself that is meant: `hall` for `hall.example.com`, and what the user calls it. */
function namesOf({ name, host }: LocateRequest): ReadonlySet<string> {
  const [label = host] = host.split('.');
  return new Set([name, host, label].map(canonicalHost));
}
