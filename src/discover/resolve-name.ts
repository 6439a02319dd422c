/** The search for one name: mDNS and the system's resolver side by side, until `decide` has heard enough. */

import { cancelled } from '../errors.ts';
import { preferredAddress } from './addresses.ts';
import { hostsToAskFor, learn, nothingKnown, sightingOf } from './answers.ts';
import { decide, type Decision, isComplete, type OsAnswer } from './decide.ts';
import {
  type Endpoint,
  endpointsOf,
  type HostAddress,
  hostAddresses,
  isOnLink,
  selectAddresses,
  withoutZone,
} from './interfaces.ts';
import { locatedOf } from './located.ts';
import { type Mdns, openMdns, type Problem } from './mdns.ts';
import { type Question, questionFor } from './names.ts';
import { contradiction, notFound, type Search } from './not-found.ts';
import { questionsAbout, questionsAboutHosts } from './packets.ts';
import type { Located, LocateOptions, LocateRequest } from './types.ts';

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

/** For a name that is no address; see `locate`. */
export async function resolveName(request: LocateRequest, options: LocateOptions): Promise<Located> {
  const { timeoutMs = 5000, tell, signal } = options;
  const question = questionFor(request.host);
  const all = hostAddresses();
  const chosen = selectAddresses(all, request.interfaces);
  const addresses = question.mdnsName === undefined ? [] : chosen;
  const outcome = await search({
    question,
    addresses,
    own: new Set(all.map(({ address }) => address)),
    timeoutMs,
    portConfigured: request.port !== undefined,
    options,
  });
  if (signal.aborted) throw cancelled(signal);
  const { decision, seconds } = outcome;
  const failed: Search = { name: request.name, question, addresses, all, timeoutMs, ...outcome };
  const onLink = (address: string) => all.some((item) => isOnLink(item, address));

  if (decision.type === 'contradiction') throw contradiction(failed, decision);
  const found = decision.type === 'found-by-mdns' ? decision.host.addresses : addressesOf(decision);
  const address = preferredAddress(found, onLink);
  if (address === undefined) throw notFound(failed);
  const via = decision.type === 'found-by-mdns' ? 'mdns' : 'os';
  tell({ type: 'log', level: 'debug', message: `${request.host} is ${address} (${via}, ${seconds} s)` });
  return locatedOf(request, {
    address,
    via,
    host: decision.type === 'found-by-mdns' ? decision.host : undefined,
  });
}

function addressesOf(decision: Decision): readonly string[] {
  return decision.type === 'found-by-os' ? decision.addresses : [];
}

interface SearchInput {
  readonly question: Question;
  /** On which mDNS asks. */
  readonly addresses: readonly HostAddress[];
  readonly own: ReadonlySet<string>;
  readonly timeoutMs: number;
  readonly portConfigured: boolean;
  readonly options: LocateOptions;
}

interface SearchOutcome {
  readonly decision: Exclude<Decision, { type: 'wait' }>;
  readonly os: OsAnswer;
  readonly problems: readonly string[];
  readonly mdnsImpossible: boolean;
  readonly seconds: string;
}

