import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** `192.0.2.7:8266`, `[::1]:8266`. */
export function endpointText({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * For comparing names. DNS folds the letters of ASCII alone (RFC 6762, section 16), people fold them all: two names that
 * differ in nothing else are more likely one device than two. An accented letter may arrive composed or decomposed.
 */
export function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** One spelling for one host: case, the final dot and `.local` (the first thing tried for a bare name) do not tell two apart. */
export function canonicalHost(host: string): string {
  const lower = folded(host);
  if (!isAddress(lower) || !mayBeIPv6(lower)) return lower.replace(/\.$/, '').replace(/\.local$/, '');
  return lower.includes('%') ? lower : new URL(`http://[${lower}]`).hostname;
}

export function isAddress(text: string): boolean {
  return isIPv4(text) || (mayBeIPv6(text) && isIPv6(text));
}

/** Asked first: the expression behind `isIPv6` takes Node 20 three milliseconds to compile. */
export function mayBeIPv6(text: string): boolean {
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
  return mayBeIPv6(plain) && isIPv6(plain) ? new URL(`http://[${plain}]`).hostname : plain;
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
