/**
 * What is said of one service instance, by whom, and until when it holds. Pure.
 *
 * Every fact is kept with its sender, so that two devices of one name stay two. What contradicts a fact (the cache-flush
 * bit of RFC 6762, section 10.2) does not end it at once: its owner is asked and has `graceMs` to say it again.
 *
 * What one packet says belongs to one host. A reflector sends the packets of several hosts from one address: so addresses
 * that were never said together stay apart, as groups.
 */

import { isDeepStrictEqual } from 'node:util';
import { withoutZone } from '../model/address.ts';
import { hostsBehind } from './hosts.ts';
import type { Source } from './mdns.ts';
import type { AnnouncedService, Text } from './service.ts';

export interface Instance {
  /** As it was announced, without the service's name; a name that somebody looks for, where only its host has answered. */
  readonly name: string;
  /** The host of that name is looked for, whether a service runs on it or not. */
  readonly wantedHost?: string;
  readonly facts: readonly Fact[];
  /** Questions about it since something is missing, doubted or about to expire. */
  readonly asked?: AskedBefore;
}

export interface AskedBefore {
  readonly times: number;
  readonly lastAtMs: number;
}

export type Statement =
  | { readonly type: 'pointer' }
  | { readonly type: 'service'; readonly service: AnnouncedService }
  /** `port`: of the service that the same packet tells of. */
  | {
      readonly type: 'text';
      readonly text: Text;
      readonly port?: number | undefined;
      /** Of the service in which a device of the RP2040 core says what it runs: beside that of the Arduino service. */
      readonly isOtarcs?: true;
    }
  | { readonly type: 'address'; readonly target: string; readonly address: string }
  /** It has no IPv4 address. */
  | { readonly type: 'ipv6-only' };

export type Fact = Statement & {
  /** Without a zone. */
  readonly sender: string;
  /** Of facts that were said together with an address, or with one that was. */
  readonly group?: number | undefined;
  /** When it was said first, and again since without a gap. */
  readonly sinceMs: number;
  readonly heardAtMs: number;
  readonly expiresAtMs: number;
  /** Contradicted, or taken back, since it was heard. */
  readonly state?: 'doubted' | 'ending';
};

/** What one sender says of one host. */
export interface Claim {
  readonly sender: string;
  readonly services: readonly FactOf<'service'>[];
  readonly texts: readonly FactOf<'text'>[];
  /** Of the hosts that the services point at. */
  readonly addresses: readonly string[];
  readonly isIpv6Only: boolean;
  /** When any of it was heard last. */
  readonly heardAtMs: number;
}

export type FactOf<T extends Statement['type']> = Extract<Fact, { type: T }>;

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

/**
 * Where facts belong that one packet says together with these addresses, which may be those of a group that is known, or
 * join several; undefined without an address.
 */
export function withGroup(
  instance: Instance,
  addresses: readonly string[],
  source: Source,
): { readonly instance: Instance; readonly group: number | undefined } {
  if (addresses.length === 0) return { instance, group: undefined };
  const sender = withoutZone(source.address);
  const isOwn = (fact: Fact): boolean => fact.sender === sender && fact.group !== undefined;
  const known = instance.facts.flatMap((fact) =>
    isOwn(fact) && fact.type === 'address' && addresses.includes(fact.address) ? [fact.group ?? 0] : [],
  );
  const groups = new Set(known);
  if (groups.size === 0) {
    return { instance, group: 1 + Math.max(0, ...instance.facts.map((fact) => fact.group ?? 0)) };
  }
  const group = Math.min(...groups);
  if (groups.size === 1) return { instance, group };
  const facts = instance.facts.map((fact) =>
    isOwn(fact) && groups.has(fact.group ?? 0) ? { ...fact, group } : fact,
  );
  return { instance: { ...instance, facts }, group };
}

