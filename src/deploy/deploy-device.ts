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

import { defaultLimitMs, startDeadline, type Deadline } from './deadline.ts';
import { prepare, type Preparation } from './prepare.ts';
import type { Engine, Session } from '../engines/engine.ts';
import { engineOf } from '../engines/index.ts';
import { OtaError } from '../model/errors.ts';
import type { EventBody, Stage, Tell } from '../model/events.ts';
import type { ExplainOptions } from '../diagnose/explain.ts';
import { failedEvent } from '../model/failure.ts';
import { holderText, lockDevice, longestLockWaitMs, type Lock } from './lock.ts';
import { refuseByFirst, type PartitionTable } from '../image/index.ts';
import { preflight } from './preflight.ts';
import { thousands } from '../model/numbers.ts';
import type { Device, Image, Platform, Receipt, Target } from '../model/types.ts';
import type { Verification } from '../model/verification.ts';
import type { DeployOptions, Outcome, ReadyDevice, ReadyImage } from './push-types.ts';
import { startProving } from './verify/proving.ts';
import { proofVerdictOf } from './verify/verdict.ts';

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
      // Until the return no other otarc pushes, which would disturb the proof. The history has the verdict when it does.
      const { event } = verdict;
      tell(event.type === 'verified' && options.isRollback === true ? { ...event, isRollback: true } : event);
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
