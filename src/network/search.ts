/**
 * The search for one name: mDNS and the system's resolver side by side, until `decide` has heard enough; then on for a
 * while, for what contradicts the answer.
 *
 *   asking ──decided──▶ answered ── watching ──▶ closed (after `watchMs`, or as soon as nobody needs it)
 *                                        └─ a contradiction ─▶ doubted, closed
 */

import { withoutZone } from '../model/address.ts';
import { hostsToAskFor, learn, nothingKnown, sightingOf } from './answers.ts';
import { questionsDue } from './asks.ts';
import { announcersAt, confirmable, nobody } from './confirm.ts';
import { decide, type Decision, type Evidence, isComplete } from './decide.ts';
import { devicesIn, type Here } from './found-devices.ts';
import { type Endpoint, endpointsOf, type HostAddress, isNobodyAskable, isOnLink } from './interfaces.ts';
import { type Mdns, openMdns, type Problem } from './mdns.ts';
import { hasOtherSpellings, type Question } from './names.ts';
import { questionForAll, questionsAbout, questionsAboutHosts } from './packets.ts';
import { forget, learn as learnAll, nothingSeen } from './sightings.ts';
import type { LocateOptions, LocateRequest, OsAnswer } from './types.ts';

/**
 * When the question is sent again, from an ephemeral port and from 5353. RFC 6762, section 5.2 asks a *continuous*
 * querier for a second between the first two and then for doubling; this is one person's one question that ends with the
 * first answer. Wi-Fi repeats no multicast frame that was lost, so the first two repeats come early: at most four small
 * packets within the first second, one a second and fewer after it.
 */
const askAgainAtMs = [300, 1000, 2000, 4000, 8000, 16_000];
const askFromSharedPortAtMs = [100, 1000, 3000, 7000, 15_000];

/** Most devices answer within this time, and then nobody else needs to be asked. */
const systemHeadStartMs = 100;
/** A sleeping station hears the question at its next beacon (100–300 ms), or the next question. */
const watchMs = 3000;

export interface SearchInput {
  readonly request: LocateRequest;
  readonly question: Question;
  /** On which mDNS asks. */
  readonly addresses: readonly HostAddress[];
  readonly here: Here;
  readonly timeoutMs: number;
  readonly options: LocateOptions;
  /** Called once, with what came of it; as `not-found` also where the signal was aborted. */
  readonly onAnswer: (outcome: Outcome) => void;
  /** Called at most once, later. */
  readonly onDoubt: (outcome: Outcome) => void;
}

export interface Outcome {
  readonly decision: Exclude<Decision, { type: 'wait' }>;
  readonly os: OsAnswer;
  readonly problems: readonly string[];
  readonly mdnsImpossible: boolean;
  readonly tookMs: number;
}

