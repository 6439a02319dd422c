/**
 * The state machine of `otarc watch`. Pure: what happens comes in with its time, what is to be done comes out.
 *
 *                   change                    calm                    image made
 *    ┌──────────┐            ┌──────────┐             ┌──────────┐              ┌───────────┐
 *    │ watching │ ─────────▶ │ settling │ ──────────▶ │ building │ ───────────▶ │ deploying │
 *    └──────────┘            └──────────┘             └──────────┘              └───────────┘
 *      ▲  ▲  ▲                  ▲    ▲    change: stop   │    │                    │     │ change:
 *      │  │  │                  │    └───────────────────┘    │ failed             │     │ queued
 *      │  │  └──────────────────┼─────────────────────────────┘                    │     ▼
 *      │  └─────────────────────┼──────────────────────────────────────────────────┘  one more
 *      └── paused: what changes │ is kept until it goes on                               │
 *                               └────────────────────────────────────────────────────────┘
 *
 * A run makes its images and deploys them: one kind, all devices that are meant. A change while it builds stops the build,
 * and when the calm has come and the old processes have gone, the build starts again within the same run. A change while it
 * deploys lets it finish; however many there were, one more run follows. Firmware and file system are runs of their own,
 * the file system first. While a changed configuration is read no run begins; what it puts an end to is done again by the new
 * one. What a device has missed is owed until it has it.
 */

import { imageKinds, type ImageKind } from '../model/types.ts';
import {
  buildBegins,
  buildEnds,
  isSuspected,
  noDisturbances,
  noteDisturbance,
  withoutProducts,
  type Written,
} from './disturbances.ts';
import { filesIn, without, withWork } from './pending.ts';
import { dueAtMs, type Batch } from './settle.ts';
import type {
  ActiveRun,
  Phase,
  RunEnded,
  WatchCommand,
  WatchInput,
  WatchRules,
  WatchState,
  Work,
} from './types.ts';

export interface WatchStep {
  readonly state: WatchState;
  readonly commands: readonly WatchCommand[];
}

export const startState: WatchState = {
  isPaused: false,
  pending: {},
  wantedBuild: undefined,
  batch: undefined,
  run: undefined,
  owed: { firmware: [], filesystem: [] },
  isReading: false,
  falseStarts: { count: 0, lastAtMs: -Infinity },
  disturbances: noDisturbances,
};

export function phaseOf({ run, pending, isPaused }: WatchState): Phase {
  if (run !== undefined) {
    if (run.isStopping) return 'settling';
    return run.building > 0 || run.made === 0 || run.work.buildOnly ? 'building' : 'deploying';
  }
  return Object.keys(pending).length > 0 && !isPaused ? 'settling' : 'watching';
}

/** Whether another run follows the one that is on. */
export function isQueued({ run, pending }: WatchState): boolean {
  return run !== undefined && !run.isStopping && Object.keys(pending).length > 0;
}

export function watchStep(
  state: WatchState,
  input: WatchInput,
  at: { nowMs: number; rules: WatchRules },
): WatchStep {
  const { nowMs } = at;
  switch (input.type) {
    case 'changed':
      return changed(state, input, at);
    case 'wanted':
      if (input.work.buildOnly) return proceed({ ...state, wantedBuild: input.work }, at);
      return proceed(
        withOwed({ ...state, pending: withWork(state.pending, input.work), batch: undefined }),
        at,
      );
    case 'device-seen':
      return proceed(withOwed(state), at);
    case 'time':
      return proceed(state, at);
    case 'build-started':
      return { state: buildStarted(state, nowMs), commands: [] };
    case 'build-ended':
      return buildEnded(state, input.how, at);
    case 'configuration-due':
      return { state: { ...state, isReading: true }, commands: [] };
    case 'configuration-read':
      return proceed({ ...state, isReading: false }, at);
    case 'run-ended':
      return runEnded(state, input, at);
    case 'paused':
      return { state: { ...state, isPaused: true }, commands: [] };
    case 'resumed':
      return proceed({ ...state, isPaused: false }, at);
    default:
      return input satisfies never;
  }
}

type Moment = { readonly nowMs: number; readonly rules: WatchRules };

function changed(
  before: WatchState,
  { kind, ...written }: { readonly kind: ImageKind } & Written,
  at: Moment,
): WatchStep {
  const { nowMs, rules } = at;
  const noted = noteDisturbance(before.disturbances, written);
  const paths = withoutProducts(noted.disturbances, written);
  const state = { ...before, disturbances: noted.disturbances };
  const told = noted.found.length === 0 ? [] : [{ type: 'products-found', paths: noted.found } as const];
  if (paths.length === 0) return { state, commands: told };

  const work = { kind, cause: 'change', paths, force: false, buildOnly: false } as const;
  const pending = withWork(state.pending, work);
  const { run } = state;
  const mayStop = run?.work.kind === kind && run.building > 0 && !run.isStopping;
  const stops = mayStop && rules.stopsBuilds && !state.isPaused && !isSuspected(state.disturbances);
  const falseStarts = stops ? oneMore(state.falseStarts, nowMs) : state.falseStarts;
  const batch: Batch = {
    firstAtMs: state.batch?.firstAtMs ?? nowMs,
    lastAtMs: nowMs,
    files: filesIn(pending),
    falseStarts: nowMs - falseStarts.lastAtMs < falseStartWindowMs ? falseStarts.count : 0,
  };
  const next = withOwed({ ...state, pending, batch, falseStarts });
  if (!stops) return after(told, proceed(next, at));
  return after(
    [...told, { type: 'stop-builds' }],
    proceed({ ...next, run: { ...run, isStopping: true } }, at),
  );
}

