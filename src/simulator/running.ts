/** What a sketch that includes `otarc.h` says of itself. */

import { randomBytes } from 'node:crypto';

import type { Faults } from './faults.ts';
import type { Platform } from '../model/types.ts';
import type { SketchProof } from './records.ts';
import type { Storage } from './storage.ts';

export interface BootedSketch {
  /** Of the sketch as its core sums it, in lower-case hex; not always that of the image that was pushed. */
  readonly md5: string;
  /** Eight hex digits, others at each boot. */
  readonly run: string;
  /** Reset reason: `power-on`, `software`, `watchdog`, `exception`, `brownout`, … */
  readonly boot: string;
  readonly version?: string;
}

/** What has just booted, after `boot`. `key`: of the flash encryption, where it is on. */
export function bootedSketch(options: {
  readonly storage: Storage;
  readonly boot: string;
  readonly version: string | ((image: Uint8Array | undefined) => string | undefined) | undefined;
  readonly key: Uint8Array | undefined;
}): BootedSketch {
  const { storage, boot, key } = options;
  const version =
    typeof options.version === 'function' ? options.version(storage.running?.bytes) : options.version;
  return {
    md5: storage.sketchSum(key),
    run: randomBytes(4).toString('hex'),
    boot,
    ...(version !== undefined && { version }),
  };
}

/** As it stands in a TXT record. */
export function proofOf({ md5, run, boot, version }: BootedSketch, platform: Platform): SketchProof {
  const items = [`md5=${md5}`, `run=${run}`, `boot=${boot}`];
  if (version !== undefined) items.push(`version=${version}`);
  // `enableArduino()` of the RP2040's SimpleMDNS ignores items that are added to its service.
  return { items, place: platform === 'rp2040' ? 'own-service' : 'beside' };
}

/** Whether the sketch that runs is one that crashes. */
export function isCrashing(storage: Storage, faults: Faults): boolean {
  const { running, pushedMd5, firstPushedMd5 } = storage;
  if (faults.crashesAfterMs === undefined) return false;
  const which = faults.crashingImages ?? 'pushed';
  if (which === 'pushed') return pushedMd5 !== undefined;
  if (which === 'first') return pushedMd5 !== undefined && pushedMd5 === firstPushedMd5;
  const crashing = which.toLowerCase().split(',');
  return [pushedMd5, running?.md5].some((md5) => md5 !== undefined && crashing.includes(md5));
}
