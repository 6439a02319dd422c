/** What the next runs of a watch are for, and how several reasons for one become one. Pure. */

import type { ImageKind } from '../model/types.ts';
import type { RunCause, WatchState, Work } from './types.ts';

/** Ten thousand files of another branch are as good a reason as a thousand. */
const mostPaths = 1_000;
/** Of two reasons for one run it has the one that asks for more. */
const weights: Readonly<Record<RunCause, number>> = {
  image: 0,
  change: 1,
  device: 1,
  start: 2,
  configuration: 3,
  devices: 3,
  asked: 4,
};

export function withWork(pending: WatchState['pending'], work: Work): WatchState['pending'] {
  const before = pending[work.kind];
  if (before === undefined) return { ...pending, [work.kind]: work };
  const merged: Work = {
    kind: work.kind,
    cause: weights[work.cause] > weights[before.cause] ? work.cause : before.cause,
    paths: before.paths.length >= mostPaths ? before.paths : [...new Set([...before.paths, ...work.paths])],
    force: before.force || work.force,
    buildOnly: false,
  };
  return { ...pending, [work.kind]: merged };
}

/** How many different files the next runs are for. */
export function filesIn(pending: WatchState['pending']): number {
  return Object.values(pending).reduce((sum, { paths }) => sum + paths.length, 0);
}

/** The work of that kind is taken up, or given up; with the last one, its settling is over. */
export function without(state: WatchState, kind: ImageKind): WatchState {
  const { [kind]: _, ...pending } = state.pending;
  return { ...state, pending, batch: Object.keys(pending).length === 0 ? undefined : state.batch };
}
