/**
 * When the search for a name is over, and with what. Pure: what was seen and when goes in, a decision comes out.
 *
 *   mDNS has a whole answer ── settleMs for a contradiction ──────────────┐
 *   mDNS has an address, no port ── partialMs for the rest ───────────────┼─► found via mdns, or contradiction
 *   the system's resolver has one, mDNS is silent ── graceMs for mDNS ────┴─► found via os
 *   neither ── timeoutMs ─► not found
 *
 * Both together must share an address.
 */

import { relationOf } from './addresses.ts';
import type { Host, Sighting } from './answers.ts';

/** What the system's resolver said. */
export type OsAnswer =
  | { readonly type: 'not-asked' }
  | { readonly type: 'waiting' }
  | { readonly type: 'answered'; readonly addresses: readonly string[] }
  | { readonly type: 'failed'; readonly code: string };

/** All that the decision rests on. Times are milliseconds since the search began. */
export interface Evidence {
  readonly sighting: Sighting;
  /** Since when mDNS has an address. */
  readonly sightedAtMs?: number | undefined;
  /** Since when nothing is missing: an IPv4 address and a port. */
  readonly completeAtMs?: number | undefined;
  /** Nobody is, or can be, asked by mDNS. */
  readonly mdnsImpossible: boolean;
  readonly os: OsAnswer;
  readonly osAtMs?: number | undefined;
  readonly portConfigured: boolean;
}

export type Decision =
  | { readonly type: 'wait'; readonly untilMs: number }
  | { readonly type: 'found-by-mdns'; readonly host: Host }
  | { readonly type: 'found-by-os'; readonly addresses: readonly string[] }
  | { readonly type: 'contradiction'; readonly hosts: readonly Host[]; readonly os: readonly string[] }
  | { readonly type: 'not-found' };

export const limits = {
  /** A name costs at most 30 ms more than the device's own answer; some of it goes to sockets and timers. */
  settleMs: 12,
  /** ESP8266 and avahi answer all questions in one packet; a device that sends its service apart does so at once. */
  partialMs: 200,
  /** Only mDNS tells the port, and whether the name's owner is there at all. */
  graceMs: 1000,
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
    const grace = mdnsImpossible ? 0 : (evidence.osAtMs ?? nowMs) + limits.graceMs;
    return waitUntil(grace) ?? { type: 'found-by-os', addresses: osAddresses };
  }
  const isHopeless = mdnsImpossible && os.type !== 'waiting';
  return (isHopeless ? undefined : waitUntil(timeoutMs)) ?? { type: 'not-found' };
}

/** Whether waiting longer could only bring a contradiction. */
export function isComplete(host: Host, portConfigured: boolean): boolean {
  return (
    host.addresses.some((address) => !address.includes(':')) && (portConfigured || host.ports.length > 0)
  );
}

function settledAtMs({ completeAtMs, sightedAtMs }: Evidence, nowMs: number): number {
  return completeAtMs === undefined
    ? (sightedAtMs ?? nowMs) + limits.partialMs
    : completeAtMs + limits.settleMs;
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
