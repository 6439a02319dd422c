/** A packet filter, as far as it decides over the connection that a device opens. Pure. */

import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { withoutZone } from '../endpoint.ts';

/** The first packet of it: TCP, new, from a network. */
export interface Incoming {
  /** Of the device. */
  readonly address: string;
  /** TCP, of this host; absent: any that the system chooses. */
  readonly hostPort?: number | undefined;
}

/** Whether a condition holds for it; `maybe`: that depends on what is not known here. */
export type Fit = 'yes' | 'no' | 'maybe';

export interface Rule {
  readonly fit: Fit;
  readonly verdict: Verdict;
}

export type Verdict =
  | { readonly type: 'accept' | 'drop' | 'return' | 'none' }
  | { readonly type: 'jump' | 'goto'; readonly chain: string };

export interface Chain {
  readonly rules: readonly Rule[];
  /** Of a chain where packets come in. */
  readonly policy?: 'accept' | 'drop';
}

/** The kernel allows no deeper ones. */
const deepest = 16;

/** What becomes of it in the chain of this name. Rules that only may apply are passed over, whatever they would do. */
export function judge(name: string, chains: ReadonlyMap<string, Chain>): 'accept' | 'drop' {
  return walk(name, chains, 0) ?? chains.get(name)?.policy ?? 'accept';
}

function walk(
  name: string,
  chains: ReadonlyMap<string, Chain>,
  depth: number,
): 'accept' | 'drop' | undefined {
  if (depth > deepest) return undefined;
  for (const { fit, verdict } of chains.get(name)?.rules ?? []) {
    if (fit !== 'yes') continue;
    switch (verdict.type) {
      case 'accept':
      case 'drop':
        return verdict.type;
      case 'return':
        return undefined;
      case 'goto':
        return walk(verdict.chain, chains, depth + 1);
      case 'jump': {
        const end = walk(verdict.chain, chains, depth + 1);
        if (end !== undefined) return end;
        break;
      }
      case 'none':
        break;
      default:
        verdict satisfies never;
    }
  }
  return undefined;
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

export const fitIf = (holds: boolean): Fit => (holds ? 'yes' : 'no');

/** Where Linux takes a free port from. */
const ephemeral = [32_768, 60_999] as const;

export function fitPort({ hostPort }: Incoming, from: number, to: number): Fit {
  if (hostPort !== undefined) return fitIf(hostPort >= from && hostPort <= to);
  if (from <= ephemeral[0] && to >= ephemeral[1]) return 'yes';
  return from > ephemeral[1] || to < ephemeral[0] || from === to ? 'no' : 'maybe';
}

/** `192.0.2.7`, `192.0.2.0/24` */
export function fitSource({ address }: Incoming, text: string): Fit {
  const own = withoutZone(address);
  const [net = '', bits] = text.split('/');
  if (!isIPv4(net) && !isIPv6(net)) return 'maybe';
  if (isIPv4(net) !== isIPv4(own)) return 'no';
  const family = isIPv4(net) ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  const length = Number(bits ?? (family === 'ipv4' ? 32 : 128));
  if (!Number.isInteger(length) || length < 0 || length > (family === 'ipv4' ? 32 : 128)) return 'maybe';
  list.addSubnet(net, length, family);
  return fitIf(list.check(own, family));
}
