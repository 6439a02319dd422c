/**
 * Whether an address that the system's resolver gave belongs to the name: a hosts file, or a lease in a router's DNS, may
 * name the neighbour, and the protocol names nobody. Who announces itself there is asked. Pure.
 */

import { isLoopback } from './addresses.ts';
import { isOnLink, type HostAddress } from './interfaces.ts';
import { isAt, match, refOf } from './match.ts';
import type { FoundDevice } from '../model/announcement.ts';
import type { LocateRequest } from './types.ts';

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
  const places = addresses.filter((address) => !isLoopback(address));
  const ref = refOf(request);
  const there = found
    .filter((each) => isAt(each, places))
    .map((each) => ({ each, kind: match({ ...ref, hosts: [...ref.hosts, ...places] }, each) }));
  return {
    named: there.flatMap(({ each, kind }) => (kind === 'name' || kind === 'label' ? [each] : [])),
    others: there.flatMap(({ each, kind }) => (kind === 'address' ? [each] : [])),
  };
}
