/** Owns what a session (`session.ts`) has no hands for: its state over time, and its one timer. */

import { onSessionInput, sessionWakeAtMs, type WatchSession } from './session.ts';
import type { SessionAction, SessionFacts, SessionInput } from './types.ts';

export interface Clock {
  /** Never goes back. */
  now(): number;
  /** Returns what takes it back. */
  wakeAt(timeMs: number, wake: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wakeAt(timeMs, wake) {
    const timer = setTimeout(wake, Math.ceil(timeMs - performance.now()));
    return () => clearTimeout(timer);
  },
};

/** Everything that is watched and acted on. */
export interface World {
  facts(): Omit<SessionFacts, 'nowMs'>;
  perform(action: SessionAction): void;
  /** After each input. */
  show(session: WatchSession): void;
}

export interface WatchDriver {
  readonly session: WatchSession;
  /** At once, so that what an input is about has not changed when it is acted on. Before `begin` it is kept until then. */
  put(input: SessionInput): void;
  /** With this input, before those that were kept. */
  begin(world: World, first: SessionInput): void;
  /** Ends the timer. */
  close(): void;
}

export function createDriver(start: WatchSession, clock: Clock = systemClock): WatchDriver {
  let session = start;
  let world: World | undefined;
  let early: SessionInput[] = [];
  let alarm = { atMs: Infinity, cancel: (): void => {} };

  const setAlarm = (atMs: number): void => {
    if (atMs === alarm.atMs) return;
    alarm.cancel();
    alarm = { atMs, cancel: atMs === Infinity ? () => {} : clock.wakeAt(atMs, ring) };
  };
  const ring = (): void => {
    alarm = { atMs: Infinity, cancel: () => {} };
    put({ type: 'time' });
  };
  const put = (input: SessionInput): void => {
    if (world === undefined) return void early.push(input);
    const [next, actions] = onSessionInput(session, input, { ...world.facts(), nowMs: clock.now() });
    session = next;
    for (const action of actions) world.perform(action);
    setAlarm(sessionWakeAtMs(session));
    world.show(session);
  };
  return {
    get session() {
      return session;
    },
    put,
    begin(given, first) {
      world = given;
      const inputs = [first, ...early];
      early = [];
      inputs.forEach(put);
    },
    close: () => setAlarm(Infinity),
  };
}
