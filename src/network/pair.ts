/** Which of the devices that announce themselves are those that are meant. Pure. */

import { isAddress } from '../model/address.ts';
import { canonicalHost } from '../model/host-name.ts';
import type { FoundDevice } from './types.ts';

/** As the configuration, or a person, calls a device. */
export interface Meant {
  /** Name or address. */
  readonly host: string;
  readonly port?: number | undefined;
}

export interface Pair<T> {
  readonly device: T;
  /** Absent where there is none, and where there are several: who would get the sketch? */
  readonly found?: FoundDevice;
  /** All that could be it. */
  readonly matches: readonly FoundDevice[];
}

export function pairUp<T extends Meant>(
  devices: readonly T[],
  found: readonly FoundDevice[],
): { readonly pairs: readonly Pair<T>[]; readonly strangers: readonly FoundDevice[] } {
  const pairs = devices.map((device): Pair<T> => {
    const matches = matchesOf(found, device);
    const [first, ...others] = matches;
    return { device, matches, ...(first === undefined || others.length > 0 ? {} : { found: first }) };
  });
  const taken = new Set(pairs.map((pair) => pair.found));
  return { pairs, strangers: found.filter((each) => !taken.has(each)) };
}

/** All that could be meant. Several services of one name on one host are told apart by the port. */
export function matchesOf(found: readonly FoundDevice[], meant: Meant): FoundDevice[] {
  const matches = found.filter((each) => isMeant(each, meant));
  const atPort = matches.filter(({ port }) => port === meant.port);
  const isBeside = ({ addresses }: FoundDevice) =>
    atPort.some((other) => other.addresses.some((address) => addresses.includes(address)));
  return matches.filter((each) => each.port === meant.port || !isBeside(each));
}

/** Behind one address there may be several, as with a port that is forwarded. */
export function isMeant(found: FoundDevice, { host, port }: Meant): boolean {
  const wanted = canonicalHost(host);
  if (!isAddress(host)) return [found.host, found.name].some((name) => canonicalHost(name) === wanted);
  const isAtPort = port === undefined || port === found.port;
  return isAtPort && found.addresses.some((address) => canonicalHost(address) === wanted);
}
