/** What single records say of an Arduino service, whoever asked for them. Pure. */

import type { Answer, TxtData } from 'dns-packet';
import { isLoopback } from './addresses.ts';
import { withZone } from './interfaces.ts';
import { isUsableAddress, withoutZone } from '../model/address.ts';
import { folded } from '../model/host-name.ts';
import { printable } from '../model/printable.ts';

/** Who sent a packet. */
export interface PacketSender {
  readonly address: string;
  /** Of the interface it came in by: link-local addresses in the packet are meant there. */
  readonly zone?: string | undefined;
}

/** One SRV record: which host, which UDP port. */
export interface AnnouncedService {
  readonly target: string;
  /** The same as it was announced: devices fold the letters of ASCII alone. */
  readonly host: string;
  readonly port: number;
}

/** One TXT record. */
export interface Text {
  /** All its items, as they were sent; keys in lower case. */
  readonly txt: Readonly<Record<string, string>>;
  readonly board?: string;
  readonly authRequired?: boolean;
}

export const isGoodbye = (record: Answer): boolean => 'ttl' in record && record.ttl === 0;

export function serviceIn(record: Answer): AnnouncedService | undefined {
  if (record.type !== 'SRV' || record.data.port === 0) return undefined;
  const { target: host, port } = record.data;
  return { target: folded(host), host, port };
}

export function addressIn(record: Answer): string | undefined {
  const isAddress = record.type === 'A' || record.type === 'AAAA';
  return isAddress && isUsableAddress(record.data) ? record.data : undefined;
}

/** A device that says its address is 127.0.0.1 would have this host flash itself. */
export function isBelievable(address: string, sender: PacketSender): boolean {
  return !isLoopback(address) || isLoopback(withoutZone(sender.address));
}

/** As a socket of this host reaches it. */
export function reachable(address: string, sender: PacketSender): string {
  return withZone(address, sender.zone);
}

export function textIn(record: Answer): Text | undefined {
  if (record.type !== 'TXT') return undefined;
  // Of several of one key the first one counts (RFC 6763, section 6.4).
  const pairs = new Map(stringsOf(record.data).slice(0, mostItems).map(keyAndValue).toReversed());
  pairs.delete('');
  const board = printable((pairs.get('board') ?? '').replaceAll('"', '').trim(), longestName);
  const auth = pairs.get('auth_upload');
  return {
    txt: Object.fromEntries([...pairs].toReversed()),
    ...(board === '' ? {} : { board }),
    ...(auth === 'yes' || auth === 'no' ? { authRequired: auth === 'yes' } : {}),
  };
}

/** How much is kept of a name, or of what a board is called: they come from whoever is on the network. */
export const longestName = { longest: 64 } as const;

/** Four are usual, and a sketch adds a few. */
const mostItems = 64;

function stringsOf(data: TxtData): string[] {
  return [data].flat().map((item) => item.toString());
}

function keyAndValue(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text.toLowerCase(), ''] : [text.slice(0, at).toLowerCase(), text.slice(at + 1)];
}
