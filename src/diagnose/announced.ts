/** What the device that is meant says of itself, as the diagnosis reads it. Pure. */

import { isAddress, isSameAddress } from '../model/address.ts';
import { parseHost } from '../model/endpoint.ts';
import type { Observations } from '../model/observations.ts';
import type { FoundDevice } from '../model/announcement.ts';
import { isLoopback } from '../network/addresses.ts';
import { otherProtocolOf } from '../engines/other-protocol.ts';
import { conflictsOf, isAt, match, matchesOf } from '../network/match.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/** As its user calls it, and where it was looked for. */
export interface WantedDevice {
  readonly name: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

type Heard = FoundDevice;
type Seen = Observations['announced'];

/**
 * By its name; where none matches, by its address, and the name that it has is another one then. `several`: they have
 * its name, and nothing that is configured says which one is meant. Undefined where that cannot be told: it is known by a
 * loopback address alone, which any number of virtual devices share.
 */
export function announcedBy(found: readonly Heard[], wanted: WantedDevice): Seen {
  // What was typed may be an address, with a port or without: that is no name.
  const [name, host] = [wanted.name, wanted.host].map((text) => parseHost(text)?.host ?? text);
  const isNameless = [name, host].every((text) => text === undefined || isAddress(text));
  const ref = { name: name ?? wanted.name, hosts: [host ?? wanted.host, wanted.address] };
  const matches = matchesOf(ref, found);
  const those = matches.length > 0 ? matches : conflictsOf(ref, found);
  const isByAddress = those.length > 0 && those.every((each) => match(ref, each) === 'address');
  if (those.length > 0 && !isByAddress) return onlyOf(meantOf(those, ref.hosts[0]), wanted) ?? 'several';
  if (isLoopback(wanted.address)) return isNameless ? undefined : 'nothing';
  const announced = onlyOf(those, wanted);
  const [first] = those;
  if (typeof announced !== 'object' || isNameless || first === undefined) return announced;
  return { ...announced, foreignName: first.name };
}

/** Of several of one name the one whose address is configured. */
function meantOf(those: readonly Heard[], host: string | undefined): readonly Heard[] {
  const there = host === undefined || !isAddress(host) ? [] : those.filter((each) => isAt(each, [host]));
  return there.length > 0 ? there : those;
}

function onlyOf(those: readonly Heard[], { address, port }: WantedDevice): Exclude<Seen, 'several'> {
  const atPort = those.filter((each) => each.port === port);
  const [first, ...others] = those.length > 1 && atPort.length === 1 ? atPort : those;
  const own = first?.addresses.find((each) => isSameAddress(each, address)) ?? first?.addresses[0];
  if (first === undefined || own === undefined) return 'nothing';
  if (others.length > 0) return undefined;
  const { port: announced, platform, authRequired, running } = first;
  const otherProtocol = otherProtocolOf(first);
  return withoutUndefined({ address: own, port: announced, platform, authRequired, running, otherProtocol });
}
