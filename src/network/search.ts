/**
 * The search for one name: the registry and the system's resolver side by side, until `decide` has heard enough; then on for
 * a while, for what contradicts the answer. Pure: what is heard and the time go in, what to do comes out.
 *
 *   asking ──decided──▶ watching ──▶ closed (after `watchMs`, or as soon as nobody needs it)
 *      │                   └─ a contradiction ─▶ doubted, closed
 *      └─ nothing, nobody, or a contradiction ─▶ answered so, closed
 */

import { type Announcers, nobody } from './confirm.ts';
import { decide, type Decision, type Evidence, isComplete } from './decide.ts';
import { hasOtherSpellings, type Question } from './names.ts';
import type { Sighting } from './sighting.ts';
import type { OsAnswer } from './types.ts';

/** Most devices answer within this time, and then nobody else needs to be asked. */
const systemHeadStartMs = 100;
/** The hint is asked again then: the first datagram to a sleeping station is often lost. */
const askHintAgainMs = 300;
/** A sleeping station hears the question at its next beacon (100–300 ms), or the next question. */
const watchMs = 3000;

/** What does not change while it is searched. */
export interface Setup {
  readonly question: Question;
  /** Whether it can be asked for by that name over mDNS: there is one, and an interface. */
  readonly canAskByName: boolean;
  readonly portConfigured: boolean;
  readonly timeoutMs: number;
  /** Where it was last. */
  readonly hint?: string | undefined;
  /** Addresses of this host. */
  readonly own: ReadonlySet<string>;
}

/** Times are milliseconds since the search began. */
export interface NameSearch {
  readonly phase: 'asking' | 'watching' | 'closed';
  readonly setup: Setup;
  readonly sighting: Sighting;
  /** Who announces itself at the addresses that the system gave. */
  readonly announcers: Announcers;
  readonly os: OsAnswer;
  readonly isAskable: boolean;
  readonly isAskingAll: boolean;
  /** Some address of the system's can be asked who is there, though no question to all may get through. */
  readonly isNear: boolean;
  readonly osAtMs?: number | undefined;
  readonly sightedAtMs?: number | undefined;
  readonly completeAtMs?: number | undefined;
  readonly namedAtMs?: number | undefined;
  /** What is still to be done at its time. */
  readonly askSystemAtMs: number;
  readonly askHintAtMs: number;
  readonly closeAtMs: number;
  readonly decideAtMs: number;
}

export type SearchInput =
  | { readonly type: 'time' }
  /** Something was heard, or has ended. */
  | { readonly type: 'heard'; readonly sighting: Sighting; readonly announcers: Announcers }
  /** An interface has failed. */
  | { readonly type: 'failure'; readonly isAskable: boolean }
  /** `near`: of its addresses, those on a link of this host. */
  | { readonly type: 'os'; readonly answer: OsAnswer; readonly near: readonly string[] }
  /** By whoever wanted to know. */
  | { readonly type: 'end' };

export type Conclusion = Exclude<Decision, { type: 'wait' }>;

export type SearchAction =
  /** Have the registry ask for the name until this is over. */
  | { readonly type: 'watch' }
  /** Whether it is still where it was last. */
  | { readonly type: 'ask-hint'; readonly address: string }
  /** Who announces itself, and who is there at these addresses. */
  | { readonly type: 'ask-all'; readonly at: readonly string[] }
  | { readonly type: 'ask-system'; readonly name: string }
  | { readonly type: 'answered'; readonly decision: Conclusion }
  | { readonly type: 'doubted'; readonly decision: Conclusion }
  | { readonly type: 'close' };

export type SearchStep = readonly [NameSearch, readonly SearchAction[]];

export function startSearch(setup: Setup, isAskable: boolean): SearchStep {
  const { question, canAskByName, hint } = setup;
  const { mdnsName, osName } = question;
  const search: NameSearch = {
    phase: 'asking',
    setup,
    sighting: { type: 'nothing' },
    announcers: nobody,
    os: { type: 'not-asked' },
    isAskable,
    isAskingAll: false,
    isNear: false,
    askSystemAtMs: osName === undefined ? Infinity : canAskByName && isAskable ? systemHeadStartMs : 0,
    askHintAtMs: canAskByName && hint !== undefined ? 0 : Infinity,
    closeAtMs: Infinity,
    decideAtMs: 0,
  };
  const watching: SearchStep = [search, [{ type: 'watch' }]];
  // Devices may write it another way.
  const isSpelledOtherwise = canAskByName && mdnsName !== undefined && hasOtherSpellings(mdnsName);
  return then(isSpelledOtherwise ? askingAll(watching, []) : watching, (next) => onTime(next, 0));
}

export function onSearchInput(search: NameSearch, input: SearchInput, nowMs: number): SearchStep {
  if (search.phase === 'closed') return [search, []];
  switch (input.type) {
    case 'time':
      return onTime(search, nowMs);
    case 'heard':
      return onHeard(search, input, nowMs);
    case 'failure': {
      const { isAskable } = input;
      // There is nobody whose answer would be worth waiting for.
      const asksNow = !isAskable && search.askSystemAtMs !== Infinity;
      const askSystemAtMs = asksNow ? 0 : search.askSystemAtMs;
      return onTime({ ...search, isAskable, askSystemAtMs }, nowMs);
    }
    case 'os':
      return onSystem(search, input, nowMs);
    case 'end':
      return search.phase === 'asking' ? answered(search, { type: 'not-found' }, nowMs) : closed(search);
    default:
      return input satisfies never;
  }
}

