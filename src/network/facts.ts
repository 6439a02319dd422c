/**
 * What is said of one service instance, by whom, and until when it holds. Pure.
 *
 * Every fact is kept with its sender, so that two devices of one name stay two. What contradicts a fact (the cache-flush
 * bit of RFC 6762, section 10.2) does not end it at once: its owner is asked and has `graceMs` to say it again.
 */

import { isDeepStrictEqual } from 'node:util';
import { withoutZone } from '../model/address.ts';
import { hostsBehind } from './hosts.ts';
import type { Source } from './mdns.ts';
import type { Service, Text } from './service.ts';

export interface Instance {
  /** As it was announced, without the service's name. */
  readonly name: string;
  readonly facts: readonly Fact[];
  /** Questions about it since something is missing, doubted or about to expire. */
  readonly asked?: Asked;
}

export interface Asked {
  readonly times: number;
  readonly lastAtMs: number;
}

export type Said =
  | { readonly type: 'pointer' }
  | { readonly type: 'service'; readonly service: Service }
  | { readonly type: 'text'; readonly text: Text }
  | { readonly type: 'address'; readonly target: string; readonly address: string };

export type Fact = Said & {
  /** Without a zone. */
  readonly sender: string;
  readonly heardAtMs: number;
  readonly expiresAtMs: number;
  /** Contradicted, or taken back, since it was heard. */
  readonly state?: 'doubted' | 'ending';
};

/** What one sender says. */
export interface Claim {
  readonly sender: string;
  readonly services: readonly Extract<Said, { type: 'service' }>[];
  readonly text?: Text;
  /** Of the hosts that the services point at. */
  readonly addresses: readonly string[];
}

const mostFacts = 48;

/** RFC 6762, section 10: nothing holds for longer. */
const longestSeconds = 4500;
/**
 * The answer to a question from an ephemeral port is cut to some 10 s (section 6.7), for those who ask so hear no
 * goodbye. We do hear it: it holds as long as what is multicast.
 */
const shortestEphemeralSeconds = 120;
/** Section 10.1: whoever shares the record may still say it. */
export const goodbyeMs = 1000;
/** Time for three questions. */
export const graceMs = 4000;
/** Both of two that contradict each other within this time have answered the same question: both are there. */
const sameRoundMs = 1000;

export interface Heard {
  readonly source: Source;
  readonly ttlSeconds: number;
  readonly nowMs: number;
}

/** With what was said; a flood of different facts is cut off. */
export function withFact(instance: Instance, said: Said, { source, ttlSeconds, nowMs }: Heard): Instance {
  const sender = withoutZone(source.address);
  const isEphemeral = source.way === 'ephemeral';
  const seconds = Math.min(Math.max(ttlSeconds, isEphemeral ? shortestEphemeralSeconds : 1), longestSeconds);
  const before = instance.facts.find((fact) => fact.sender === sender && isSame(fact, said));
  if (before === undefined && instance.facts.length >= mostFacts) return instance;
  // Not less than a multicast answer promised.
  const promisedMs = isEphemeral && before?.state === undefined ? (before?.expiresAtMs ?? 0) : 0;
  const expiresAtMs = Math.max(nowMs + seconds * 1000, promisedMs);
  const fact: Fact = { ...said, sender, heardAtMs: nowMs, expiresAtMs };
  const others = instance.facts.filter((other) => other !== before);
  return { ...instance, facts: [...others, fact] };
}

/** With doubts about everything that cannot be true together with what was said. */
export function withDoubts(instance: Instance, said: Said, nowMs: number): Instance {
  const isRival = (fact: Fact) =>
    fact.state !== 'doubted' && nowMs - fact.heardAtMs > sameRoundMs && contradicts(fact, said);
  if (!instance.facts.some(isRival)) return instance;
  const facts = instance.facts.map((fact) =>
    isRival(fact)
      ? { ...fact, state: 'doubted' as const, expiresAtMs: Math.min(fact.expiresAtMs, nowMs + graceMs) }
      : fact,
  );
  return { ...instance, facts };
}

/** After a goodbye from `sender`, which speaks for its host, or for all where it is none of them. */
export function withoutHost(
  instance: Instance,
  { sender, nowMs, own }: { sender: string; nowMs: number; own: ReadonlySet<string> },
): Instance {
  const from = withoutZone(sender);
  const host = hostsBehind(claimsOf(instance), own).find((claims) =>
    claims.some(
      (claim) => claim.sender === from || claim.addresses.some((address) => withoutZone(address) === from),
    ),
  );
  const senders = new Set(host?.map((claim) => claim.sender));
  return ending(instance, nowMs, (fact) => host === undefined || senders.has(fact.sender));
}

/** After a goodbye of an address. */
export function withoutAddress(instance: Instance, address: string, nowMs: number): Instance {
  return ending(
    instance,
    nowMs,
    (fact) => fact.type === 'address' && withoutZone(fact.address) === withoutZone(address),
  );
}

export function withoutExpired(instance: Instance, nowMs: number): Instance {
  const facts = instance.facts.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  return facts.length === instance.facts.length ? instance : { ...instance, facts };
}

/** The hosts that its service runs on. */
export function targetsOf({ facts }: Instance): string[] {
  const targets = facts.flatMap((fact) => (fact.type === 'service' ? [fact.service.target] : []));
  return targets.length > 1 ? [...new Set(targets)] : targets;
}

/** Whether its service runs on this host. */
function pointsAt({ facts }: Instance, target: string): boolean {
  return facts.some((fact) => fact.type === 'service' && fact.service.target === target);
}

export function claimsOf(instance: Instance): Claim[] {
  const senders = [...new Set(instance.facts.map(({ sender }) => sender))];
  return senders.map((sender) => {
    const facts = instance.facts.filter((fact) => fact.sender === sender);
    const text = facts.find((fact) => fact.type === 'text')?.text;
    return {
      sender,
      services: facts.filter((fact) => fact.type === 'service'),
      addresses: facts.flatMap((fact) =>
        fact.type === 'address' && pointsAt(instance, fact.target) ? [fact.address] : [],
      ),
      ...(text === undefined ? {} : { text }),
    };
  });
}

function ending(instance: Instance, nowMs: number, isGone: (fact: Fact) => boolean): Instance {
  const facts = instance.facts.map((fact) =>
    isGone(fact)
      ? { ...fact, state: 'ending' as const, expiresAtMs: Math.min(fact.expiresAtMs, nowMs + goodbyeMs) }
      : fact,
  );
  return { ...instance, facts };
}

/** Whether one repeats or replaces the other, of the same sender. */
function isSame(a: Said, b: Said): boolean {
  if (a.type === 'service' && b.type === 'service') return isDeepStrictEqual(a.service, b.service);
  if (a.type === 'address' && b.type === 'address') return a.target === b.target && a.address === b.address;
  return a.type === b.type;
}

/** Whoever said it. */
function contradicts(a: Said, b: Said): boolean {
  if (a.type === 'service' && b.type === 'service') return !isSame(a, b);
  if (a.type !== 'address' || b.type !== 'address') return false;
  const isSameFamily = a.address.includes(':') === b.address.includes(':');
  return a.target === b.target && isSameFamily && withoutZone(a.address) !== withoutZone(b.address);
}