/** With what was said; a flood of different facts is cut off. */
export function withFact(
  instance: Instance,
  said: Statement,
  { source, ttlSeconds, nowMs, group }: Heard & { readonly group?: number | undefined },
): Instance {
  const sender = withoutZone(source.address);
  const isEphemeral = source.way === 'ephemeral';
  const seconds = Math.min(Math.max(ttlSeconds, isEphemeral ? shortestEphemeralSeconds : 1), longestSeconds);
  const before = instance.facts.find(
    (fact) =>
      fact.sender === sender &&
      isSame(fact, said) &&
      (fact.group === undefined || group === undefined || fact.group === group),
  );
  if (before === undefined && instance.facts.length >= mostFacts) return instance;
  // Not less than a multicast answer promised.
  const promisedMs = isEphemeral && before?.state === undefined ? (before?.expiresAtMs ?? 0) : 0;
  const expiresAtMs = Math.max(nowMs + seconds * 1000, promisedMs);
  const sinceMs = before === undefined || before.state === 'ending' ? nowMs : before.sinceMs;
  const fact: Fact = {
    ...said,
    sender,
    group: group ?? before?.group,
    sinceMs,
    heardAtMs: nowMs,
    expiresAtMs,
  };
  const others = instance.facts.filter((other) => other !== before);
  return { ...instance, facts: [...others, fact] };
}

/** With doubts about everything that cannot be true together with what was said. */
export function withDoubts(instance: Instance, said: Statement, nowMs: number): Instance {
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

/** The hosts that its service runs on, and the one that is looked for. */
export function targetsOf({ facts, wantedHost }: Instance): string[] {
  const services = facts.flatMap((fact) => (fact.type === 'service' ? [fact.service.target] : []));
  const targets = wantedHost === undefined ? services : [wantedHost, ...services];
  return targets.length > 1 ? [...new Set(targets)] : targets;
}

export function claimsOf(instance: Instance): Claim[] {
  const targets = targetsOf(instance);
  const byOrigin = new Map<string, Fact[]>();
  for (const fact of instance.facts) {
    const origin = `${fact.sender} ${fact.group ?? ''}`;
    const facts = byOrigin.get(origin);
    if (facts === undefined) byOrigin.set(origin, [fact]);
    else facts.push(fact);
  }
  return [...byOrigin.values()].map((facts) => ({
    sender: facts[0]?.sender ?? '',
    services: facts.filter((fact) => fact.type === 'service'),
    texts: facts.filter((fact) => fact.type === 'text'),
    addresses: facts.flatMap((fact) =>
      fact.type === 'address' && targets.includes(fact.target) ? [fact.address] : [],
    ),
    isIpv6Only: facts.some(({ type }) => type === 'ipv6-only'),
    heardAtMs: facts.reduce((latest, { heardAtMs }) => Math.max(latest, heardAtMs), -Infinity),
  }));
}

/** What the service at this port says of itself, of claims of one host. */
export function textFor(claims: readonly Claim[], port: number | undefined): Text {
  // What was said last counts, whoever sent it.
  const all = claims.flatMap((claim) => claim.texts).toSorted((a, b) => a.heardAtMs - b.heardAtMs);
  const texts = all.filter(({ isOtarcs }) => isOtarcs !== true);
  const own = texts.filter((each) => each.port === undefined || port === undefined || each.port === port);
  // Of the other service only the items: board and password are those of the Arduino service.
  const items = all.filter((each) => !texts.includes(each)).map(({ text }) => ({ text: { txt: text.txt } }));
  return [...items, ...(own.length > 0 ? own : texts)].reduce<Text>(
    (merged, { text }) => ({ ...merged, ...text, txt: { ...merged.txt, ...text.txt } }),
    { txt: {} },
  );
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
function isSame(a: Statement, b: Statement): boolean {
  if (a.type === 'service' && b.type === 'service') return isDeepStrictEqual(a.service, b.service);
  if (a.type === 'address' && b.type === 'address') return a.target === b.target && a.address === b.address;
  if (a.type === 'text' && b.type === 'text') {
    if (a.isOtarcs !== b.isOtarcs) return false;
    return a.port === b.port || a.port === undefined || b.port === undefined;
  }
  return a.type === b.type;
}

/** Whoever said it. */
function contradicts(a: Statement, b: Statement): boolean {
  if (a.type === 'service' && b.type === 'service') return !isSame(a, b);
  if (a.type !== 'address' || b.type !== 'address') return false;
  const isSameFamily = a.address.includes(':') === b.address.includes(':');
  return a.target === b.target && isSameFamily && withoutZone(a.address) !== withoutZone(b.address);
}
