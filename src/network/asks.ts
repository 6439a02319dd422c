/**
 * What to ask, and when. Pure.
 *
 * All devices are asked for in rounds: after 1, 2, 4 … seconds (RFC 6762, section 5.2), and so on every 64 s: one packet
 * before any address of 120 s expires, rather than one for each device. A single one is asked about where something is
 * missing, doubted, or has lived for 80 % of its time.
 */

import type { Question } from 'dns-packet';
import { type Fact, goodbyeMs, graceMs, type Instance } from './facts.ts';
import { fitsInLabel } from './names.ts';
import { arduinoService, otarcTextQuestion, questionsAboutHosts } from './packets.ts';
import type { KnownAnswer } from './queries.ts';
import type { Sightings } from './sightings.ts';

const longestPauseMs = 64_000;

/** Between the round of this number, from 0, and the next one. */
export function pauseAfterRound(round: number): number {
  return Math.min(1000 * 2 ** round, longestPauseMs);
}

/** The rest may be on its way. */
const patienceMs = 20;
/** Then only after it was heard of again, and `restMs` later. */
const mostTimes = 6;
const restMs = 60_000;
const agedShare = 0.8;
/** Questions are about so many devices at once, and about the others a little later. */
const mostAtOnce = 16;
const mostInPacket = 4;
const pauseMs = 100;
/** Some ten packets for names of the usual length. */
const mostKnownAnswers = 500;

export interface Due {
  /** One packet each. */
  readonly packets: readonly (readonly Question[])[];
  /** In which they count as asked. */
  readonly sightings: Sightings;
  /** When there is something to ask, or to forget, again. */
  readonly nextAtMs: number;
}

/** What somebody wants to know of an instance: all of it as it ages, and what is missing at once where a person waits. */
export type Interest = 'none' | 'usual' | 'urgent';

export function questionsDue(
  sightings: Sightings,
  nowMs: number,
  interestIn: (key: string, instance: Instance) => Interest = () => 'usual',
): Due {
  const plans = [...sightings].flatMap(([key, instance]) => {
    const interest = interestIn(key, instance);
    return interest === 'none' ? [] : [{ key, instance, interest, ...planFor(instance, interest) }];
  });
  const needy = plans.filter(({ dueAtMs }) => dueAtMs <= nowMs);
  const chosen = needy.slice(0, mostAtOnce);
  const asked = chosen.map(({ key, instance, times }): [string, Instance] => [
    key,
    { ...instance, asked: { times: times + 1, lastAtMs: nowMs } },
  ]);
  const after = asked.length === 0 ? sightings : new Map([...sightings, ...asked]);
  const times = [
    ...plans.map(({ key, instance, interest }) => planFor(after.get(key) ?? instance, interest).dueAtMs),
    ...[...after.values()].flatMap(({ facts }) => facts.map(({ expiresAtMs }) => expiresAtMs)),
  ];
  const first = needy.length > chosen.length ? nowMs + pauseMs : Infinity;
  return {
    packets: packetsOf(chosen.map(({ instance }) => questionsAboutInstance(instance))),
    sightings: after,
    nextAtMs: times.filter((time) => time > nowMs).reduce((soonest, time) => Math.min(soonest, time), first),
  };
}

/** They are known for more than half of their time to come, and were heard since then. */
export function knownAnswers(sightings: Sightings, nowMs: number, sinceMs = -Infinity): KnownAnswer[] {
  return [...sightings.values()]
    .filter(({ name }) => fitsInLabel(name))
    .flatMap(({ name, facts }): KnownAnswer[] => {
      const left = facts.flatMap(({ type, state, heardAtMs, expiresAtMs }) => {
        const isYoung = nowMs - heardAtMs < (expiresAtMs - heardAtMs) / 2;
        return type === 'pointer' && state === undefined && isYoung && heardAtMs >= sinceMs
          ? [expiresAtMs - nowMs]
          : [];
      });
      if (left.length === 0) return [];
      return [{ instance: name, ttlSeconds: Math.floor(Math.max(...left) / 1000) }];
    })
    .slice(0, mostKnownAnswers);
}

/** When it is next asked about (Infinity: as things are, never), and how often it was for the same reason. */
function planFor(instance: Instance, interest: Interest): { dueAtMs: number; times: number } {
  const { asked, facts } = instance;
  const needAtMs = needSinceMs(instance, interest === 'urgent' ? 0 : patienceMs);
  // What came up after the last question is another matter.
  if (asked === undefined || needAtMs > asked.lastAtMs) return { dueAtMs: needAtMs, times: 0 };
  const { times, lastAtMs } = asked;
  if (times < mostTimes) return { dueAtMs: lastAtMs + 1000 * 2 ** (times - 1), times };
  const isHeardSince = facts.some(({ heardAtMs }) => heardAtMs > lastAtMs);
  return { dueAtMs: isHeardSince ? lastAtMs + restMs : Infinity, times };
}

/** Since when, or from when on, it needs to be asked about. */
function needSinceMs(instance: Instance, afterMs: number): number {
  const { name, facts, asked } = instance;
  const isService = facts.some(({ type }) => type === 'pointer' || type === 'service');
  if (!isService || !fitsInLabel(name)) return Infinity;
  const lastHeardAtMs = Math.max(...facts.map(({ heardAtMs }) => heardAtMs));
  const missing = isIncomplete(instance) ? (asked?.lastAtMs ?? lastHeardAtMs + afterMs) : Infinity;
  return Math.min(missing, ...facts.map(needOf));
}

function needOf({ type, state, heardAtMs, expiresAtMs }: Fact): number {
  // Pointers are asked for in rounds.
  if (type === 'pointer') return Infinity;
  // A twin on the same host may still be there.
  if (state === 'ending') return expiresAtMs - goodbyeMs / 2;
  if (state === 'doubted') return expiresAtMs - graceMs + patienceMs;
  return heardAtMs + (expiresAtMs - heardAtMs) * agedShare;
}

function isIncomplete({ facts }: Instance): boolean {
  const targets = facts.flatMap((fact) => (fact.type === 'service' ? [fact.service.target] : []));
  const hosts = new Set(facts.flatMap((fact) => (fact.type === 'address' ? [fact.target] : [])));
  return targets.length === 0 || targets.some((target) => !hosts.has(target));
}

function questionsAboutInstance({ name, facts }: Instance): Question[] {
  const instance = `${name}.${arduinoService}`;
  const hosts = facts.flatMap((fact) => (fact.type === 'service' ? [fact.service.host] : []));
  return [
    { type: 'SRV', name: instance },
    { type: 'TXT', name: instance },
    ...(facts.some((fact) => fact.type === 'text' && fact.isOtarcs === true)
      ? [otarcTextQuestion(name)]
      : []),
    ...questionsAboutHosts([...new Set(hosts)].slice(0, 2)),
  ];
}

function packetsOf(questions: readonly (readonly Question[])[]): Question[][] {
  return questions.length === 0
    ? []
    : [questions.slice(0, mostInPacket).flat(), ...packetsOf(questions.slice(mostInPacket))];
}
