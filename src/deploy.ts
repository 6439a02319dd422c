/**
 * THE flow: one image to one device, read top to bottom.
 *
 *   locate ──▶ (the image is there) ──▶ check ──▶ lock ──▶ prepare ──▶ send ──▶ verify ──▶ deployed
 *      │                │                 │         │          │         │
 *      └────────────────┴─────────────────┴─────────┴──────────┴─────────┴──▶ failed, with the stage and the reason
 *
 * Locating runs beside the build; nothing is sent to the device before the image is whole and checked.
 */

import { hostAddressFor, locate, type Located } from './discover/index.ts';
import type { Engine } from './engine.ts';
import { OtaError, type ErrorCode } from './errors.ts';
import type { Stage, Tell } from './events.ts';
import { failedEvent } from './failure.ts';
import { lockDevice, type Lock } from './lock.ts';
import { checkFits, checkTarget, type PartitionTable } from './image/index.ts';
import { thousands } from './numbers.ts';
import {
  defaultPorts,
  platforms,
  type Device,
  type Image,
  type Platform,
  type Receipt,
  type Target,
} from './types.ts';
import { verify } from './verify/index.ts';
import { withoutUndefined } from './without-undefined.ts';

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
  readonly engine: Engine;
  /** Checks that may fail; `all`: every one of them (`--force`). */
  readonly allowed: ReadonlySet<ErrorCode> | 'all';
  /** Everything up to, not including, the invitation. */
  readonly dryRun: boolean;
  readonly timeoutMs?: number | undefined;
  /** How long the device may answer nothing at all. Default: the engine's own. */
  readonly silenceLimitMs?: number | undefined;
}

export type Outcome =
  | { readonly type: 'deployed'; readonly receipt: Receipt }
  | { readonly type: 'skipped'; readonly reason: string }
  | { readonly type: 'failed'; readonly stage: Stage; readonly error: OtaError };

/**
 * Deploys one image to one device and tells how it ended. An `OtaError` becomes the outcome; anything else is a mistake
 * in otarc and is thrown. `coming` may still be in the making, and may reject with what its build or its read met.
 */
export async function deploy(
  ready: ReadyDevice,
  coming: Promise<ReadyImage>,
  options: DeployOptions,
): Promise<Outcome> {
  const { tell, signal } = options;
  const { device } = ready;
  let stage: Stage = 'build';
  const looking = new AbortController();
  try {
    const early = locateEarly(device, { tell, signal: AbortSignal.any([signal, looking.signal]) });
    const { image, partitions } = await coming;
    stage = 'locate';
    const located = await early();
    const target = await targetOf({ device, located, image });
    tell({
      type: 'device-located',
      name: device.host,
      address: target.address,
      port: target.port,
      via: target.via,
    });
    stage = 'image';
    check({ image, device, target, partitions: ready.partitions ?? partitions, options });
    stage = 'push';
    if (options.dryRun) {
      await (await options.engine.prepare(target, { tell, signal })).close();
      return skip(wouldPush(image, target), tell);
    }
    const lock = await lockTarget(target, options);
    try {
      if (lock.pushedMeanwhile === image.md5 && options.allowed !== 'all') {
        return skip('another otarc has pushed this very image in the meantime', tell);
      }
      const receipt = await push(image, target, options);
      lock.release(image.md5);
      tell({ type: 'rebooting' });
      stage = 'verify';
      tell(verify());
      return { type: 'deployed', receipt };
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof OtaError)) throw error;
    if (stage === 'build' && error.code.startsWith('IMAGE_')) stage = 'image';
    tell(failedEvent(error, stage));
    return { type: 'failed', stage, error };
  } finally {
    looking.abort();
  }
}

async function push(image: Image, target: Target, options: DeployOptions): Promise<Receipt> {
  const { tell, signal, engine, timeoutMs, silenceLimitMs } = options;
  const session = await engine.prepare(target, { tell, signal });
  try {
    return await session.send(image, { signal, timeoutMs, silenceLimitMs });
  } finally {
    await session.close();
  }
}

/** Another otarc may be at this device: a hook, a watch in another terminal. */
function lockTarget(
  { name, address, port }: Target,
  { tell, signal, timeoutMs }: DeployOptions,
): Promise<Lock> {
  return lockDevice({
    name,
    address,
    port,
    signal,
    waitMs: timeoutMs,
    onWait: ({ pid }) => {
      const who = pid === undefined ? 'another otarc' : `another otarc (process ${pid})`;
      tell({ type: 'log', level: 'info', message: `waiting for ${who}, which is updating this device` });
    },
  });
}