/** Starts at once; to be closed, and then no socket, timer or child is left behind. */
export function startSearch(input: SearchInput): { close(): void } {
  const { request, question, addresses, here, timeoutMs, options } = input;
  const { signal, tell, lastSeen } = options;
  const { mdnsName, osName } = question;
  const endpoints = endpointsOf(addresses);
  const portConfigured = request.port !== undefined;
  const startedAt = performance.now();
  const nowMs = () => performance.now() - startedAt;
  const over = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  const problems: Problem[] = [];
  let knowledge = nothingKnown(mdnsName ?? '');
  let sightings = nothingSeen;
  let isAskingAll = false;
  let os: OsAnswer = { type: 'not-asked' };
  let [osAtMs, sightedAtMs, completeAtMs, namedAtMs]: (number | undefined)[] = [];
  /** Addresses of the system's that can be asked who is there, though no question to all may get through. */
  let near: readonly string[] = [];
  let isAnswered = false;
  let wakeUp: NodeJS.Timeout | undefined;
  let mdns: Mdns | undefined;

  const isImpossible = () =>
    mdns === undefined ||
    isNobodyAskable(endpoints, { failed: unusableOf(problems), isChosen: request.interfaces.length > 0 });
  const close = () => {
    if (over.signal.aborted) return;
    over.abort();
    for (const timer of timers) clearTimeout(timer);
    clearTimeout(wakeUp);
    signal.removeEventListener('abort', onAbort);
    mdns?.close();
  };
  const outcomeOf = (decision: Outcome['decision']): Outcome => ({
    decision,
    os,
    problems: problems.map(({ endpoint, message }) => `${endpoint.name} (${endpoint.address}): ${message}`),
    mdnsImpossible: isImpossible(),
    tookMs: nowMs(),
  });
  const finish = (decision: Outcome['decision']) => {
    isAnswered = true;
    const isFound = decision.type === 'found-by-mdns' || decision.type === 'found-by-os';
    if (isFound) at(watchMs, close);
    input.onAnswer(outcomeOf(decision));
    if (!isFound) close();
  };
  const onAbort = () => {
    if (!isAnswered) finish({ type: 'not-found' });
    close();
  };
  const evidence = (): Evidence => {
    const sighting = sightingOf(knowledge, here.own);
    const isWhole =
      sighting.type === 'contradiction' ||
      (sighting.type === 'host' && isComplete(sighting.host, portConfigured));
    const announcers =
      os.type === 'answered'
        ? announcersAt(devicesIn(sightings, here), { addresses: os.addresses, request })
        : nobody;
    sightedAtMs = sighting.type === 'nothing' ? undefined : (sightedAtMs ?? nowMs());
    completeAtMs = isWhole ? (completeAtMs ?? nowMs()) : undefined;
    namedAtMs = announcers.named.length === 0 ? undefined : (namedAtMs ?? nowMs());
    const times = { osAtMs, sightedAtMs, completeAtMs, namedAtMs };
    const mdnsImpossible = isImpossible() && near.length === 0;
    const isMdnsName = question.mdnsName !== undefined;
    return { sighting, announcers, mdnsImpossible, isMdnsName, os, portConfigured, ...times };
  };
  const step = () => {
    if (over.signal.aborted) return;
    if (isAnswered) return doubt();
    const due = questionsDue(forget(sightings, nowMs()), nowMs());
    sightings = due.sightings;
    for (const questions of due.packets) void mdns?.ask(questions, 'ephemeral');
    const decision = decide(evidence(), { nowMs: nowMs(), timeoutMs, own: here.own });
    if (decision.type !== 'wait') return finish(decision);
    clearTimeout(wakeUp);
    wakeUp = setTimeout(step, Math.max(1, Math.ceil(Math.min(decision.untilMs, due.nextAtMs) - nowMs())));
  };
  /** What it would be now, with nothing left to wait for. */
  const doubt = () => {
    const decision = decide(evidence(), { nowMs: Infinity, timeoutMs, own: here.own });
    if (decision.type !== 'contradiction' && decision.type !== 'other-name') return;
    input.onDoubt(outcomeOf(decision));
    close();
  };
  const at = (delayMs: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, delayMs);
    timers.add(timer);
  };

  const open = () =>
    (mdns ??= openMdns({
      endpoints,
      zoneOfSender: (address) => addresses.find((item) => isOnLink(item, address))?.zone,
      onRecords: (records, source) => {
        if (over.signal.aborted) return;
        const before = { knowledge, sightings };
        knowledge = learn(knowledge, records, source);
        if (isAskingAll) {
          sightings = learnAll(sightings, { records, source, nowMs: nowMs(), own: here.own });
        }
        if (knowledge === before.knowledge && sightings === before.sightings) return;
        if (knowledge !== before.knowledge) {
          tell({ type: 'log', level: 'debug', message: `mDNS: ${withoutZone(source.address)} answers` });
          const questions = questionsAboutHosts(hostsToAskFor(knowledge));
          if (questions.length > 0) void mdns?.ask(questions, 'ephemeral');
        }
        step();
      },
      onProblem: (problem) => {
        problems.push(problem);
        const { endpoint, message } = problem;
        tell({ type: 'log', level: 'debug', message: `mDNS on ${endpoint.name}: ${message}` });
        if (isImpossible() && osName !== undefined) void askSystem(osName);
        step();
      },
    }));
  /** Who announces itself: a device may have the address that the system gave, or write its name another way. */
  const askForAll = () => {
    if (isAskingAll || endpoints.length === 0) return;
    isAskingAll = true;
    const asker = open();
    asker.listen();
    void asker.ask([questionForAll], 'ephemeral');
    at(100, () => void asker.ask([questionForAll], 'shared'));
    at(300, () => void asker.ask([questionForAll], 'ephemeral'));
  };
  const askSystem = async (name: string) => {
    if (os.type !== 'not-asked' || isAnswered) return;
    os = { type: 'waiting' };
    // Loaded late: most devices have answered before it is needed.
    const lookUp = options.lookUp ?? (await import('./os-resolver.ts')).lookUpInSystem;
    const answer = await lookUp(name, over.signal);
    // The watch is for a second device; what the system says late of one that was found says nothing of that.
    if (over.signal.aborted || isAnswered) return;
    os = answer;
    osAtMs = nowMs();
    near = answer.type === 'answered' ? confirmable(answer.addresses, addresses) : [];
    if (near.length > 0) {
      askForAll();
      for (const address of near.slice(0, 4)) void mdns?.askAt([questionForAll], address);
    }
    step();
  };
  const askByName = (name: string) => {
    const asker = open();
    const questions = questionsAbout(name);
    const askHint = () => {
      if (lastSeen !== undefined) void asker.askAt(questions, lastSeen);
    };
    void asker.ask(questions, 'ephemeral');
    askHint();
    asker.listen();
    at(300, askHint);
    for (const delayMs of askAgainAtMs) at(delayMs, () => void asker.ask(questions, 'ephemeral'));
    for (const delayMs of askFromSharedPortAtMs) at(delayMs, () => void asker.ask(questions, 'shared'));
    if (hasOtherSpellings(name)) askForAll();
  };

  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) {
    onAbort();
  } else {
    const asksByName = mdnsName !== undefined && endpoints.length > 0;
    if (asksByName) askByName(mdnsName);
    if (osName !== undefined) {
      if (asksByName && !isImpossible()) at(systemHeadStartMs, () => void askSystem(osName));
      else void askSystem(osName);
    }
    step();
  }
  return {
    close: () => {
      if (!isAnswered) finish({ type: 'not-found' });
      close();
    },
  };
}

/** Endpoints that cannot be asked: the ephemeral way is what counts. */
function unusableOf(problems: readonly Problem[]): ReadonlySet<Endpoint> {
  return new Set(problems.filter(({ way }) => way === 'ephemeral').map(({ endpoint }) => endpoint));
}
