/**
 * When the search for a name is over, and with what. Pure: what was seen and when goes in, a decision comes out.
 *
 *   mDNS has a whole answer ── settleMs for a contradiction ──────────────┐
 *   mDNS has an address, no port ── partialMs for the rest ───────────────┴─► found via mdns, or contradiction
 *   the system's resolver has one, and a device that announces itself there has the name ── settleMs ─┐
 *   the system's resolver has one, mDNS is silent ── graceMs for mDNS ────────────────────────────────┴─► found via os
 *   neither ── timeoutMs ─► not found
 *
 * Both together must share an address; who announces itself at an address of the system's must not do so by another name
 * alone.
 */

import { relationOf } from './addresses.ts';
import type { Host, Sighting } from './sighting.ts';
import type { Announcers } from './confirm.ts';
import type { FoundDevice } from '../model/announcement.ts';
import type { OsAnswer } from './types.ts';

/** All that the decision rests on. Times are milliseconds since the search began. */
export interface Evidence {
  readonly sighting: Sighting;
  /** Since when mDNS has an address. */
  readonly sightedAtMs?: number | undefined;
  /** Since when nothing is missing: an address to push to and a port. */
  readonly completeAtMs?: number | undefined;
  /** Nobody is, or can be, asked by mDNS. */
  readonly mdnsImpossible: boolean;
  /** The name is one of mDNS, and not of the DNS alone. */
  readonly isMdnsName: boolean;
  readonly os: OsAnswer;
  readonly osAtMs?: number | undefined;
  /** Who announces itself at an address that the system's resolver gave. */
  readonly announcers: Announcers;
  /** Since when one of them has the name. */
  readonly namedAtMs?: number | undefined;
  readonly portConfigured: boolean;
}

export type Decision =
  | { readonly type: 'wait'; readonly untilMs: number }
  | { readonly type: 'found-by-mdns'; readonly host: Host }
  /** `announced`: what confirms it; undefined where nothing does. */
  | {
      readonly type: 'found-by-os';
      readonly addresses: readonly string[];
      readonly announced: FoundDevice | undefined;
    }
  /** Whoever is there has another name. */
  | { readonly type: 'other-name'; readonly os: readonly string[]; readonly others: readonly FoundDevice[] }
  | { readonly type: 'contradiction'; readonly hosts: readonly Host[]; readonly os: readonly string[] }
  | { readonly type: 'not-found' };

export const limits = {
  /** A name costs at most 30 ms more than the device's own answer; some of it goes to sockets and timers. */
  settleMs: 12,
  /** Where there is no IPv4 address: few cores listen on IPv6, and the answer that has one may be on its way. */
  settleIpv6Ms: 20,
  /** ESP8266 and avahi answer all questions in one packet; a device that sends its service apart does so at once. */
  partialMs: 200,
  /** Only mDNS tells the port, and whether the name's owner is there at all. */
  graceMs: 1000,
  /** For a name of the DNS nobody expects an answer: so long a station in modem sleep takes to say that it has another. */
  dnsGraceMs: 400,
} as const;

export function decide(
  evidence: Evidence,
  { nowMs, timeoutMs, own }: { nowMs: number; timeoutMs: number; own: ReadonlySet<string> },
): Decision {
  const { sighting, os, mdnsImpossible } = evidence;
  const osAddresses = os.type === 'answered' ? os.addresses : [];
  const waitUntil = (untilMs: number): Decision | undefined =>
    nowMs < Math.min(untilMs, timeoutMs)
      ? { type: 'wait', untilMs: Math.min(untilMs, timeoutMs) }
      : undefined;

  if (sighting.type !== 'nothing') {
    const settled = waitUntil(settledAtMs(evidence, nowMs));
    if (settled !== undefined) return settled;
    return contradictionIn(evidence, own) ?? foundByMdns(sighting);
  }
  if (os.type === 'answered') {
    const { named, others } = evidence.announcers;
    if (named.length > 0) {
      return waitUntil((evidence.namedAtMs ?? nowMs) + limits.settleMs) ?? foundByOs(evidence, osAddresses);
    }
    const graceMs = evidence.isMdnsName ? limits.graceMs : limits.dnsGraceMs;
    const grace = mdnsImpossible ? 0 : (evidence.osAtMs ?? nowMs) + graceMs;
    const waiting = waitUntil(grace);
    if (waiting !== undefined) return waiting;
    if (others.length > 0) return { type: 'other-name', os: osAddresses, others };
    return { type: 'found-by-os', addresses: osAddresses, announced: undefined };
  }
  const isHopeless = mdnsImpossible && os.type !== 'waiting';
  return (isHopeless ? undefined : waitUntil(timeoutMs)) ?? { type: 'not-found' };
}

/** Whether waiting longer could only bring a contradiction. */
export function isComplete(host: Host, portConfigured: boolean): boolean {
  const hasAddress = hasIpv4(host) || host.lacksIpv4 === true;
  return hasAddress && (portConfigured || host.ports.length > 0);
}

const hasIpv4 = ({ addresses }: Host): boolean => addresses.some((address) => !address.includes(':'));

function settledAtMs({ completeAtMs, sightedAtMs, sighting }: Evidence, nowMs: number): number {
  if (completeAtMs === undefined) return (sightedAtMs ?? nowMs) + limits.partialMs;
  const isIpv6Only = sighting.type === 'host' && !hasIpv4(sighting.host);
  return completeAtMs + (isIpv6Only ? limits.settleIpv6Ms : limits.settleMs);
}

function contradictionIn(
  { sighting, os, portConfigured }: Evidence,
  own: ReadonlySet<string>,
): Decision | undefined {
  const osAddresses = os.type === 'answered' ? os.addresses : [];
  if (sighting.type === 'contradiction') {
    return { type: 'contradiction', hosts: sighting.hosts, os: osAddresses };
  }
  if (sighting.type === 'nothing') return undefined;
  const { host } = sighting;
  const disagrees = relationOf(host.addresses, osAddresses, own) === 'different';
  const hasTwoPorts = host.ports.length > 1 && !portConfigured;
  return disagrees || hasTwoPorts ? { type: 'contradiction', hosts: [host], os: osAddresses } : undefined;
}

function foundByMdns(sighting: Sighting): Decision {
  return sighting.type === 'host' ? { type: 'found-by-mdns', host: sighting.host } : { type: 'not-found' };
}

/** Several of the name behind one address are told apart by the configured port alone. */
function foundByOs({ announcers, portConfigured }: Evidence, addresses: readonly string[]): Decision {
  const [announced, ...others] = announcers.named;
  const isAmbiguous = !portConfigured && others.some(({ port }) => port !== announced?.port);
  if (!isAmbiguous) return { type: 'found-by-os', addresses, announced };
  const hosts = announcers.named.map((each): Host => ({
    ...each,
    senders: each.addresses,
    ports: [each.port],
  }));
  return { type: 'contradiction', hosts, os: addresses };
}
