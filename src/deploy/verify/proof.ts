/** One way in which a device may prove which sketch it runs. `announce.ts`, `http.ts`, `command.ts` and `return.ts` have them. */

import type { Announcement } from '../../model/announcement.ts';
import type { LogLevel, Tell } from '../../model/events.ts';
import type { Device, Image, Target } from '../../model/types.ts';
import type { ProofMethod, Verification } from '../../model/verification.ts';

/** What was known of the device before the first byte of the image. */
export interface BeforePush {
  /** Its own, from mDNS; absent where it was not heard. */
  readonly announcement?: Announcement;
  /** Sum of the sketch that ran: lower-case hex, 32 digits. */
  readonly md5?: string;
  /** Of that boot: lower-case hex, 8 digits. */
  readonly run?: string;
  /** Reset reason of that boot, fit for a terminal. */
  readonly boot?: string;
  /** Its whole text was heard, and says nothing of its sketch. */
  readonly isSilent?: true;
}

export interface ProofContext {
  readonly device: Device;
  readonly target: Target;
  readonly image: Image;
  readonly before: BeforePush;
  /** When the device had accepted the image, by `performance.now()`: times in a `Verification` count from here. */
  readonly acceptedAtMs: number;
  /** From `acceptedAtMs`. */
  readonly timeoutMs: number;
  /** Whether the device was given an image of this sum (lower-case hex) earlier. */
  knowsSum(md5: string): boolean;
  /** Where the device is now: another address than the target's where it came back at one. */
  address(): string;
  /** Whether it has announced itself since, as only a device does that runs. Absent where nobody can listen. */
  readonly isBack?: (() => boolean) | undefined;
  /** `debug` is shown with `-v`. */
  log(level: LogLevel, message: string): void;
}

export interface Proof {
  readonly name: ProofMethod;
  /** Whether the device can give this proof, as far as is known before the push. */
  offered(before: BeforePush): boolean;
  /**
   * Starts to look what the sketch from before says, as soon as image and target are known. Waits for nothing.
   *
   * @throws `CONFIG_INVALID` where what is configured has no meaning for this image
   */
  look?(place: Pick<ProofContext, 'device' | 'target' | 'image'>, signal: AbortSignal): void;
  /**
   * Resolves with what came of it, at the latest `timeoutMs` after the image was accepted: what a device can do wrong is a
   * `Verification`, not an error.
   *
   * @throws `CANCELLED` (`cancelled(signal)`) when aborted
   */
  wait(context: ProofContext, signal: AbortSignal): Promise<Verification>;
}

/** The device has taken the image. */
export interface Accepted {
  readonly device: Device;
  readonly target: Target;
  readonly image: Image;
  /** By `performance.now()`. */
  readonly acceptedAtMs: number;
  readonly knowsSum: (md5: string) => boolean;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}