/** A build that was begun so shortly before a change was begun too early. */
const falseStartWindowMs = 2_000;

function oneMore(falseStarts: WatchState['falseStarts'], nowMs: number): WatchState['falseStarts'] {
  const isNext = nowMs - falseStarts.lastAtMs < falseStartWindowMs;
  return { count: isNext ? falseStarts.count + 1 : 1, lastAtMs: nowMs };
}

function buildStarted(state: WatchState, nowMs: number): WatchState {
  const { run, pending } = state;
  if (run === undefined) return state;
  // What was saved between the start of the run and this moment is in its images.
  const { kind } = run.work;
  const isIncluded = run.building + run.made === 0 && isInImages(pending[kind], run);
  return {
    ...(isIncluded ? without(state, kind) : state),
    disturbances: buildBegins(state.disturbances, nowMs),
    run: { ...run, building: run.building + 1 },
  };
}

/** Whether the build that begins now is all that is wanted, and no other run has to follow. */
function isInImages(wanted: Work | undefined, { made, work }: ActiveRun): boolean {
  // An image of this run that is made already is one of old files, and a build for its own sake deploys nothing.
  return wanted?.cause === 'change' && made === 0 && !work.buildOnly;
}

function buildEnded(state: WatchState, how: 'made' | 'failed' | 'stopped', at: Moment): WatchStep {
  const { run } = state;
  if (run === undefined) return { state, commands: [] };
  const building = run.building - 1;
  const made = run.made + (how === 'made' ? 1 : 0);
  const disturbances = building === 0 ? buildEnds(state.disturbances, at.nowMs) : state.disturbances;
  return proceed({ ...state, disturbances, run: { ...run, building, made } }, at);
}

/** Does what can be done now; the rest when its time has come. */
function proceed(state: WatchState, at: Moment): WatchStep {
  const { run, batch, wantedBuild } = state;
  const works = Object.values(state.pending);
  const isHeld = state.isReading || (state.isPaused && !works.some(({ cause }) => cause === 'asked'));
  if (run === undefined && wantedBuild !== undefined && !state.isReading && (isHeld || works.length === 0)) {
    return begin({ ...state, wantedBuild: undefined }, wantedBuild);
  }
  const isWaiting = run === undefined ? isHeld : !run.isStopping || run.building > 0;
  if (isWaiting || works.length === 0) return { state, commands: [] };
  const dueMs = batch === undefined ? at.nowMs : dueAtMs(batch);
  if (dueMs > at.nowMs) return { state, commands: [{ type: 'wake', atMs: dueMs }] };
  return run === undefined ? startRun(state, at) : buildAgain(state, run);
}

function begin(state: WatchState, work: Work): WatchStep {
  const run: ActiveRun = { work, building: 0, made: 0, isStopping: false };
  return { state: { ...state, run }, commands: [{ type: 'run', work }] };
}

function startRun(state: WatchState, at: Moment): WatchStep {
  const { filesystem, firmware } = state.pending;
  if (filesystem?.cause === 'change' && at.rules.filesystem === 'never') {
    const left = { type: 'leave-alone', paths: filesystem.paths } as const;
    return after([left], proceed(without(state, 'filesystem'), at));
  }
  const work = filesystem ?? firmware;
  if (work === undefined) return { state, commands: [] };
  return begin({ ...without(state, work.kind), batch: undefined, wantedBuild: undefined }, work);
}

function buildAgain(state: WatchState, run: ActiveRun): WatchStep {
  const { kind } = run.work;
  const work = state.pending[kind];
  if (work === undefined) return { state, commands: [] };
  const next = isInImages(work, run) ? without(state, kind) : state;
  return {
    state: { ...next, batch: undefined, run: { ...run, isStopping: false } },
    commands: [{ type: 'build-again', work }],
  };
}

function runEnded(before: WatchState, { isGivenUp, settled, missed }: RunEnded, at: Moment): WatchStep {
  const { run, pending } = before;
  if (run === undefined) return { state: before, commands: [] };
  const { work } = run;
  const others = before.owed[work.kind].filter((name) => !settled.includes(name) && !missed.includes(name));
  const owed = { ...before.owed, [work.kind]: [...others, ...missed] };
  const isBuild = isGivenUp && work.buildOnly;
  const next = proceed(
    {
      ...before,
      run: undefined,
      owed,
      pending: isGivenUp && !isBuild ? withWork(pending, work) : pending,
      wantedBuild: isBuild ? work : before.wantedBuild,
    },
    at,
  );
  const names = [...new Set(Object.values(owed).flat())];
  if (names.length === 0 || next.state.run !== undefined) return next;
  // One that was tried because it is here again, in vain, has to go and come once more.
  const atOnce = work.cause !== 'device' || missed.length === 0;
  return { state: next.state, commands: [...next.commands, { type: 'await-devices', names, atOnce }] };
}

/** What is owed is tried again with the next run; during one, it may be what that run is about. */
function withOwed(state: WatchState): WatchState {
  if (state.run !== undefined) return state;
  let { pending } = state;
  for (const kind of imageKinds) {
    if (state.owed[kind].length === 0 || pending[kind] !== undefined) continue;
    pending = withWork(pending, { kind, cause: 'device', paths: [], force: false, buildOnly: false });
  }
  return { ...state, pending };
}

function after(commands: readonly WatchCommand[], next: WatchStep): WatchStep {
  return { state: next.state, commands: [...commands, ...next.commands] };
}
