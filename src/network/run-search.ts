/** Drives a search (`search.ts`): the registry, the system's resolver, timers. */

import { announcersAt, confirmable, nobody } from './confirm.ts';
import { endpointsOf, type HostAddress } from './interfaces.ts';
import type { NetworkProblem } from './follow-network.ts';
import { refOf } from './match.ts';
import type { Question } from './names.ts';
import { openRegistry, type Subscription } from './registry.ts';
import {
  type SearchAction,
  type Conclusion,
  type SearchInput,
  isMdnsImpossible,
  onSearchInput,
  startSearch,
  type SearchStep,
  searchWakeAtMs,
} from './search.ts';
import type { Sighting } from './sighting.ts';
import type { LocateOptions, LocateRequest, OsAnswer } from './types.ts';

export interface RunSearchOptions {
  readonly request: LocateRequest;
  readonly question: Question;
  /** On which mDNS asks. */
  readonly addresses: readonly HostAddress[];
  readonly timeoutMs: number;
  readonly options: LocateOptions;
  /** Called once, with what came of it; as `not-found` also where the signal was aborted. */
  readonly onAnswer: (outcome: SearchOutcome) => void;
  /** Called at most once, later. */
  readonly onDoubt: (outcome: SearchOutcome) => void;
}

export interface SearchOutcome {
  readonly decision: Conclusion;
  readonly os: OsAnswer;
  readonly problems: readonly string[];
  readonly mdnsImpossible: boolean;
  readonly tookMs: number;
}

/** Starts at once; to be closed, and then no socket, timer or child is left behind. */
export function runSearch(input: RunSearchOptions): { close(): void } {
  const { request, question, addresses, timeoutMs, options } = input;
  const { signal, tell, lastSeen } = options;
  const ref = refOf(request);
  const startedAt = performance.now();
  const nowMs = (): number => performance.now() - startedAt;
  const over = new AbortController();
  const problems: string[] = [];
  let subscription: Subscription | undefined;
  /** To everybody. */
  let listening: Subscription | undefined;
  let timer: NodeJS.Timeout | undefined;

  const debug = (message: string): void => tell({ type: 'log', level: 'debug', message });
  const onProblem = ({ failure }: NetworkProblem): void => {
    if (failure === undefined) return;
    const { endpoint, message } = failure;
    problems.push(`${endpoint.name} (${endpoint.address}): ${message}`);
    debug(`mDNS on ${endpoint.name}: ${message}`);
    take({ type: 'failure', isAskable: registry.isAskable() });
  };
  const registry = openRegistry({ interfaces: request.interfaces, onProblem });
  let search = startSearch(
    {
      question,
      canAskByName: question.mdnsName !== undefined && endpointsOf(addresses).length > 0,
      portConfigured: request.port !== undefined,
      timeoutMs,
      hint: lastSeen,
      own: registry.here().own,
    },
    registry.isAskable(),
  );

  const told = new Set<string>();
  const tellWho = (sighting: Sighting): void => {
    const hosts =
      sighting.type === 'host' ? [sighting.host] : sighting.type === 'contradiction' ? sighting.hosts : [];
    for (const sender of hosts.flatMap(({ senders }) => senders)) {
      if (!told.has(sender)) debug(`mDNS: ${sender} answers`);
      told.add(sender);
    }
  };
  const heard = (): Extract<SearchInput, { type: 'heard' }> => {
    const { os } = search[0];
    const found = os.type === 'answered' ? (subscription?.announcements() ?? []) : [];
    return {
      type: 'heard',
      sighting: subscription?.sighting() ?? { type: 'nothing' },
      announcers: os.type === 'answered' ? announcersAt(found, { addresses: os.addresses, request }) : nobody,
    };
  };
  const onHeard = (): void => {
    const now = heard();
    tellWho(now.sighting);
    take(now);
  };
  const take = (given: SearchInput): void => perform(onSearchInput(search[0], given, nowMs()));
  const perform = (step: SearchStep): void => {
    search = step;
    for (const action of step[1]) act(action);
    clearTimeout(timer);
    const atMs = searchWakeAtMs(search[0]);
    if (atMs !== Infinity)
      timer = setTimeout(() => take({ type: 'time' }), Math.max(1, Math.ceil(atMs - nowMs())));
  };
  const outcomeOf = (decision: Conclusion): SearchOutcome => ({
    decision,
    os: search[0].os,
    problems,
    mdnsImpossible: isMdnsImpossible(search[0]),
    tookMs: nowMs(),
  });
  const askSystem = async (name: string): Promise<void> => {
    // Loaded late: most devices have answered before it is needed.
    const lookUp = options.lookUp ?? (await import('./os-resolver.ts')).lookUpInSystem;
    const answer = await lookUp(name, over.signal);
    if (over.signal.aborted) return;
    const near = answer.type === 'answered' ? confirmable(answer.addresses, addresses) : [];
    take({ type: 'os', answer, near });
    take(heard());
  };
  const act = (action: SearchAction): void => {
    switch (action.type) {
      case 'watch':
        subscription = registry.watch(ref, onHeard);
        return;
      case 'ask-hint':
        return registry.ask({ at: action.address, about: ref });
      case 'ask-all':
        listening ??= registry.listen(onHeard);
        registry.ask('all');
        return action.at.slice(0, mostAskedAlone).forEach((at) => registry.ask({ at }));
      case 'ask-system':
        return void askSystem(action.name);
      case 'answered':
        return input.onAnswer(outcomeOf(action.decision));
      case 'doubted':
        return input.onDoubt(outcomeOf(action.decision));
      case 'close':
        over.abort();
        signal.removeEventListener('abort', end);
        return registry.close();
      default:
        return action satisfies never;
    }
  };
  const end = (): void => take({ type: 'end' });

  signal.addEventListener('abort', end, { once: true });
  perform(search);
  if (signal.aborted) end();
  return { close: end };
}

/** Of the addresses that the system gave. */
const mostAskedAlone = 4;
