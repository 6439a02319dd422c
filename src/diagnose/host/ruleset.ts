/** A packet filter, as far as it decides over the connection that a device opens. Pure. */

import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { withoutZone } from '../../model/address.ts';

/** The first packet of it: TCP, new, from a network. */
export interface Incoming {
  /** Of the device. */
  readonly address: string;
  /** Of this host, where the device connects to; absent: not known. */
  readonly hostAddress?: string | undefined;
  /** TCP, of this host; absent: any that the system chooses. */
  readonly hostPort?: number | undefined;
  /** Where it comes in, `eth0`; absent: not known. */
  readonly interfaceName?: string | undefined;
}

/** Whether a condition holds for it; `maybe`: that depends on what is not known here. */
export type Fit = 'yes' | 'no' | 'maybe';

export interface Rule {
  readonly fit: Fit;
  readonly verdict: Verdict;
}

export type Verdict =
  | { readonly type: 'none' }
  | { readonly type: 'accept' | 'drop' | 'return' }
  | { readonly type: 'jump' | 'goto'; readonly chain: string };

export interface Chain {
  readonly rules: readonly Rule[];
  /** Of a chain where packets come in. */
  readonly policy?: 'accept' | 'drop';
}

/** The kernel allows no deeper ones. */
const deepest = 16;

export type Outcome = 'accept' | 'drop' | 'unknown';

/**
 * What becomes of it in the chain of this name. A rule that only may apply drops nothing; where one of them may save it
 * from a drop, that is unknown.
 */
export function judge(name: string, chains: ReadonlyMap<string, Chain>): Outcome {
  const policy = chains.get(name)?.policy ?? 'accept';
  const { end, possible } = walk(name, chains, 0);
  const outcome = end ?? policy;
  const mayBeAccepted = [...possible].some((each) => (each ?? policy) === 'accept');
  return outcome === 'drop' && mayBeAccepted ? 'unknown' : outcome;
}

/** Undefined: back to where it came from. */
type End = 'accept' | 'drop' | undefined;

interface Way {
  /** With every rule passed over that only may apply. */
  readonly end: End;
  readonly possible: ReadonlySet<End>;
}

function walk(name: string, chains: ReadonlyMap<string, Chain>, depth: number): Way {
  const possible = new Set<End>();
  let sure: { readonly end: End } | undefined;
  for (const { fit, verdict } of (depth > deepest ? undefined : chains.get(name)?.rules) ?? []) {
    if (fit === 'no' || verdict.type === 'none') continue;
    const way = wayOf(verdict, chains, depth);
    const isLeft = verdict.type !== 'jump';
    for (const end of way.possible) if (isLeft || end !== undefined) possible.add(end);
    if (fit === 'maybe') continue;
    if (isLeft || way.end !== undefined) sure ??= { end: way.end };
    if (isLeft || !way.possible.has(undefined)) return { end: sure?.end, possible };
  }
  return { end: sure?.end, possible: possible.add(undefined) };
}

function wayOf(
  verdict: Exclude<Verdict, { type: 'none' }>,
  chains: ReadonlyMap<string, Chain>,
  depth: number,
): Way {
  if (verdict.type === 'jump' || verdict.type === 'goto') return walk(verdict.chain, chains, depth + 1);
  const end = verdict.type === 'return' ? undefined : verdict.type;
  return { end, possible: new Set([end]) };
}

/** All of them. */
export function every(fits: readonly Fit[]): Fit {
  if (fits.includes('no')) return 'no';
  return fits.includes('maybe') ? 'maybe' : 'yes';
}

/** One of them. */
export function some(fits: readonly Fit[]): Fit {
  if (fits.includes('yes')) return 'yes';
  return fits.includes('maybe') ? 'maybe' : 'no';
}

export function not(fit: Fit): Fit {
  return fit === 'maybe' ? fit : fit === 'yes' ? 'no' : 'yes';
}

/** `eth0`, and `eth*` or `eth+` for all that begin like that. */
export function fitInterface({ interfaceName }: Incoming, text: string): Fit {
  // What comes from a network comes in by no loopback.
  if (interfaceName === undefined) return text === 'lo' ? 'no' : 'maybe';
  return fitIf(/[*+]$/.test(text) ? interfaceName.startsWith(text.slice(0, -1)) : interfaceName === text);
}

export const fitIf = (holds: boolean): Fit => (holds ? 'yes' : 'no');

/** Where Linux takes a free port from. */
const ephemeral = [32_768, 60_999] as const;

export function fitPort({ hostPort }: Incoming, from: number, to: number): Fit {
  if (hostPort !== undefined) return fitIf(hostPort >= from && hostPort <= to);
  if (from <= ephemeral[0] && to >= ephemeral[1]) return 'yes';
  return from > ephemeral[1] || to < ephemeral[0] || from === to ? 'no' : 'maybe';
}

/** `192.0.2.7`, `192.0.2.0/24`, `192.0.2.7-192.0.2.9` */
export function fitAddress(address: string | undefined, text: string): Fit {
  if (address === undefined) return 'maybe';
  const own = withoutZone(address);
  const [range = '', bits] = text.split('/');
  const [net = '', last] = range.split('-');
  if (!isIPv4(net) && !isIPv6(net)) return 'maybe';
  if (isIPv4(net) !== isIPv4(own)) return 'no';
  const family = isIPv4(net) ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  if (last !== undefined) {
    if (isIPv4(last) !== isIPv4(net) || (!isIPv4(last) && !isIPv6(last))) return 'maybe';
    try {
      list.addRange(net, last, family);
    } catch {
      // It ends before it begins.
      return 'no';
    }
    return fitIf(list.check(own, family));
  }
  const length = Number(bits ?? (family === 'ipv4' ? 32 : 128));
  if (!Number.isInteger(length) || length < 0 || length > (family === 'ipv4' ? 32 : 128)) return 'maybe';
  list.addSubnet(net, length, family);
  return fitIf(list.check(own, family));
}
