/** The addresses of this host, and which of them mDNS is asked on. Pure but for `hostAddresses`. */

import { networkInterfaces } from 'node:os';
import { isInSubnet, withoutZone } from '../model/address.ts';
import { OtaError } from '../model/errors.ts';

/** One address of one network interface of this host. */
export interface HostAddress {
  /** Of the interface, as the system calls it. */
  readonly name: string;
  /** Without a zone. */
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly prefixBits: number;
  readonly loopback: boolean;
  /** What stands after `%`: the interface's name, on Windows its number. */
  readonly zone: string;
}

/** An address to ask from, and how the socket calls its interface. */
export interface AskingAddress {
  readonly name: string;
  readonly family: 'IPv4' | 'IPv6';
  /** To bind to, with a zone where it needs one. */
  readonly address: string;
  readonly multicastInterface: string;
  readonly zone: string;
  readonly loopback: boolean;
}

export function hostAddresses(): HostAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
    (entries ?? []).map(({ address, family, cidr, internal, ...rest }) => ({
      name,
      address: withoutZone(address),
      family,
      prefixBits: Number(cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128)),
      loopback: internal,
      zone: process.platform === 'win32' && 'scopeid' in rest ? String(rest.scopeid) : name,
    })),
  );
}

/**
 * Those of `all` that `wanted` names, by interface or by address; an empty `wanted` means all.
 *
 * @throws `CONFIG_INVALID` where one is not of this host.
 */
export function selectAddresses(all: readonly HostAddress[], wanted: readonly string[]): HostAddress[] {
  if (wanted.length === 0) return [...all];
  const isNamedBy = (item: HostAddress, text: string) =>
    item.name === text || item.address === withoutZone(text).toLowerCase();
  const unknown = wanted.filter((text) => !all.some((item) => isNamedBy(item, text)));
  if (unknown.length > 0) {
    throw new OtaError('CONFIG_INVALID', `This host has no network interface ${quoted(unknown)}.`, {
      hint: `Choose among ${describeAddresses(all)}.`,
      details: { unknown, known: all.map(({ name, address }) => ({ name, address })) },
    });
  }
  return all.filter((item) => wanted.some((text) => isNamedBy(item, text)));
}

/**
 * One endpoint for each IPv4 address, for an ESP8266 answers only who asks from its own subnet, and one for each
 * interface that speaks IPv6. Loopback is asked over IPv4 alone: Linux routes no IPv6 multicast there.
 */
export function endpointsOf(addresses: readonly HostAddress[]): AskingAddress[] {
  const overIpv4 = addresses
    .filter(({ family }) => family === 'IPv4')
    .map(({ name, address, zone, loopback }) => ({
      name,
      family: 'IPv4' as const,
      address,
      multicastInterface: address,
      zone,
      loopback,
    }));
  const ipv6 = addresses.filter(({ family, loopback }) => family === 'IPv6' && !loopback);
  const overIpv6 = [...new Set(ipv6.map(({ name }) => name))].flatMap((name) => {
    const ofInterface = ipv6.filter((item) => item.name === name);
    const from = ofInterface.find(({ address }) => isLinkLocal(address)) ?? ofInterface[0];
    if (from === undefined) return [];
    return [
      {
        name,
        family: 'IPv6' as const,
        address: withZone(from.address, from.zone),
        multicastInterface: `::%${from.zone}`,
        zone: from.zone,
        loopback: false,
      },
    ];
  });
  return [...overIpv4, ...overIpv6];
}

/**
 * Whether nobody can be asked: every endpoint that could lead to a device is out of use. Loopback, which always works, is
 * none of these unless there is nothing else, or it was chosen. (The MULTICAST flag of an interface says nothing of this:
 * on Linux questions and answers pass without it.)
 */
export function isNobodyAskable(
  endpoints: readonly AskingAddress[],
  { failed, isChosen }: { readonly failed: ReadonlySet<AskingAddress>; readonly isChosen: boolean },
): boolean {
  const leading = endpoints.filter(({ loopback }) => isChosen || !loopback);
  const counted = leading.length > 0 ? leading : endpoints;
  return counted.every((endpoint) => failed.has(endpoint));
}

/** Whether `remote` (with or without a zone) is in the subnet of this address, or on its link. */
export function isOnLink(own: HostAddress, remote: string): boolean {
  const zone = zoneOf(remote);
  if (zone !== undefined && zone !== own.zone) return false;
  return isInSubnet(remote, own);
}

export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address);
}

/** `address` as a socket takes it: only a link-local one needs its zone. */
export function withZone(address: string, zone: string | undefined): string {
  return isLinkLocal(address) && zone !== undefined && !address.includes('%')
    ? `${address}%${zone}`
    : address;
}

/** `eth0 (192.0.2.2, fe80::1) and lo (127.0.0.1)` */
export function describeAddresses(addresses: readonly HostAddress[]): string {
  const names = [...new Set(addresses.map(({ name }) => name))];
  return listed(
    names.map((name) => {
      const ofInterface = addresses.filter((item) => item.name === name);
      return `${name} (${ofInterface.map(({ address }) => address).join(', ')})`;
    }),
  );
}

export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

function zoneOf(address: string): string | undefined {
  return address.split('%', 2)[1];
}

function quoted(names: readonly string[]): string {
  return listed(names.map((name) => `'${name}'`));
}
