/**
 * What is asked, when, by which way, for all who want to know something. Pure: the time goes in, questions come out.
 *
 * - Who wants all devices has them asked for in rounds, after 1, 2, 4 … 64 s (RFC 6762, section 5.2).
 * - Who looks for one name has it asked for at short intervals at first, for a person waits.
 * - Questions that are due together go out together: a few names in one packet; many names are one question for all, and
 *   only who has not answered that is asked for by name.
 */

import type { Question } from 'dns-packet';
import { folded } from '../model/host-name.ts';
import { type Interest, pauseAfterRound } from './asks.ts';
import type { Instance } from './facts.ts';
import type { Way } from './mdns.ts';
import { questionForAll, questionsAbout, questionsForAll } from './packets.ts';

/**
 * When a name is asked for again, from an ephemeral port and from 5353. RFC 6762, section 5.2 asks a *continuous* querier
 * for a second between the first two and then for doubling; this is one person's one question that ends with the first
 * answer. Wi-Fi repeats no multicast frame that was lost, so the first two repeats come early: at most four small packets
 * within the first second, one a second and fewer after it.
 */
const nameAtMs: Readonly<Record<Way, readonly number[]>> = {
  ephemeral: [0, 300, 1000, 2000, 4000, 8000, 16_000],
  shared: [100, 1000, 3000, 7000, 15_000],
};
/** The question for all that somebody asks once: a repeat for what was lost. */
const allOnceAtMs: Readonly<Record<Way, readonly number[]>> = { ephemeral: [0, 300], shared: [100] };
/** 5353 asks a little later than the ephemeral port: whoever has answered by then is among the known answers. */
const sharedAfterMs = 100;
/** Who wants to know so soon after a question for all hears the answers to that one. */
const joinMs = 250;
/** Names that are asked for one by one; more of them are one question for all. */
const mostByName = 8;
const timesAmongAll = 2;
/** Of the longest names there are, within an Ethernet frame. */
const mostInPacket = 3;
const mostPackets = 16;
/** Between such bursts: an ESP has room for a few packets. */
const burstPauseMs = 50;

interface Name {
  readonly id: number;
  /** Without `.local`. */
  readonly name: string;
  readonly key: string;
  readonly sinceMs: number;
  /** How often it was asked for. */
  readonly asked: Readonly<Record<Way, number>>;
}

export interface Agenda {
  readonly names: readonly Name[];
  /** How many want all devices. */
  readonly listeners: number;
  /** Since when the latest of them does. */
  readonly listeningSinceMs: number;
  readonly round: number;
  readonly roundAtMs: number;
  /** The rest of a round, or of a question for all that was asked once. */
  readonly later: readonly { readonly way: Way; readonly atMs: number }[];
  /** When all were asked for last. */
  readonly allAtMs: number;
}

export const nothingToAsk: Agenda = {
  names: [],
  listeners: 0,
  listeningSinceMs: -Infinity,
  round: 0,
  roundAtMs: Infinity,
  later: [],
  allAtMs: -Infinity,
};

/** Looks for this name until `withoutName`. */
export function withName(
  agenda: Agenda,
  { id, name, nowMs }: { id: number; name: string; nowMs: number },
): Agenda {
  const asked = { ephemeral: 0, shared: 0 };
  return { ...agenda, names: [...agenda.names, { id, name, key: folded(name), sinceMs: nowMs, asked }] };
}

export function withoutName(agenda: Agenda, id: number): Agenda {
  return { ...agenda, names: agenda.names.filter((each) => each.id !== id) };
}

/** One more wants all devices; from when on what is heard is an answer to it. */
export function withListener(agenda: Agenda, nowMs: number): { agenda: Agenda; sinceMs: number } {
  const isJoining = nowMs - agenda.allAtMs < joinMs;
  const sinceMs = isJoining ? agenda.allAtMs : nowMs;
  const listening = {
    ...agenda,
    listeners: agenda.listeners + 1,
    listeningSinceMs: Math.max(agenda.listeningSinceMs, sinceMs),
  };
  if (isJoining && agenda.listeners > 0) return { agenda: listening, sinceMs };
  return { agenda: { ...listening, round: 0, roundAtMs: isJoining ? nowMs + joinMs : nowMs }, sinceMs };
}

export function withoutListener(agenda: Agenda): Agenda {
  const listeners = agenda.listeners - 1;
  return { ...agenda, listeners, ...(listeners > 0 ? {} : { roundAtMs: Infinity }) };
}

/** Asks for all devices once, unless that was done a moment ago. */
export function askForAll(agenda: Agenda, nowMs: number): Agenda {
  if (nowMs - agenda.allAtMs < joinMs) return agenda;
  return { ...agenda, later: [...agenda.later, ...timesOf(allOnceAtMs, nowMs)], allAtMs: nowMs };
}

/** On other interfaces than before. */
export function askAnew(agenda: Agenda, nowMs: number): Agenda {
  return agenda.listeners === 0 ? agenda : { ...agenda, round: 0, roundAtMs: nowMs };
}

/** Whether there is, or was, anything to ask: then it is listened, too. */
export function isAsking({ names, listeners, allAtMs }: Agenda): boolean {
  return names.length > 0 || listeners > 0 || allAtMs !== -Infinity;
}

/** So long after a question for all it is asked for what is missing of anybody. */
const curiousMs = 5000;

