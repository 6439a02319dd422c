/**
 * THE flow: one image to one device, read top to bottom.
 *
 *   locate, prepare ──▶ (the image is there) ──▶ check ──▶ lock ──▶ send ──▶ verify ──▶ deployed
 *          │                    │                 │         │        │
 *          └────────────────────┴─────────────────┴─────────┴────────┴──▶ failed, with the stage and the reason
 *
 * Locating and preparing run beside the build (`prepare.ts`); nothing is sent to the device before the image is whole and
 * checked.
 */

import type { LastSeen } from '../network/last-seen.ts';
import { defaultLimitMs, startDeadline, type Deadline } from './deadline.ts';
import { prepare, type Preparation } from './prepare.ts';
import type { Engine, Session } from '../engines/engine.ts';
import { engineOf } from '../engines/index.ts';
import { OtaError, type ErrorCode } from '../model/errors.ts';
import type { EventBody, Stage, Tell } from '../model/events.ts';
import type { ExplainOptions } from '../diagnose/explain.ts';
import { failedEvent } from '../model/failure.ts';
import { holderText, lockDevice, longestLockWaitMs, type Lock } from './lock.ts';
import { refuseByFirst, type PartitionTable } from '../image/index.ts';
import type { PushNotes } from './history/record.ts';
import { preflight } from './preflight.ts';
import { thousands } from '../model/numbers.ts';
import type { Device, Image, Platform, Receipt, Target } from '../model/types.ts';
import type { Verification } from '../model/verification.ts';
import { startProving, type ProvingOptions, type VerifyWish } from './verify/proving.ts';
import { proofVerdictOf } from './verify/verdict.ts';

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

/**
 * Deploys one image to one device and tells how it ended. An `OtaError` becomes the outcome; anything else is a mistake
 * in otarc and is thrown. `coming` may still be in the making, and may reject with what its build or its read met.
 */
export async function deploy(
  ready: ReadyDevice,
  coming: Promise<ReadyImage>,
  options: DeployOptions,
): Promise<Outcome> {
  const { tell } = options;
  const { device } = ready;
  let stage: Stage = 'build';
  let image: Image | undefined;
  let target: Target | undefined;
  let { partitions } = ready;
  const engine = options.engine ?? (await engineOf(device));
  const proving = startProving(device, { ...options.proofEnv, wish: options.verify });
  const tellAll: Tell = (event) => {
    tell(event);
    if (event.type === 'progress' && target !== undefined) proving.taking(target);
  };
  const preparation = prepare(device, { ...options, engine, tell: tellAll });
  let verification: Verification | undefined;
  let deadline: Deadline | undefined;
  try {
    const made = await coming;
    image = made.image;
    partitions ??= made.partitions;
    stage = 'locate';
    // A device that sleeps is waited for beside the deadline.
    if (options.whenSeenMs !== undefined) await preparation.target(image);
    deadline = startDeadline({
      name: device.name,
      limitMs: options.timeoutMs ?? defaultLimitMs(image),
      signal: options.signal,
    });
    deadline.waitsFor('device');
    // The search has the same limit, and an error that says more.
    target = await preparation.target(image, deadline);
    tell(located(device, target));
    stage = 'image';
    check({ image, device, target, partitions, options, engine });
    const unneeded = await reasonToSkip({ image, device, target, options, signal: deadline.signal });
    if (unneeded !== undefined) return skip(unneeded, tell);
    stage = 'push';
    if (options.dryRun) {
      await (await preparation.session(target)).close();
      return skip(wouldPush(image, target), tell);
    }
    await proving.look({ image, target });
    const { lock, target: current } = await lockCurrent(target, { image, preparation, options, deadline });
    const isElsewhere = current !== target;
    try {
      if (isElsewhere) {
        target = current;
        tell(located(device, target));
        check({ image, device, target, partitions, options, engine });
      }
      if (isPushedMeanwhile(lock, { image, target, options })) {
        return skip('another otarc has pushed this very image in the meantime', tell);
      }
      deadline.waitsFor(undefined);
      // What it said before that wait may be of a sketch that runs no longer, or of another place.
      if (lock.waitedSinceMs !== undefined || isElsewhere) await proving.look({ image, target });
      const receipt = await push(image, await preparation.session(target), {
        ...options,
        signal: deadline.signal,
      });
      const acceptedAtMs = performance.now();
      // The push is over; proof has a limit of its own.
      deadline.close();
      tell({ type: 'rebooting' });
      stage = 'verify';
      const knowsSum = (md5: string): boolean => options.knowsSum?.(device, md5) === true;
      const { signal } = options;
      verification = await proving.wait({ device, target, image, acceptedAtMs, knowsSum, tell, signal });
      options.note?.({ verification, offersProof: proving.isOffered() });
      const { isAskedFor } = proving;
      const verdict = proofVerdictOf(verification, { name: device.name, isAskedFor });
      if (verdict.type === 'failed') throw verdict.error;
      // Until here no other otarc pushes, which would disturb the proof. The history has the verdict when it does.
      const { event } = verdict;
      tell(event.type === 'verified' && options.isRollback === true ? { ...event, isRollback: true } : event);
      lock.release();
      return { type: 'deployed', receipt, verification };
    } finally {
      lock.release();
    }
  } catch (thrown) {
    if (!(thrown instanceof OtaError)) throw thrown;
    if (stage === 'build' && thrown.code.startsWith('IMAGE_')) stage = 'image';
    const longestMs = options.returnMs;
    const error = await explained(thrown, {
      ...options,
      device,
      target,
      image,
      partitions,
      longestMs,
    });
    tell(failedEvent(error, stage));
    return { type: 'failed', stage, error, ...(verification === undefined ? {} : { verification }) };
  } finally {
    deadline?.close();
    proving.close();
    await preparation.close();
  }
}

