/** Whether a text is an IP address, and whether two of them are the same one. */

import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** IPv4 or IPv6, the latter with or without a zone. */
export function isAddress(text: string): boolean {
  return isIPv4(text) || (mayBeIPv6(text) && isIPv6(text));
}

/** Asked first: the expression behind `isIPv6` takes Node 20 three milliseconds to compile. */
function mayBeIPv6(text: string): boolean {
  return /:.*:/.test(text);
}

/**
 * Whether an answer of the network may give it as the address of a device: blocking DNS servers and hostile answers give others.
 * IPv4 has records of its own: written as IPv6 it is none, though a person may write it so.
 */
export const isUsableAddress = (text: string): boolean =>
  isDeviceAddress(text) && (isIPv4(text) || !isIPv4(canonicalAddress(withoutZone(text))));

/** Whether one device may have it. */
export const isDeviceAddress = (text: string): boolean =>
  isAddress(text) && reasonAgainst(text) === undefined;

/** Why no device can be at an address: completes "192.0.2.255 is …"; undefined where one can be. */
export function reasonAgainst(text: string): string | undefined {
  const address = canonicalAddress(withoutZone(text));
  if (!isIPv4(address)) {
    if (address === '::') return 'the unspecified address';
    return address.startsWith('ff') ? 'a multicast address' : undefined;
  }
  const [first = 0] = address.split('.').map(Number);
  if (first === 0) return 'the unspecified address';
  if (address === '255.255.255.255') return 'the broadcast address';
  if (first >= 240) return 'a reserved address';
  return first >= 224 ? 'a multicast address' : undefined;
}

/** The same address, however it is spelled: IPv6 in any form, with or without a zone or the prefix of IPv4 in IPv6. */
export function isSameAddress(one: string, other: string): boolean {
  return one === other || plainAddress(one) === plainAddress(other);
}

const plainAddress = (text: string): string => canonicalAddress(withoutZone(text));

/** One spelling for one address: IPv4 also where it is written as IPv6. The zone stays; what is no address does, too. */
export function canonicalAddress(text: string): string {
  const lower = text.toLowerCase();
  if (isIPv4(lower) || !isAddress(lower)) return lower;
  const [address = lower, zone] = lower.split('%', 2);
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(plain) ?? [];
  if (high !== undefined && low !== undefined) return dotted(high, low);
  return zone === undefined ? plain : `${plain}%${zone}`;
}

/** Of the two halves of an IPv4 address in hexadecimal digits. */
const dotted = (high: string, low: string): string =>
  [high, low].flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join('.');

/** `fe80::1` of `fe80::1%eth0`. */
export function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}

/** Whether `remote` is in the subnet of `own`; both with or without a zone, which counts for nothing here. */
export function isInSubnet(
  remote: string,
  { address, prefixBits }: { readonly address: string; readonly prefixBits: number },
): boolean {
  const [own, other] = [withoutZone(address), withoutZone(remote)];
  if (isIPv4(own) !== isIPv4(other)) return false;
  const family = isIPv4(own) ? 'ipv4' : 'ipv6';
  const subnet = new BlockList();
  subnet.addSubnet(own, prefixBits, family);
  return subnet.check(other, family);
}
