/** What was seen, as devices. Pure. */

import { byPreference } from './addresses.ts';
import { platformOfBoard } from './board.ts';
import { type Claim, claimsOf, type Instance } from './facts.ts';
import { hostsBehind } from './hosts.ts';
import { folded } from '../model/host-name.ts';
import { printable } from '../model/printable.ts';
import { longestName, type Text } from './service.ts';
import type { Sightings } from './sightings.ts';
import type { FoundDevice } from './types.ts';

/** This host. */
export interface Here {
  /** Its addresses. */
  readonly own: ReadonlySet<string>;
  readonly onLink: (address: string) => boolean;
}

/** Those whose address and port are known, in a fixed order. Several of one name are several devices. */
export function devicesIn(sightings: Sightings, here: Here): FoundDevice[] {
  return [...sightings.values()]
    .flatMap((instance) => devicesOf(instance, here))
    .map((device) => ({
      device,
      key: [folded(device.name), device.addresses[0] ?? '', device.port] as const,
    }))
    .toSorted((a, b) => compare(a.key, b.key))
    .map(({ device }) => device);
}

function devicesOf(instance: Instance, here: Here): FoundDevice[] {
  return hostsBehind(claimsOf(instance), here.own).flatMap((claims) => {
    const services = claims.flatMap((claim) => claim.services);
    const ports = [...new Set(services.map(({ service }) => service.port))];
    const host = printable(services.at(-1)?.service.host ?? '', { longest: longestHost });
    const all = [...new Set(claims.flatMap(({ addresses }) => addresses))].toSorted();
    const addresses = byPreference(all, all.length > 1 ? here.onLink : () => true);
    if (addresses.length === 0 || host === '') return [];
    const name = printable(instance.name.trim(), longestName) || host;
    // Two devices behind one address, as on the machine of a developer with two virtual ones.
    return ports.map((port) => {
      const own = claims.filter((claim) => claim.services.some(({ service }) => service.port === port));
      return { name, host, addresses, port, ...announcedBy(ports.length > 1 ? own : claims) };
    });
  });
}

function announcedBy(claims: readonly Claim[]): Pick<FoundDevice, 'board' | 'authRequired' | 'platform'> {
  const text = claims.reduce<Text>((merged, claim) => ({ ...merged, ...claim.text }), {});
  const platform = text.board === undefined ? undefined : platformOfBoard(text.board);
  return { ...text, ...(platform === undefined ? {} : { platform }) };
}

type Key = readonly [name: string, address: string, port: number];

function compare(a: Key, b: Key): number {
  const index = a.findIndex((part, at) => part !== b[at]);
  const [left, right] = [a[index] ?? 0, b[index] ?? 0];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** RFC 1035: a name has at most so many bytes. */
const longestHost = 255;