/** Ends by `decide`, or by the signal (then as `not-found`); leaves no socket, timer or child behind. */
function search({ question, addresses, own, timeoutMs, portConfigured, options }: SearchInput) {
  const { signal, tell } = options;
  const { mdnsName, osName } = question;
  const endpoints = endpointsOf(addresses);
  const startedAt = performance.now();
  const nowMs = () => performance.now() - startedAt;
  const over = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  const problems: Problem[] = [];
  let knowledge = nothingKnown(mdnsName ?? '');
  let os: OsAnswer = { type: 'not-asked' };
  let osAtMs: number | undefined;
  let sightedAtMs: number | undefined;
  let completeAtMs: number | undefined;
  let wakeUp: NodeJS.Timeout | undefined;
  let mdns: Mdns | undefined;

  return new Promise<SearchOutcome>((resolve) => {
    const isImpossible = () => unusableOf(problems).size >= endpoints.length;
    const finish = (decision: SearchOutcome['decision']) => {
      if (over.signal.aborted) return;
      over.abort();
      for (const timer of timers) clearTimeout(timer);
      clearTimeout(wakeUp);
      signal.removeEventListener('abort', onAbort);
      mdns?.close();
      const seconds = (nowMs() / 1000).toFixed(2);
      const texts = problems.map(
        ({ endpoint, message }) => `${endpoint.name} (${endpoint.address}): ${message}`,
      );
      resolve({ decision, os, problems: texts, mdnsImpossible: isImpossible(), seconds });
    };
    const onAbort = () => finish({ type: 'not-found' });
    const step = () => {
      if (over.signal.aborted) return;
      const sighting = sightingOf(knowledge, own);
      const isWhole =
        sighting.type === 'contradiction' ||
        (sighting.type === 'host' && isComplete(sighting.host, portConfigured));
      sightedAtMs = sighting.type === 'nothing' ? undefined : (sightedAtMs ?? nowMs());
      completeAtMs = isWhole ? (completeAtMs ?? nowMs()) : undefined;
      const decision = decide(
        { sighting, sightedAtMs, completeAtMs, mdnsImpossible: isImpossible(), os, osAtMs, portConfigured },
        { nowMs: nowMs(), timeoutMs, own },
      );
      if (decision.type !== 'wait') return finish(decision);
      clearTimeout(wakeUp);
      wakeUp = setTimeout(step, Math.max(1, Math.ceil(decision.untilMs - nowMs())));
    };
    const at = (delayMs: number, act: () => void) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        act();
      }, delayMs);
      timers.add(timer);
    };

    const askSystem = async (name: string) => {
      if (os.type !== 'not-asked') return;
      os = { type: 'waiting' };
      // Loaded late: most devices have answered before it is needed.
      const lookUp = options.lookUp ?? (await import('./os-resolver.ts')).lookUpInSystem;
      const answer = await lookUp(name, over.signal);
      if (over.signal.aborted) return;
      os = answer;
      osAtMs = nowMs();
      step();
    };

    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) return onAbort();

    if (mdnsName !== undefined && endpoints.length > 0) {
      const asker = openMdns({
        endpoints,
        zoneOfSender: (address) => addresses.find((item) => isOnLink(item, address))?.zone,
        onRecords: (records, sender) => {
          const before = knowledge;
          knowledge = learn(knowledge, records, sender);
          if (knowledge === before || over.signal.aborted) return;
          tell({ type: 'log', level: 'debug', message: `mDNS: ${withoutZone(sender.address)} answers` });
          const targets = hostsToAskFor(knowledge);
          if (targets.length > 0) void asker.ask(questionsAboutHosts(targets), 'ephemeral');
          step();
        },
        onProblem: (problem) => {
          problems.push(problem);
          const { endpoint, message } = problem;
          tell({ type: 'log', level: 'debug', message: `mDNS on ${endpoint.name}: ${message}` });
          if (isImpossible() && osName !== undefined) void askSystem(osName);
          step();
        },
      });
      mdns = asker;
      const questions = questionsAbout(mdnsName);
      void asker.ask(questions, 'ephemeral');
      asker.listen();
      for (const delayMs of askAgainAtMs) at(delayMs, () => void asker.ask(questions, 'ephemeral'));
      for (const delayMs of askFromSharedPortAtMs) at(delayMs, () => void asker.ask(questions, 'shared'));
      if (osName !== undefined) at(systemHeadStartMs, () => void askSystem(osName));
    } else if (osName !== undefined) {
      void askSystem(osName);
    }
    step();
  });
}

/** Endpoints that cannot be asked: the ephemeral way is what counts. */
function unusableOf(problems: readonly Problem[]): ReadonlySet<Endpoint> {
  return new Set(problems.filter(({ way }) => way === 'ephemeral').map(({ endpoint }) => endpoint));
}
