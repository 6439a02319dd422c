/** What one device's push is given, and how it ends. */

import type { Engine } from '../engines/engine.ts';
import type { PartitionTable } from '../image/index.ts';
import type { ErrorCode, OtaError } from '../model/errors.ts';
import type { Stage, Tell } from '../model/events.ts';
import type { Device, Image, Platform, Receipt, Target } from '../model/types.ts';
import type { Verification } from '../model/verification.ts';
import type { LastSeen } from '../network/last-seen.ts';
import type { PushNotes } from './history/record.ts';
import type { ProvingOptions, VerifyWish } from './verify/proving.ts';

/** A device whose password is at hand, and what of its configuration was read. */
export interface ReadyDevice {
  readonly device: Device;
  /** The device's own, above the build's. */
  readonly partitions?: PartitionTable | undefined;
}

/** An image that was read, and the partition table of the build that made it. */
export interface ReadyImage {
  readonly image: Image;
  readonly partitions?: PartitionTable | undefined;
}

export interface DeployOptions {
  readonly tell: Tell;
  readonly signal: AbortSignal;
  /** In place of the device's own. */
  readonly engine?: Engine | undefined;
  /** Checks that may fail; `all`: every one of them (`--force`). */
  readonly allowed: ReadonlySet<ErrorCode> | 'all';
  /** Everything up to, not including, the invitation. */
  readonly dryRun: boolean;
  /** Whether the device is asked, after the checks, if it runs this image already: it says so itself, as far as is known. */
  readonly asksWhatRuns?: ((device: Device) => boolean) | undefined;
  /**
   * Why the device need not get this image, where it does not say itself that it runs it; undefined: push it.
   * `runsAnother`: it says so itself.
   */
  readonly skipReason?:
    ((device: Device, image: Image, runsAnother: boolean) => string | undefined) | undefined;
  /** One deadline for the whole push of this device. Default: generous, derived from the size. */
  readonly timeoutMs?: number | undefined;
  /** How long the device may answer nothing at all. Default: the engine's own. */
  readonly silenceLimitMs?: number | undefined;
  /** Waits so long for a device that sleeps to announce itself. */
  readonly whenSeenMs?: number | undefined;
  /** How old the place of a device may be at the invitation. Default: 10 s. */
  readonly freshMs?: number | undefined;
  /** How long one search for the name of a device takes at most. Default: 5 s. */
  readonly searchMs?: number | undefined;
  /** Where devices were found last. */
  readonly lastSeen?: LastSeen | undefined;
  /** MD5 of the image that was pushed to this place last, by whomever, since that moment (`Date.now()`). */
  readonly pushedSince?: ((place: Place, sinceMs: number) => string | undefined) | undefined;
  /** What is pushed is an image from before. */
  readonly isRollback?: boolean | undefined;
  /** Told what no event says, for the history. */
  readonly note?: ((notes: PushNotes) => void) | undefined;
  /** How long a device that broke off is listened for, whether it comes back; 0: not at all. Default: as one boots. */
  readonly returnMs?: number | undefined;
  /** Whether and how long to wait for proof, in place of what the device's configuration says. */
  readonly verify?: VerifyWish | undefined;
  /** What a program of the user's that proves it is given. */
  readonly proofEnv?: Pick<ProvingOptions, 'env' | 'secretVariables'> | undefined;
  /** The platform of the image that the device took last; undefined: nothing is remembered. */
  readonly tookPlatform?: ((device: Device) => Platform | undefined) | undefined;
  /** Whether the device was given an image of this sum (lower-case hex) earlier. Default: nothing is remembered. */
  readonly knowsSum?: ((device: Device, md5: string) => boolean) | undefined;
}

type Place = Pick<Target, 'address' | 'port'>;

export type Outcome =
  | { readonly type: 'deployed'; readonly receipt: Receipt; readonly verification: Verification }
  | { readonly type: 'skipped'; readonly reason: string }
  | {
      readonly type: 'failed';
      readonly stage: Stage;
      readonly error: OtaError;
      /** The device took the image, and this became of it. */
      readonly verification?: Verification | undefined;
    };
