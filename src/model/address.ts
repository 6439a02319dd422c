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

/** The same address, however it is spelled: IPv6 in any form, with or without a zone or the prefix of IPv4 in IPv6. */
export function isSameAddress(one: string, other: string): boolean {
  return one === other || plainAddress(one) === plainAddress(other);
}

function plainAddress(text: string): string {
  const plain = withoutZone(text)
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, '');
  return isIPv4(plain) || !isAddress(plain) ? plain : new URL(`http://[${plain}]`).hostname;
}

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
