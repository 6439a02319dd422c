/** The engine against a virtual device, with everything that was told. */

import { createHash } from 'node:crypto';
import { startDeadline } from '../../src/deploy/deadline.ts';
import { diagnosedFully } from './diagnosed.ts';
import { knownOf } from '../../src/diagnose/known.ts';
import type { SendOptions } from '../../src/engines/engine.ts';
import { OtaError } from '../../src/model/errors.ts';
import { espota } from '../../src/engines/espota/index.ts';
import type { EventBody } from '../../src/model/events.ts';
import { Secret } from '../../src/model/secret.ts';
import type { VirtualDevice, VirtualDeviceOptions } from '../../src/simulator/index.ts';
import type { Credential, Image, Receipt, Target } from '../../src/model/types.ts';

/** No delay that only a real device needs. */
export const fast: Pick<VirtualDeviceOptions, 'flash' | 'timing'> = {
  flash: { msPerSector: 0 },
  timing: { connectDelayMs: 0, verdictDelayMs: 5, closeDelayMs: 5, rebootMs: 5, openFlashMs: 0 },
};

export function imageOf(bytes: Uint8Array, more: Partial<Image> = {}): Image {
  const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
  const digests = { md5: digest('md5'), sha256: digest('sha256') };
  return { path: 'firmware.bin', bytes, sizeBytes: bytes.length, kind: 'firmware', ...digests, ...more };
}

export function targetOf(device: { address: string; port: number }, more: Partial<Target> = {}): Target {
  const { address, port } = device;
  const credential: Credential = { type: 'none' };
  return { name: 'virtual', address, port, via: 'config', credential, acceptFrom: 'device', ...more };
}

export const password = (text: string): Credential => ({ type: 'password', secret: new Secret(text) });
export const passwordHash = (text: string): Credential => ({ type: 'hash', secret: new Secret(text) });

export interface Pushed {
  readonly receipt?: Receipt;
  /** As the engine has thrown it. */
  readonly error?: OtaError;
  /** The same with what the diagnosis makes of it, without a look around. */
  readonly told?: OtaError;
  readonly events: readonly EventBody[];
  readonly tookMs: number;
}

export interface PushOptions extends Partial<SendOptions> {
  readonly target?: Partial<Target>;
  readonly tell?: (event: EventBody) => void;
  /** Of the whole push, as `--timeout` sets it. */
  readonly timeoutMs?: number;
}

/** One push, as `deploy` does it. An `OtaError` is given back, anything else is thrown. */
export async function push(
  device: Pick<VirtualDevice, 'address' | 'port'>,
  image: Image,
  { target, tell, signal: outer = new AbortController().signal, timeoutMs = 600_000 }: PushOptions = {},
): Promise<Pushed> {
  const events: EventBody[] = [];
  const startedAt = performance.now();
  const ended = (end: { receipt: Receipt } | { error: OtaError; told: OtaError }): Pushed => ({
    ...end,
    events,
    tookMs: performance.now() - startedAt,
  });
  const { name } = targetOf(device, target);
  const deadline = startDeadline({ name, limitMs: timeoutMs, signal: outer });
  const { signal } = deadline;
  const context = {
    signal,
    tell: (event: EventBody): void => {
      events.push(event);
      tell?.(event);
    },
  };
  try {
    const session = await espota.prepare(targetOf(device, target), context);
    try {
      return ended({ receipt: await session.send(image, { signal }) });
    } finally {
      deadline.close();
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof OtaError)) throw error;
    const known = targetOf(device, target);
    const about = knownOf({ device: known, target: known, image });
    return ended({ error, told: diagnosedFully(error, about) });
  }
}