/** What anybody wants to know of an instance. */
export function interestOf(
  { names, listeners, allAtMs }: Agenda,
  nowMs: number,
): (key: string, instance: Instance) => Interest {
  const keys = new Set(names.map(({ key }) => key));
  const isCurious = listeners > 0 || nowMs - allAtMs < curiousMs;
  return (key, { facts }) => {
    const targets = facts.flatMap((fact) => (fact.type === 'service' ? [fact.service.target] : []));
    // Its own host was asked for together with it.
    const isElsewhere = keys.has(key) && targets.some((target) => target !== `${key}.local`);
    if (isElsewhere) return 'urgent';
    const isWanted = keys.has(key) || targets.some((target) => keys.has(target.replace(/\.local$/, '')));
    return isWanted || isCurious ? 'usual' : 'none';
  };
}

export interface AskedQuestions {
  readonly way: Way;
  /** `others`: for all devices but those that are known. */
  readonly questions: readonly Question[] | 'others';
}

export interface DueQuestions {
  /** One packet each. */
  readonly packets: readonly AskedQuestions[];
  /** In which they are done. */
  readonly agenda: Agenda;
  readonly nextAtMs: number;
}

/** `isHeard`: whether that name has answered. */
export function dueOf(agenda: Agenda, nowMs: number, isHeard: (name: Name) => boolean): DueQuestions {
  const rounds = roundOf(agenda, nowMs);
  const ephemeral = namesOf(rounds.agenda, { way: 'ephemeral', nowMs, isHeard });
  const shared = namesOf(ephemeral.agenda, { way: 'shared', nowMs, isHeard });
  const after = shared.agenda;
  const isAll = ({ questions }: AskedQuestions): boolean =>
    questions === 'others' || questions[0] === questionForAll;
  const packets = [...rounds.packets, ...ephemeral.packets, ...shared.packets];
  const once = packets.filter(
    (each, index) =>
      !isAll(each) || packets.findIndex((other) => isAll(other) && other.way === each.way) === index,
  );
  const isLimited = ephemeral.isLimited || shared.isLimited;
  const times = [
    after.roundAtMs,
    ...after.later.map(({ atMs }) => atMs),
    ...after.names.flatMap((each) => [nextOf(each, 'ephemeral'), nextOf(each, 'shared')]),
  ].filter((time) => time > nowMs);
  return {
    packets: once,
    agenda: after,
    nextAtMs: times.reduce((a, b) => Math.min(a, b), isLimited ? nowMs + burstPauseMs : Infinity),
  };
}

function roundOf(agenda: Agenda, nowMs: number): Omit<DueQuestions, 'nextAtMs'> {
  const isRound = agenda.roundAtMs <= nowMs;
  const dueLater = agenda.later.filter(({ atMs }) => atMs <= nowMs);
  const later = agenda.later.filter(({ atMs }) => atMs > nowMs);
  const packets = dueLater.map(({ way }): AskedQuestions => forAll(way));
  if (!isRound) return { packets, agenda: { ...agenda, later } };
  return {
    packets: [forAll('ephemeral'), ...packets],
    agenda: {
      ...agenda,
      round: agenda.round + 1,
      roundAtMs: nowMs + pauseAfterRound(agenda.round),
      later: [...later, { way: 'shared', atMs: nowMs + sharedAfterMs }],
      allAtMs: nowMs,
    },
  };
}

interface NamesOptions {
  readonly way: Way;
  readonly nowMs: number;
  readonly isHeard: (name: Name) => boolean;
}

function namesOf(
  agenda: Agenda,
  { way, nowMs, isHeard }: NamesOptions,
): Omit<DueQuestions, 'nextAtMs'> & { readonly isLimited: boolean } {
  const due = agenda.names.filter((each) => nextOf(each, way) <= nowMs);
  if (due.length === 0) return { packets: [], agenda, isLimited: false };
  // The question for all does for many at once; so it does where a second device of a name is looked for.
  const isAmongAll = (each: Name): boolean =>
    due.length > mostByName && (each.asked[way] < timesAmongAll || isHeard(each));
  const amongAll = due.filter(isAmongAll);
  const byName = due.filter((each) => !isAmongAll(each));
  const chosen = byName.slice(0, mostPackets * mostInPacket);
  const done = new Set([...amongAll, ...chosen]);
  const names = agenda.names.map((each) =>
    done.has(each) ? { ...each, asked: { ...each.asked, [way]: timesPassed(each, way, nowMs) } } : each,
  );
  const words = [...new Map(chosen.map(({ key, name }) => [key, name])).values()];
  const packets = inParts(words, mostInPacket).map((part): AskedQuestions => ({
    way,
    questions: part.flatMap(questionsAbout),
  }));
  const all = amongAll.length > 0 ? [forAll(way)] : [];
  return {
    packets: [...all, ...packets],
    agenda: { ...agenda, names, allAtMs: amongAll.length > 0 ? nowMs : agenda.allAtMs },
    isLimited: chosen.length < byName.length,
  };
}

const forAll = (way: Way): AskedQuestions =>
  way === 'shared' ? { way, questions: 'others' } : { way, questions: questionsForAll };

function nextOf({ sinceMs, asked }: Name, way: Way): number {
  return sinceMs + (nameAtMs[way][asked[way]] ?? Infinity);
}

/** Times that were slept through are not made up for. */
function timesPassed({ sinceMs }: Name, way: Way, nowMs: number): number {
  return nameAtMs[way].filter((atMs) => sinceMs + atMs <= nowMs).length;
}

function timesOf(times: Readonly<Record<Way, readonly number[]>>, nowMs: number): Agenda['later'] {
  return (['ephemeral', 'shared'] as const).flatMap((way) =>
    times[way].map((atMs) => ({ way, atMs: nowMs + atMs })),
  );
}

function inParts<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
