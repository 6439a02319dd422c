/** What the two reducers of a watch (`session.ts`, and `machine.ts` in it) know, hear, and want done. */

import type { OtaError } from '../model/errors.ts';
import type { ImageKind } from '../model/types.ts';
import type { Disturbances, Written } from './disturbances.ts';
import type { Batch } from './settle.ts';

export type Phase = 'watching' | 'settling' | 'building' | 'deploying';

/** Why there is a run. */
export type RunCause = 'start' | 'change' | 'asked' | 'device' | 'image' | 'configuration' | 'devices';

/** One run that is to be. */
export interface Work {
  readonly kind: ImageKind;
  readonly cause: RunCause;
  /** Files that changed; none where it was not a change. */
  readonly paths: readonly string[];
  /** Push also what the device has already. */
  readonly force: boolean;
  /** Make the image, and leave the devices alone. */
  readonly buildOnly: boolean;
}

/** The one that is on. */
export interface ActiveRun {
  readonly work: Work;
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
  /** The devices that have not got the newest of a kind, and may get it as soon as they are back. */
  readonly owed: Readonly<Record<ImageKind, readonly string[]>>;
  /** The configuration has changed, and is not read yet: no run begins by the old one. */
  readonly isReading: boolean;
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
  /** The configuration changed; until `configuration-read`, whatever comes of it. */
  | { readonly type: 'configuration-due' }
  | { readonly type: 'configuration-read' }
  | RunEnded
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' };

export interface RunEnded {
  readonly type: 'run-ended';
  /** A new configuration put an end to it: what it was for is still to be done. */
  readonly isGivenUp: boolean;
  /** Devices for which it is decided: they have the image, or will not get it by trying again. */
  readonly settled: readonly string[];
  /** Those for which it may go well as soon as they are back. */
  readonly missed: readonly string[];
}

export type WatchCommand =
  | { readonly type: 'run'; readonly work: Work }
  /** The builds of the run are to end, with all their processes. */
  | { readonly type: 'stop-builds' }
  /** They have ended, and may start again. */
  | { readonly type: 'build-again'; readonly work: Work }
  /** The file system changed, and is not to be pushed. */
  | { readonly type: 'leave-alone'; readonly paths: readonly string[] }
  /** Until the next run: tell when one of these is here again. `atOnce`: it may be so already. */
  | { readonly type: 'await-devices'; readonly names: readonly string[]; readonly atOnce: boolean }
  /** Every build writes these: they count no more while one runs. */
  | { readonly type: 'products-found'; readonly paths: readonly string[] }
  /** Ask again at that time, and no more at another. */
  | { readonly type: 'wake'; readonly atMs: number };

export type SessionInput =
  | Exclude<WatchInput, RunEnded | { readonly type: 'wanted' | 'build-ended' }>
  /** Everything is watched. */
  | ({ readonly type: 'started' } & OutsideState)
  | (Pick<Extract<WatchInput, { type: 'build-ended' }>, 'type' | 'how'> &
      Pick<OutsideState, 'isImagePending'>)
  | (Omit<RunEnded, 'isGivenUp'> &
      Pick<OutsideState, 'isImagePending'> & {
        readonly ok: boolean;
        readonly exitCode: number;
        /** A device was tried, or no save can change what is in the way. */
        readonly isFinal: boolean;
      })
  /** Somebody else has built, or is building. */
  | { readonly type: 'image-written' }
  /** The project will be another one: what runs is for the old one. */
  | { readonly type: 'project-replaced' }
  /** The project was read again. `paths`: files that say how it is built, and have changed. */
  | { readonly type: 'project-read'; readonly isOther: boolean; readonly paths: readonly string[] }
  | { readonly type: 'idle-reported'; readonly exitCode: number }
  // A person at the keyboard:
  | { readonly type: 'asked'; readonly force: boolean; readonly buildOnly: boolean }
  | { readonly type: 'devices-chosen'; readonly names: readonly string[] }
  | { readonly type: 'quit' }
  /** Ctrl-C, or a signal. */
  | { readonly type: 'interrupted'; readonly error: OtaError };

/** Of the images that somebody else builds. */
interface OutsideState {
  readonly isAnyImage: boolean;
  /** One was written since it was taken. */
  readonly isImagePending: boolean;
}

export type SessionAction =
  | Exclude<WatchCommand, { readonly type: 'wake' }>
  /** Abort the run under way. */
  | { readonly type: 'give-up-run'; readonly reason: OtaError }
  /** Say how devices that were not reached will get the image. */
  | { readonly type: 'report-missed'; readonly names: readonly string[] }
  /** Read the project again. */
  | { readonly type: 'reload' }
  | { readonly type: 'inform'; readonly message: string }
  /** As a run that failed by this; `idle-reported` follows. */
  | { readonly type: 'report-idle'; readonly error: OtaError }
  /** Abort everything, for good. */
  | { readonly type: 'end'; readonly reason: OtaError | undefined };

/** What the session cannot know by itself, as it is at the time of an input. */
export interface SessionFacts {
  readonly nowMs: number;
  readonly rules: WatchRules;
  /** What a person means without saying more. */
  readonly kind: ImageKind;
}
