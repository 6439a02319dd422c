/** What may be the name of a host, and when two names mean the same one. */

import { canonicalAddress, isAddress } from './address.ts';

/**
 * For comparing names. DNS folds the letters of ASCII alone (RFC 6762, section 16), people fold them all: two names that
 * differ in nothing else are more likely one device than two. An accented letter may arrive composed or decomposed.
 */
export function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** `livingroom` of `livingroom.local.`: the first thing that is tried for a bare name. */
export function withoutLocal(host: string): string {
  return host.replace(/\.$/, '').replace(/\.local$/i, '');
}

/** One spelling for one host: case, the final dot and `.local` make no difference. */
export function canonicalHost(host: string): string {
  return isAddress(host) ? canonicalAddress(host) : withoutLocal(folded(host));
}

/**
 * Also what no DNS knows: over mDNS a device may be called `Living Room` or `My Lamp v1.2`. A path is no name, and
 * neither is an incomplete IPv4 address.
 */
export function isHostName(text: string): boolean {
  const looksNumeric = /^[\d.]+$/.test(text);
  return (
    !looksNumeric && !text.includes('..') && text.length <= 253 && (/^\w[\w.-]*$/.test(text) || isText(text))
  );
}

/** Compiled where a name has more than letters of ASCII, digits, dots and hyphens. */
const isText = (text: string): boolean =>
  new RegExp(String.raw`^[\p{L}\p{N}\p{So}_(](?:[\p{L}\p{M}\p{N}\p{S}\p{P} ]*[^\s])?$`, 'u').test(text) &&
  !/[/\\]/.test(text);