/** Loaded only now: a push that goes well does not pay for it. */
async function explained(thrown: OtaError, options: ExplainOptions): Promise<OtaError> {
  try {
    const { explain } = await import('../diagnose/explain.ts');
    return await explain(thrown, options);
  } catch {
    // An otarc that was updated while this one watches has other files. What happened is worth more than why.
    return thrown;
  }
}

async function push(image: Image, session: Session, options: DeployOptions): Promise<Receipt> {
  const { signal, silenceLimitMs } = options;
  try {
    return await session.send(image, { signal, silenceLimitMs });
  } finally {
    await session.close();
  }
}

interface Locking {
  readonly image: Image;
  readonly preparation: Preparation;
  readonly options: DeployOptions;
  readonly deadline: Deadline;
}

/** The lock of the place where the device is once nothing more is waited for: it may have got another address meanwhile. */
async function lockCurrent(
  target: Target,
  locking: Locking,
): Promise<{ readonly lock: Lock; readonly target: Target }> {
  const { image, preparation, options, deadline } = locking;
  deadline.waitsFor('other-otarc');
  const lock = await lockTarget(target, options, deadline);
  try {
    if (isPushedMeanwhile(lock, { image, target, options })) return { lock, target };
    deadline.waitsFor('device');
    const current = await preparation.current(target, image, deadline);
    if (current.address === target.address && current.port === target.port) return { lock, target };
    lock.release();
    return await lockCurrent(current, locking);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The device's own word first; what is remembered counts where it says nothing. */
async function reasonToSkip(
  asked: Pick<Checked, 'image' | 'device' | 'target' | 'options'> & { readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { image, device, options } = asked;
  let runsAnother = false;
  // What the espota command's user calls ends with the verdict of the device.
  if (options.allowed !== 'all' && device.wording !== 'espota' && options.asksWhatRuns?.(device) === true) {
    const { askWhetherRuns } = await import('./already-runs.ts');
    const said = await askWhetherRuns(asked);
    if (said === 'this-image') {
      options.note?.({ offersProof: true });
      return 'it runs this very image already (it says so itself)';
    }
    runsAnother = said === 'another';
  }
  return options.skipReason?.(device, image, runsAnother);
}

/** By the otarc that was waited for: what the history says, not what another process does. */
function isPushedMeanwhile(
  { waitedSinceMs }: Lock,
  { image, target, options }: Pick<Checked, 'image' | 'target' | 'options'>,
): boolean {
  if (waitedSinceMs === undefined || options.allowed === 'all') return false;
  return options.pushedSince?.(target, waitedSinceMs) === image.md5;
}

function located({ host: name }: Device, { address, port, via }: Target): EventBody {
  return { type: 'device-located', name, address, port, via };
}

/** Another otarc may be at this device: a hook, a watch in another terminal. */
function lockTarget(
  { name, address, port }: Target,
  { tell, timeoutMs, signal }: DeployOptions,
  { leftMs }: Deadline,
): Promise<Lock> {
  return lockDevice({
    name,
    address,
    port,
    // Not that of the deadline: what is over then is the wait for the other otarc, and the error names it.
    signal,
    waitMs: timeoutMs === undefined ? Math.min(longestLockWaitMs, leftMs()) : leftMs(),
    onWait: (holder) => {
      const message = `waiting for ${holderText(holder)}, which is updating this device`;
      tell({ type: 'log', level: 'info', message });
    },
  });
}

interface Checked {
  readonly image: Image;
  readonly device: Device;
  readonly target: Target;
  readonly partitions: PartitionTable | undefined;
  readonly options: DeployOptions;
  readonly engine: Engine;
}

/** Whatever can be known to be wrong before the device is disturbed. */
function check({ image, device, target, partitions, options, engine }: Checked): void {
  const { name, wording } = device;
  const findings = (platform?: Platform) =>
    preflight(image, { ...target, ...(platform && { platform }), name, wording }, { engine, partitions });
  // What a chip is, is asked for once: a device that took such an image is one that takes it.
  const isRemembered = (): boolean =>
    target.platform === undefined &&
    image.platform !== undefined &&
    options.tookPlatform?.(device) === image.platform;
  const found = findings();
  refuseByFirst(found.length > 0 && isRemembered() ? findings(image.platform) : found, {
    allowed: options.allowed,
    onPassed: (message) => options.tell({ type: 'log', level: 'warn', message }),
  });
}

function wouldPush({ sizeBytes, kind, chip, platform }: Image, { address, port }: Target): string {
  const what = kind === 'filesystem' ? 'file system' : `${chip ?? platform ?? ''} firmware`.trim();
  return `dry run: would push ${thousands(sizeBytes)} bytes of ${what} to ${address} port ${port}; nothing was sent`;
}

function skip(reason: string, tell: Tell): Outcome {
  tell({ type: 'skipped', reason });
  return { type: 'skipped', reason };
}
