/** The registry's sockets and timers, around its state. */

import type { Announcement } from '../model/announcement.ts';
import { type Agenda, askAnew } from './agenda.ts';
import { followNetwork, type Network, type NetworkProblem } from './follow-network.ts';
import { devicesIn } from './found-devices.ts';
import {
  nothingHeard,
  type RegistryState,
  stepAfterHeardMs,
  stepOf,
  withAgenda,
  withHeard,
} from './registry-state.ts';
import { nothingSeen, type Sightings } from './sightings.ts';
import { changedBetween, since } from './views.ts';

export interface RegistryDriver {
  readonly network: Pick<Network, 'askAt' | 'here' | 'isAskable' | 'listen'>;
  state(): RegistryState;
  /** What is asked from now on; `step` asks what of it is due. */
  setAgenda(agenda: Agenda): void;
  /** In this turn, together with what others want to know by then. */
  step(): void;
  /** All devices, as far as they were heard since then. */
  heardSince(sinceMs: number): readonly Announcement[];
  listeners: Pick<Listeners, 'add'>;
  close(): void;
}

export interface RegistryDriverOptions {
  readonly interfaces: readonly string[];
  readonly onProblem: (problem: NetworkProblem) => void;
}

/** @throws `CONFIG_INVALID` for an interface that does not exist */
export function driveRegistry({ interfaces, onProblem }: RegistryDriverOptions): RegistryDriver {
  const listeners = createListeners();
  let state = nothingHeard;
  let lists = new Map<number, readonly Announcement[]>();

  const setState = (next: RegistryState): void => {
    const isSame = next.sightings === state.sightings;
    state = next;
    if (isSame) return;
    lists = new Map();
    listeners.show(next.sightings);
  };
  const step = (): void => {
    const { state: next, packets, listens, nextAtMs } = stepOf(state, performance.now());
    // First: who hears of a problem while packets go out may ask for more.
    setState(next);
    for (const packet of packets) {
      if (packet.type === 'others') network.askForOthers(packet.known);
      else network.ask(packet.questions, packet.way);
    }
    if (listens) network.listen();
    alarm.setTo(nextAtMs);
  };
  const alarm = createAlarm(step);
  const network = followNetwork({
    interfaces,
    onRecords: (records, source) => {
      const { own } = network.here();
      const next = withHeard(state, { records, source, nowMs: performance.now(), own });
      if (next === state) return;
      setState(next);
      alarm.setTo(stepAfterHeardMs(state));
    },
    onProblem,
    onChange: () => {
      setState(withAgenda(state, askAnew(state.agenda, performance.now())));
      alarm.setTo(performance.now());
    },
  });

  return {
    network,
    listeners,
    state: () => state,
    setAgenda: (agenda) => setState(withAgenda(state, agenda)),
    step: () => alarm.setTo(performance.now()),
    heardSince: (sinceMs) => {
      const known = lists.get(sinceMs) ?? devicesIn(since(state.sightings, sinceMs), network.here());
      lists.set(sinceMs, known);
      return known;
    },
    close: () => {
      alarm.close();
      listeners.close();
      network.close();
    },
  };
}

const longestTimerMs = 2 ** 31 - 1;

interface Alarm {
  setTo(atMs: number): void;
  close(): void;
}

/** Goes off once, at the earliest of the times that it was set to since it last did. */
function createAlarm(onDue: () => void): Alarm {
  let earliestMs = Infinity;
  let timer: NodeJS.Timeout | undefined;
  let atOnce: NodeJS.Immediate | undefined;
  const clear = (): void => {
    clearTimeout(timer);
    clearImmediate(atOnce);
  };
  const goOff = (): void => {
    earliestMs = Infinity;
    onDue();
  };
  return {
    setTo(atMs) {
      if (atMs >= earliestMs) return;
      clear();
      earliestMs = atMs;
      const waitMs = Math.ceil(atMs - performance.now());
      // Whoever else begins now is asked for in the same packet.
      if (waitMs <= 0) atOnce = setImmediate(goOff);
      else timer = setTimeout(goOff, Math.min(waitMs, longestTimerMs));
    },
    close() {
      clear();
      // Nothing is earlier.
      earliestMs = -Infinity;
    },
  };
}

interface Listener {
  /** Of the name that it is about, folded; undefined: about everybody. */
  readonly key: string | undefined;
  readonly onChange: () => void;
}

interface Listeners {
  /** Returns what removes it again. */
  add(listener: Listener): () => void;
  /** What is known now; whoever it concerns is called in a moment. */
  show(sightings: Sightings): void;
  close(): void;
}

function createListeners(): Listeners {
  const listeners = new Set<Listener>();
  /** As the listeners know it. */
  let shown = nothingSeen;
  let latest = nothingSeen;
  let turn: NodeJS.Immediate | undefined;
  const callAll = (): void => {
    turn = undefined;
    const before = shown;
    shown = latest;
    let names: ReadonlySet<string> | undefined;
    for (const { key, onChange } of listeners) {
      if (key !== undefined) names ??= changedBetween(before, shown);
      if (key === undefined || names?.has(key) === true) onChange();
    }
  };
  return {
    add(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    show(sightings) {
      latest = sightings;
      // Packets that came together are looked at together.
      turn ??= setImmediate(callAll);
    },
    close: () => clearImmediate(turn),
  };
}
