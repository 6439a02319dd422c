/** What the state machine of a watch (`watch.ts`) knows, hears, and wants done. */

import type { ImageKind } from '../types.ts';
import type { Disturbances, Written } from './disturbances.ts';
import type { Batch } from './settle.ts';

export type Phase = 'watching' | 'settling' | 'building' | 'deploying';

/** Why there is a run. */
export type Cause = 'start' | 'change' | 'asked' | 'device' | 'image' | 'configuration' | 'devices';

/** One run that is to be. */
export interface Work {
  readonly kind: ImageKind;
  readonly cause: Cause;
  /** Files that changed; none where it was not a change. */
  readonly paths: readonly string[];
  /** Push also what the device has already. */
  readonly force: boolean;
  /** Make the image, and leave the devices alone. */
  readonly buildOnly: boolean;
}

/** The one that is on. */
export interface ActiveRun {
  readonly kind: ImageKind;
  readonly buildOnly: boolean;
  /** Images that are being made, and those that are. */
  readonly building: number;
  readonly made: number;
  /** The builds were told to end, as they would give an image of old files. */
  readonly isStopping: boolean;
}

export interface WatchState {
  readonly isPaused: boolean;
  /** What the next runs are for, by kind. */
  readonly pending: Readonly<Partial<Record<ImageKind, Work>>>;
  /** A build for its own sake, whatever is pending. */
  readonly wantedBuild: Work | undefined;
  /** Of the pending changes; absent where they need not settle. */
  readonly batch: Batch | undefined;
  readonly run: ActiveRun | undefined;
  /** What a device that could not be reached has not got. */
  readonly owed: readonly ImageKind[];
  readonly falseStarts: { readonly count: number; readonly lastAtMs: number };
  readonly disturbances: Disturbances;
}

export interface WatchRules {
  /** Whether a changed file system goes to the device: it overwrites what the device has stored there. */
  readonly filesystem: 'never' | 'on-change';
  /** Whether a build can be stopped: not that of somebody else. */
  readonly stopsBuilds: boolean;
}

export type WatchInput =
  | ({ readonly type: 'changed'; readonly kind: ImageKind } & Written)
  /** Without a change: `work` is to be done as soon as it can be. */
  | { readonly type: 'wanted'; readonly work: Work }
  /** Something that a device was missing from has come back. */
  | { readonly type: 'device-seen' }
  | { readonly type: 'time' }
  | { readonly type: 'build-started' }
  | { readonly type: 'build-ended'; readonly how: 'made' | 'failed' | 'stopped' }
  /** `isOwed`: it may go well as soon as the device is back. */
  | { readonly type: 'run-ended'; readonly kind: ImageKind; readonly isOwed: boolean }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' };

export type WatchCommand =
  | { readonly type: 'run'; readonly work: Work }
  /** The builds of the run are to end, with all their processes. */
  | { readonly type: 'stop-builds' }
  /** They have ended, and may start again. */
  | { readonly type: 'build-again'; readonly work: Work }
  /** The file system changed, and is not to be pushed. */
  | { readonly type: 'leave-alone'; readonly paths: readonly string[] }
  /** Every build writes these: they count no more while one runs. */
  | { readonly type: 'products-found'; readonly paths: readonly string[] }
  /** Ask again at that time, and no more at another. */
  | { readonly type: 'wake'; readonly atMs: number };
