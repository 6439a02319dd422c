/** Which of the devices that announce themselves is the one that is meant, and what it says of itself. Pure. */

import { isAddress, isSameAddress } from '../model/address.ts';
import { parseHost } from '../model/endpoint.ts';
import { canonicalHost } from '../model/host-name.ts';
import type { Observations } from '../model/observations.ts';
import { isLoopback } from '../network/addresses.ts';
import { otherProtocolOf } from '../network/other-protocol.ts';
import type { FoundDevice } from '../network/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/** As its user calls it, and where it was looked for. */
export interface Wanted {
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
export function announcedBy(found: readonly Heard[], wanted: Wanted): Seen {
  const names = namesOf(wanted);
  const byName = found.filter((each) => ownNames(each).some((own) => names.includes(own)));
  if (byName.length > 0) return onlyOf(meantOf(byName, wanted), wanted) ?? 'several';
  if (isLoopback(wanted.address)) return names.length === 0 ? undefined : 'nothing';
  const there = found.filter(({ addresses }) =>
    addresses.some((each) => isSameAddress(each, wanted.address)),
  );
  const announced = onlyOf(there, wanted);
  if (typeof announced !== 'object') return announced;
  const [first] = there;
  const isKnown = names.length === 0 || first === undefined || hasLabel(first, names);
  return isKnown ? announced : { ...announced, foreignName: first.name };
}

/** What was typed may be an address, with a port or without: that is no name to look for. */
function namesOf({ name, host }: Wanted): readonly string[] {
  return [name, host]
    .map((text) => parseHost(text)?.host ?? text)
    .filter((text) => !isAddress(text))
    .map(canonicalHost);
}

const ownNames = ({ name, host }: Heard): readonly string[] => [name, host].map(canonicalHost);

/** `hall` is what a router calls `hall.fritz.box`. */
function hasLabel(device: Heard, names: readonly string[]): boolean {
  return ownNames(device).some((own) => names.some((name) => name.startsWith(`${own}.`)));
}

/** Of several the one whose address is configured. */
function meantOf(those: readonly Heard[], { host }: Wanted): readonly Heard[] {
  const configured = parseHost(host)?.host ?? host;
  const there = those.filter(({ addresses }) => addresses.some((each) => isSameAddress(each, configured)));
  return there.length > 0 ? there : those;
}

function onlyOf(those: readonly Heard[], { address, port }: Wanted): Exclude<Seen, 'several'> {
  const atPort = those.filter((each) => each.port === port);
  const [first, ...others] = those.length > 1 && atPort.length === 1 ? atPort : those;
  const own = first?.addresses.find((each) => isSameAddress(each, address)) ?? first?.addresses[0];
  if (first === undefined || own === undefined) return 'nothing';
  if (others.length > 0) return undefined;
  const { port: announced, platform, authRequired } = first;
  const otherProtocol = otherProtocolOf(first);
  return withoutUndefined({ address: own, port: announced, platform, authRequired, otherProtocol });
}
