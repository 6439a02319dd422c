/**
 * Who is there: the one registry of announcements for each set of interfaces, in this process. Its sockets are opened by
 * the first who asks or listens, and closed by the last.
 *
 *   questions: agenda.ts (who wants to know what), asks.ts (what is missing or ages)      all pure
 *   answers:   sightings.ts, facts.ts (TTL, goodbye, cache flush, bounds)
 *   queries:   found-devices.ts (announcements), sighting.ts (who has one name)
 *   sockets:   follow-network.ts, mdns.ts
 */

import { folded } from '../model/host-name.ts';
import type { Announcement, DeviceRef } from '../model/announcement.ts';
import {
  type Agenda,
  askAnew,
  askForAll,
  dueOf,
  interestOf,
  isAsking,
  nothingToAsk,
  withListener,
  withName,
  withoutListener,
  withoutName,
} from './agenda.ts';
import { knownAnswers, questionsDue } from './asks.ts';
import { followNetwork, type Network, type NetworkProblem } from './follow-network.ts';
import { devicesIn, type Here } from './found-devices.ts';
import { mdnsNameOf } from './names.ts';
import { questionsAbout, questionsForAll } from './packets.ts';
import { type Sighting, sightingOf } from './sighting.ts';
import { forget, learn, nothingSeen, type Sightings } from './sightings.ts';
import { changedBetween, isHeardSince, since } from './views.ts';

export interface RegistryOptions {
  /** Names or addresses; empty: all suitable ones. */
  readonly interfaces: readonly string[];
  /** An interface cannot be asked; also what was met before this one was opened. */
  readonly onProblem?: ((problem: NetworkProblem) => void) | undefined;
}

/** One user's share in it. */
export interface Registry {
  /** All that is known, also from before this user came. */
  snapshot(): readonly Announcement[];
  /**
   * Has the device, or all, asked for until it is closed. `onChange` is called when something new was heard of it, or
   * something has ended; what it is, the subscription says.
   */
  watch(who: DeviceRef | 'all', onChange: () => void): Subscription;
  /** Asks nothing; `onChange` is called when anything new was heard of anybody. */
  listen(onChange: () => void): Subscription;
  /** Once. `at`: that responder alone, by unicast (which it heeds in its own subnet), for all that it has, or for one device. */
  ask(who: 'all' | { readonly at: string; readonly about?: DeviceRef }): void;
  here(): Here;
  /** Whether anybody can be asked now. */
  isAskable(): boolean;
  /** Ends its subscriptions, too. Idempotent. */
  close(): void;
}

/** What was heard since it began, or, in answer to the same question, a moment before. */
export interface Subscription {
  announcements(): readonly Announcement[];
  /** Who answers for the name of the device that is watched. */
  sighting(): Sighting;
  close(): void;
}

/** Between two looks at what was heard; the first one is at once. A look at a thousand devices takes its time. */
export const restMsFor = (count: number): number => (count < 100 ? 5 : 30);
const longestTimerMs = 2 ** 31 - 1;

const shared = new Map<string, Core>();

/** @throws `CONFIG_INVALID` for an interface that does not exist */
export function openRegistry({ interfaces, onProblem }: RegistryOptions): Registry {
  const key = JSON.stringify([...new Set(interfaces)].toSorted());
  const core = shared.get(key) ?? openCore(interfaces, () => shared.delete(key));
  shared.set(key, core);
  return core.share(onProblem);
}

interface Listener {
  /** Of the name that it is about; undefined: about everybody. */
  readonly key: string | undefined;
  readonly onChange: () => void;
}

interface Core {
  share(onProblem: RegistryOptions['onProblem']): Registry;
}