/** When `time` is to come in. */
export function searchWakeAtMs(search: NameSearch): number {
  const { phase, askSystemAtMs, askHintAtMs, closeAtMs, decideAtMs } = search;
  if (phase === 'closed') return Infinity;
  return Math.min(
    closeAtMs,
    ...(phase === 'asking' ? [askSystemAtMs, askHintAtMs, decideAtMs] : [askHintAtMs]),
  );
}

function onTime(search: NameSearch, nowMs: number): SearchStep {
  if (nowMs >= search.closeAtMs) return closed(search);
  return then(
    then(askingHint(search, nowMs), (next) => askingSystem(next, nowMs)),
    (next) => deciding(next, nowMs),
  );
}

function askingHint(search: NameSearch, nowMs: number): SearchStep {
  const { askHintAtMs, setup } = search;
  if (nowMs < askHintAtMs || setup.hint === undefined) return [search, []];
  const isFirst = askHintAtMs < askHintAgainMs;
  return [
    { ...search, askHintAtMs: isFirst ? askHintAgainMs : Infinity },
    [{ type: 'ask-hint', address: setup.hint }],
  ];
}

function askingSystem(search: NameSearch, nowMs: number): SearchStep {
  const { phase, askSystemAtMs, setup } = search;
  const { osName: name } = setup.question;
  if (phase !== 'asking' || nowMs < askSystemAtMs || name === undefined) return [search, []];
  return [{ ...search, os: { type: 'waiting' }, askSystemAtMs: Infinity }, [{ type: 'ask-system', name }]];
}

function onHeard(
  search: NameSearch,
  { sighting, announcers }: Extract<SearchInput, { type: 'heard' }>,
  nowMs: number,
): SearchStep {
  const { portConfigured } = search.setup;
  const isWhole =
    sighting.type === 'contradiction' ||
    (sighting.type === 'host' && isComplete(sighting.host, portConfigured));
  const next: NameSearch = {
    ...search,
    sighting,
    announcers,
    sightedAtMs: sighting.type === 'nothing' ? undefined : (search.sightedAtMs ?? nowMs),
    completeAtMs: isWhole ? (search.completeAtMs ?? nowMs) : undefined,
    namedAtMs: announcers.named.length === 0 ? undefined : (search.namedAtMs ?? nowMs),
  };
  // The service on a host of that name may have another one.
  const lacksPort = sighting.type === 'host' && sighting.host.ports.length === 0 && !portConfigured;
  const asking: SearchStep = lacksPort ? askingAll([next, []], []) : [next, []];
  return then(asking, (each) => deciding(each, nowMs));
}

/** The watch is for a second device; what the system says late of one that was found says nothing of that. */
function onSystem(
  search: NameSearch,
  { answer, near }: Extract<SearchInput, { type: 'os' }>,
  nowMs: number,
): SearchStep {
  if (search.phase !== 'asking') return [search, []];
  const next = { ...search, os: answer, osAtMs: nowMs, isNear: near.length > 0 };
  const asking = near.length > 0 ? askingAll([next, []], near) : ([next, []] as const);
  return then(asking, (each) => deciding(each, nowMs));
}

/** Once; a question by unicast goes out in any case. */
function askingAll([search, actions]: SearchStep, at: readonly string[]): SearchStep {
  if (search.isAskingAll && at.length === 0) return [search, actions];
  return [{ ...search, isAskingAll: true }, [...actions, { type: 'ask-all', at }]];
}

function deciding(search: NameSearch, nowMs: number): SearchStep {
  const { timeoutMs, own } = search.setup;
  if (search.phase === 'asking') {
    const decision = decide(evidenceOf(search), { nowMs, timeoutMs, own });
    if (decision.type === 'wait') return [{ ...search, decideAtMs: decision.untilMs }, []];
    return answered(search, decision, nowMs);
  }
  if (search.phase === 'closed') return [search, []];
  // What it would be now, with nothing left to wait for.
  const decision = decide(evidenceOf(search), { nowMs: Infinity, timeoutMs, own });
  if (decision.type !== 'contradiction' && decision.type !== 'other-name') return [search, []];
  return then([search, [{ type: 'doubted', decision }]], closed);
}

function answered(search: NameSearch, decision: Conclusion, nowMs: number): SearchStep {
  const isFound = decision.type === 'found-by-mdns' || decision.type === 'found-by-os';
  const next: NameSearch = { ...search, phase: 'watching', closeAtMs: nowMs + watchMs };
  const step: SearchStep = [next, [{ type: 'answered', decision }]];
  return isFound ? step : then(step, closed);
}

function closed(search: NameSearch): SearchStep {
  return [{ ...search, phase: 'closed' }, [{ type: 'close' }]];
}

function evidenceOf(search: NameSearch): Evidence {
  const { sighting, announcers, os, setup, osAtMs, sightedAtMs, completeAtMs, namedAtMs } = search;
  const { question, portConfigured } = setup;
  return {
    sighting,
    announcers,
    os,
    mdnsImpossible: isMdnsImpossible(search) && !search.isNear,
    isMdnsName: question.mdnsName !== undefined,
    portConfigured,
    osAtMs,
    sightedAtMs,
    completeAtMs,
    namedAtMs,
  };
}

/** Nobody is, or can be, asked by mDNS. */
export function isMdnsImpossible({ setup, isAskable, isAskingAll }: NameSearch): boolean {
  return !isAskable || (!setup.canAskByName && !isAskingAll);
}

function then([search, actions]: SearchStep, next: (search: NameSearch) => SearchStep): SearchStep {
  const [after, more] = next(search);
  return [after, [...actions, ...more]];
}
