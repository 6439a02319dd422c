/** What the registry has heard, and what its users want to know. Pure: records and times go in, packets come out. */

import type { Answer } from 'dns-packet';
import { type Agenda, type AskedQuestions, dueOf, interestOf, isAsking, nothingToAsk } from './agenda.ts';
import { knownAnswers, questionsDue } from './asks.ts';
import type { Source } from './mdns.ts';
import type { KnownAnswer } from './queries.ts';
import { forget, learn, nothingSeen, type Sightings } from './sightings.ts';
import { isHeardSince } from './views.ts';

export interface RegistryState {
  readonly sightings: Sightings;
  readonly agenda: Agenda;
  /** Names that the agenda has, folded. */
  readonly wanted: ReadonlySet<string>;
  /** Of the last step. */
  readonly steppedAtMs: number;
}

export const nothingHeard: RegistryState = {
  sightings: nothingSeen,
  agenda: nothingToAsk,
  wanted: new Set(),
  steppedAtMs: -Infinity,
};

/** Between two steps because of what was heard; the first one is at once. A look at a thousand devices takes its time. */
export const restMsFor = (count: number): number => (count < 100 ? 5 : 30);

export function withAgenda(state: RegistryState, agenda: Agenda): RegistryState {
  const wanted =
    agenda.names === state.agenda.names ? state.wanted : new Set(agenda.names.map(({ key }) => key));
  return { ...state, agenda, wanted };
}

export interface HeardPacket {
  readonly records: readonly Answer[];
  readonly source: Source;
  readonly nowMs: number;
  /** Addresses of this host. */
  readonly own: ReadonlySet<string>;
}

/** The same state where nothing of it is new. */
export function withHeard(state: RegistryState, heard: HeardPacket): RegistryState {
  const sightings = learn(state.sightings, { ...heard, wanted: state.wanted });
  return sightings === state.sightings ? state : { ...state, sightings };
}

/** When to look at what was heard. */
export function stepAfterHeardMs({ sightings, steppedAtMs }: RegistryState): number {
  return steppedAtMs + restMsFor(sightings.size);
}

/** `known`: the question for all devices but these. */
export type RegistryPacket =
  | { readonly type: 'questions'; readonly questions: Questions; readonly way: AskedQuestions['way'] }
  | { readonly type: 'others'; readonly known: readonly KnownAnswer[] };
type Questions = Exclude<AskedQuestions['questions'], 'others'>;

export interface Step {
  readonly state: RegistryState;
  readonly packets: readonly RegistryPacket[];
  /** Whether answers are listened for. */
  readonly listens: boolean;
  readonly nextAtMs: number;
}

/** Asks what is due by now, and forgets what has expired. */
export function stepOf(state: RegistryState, nowMs: number): Step {
  const { sightings } = state;
  const due = dueOf(state.agenda, nowMs, ({ key, sinceMs }) => isHeardSince(sightings.get(key), sinceMs));
  const { agenda } = due;
  const wanted = due.packets.map(({ questions, way }): RegistryPacket =>
    questions === 'others'
      ? { type: 'others', known: knownAnswers(sightings, nowMs, agenda.listeningSinceMs) }
      : { type: 'questions', questions, way },
  );
  const missing = questionsDue(forget(sightings, nowMs), nowMs, interestOf(agenda, nowMs));
  const ways: readonly AskedQuestions['way'][] =
    agenda.listeners > 0 ? ['ephemeral', 'shared'] : ['ephemeral'];
  const asked = missing.packets.flatMap((questions) =>
    ways.map((way): RegistryPacket => ({ type: 'questions', questions, way })),
  );
  return {
    state: { ...withAgenda(state, agenda), sightings: missing.sightings, steppedAtMs: nowMs },
    packets: [...wanted, ...asked],
    listens: isAsking(agenda),
    nextAtMs: Math.min(due.nextAtMs, missing.nextAtMs),
  };
}
