/** Who answers for one name. Pure. */

import { folded } from '../model/host-name.ts';
import { claimsOf, type Claim, type Instance, textFor } from './facts.ts';
import { hostsBehind } from './hosts.ts';
import type { AnnouncedService, Text } from './service.ts';
import type { Sightings } from './sightings.ts';

type Described = Omit<Text, 'txt'>;

/** One host that claims the name. */
export interface Host extends Described {
  readonly addresses: readonly string[];
  readonly senders: readonly string[];
  /** UDP ports of its services of this name; more than one is a contradiction unless the port is configured. */
  readonly ports: readonly number[];
  /** What each of its services says, where there are several. */
  readonly texts?: readonly (Described & Pick<AnnouncedService, 'port'>)[];
  /** It has none, as far as it says. */
  readonly lacksIpv4?: boolean;
}

export type Sighting =
  | { readonly type: 'nothing' }
  | { readonly type: 'host'; readonly host: Host }
  | { readonly type: 'contradiction'; readonly hosts: readonly Host[] };

export interface SightingOptions {
  /** Without `.local`. */
  readonly mdnsName: string;
  /** What was heard before says where it was. */
  readonly sinceMs: number;
  /** Addresses of this host: they are one host, whatever interface they are on. */
  readonly own: ReadonlySet<string>;
}

/**
 * Only who has the name is believed: addresses of `<name>.local`, the service of that name, and those that run on that host.
 * (They are the ones to which `match` answers `name`.) What cannot be one host is a contradiction, and is not resolved by
 * taking the first: whoever is chosen gets the firmware.
 */
export function sightingOf(sightings: Sightings, options: SightingOptions): Sighting {
  const { mdnsName, sinceMs, own } = options;
  const key = folded(mdnsName);
  const host = `${key}.local`;
  const claims: Claim[] = [];
  for (const [name, instance] of sightings) {
    if (
      name === key ||
      instance.facts.some((fact) => fact.type === 'service' && fact.service.target === host)
    ) {
      claims.push(...claimsOf(current(instance, sinceMs)));
    }
  }
  const [first, ...others] = hostsBehind(claims, own).map(hostOf);
  if (first === undefined) return { type: 'nothing' };
  return others.length === 0
    ? { type: 'host', host: first }
    : { type: 'contradiction', hosts: [first, ...others] };
}

/** What was taken back is no place to send to. */
function current(instance: Instance, sinceMs: number): Instance {
  const facts = instance.facts.filter(({ heardAtMs, state }) => heardAtMs >= sinceMs && state !== 'ending');
  return { ...instance, facts };
}

function hostOf(claims: readonly Claim[]): Host {
  const services = claims.flatMap((claim) => claim.services.map(({ service }) => service));
  const ports = [...new Set(services.map(({ port }) => port))];
  const describe = (port: number | undefined): Described => {
    const { txt: _, ...described } = textFor(claims, port);
    return described;
  };
  return {
    addresses: [...new Set(claims.flatMap(({ addresses }) => addresses))].toSorted(),
    senders: [...new Set(claims.map(({ sender }) => sender))],
    ports,
    ...describe(ports[0]),
    ...(ports.length > 1 ? { texts: ports.map((port) => ({ port, ...describe(port) })) } : {}),
    ...(claims.some((claim) => claim.isIpv6Only) ? { lacksIpv4: true } : {}),
  };
}
