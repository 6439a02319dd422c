/**
 * Who is there: the one registry of announcements for each set of interfaces, in this process. Its sockets are opened by
 * the first who asks or listens, and closed by the last.
 *
 *   questions: agenda.ts (who wants to know what), asks.ts (what is missing or ages)      all pure
 *   answers:   sightings.ts, facts.ts (TTL, goodbye, cache flush, bounds)
 *   both:      registry-state.ts
 *   queries:   found-devices.ts (announcements), sighting.ts (who has one name)
 *   sockets:   registry-driver.ts (and timers), follow-network.ts, mdns.ts
 */

import { folded } from '../model/host-name.ts';
import type { Announcement, DeviceRef } from '../model/announcement.ts';
import { askForAll, withListener, withName, withoutListener, withoutName } from './agenda.ts';
import type { NetworkProblem } from './follow-network.ts';
import type { Here } from './found-devices.ts';
import { mdnsNameOf } from './names.ts';
import { questionsAbout, questionsForAll } from './packets.ts';
import { driveRegistry, type RegistryDriver } from './registry-driver.ts';
import { type Sighting, sightingOf } from './sighting.ts';

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

interface User {
  readonly onProblem: RegistryOptions['onProblem'];
}

/** What all users of one set of interfaces share. */
interface SharedRegistry {
  readonly driver: RegistryDriver;
  readonly users: Set<User>;
  readonly problems: readonly NetworkProblem[];
  close(): void;
}

const shared = new Map<string, SharedRegistry>();

/** @throws `CONFIG_INVALID` for an interface that does not exist */
export function openRegistry({ interfaces, onProblem }: RegistryOptions): Registry {
  const key = JSON.stringify([...new Set(interfaces)].toSorted());
  const found = shared.get(key) ?? openShared(interfaces, () => shared.delete(key));
  shared.set(key, found);
  return shareOf(found, { onProblem });
}

function openShared(interfaces: readonly string[], onClosed: () => void): SharedRegistry {
  const users = new Set<User>();
  const problems: NetworkProblem[] = [];
  const driver = driveRegistry({
    interfaces,
    onProblem: (problem) => {
      problems.push(problem);
      for (const { onProblem } of users) onProblem?.(problem);
    },
  });
  const close = (): void => {
    driver.close();
    onClosed();
  };
  return { driver, users, problems, close };
}

function shareOf({ driver, users, problems, close }: SharedRegistry, user: User): Registry {
  const { network } = driver;
  const subscriptions = new Set<Subscription>();
  const noted = (added: Subscription): Subscription => {
    subscriptions.add(added);
    return added;
  };
  users.add(user);
  queueMicrotask(() => {
    for (const problem of users.has(user) ? problems : []) user.onProblem?.(problem);
  });
  return {
    snapshot: () => driver.heardSince(-Infinity),
    watch: (who, onChange) =>
      noted(who === 'all' ? watchAll(driver, onChange) : watchOne(driver, who, onChange)),
    listen: (onChange) => noted(subscribe(driver, { onChange, sinceMs: performance.now() })),
    ask: (who) => {
      if (who === 'all') {
        driver.setAgenda(askForAll(driver.state().agenda, performance.now()));
        return driver.step();
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
}

function watchAll(driver: RegistryDriver, onChange: () => void): Subscription {
  const { agenda, sinceMs } = withListener(driver.state().agenda, performance.now());
  driver.setAgenda(agenda);
  driver.network.listen();
  const onClose = (): void => driver.setAgenda(withoutListener(driver.state().agenda));
  return subscribe(driver, { onChange, sinceMs, onClose });
}

let lastId = 0;

function watchOne(driver: RegistryDriver, ref: DeviceRef, onChange: () => void): Subscription {
  const nowMs = performance.now();
  const id = (lastId += 1);
  const names = ref.hosts.flatMap((host) => mdnsNameOf(host) ?? []);
  const named = names.reduce((agenda, name) => withName(agenda, { id, name, nowMs }), driver.state().agenda);
  driver.setAgenda(named);
  const onClose = (): void => driver.setAgenda(withoutName(driver.state().agenda, id));
  return subscribe(driver, { onChange, sinceMs: nowMs, mdnsName: names[0], onClose });
}

interface SubscriptionOptions {
  readonly onChange: () => void;
  readonly sinceMs: number;
  /** Of the device that it is about; absent: it is about all. */
  readonly mdnsName?: string | undefined;
  readonly onClose?: () => void;
}

function subscribe(driver: RegistryDriver, options: SubscriptionOptions): Subscription {
  const { onChange, sinceMs, mdnsName, onClose } = options;
  const remove = driver.listeners.add({
    onChange,
    key: mdnsName === undefined ? undefined : folded(mdnsName),
  });
  driver.step();
  let isClosed = false;
  return {
    announcements: () => driver.heardSince(sinceMs),
    sighting: () => {
      if (mdnsName === undefined) return { type: 'nothing' };
      const { own } = driver.network.here();
      return sightingOf(driver.state().sightings, { mdnsName, sinceMs, own });
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      remove();
      onClose?.();
    },
  };
}