/**
 * Starts looking for the device at once. What comes back gives the answer when the image is there; a device that was not
 * found while the build still ran is looked for once more, as it may have come back in between.
 */
function locateEarly(
  device: Device,
  { signal, tell }: Pick<DeployOptions, 'signal' | 'tell'>,
): () => Promise<Located> {
  const look = (): Promise<Located> => locate(device, { signal, tell });
  let settledEarly = false;
  const first = look().then(
    (located) => ({ ok: true as const, located }),
    (error: unknown) => {
      settledEarly = true;
      return { ok: false as const, error };
    },
  );
  return async () => {
    const again = settledEarly && !signal.aborted;
    const found = await first;
    if (found.ok) return found.located;
    if (again && found.error instanceof OtaError && found.error.code === 'NAME_NOT_RESOLVED') return look();
    throw found.error;
  };
}

async function targetOf(parts: { device: Device; located: Located; image: Image }): Promise<Target> {
  const { device, located, image } = parts;
  const platform = device.platform ?? located.platform;
  const port = located.port ?? portFor(platform ?? image.platform);
  if (port === undefined) {
    throw new OtaError('USAGE', `${device.name}: neither the image nor the device says which port to use.`, {
      hint: 'Say --platform esp8266, esp32 or rp2040, or the --port; in .otarc: `platform:` or `port:`.',
    });
  }
  const { hostAddress: wanted, hostPort, interfaces, credential, acceptFrom, name } = device;
  const hostAddress =
    wanted === undefined && interfaces.length === 0
      ? undefined
      : await hostAddressFor(located.address, { interfaces, hostAddress: wanted });
  const { address, via } = located;
  return withoutUndefined({
    name,
    address,
    port,
    via,
    credential,
    acceptFrom,
    platform,
    hostAddress,
    hostPort,
  });
}

interface Checked {
  readonly image: Image;
  readonly device: Device;
  readonly target: Target;
  readonly partitions: PartitionTable | undefined;
  readonly options: DeployOptions;
}

/** Whatever can be known to be wrong before the device is disturbed. */
function check({ image, device, target, partitions, options }: Checked): void {
  pass(() => checkTarget(image, { platform: target.platform }), options);
  pass(() => checkKnownChip(image, device, target), options);
  if (partitions !== undefined) pass(() => checkFits(image, partitions), options);
}

/**
 * Where nothing says what the device is, its port is a hint: a port that is another core's default asks the question
 * once. For an ESP32 image any other port does: an ESP8266 takes it, as first byte and size nibble fit, and would copy it
 * over its boot sector.
 */
function checkKnownChip(image: Image, device: Device, target: Target): void {
  if (image.platform === undefined || target.platform !== undefined) return;
  const usual = platforms.find((platform) => defaultPorts[platform] === target.port);
  if (usual === image.platform || (usual === undefined && image.platform !== 'esp32')) return;
  const name = image.platform.toUpperCase();
  throw new OtaError(
    'IMAGE_WRONG_CHIP',
    `The image is for an ${name}, and nothing tells whether ${device.name} at port ${target.port} is one.`,
    {
      hint: `If it is, say --platform ${image.platform}, or \`platform: ${image.platform}\` in .otarc. Another chip may not survive this image.`,
      details: { imagePlatform: image.platform, port: target.port },
    },
  );
}

function pass(run: () => void, { allowed, tell }: DeployOptions): void {
  try {
    run();
  } catch (error) {
    const mayPass = error instanceof OtaError && (allowed === 'all' || allowed.has(error.code));
    if (!mayPass) throw error;
    tell({ type: 'log', level: 'warn', message: `${error.code} was allowed: ${error.message}` });
  }
}

function wouldPush({ sizeBytes, kind, chip, platform }: Image, { address, port }: Target): string {
  const what = kind === 'filesystem' ? 'file system' : `${chip ?? platform ?? ''} firmware`.trim();
  return `dry run: would push ${thousands(sizeBytes)} bytes of ${what} to ${address} port ${port}; nothing was sent`;
}

function skip(reason: string, tell: Tell): Outcome {
  tell({ type: 'skipped', reason });
  return { type: 'skipped', reason };
}

function portFor(platform: Platform | undefined): number | undefined {
  return platform === undefined ? undefined : defaultPorts[platform];
}