function openCore(interfaces: readonly string[], onClosed: () => void): Core {
  const nowMs = (): number => performance.now();
  const listeners = new Set<Listener>();
  const users = new Set<{ readonly onProblem: RegistryOptions['onProblem'] }>();
  const problems: NetworkProblem[] = [];
  let sightings: Sightings = nothingSeen;
  let agenda: Agenda = nothingToAsk;
  let count = 0;
  let lists = new Map<number, readonly Announcement[]>();
  let timer: NodeJS.Timeout | undefined;
  let atOnce: NodeJS.Immediate | undefined;
  let turn: NodeJS.Immediate | undefined;
  /** As the listeners know it. */
  let told: Sightings = nothingSeen;
  let lastStepAtMs = -Infinity;
  let nextStepAtMs = Infinity;

  const set = (next: Sightings): void => {
    if (next === sightings) return;
    sightings = next;
    lists = new Map();
    // Packets that came together are looked at together.
    turn ??= setImmediate(() => {
      turn = undefined;
      const before = told;
      told = sightings;
      let names: ReadonlySet<string> | undefined;
      for (const { key, onChange } of listeners) {
        if (key !== undefined) names ??= changedBetween(before, told);
        if (key === undefined || names?.has(key) === true) onChange();
      }
    });
  };
  let [wantedNames, wantedBy] = [new Set<string>(), agenda];
  const wanted = (): ReadonlySet<string> => {
    if (wantedBy !== agenda) [wantedNames, wantedBy] = [new Set(agenda.names.map(({ key }) => key)), agenda];
    return wantedNames;
  };
  const network: Network = followNetwork({
    interfaces,
    onRecords: (records, source) => {
      const before = sightings;
      const { own } = network.here();
      set(learn(sightings, { records, source, nowMs: nowMs(), own, wanted: wanted() }));
      if (sightings !== before) stepAt(lastStepAtMs + restMsFor(sightings.size));
    },
    onProblem: (problem) => {
      problems.push(problem);
      for (const { onProblem } of users) onProblem?.(problem);
    },
    onChange: () => {
      agenda = askAnew(agenda, nowMs());
      stepAt(nowMs());
    },
  });

  const stepAt = (atMs: number): void => {
    if (atMs >= nextStepAtMs || users.size === 0) return;
    nextStepAtMs = atMs;
    clearTimeout(timer);
    clearImmediate(atOnce);
    const waitMs = Math.ceil(atMs - nowMs());
    // Whoever else begins now is asked for in the same packet.
    if (waitMs <= 0) atOnce = setImmediate(step);
    else timer = setTimeout(step, Math.min(waitMs, longestTimerMs));
  };
  const step = (): void => {
    const now = nowMs();
    lastStepAtMs = now;
    nextStepAtMs = Infinity;
    const due = dueOf(agenda, now, ({ key, sinceMs }) => isHeardSince(sightings.get(key), sinceMs));
    agenda = due.agenda;
    for (const { questions, way } of due.packets) {
      if (questions !== 'others') network.ask(questions, way);
      else network.askForOthers(knownAnswers(sightings, now, agenda.listeningSinceMs));
    }
    const missing = questionsDue(forget(sightings, now), now, interestOf(agenda, now));
    for (const questions of missing.packets) {
      network.ask(questions, 'ephemeral');
      if (agenda.listeners > 0) network.ask(questions, 'shared');
    }
    if (isAsking(agenda)) network.listen();
    set(missing.sightings);
    stepAt(Math.min(due.nextAtMs, missing.nextAtMs));
  };
  const heardSince = (sinceMs: number): readonly Announcement[] => {
    const known = lists.get(sinceMs) ?? devicesIn(since(sightings, sinceMs), network.here());
    lists.set(sinceMs, known);
    return known;
  };
  const close = (): void => {
    clearTimeout(timer);
    clearImmediate(atOnce);
    clearImmediate(turn);
    network.close();
    onClosed();
  };

  const watchAll = (onChange: () => void): Subscription => {
    const { agenda: next, sinceMs } = withListener(agenda, nowMs());
    agenda = next;
    network.listen();
    return subscription({ onChange, sinceMs, end: () => (agenda = withoutListener(agenda)) });
  };
  const watchOne = (ref: DeviceRef, onChange: () => void): Subscription => {
    const now = nowMs();
    const id = (count += 1);
    const names = ref.hosts.flatMap((host) => mdnsNameOf(host) ?? []);
    for (const name of names) agenda = withName(agenda, { id, name, nowMs: now });
    const [mdnsName] = names;
    return subscription({ onChange, sinceMs: now, mdnsName, end: () => (agenda = withoutName(agenda, id)) });
  };
  const subscription = ({
    onChange,
    sinceMs,
    mdnsName,
    end,
  }: {
    readonly onChange: () => void;
    readonly sinceMs: number;
    readonly mdnsName?: string | undefined;
    readonly end: () => void;
  }): Subscription => {
    let isClosed = false;
    const listener = { onChange, key: mdnsName === undefined ? undefined : folded(mdnsName) };
    listeners.add(listener);
    stepAt(nowMs());
    return {
      announcements: () => heardSince(sinceMs),
      sighting: () =>
        mdnsName === undefined
          ? { type: 'nothing' }
          : sightingOf(sightings, { mdnsName, sinceMs, own: network.here().own }),
      close: () => {
        if (isClosed) return;
        isClosed = true;
        listeners.delete(listener);
        end();
      },
    };
  };

  const share: Core['share'] = (onProblem) => {
    const user = { onProblem };
    const subscriptions = new Set<Subscription>();
    const noted = (added: Subscription): Subscription => {
      subscriptions.add(added);
      return added;
    };
    users.add(user);
    queueMicrotask(() => {
      for (const problem of users.has(user) ? problems : []) onProblem?.(problem);
    });
    return {
      snapshot: () => heardSince(-Infinity),
      watch: (who, onChange) => noted(who === 'all' ? watchAll(onChange) : watchOne(who, onChange)),
      listen: (onChange) => noted(subscription({ onChange, sinceMs: nowMs(), end: () => undefined })),
      ask: (who) => {
        if (who === 'all') {
          agenda = askForAll(agenda, nowMs());
          return stepAt(nowMs());
        }
        const names = who.about?.hosts.flatMap((host) => mdnsNameOf(host) ?? []);
        network.askAt(names?.flatMap(questionsAbout) ?? questionsForAll, who.at);
      },
      here: () => network.here(),
      isAskable: () => network.isAskable(),
      close: () => {
        for (const each of subscriptions) each.close();
        if (users.delete(user) && users.size === 0) close();
      },
    };
  };
  return { share };
}
