/** From a file to an image: one read gives bytes, digests and everything that is known of it. */

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled, OtaError, type ErrorCode } from '../model/errors.ts';
import type { Artifact, Image, Platform } from '../model/types.ts';
import type { ImageFacts } from './facts.ts';
import { readWhole, type WholeFile } from './file.ts';
import { identify } from './identify.ts';
import { parsePartitionTable } from './partition-table.ts';
import type { PartitionTable } from './partition.ts';

export interface ReadImageOptions {
  /** What the device is known to be. Where the artifact says itself what it is for, that counts. */
  readonly expectedPlatform?: Platform | undefined;
  readonly signal: AbortSignal;
}

/** No flash that is updated over the air is larger. */
export const maxImageBytes = 32 * 1024 * 1024;

/**
 * Reads and checks an image. Where `<image>.signed` lies beside an ESP8266 image and is not older, that one is taken,
 * as the core's own uploader does: a device that demands signatures takes no other.
 *
 * Throws `IMAGE_NOT_FOUND`, `IMAGE_UNREADABLE`, `IMAGE_CHANGED`, `IMAGE_INCOMPLETE`, `IMAGE_CORRUPT`, `IMAGE_NOT_OTA`,
 * `CANCELLED`.
 */
export async function readImage(artifact: Artifact, options: ReadImageOptions): Promise<Image> {
  const file = await readWhole(artifact.path, { limitBytes: maxImageBytes, signal: options.signal });
  const image = toImage(artifact, file.bytes, options.expectedPlatform);
  if (image.platform !== 'esp8266' || image.kind !== 'firmware' || image.path.endsWith(signedSuffix))
    return image;
  const signed = await readSigned(artifact.path + signedSuffix, options.signal);
  if (signed === undefined || signed.modifiedNs < file.modifiedNs) return image;
  return toImage({ ...artifact, path: artifact.path + signedSuffix }, signed.bytes, options.expectedPlatform);
}

export interface AwaitImageOptions extends ReadImageOptions {
  /** Default 5 s: the packers take a fraction of a second between their writes. */
  readonly timeoutMs?: number | undefined;
}

/**
 * As `readImage`, for an image that a tool may still be writing: tries again until it is there, whole and at rest. A
 * quiet file is no finished file (the ESP8266 packer writes twice), a parsed one is. At the limit, the last error.
 */
export async function awaitImage(artifact: Artifact, options: AwaitImageOptions): Promise<Image> {
  const { signal, timeoutMs = 5_000 } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await readImage(artifact, options);
    } catch (error) {
      const mayEnd = error instanceof OtaError && unfinished.has(error.code);
      if (!mayEnd || performance.now() + retryMs > deadline) throw error;
    }
    await sleep(retryMs, undefined, { signal }).catch(() => {
      throw cancelled(signal);
    });
  }
}

/**
 * A partition table, `.csv` or `.bin`. Throws as `readImage` does for files, `CONFIG_INVALID` for a mistake in a `.csv`,
 * `IMAGE_CORRUPT` or `IMAGE_INCOMPLETE` for one in a `.bin`.
 */
export async function readPartitionTable(path: string, signal: AbortSignal): Promise<PartitionTable> {
  const { bytes } = await readWhole(path, { limitBytes: maxImageBytes, signal });
  const parsed = parsePartitionTable(bytes);
  if (parsed.ok) return parsed.table;
  throw new OtaError(parsed.code, `${path} ${parsed.message}.`, {
    ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
    details: { path },
  });
}

/** Lower-case hex. */
export function digestsOf(bytes: Uint8Array): { md5: string; sha256: string } {
  const of = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
  let sha256: string | undefined;
  return {
    md5: of('md5'),
    // Of the same bytes, but only for who asks: the protocol itself knows MD5 alone, and a push waits for this.
    get sha256() {
      return (sha256 ??= of('sha256'));
    },
  };
}

const signedSuffix = '.signed';
const retryMs = 25;
const unfinished: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'IMAGE_INCOMPLETE',
  'IMAGE_CHANGED',
  'IMAGE_NOT_FOUND',
]);

function toImage(artifact: Artifact, bytes: Uint8Array, expectedPlatform: Platform | undefined): Image {
  const { path } = artifact;
  const found = identify(bytes, {
    kind: artifact.kind,
    name: basename(path),
    expectedPlatform: artifact.platform ?? expectedPlatform,
  });
  if (!found.ok) {
    throw new OtaError(found.code, `${path} ${found.message}.`, {
      ...(found.hint === undefined ? {} : { hint: found.hint }),
      details: { path, sizeBytes: bytes.length, format: found.facts.format },
    });
  }
  if (path.endsWith(signedSuffix) && found.facts.signatureBytes === undefined) {
    const details = { path, sizeBytes: bytes.length, format: found.facts.format };
    throw new OtaError('IMAGE_INCOMPLETE', `${path} has no signature at its end.`, { details });
  }
  const digests = digestsOf(bytes);
  return {
    path,
    bytes,
    sizeBytes: bytes.length,
    md5: digests.md5,
    get sha256() {
      return digests.sha256;
    },
    kind: found.facts.kind ?? 'firmware',
    ...known(found.facts, artifact.platform),
  };
}

function known(facts: ImageFacts, builtFor: Platform | undefined): Partial<Image> {
  const platform = facts.platform ?? builtFor;
  return {
    ...(platform === undefined ? {} : { platform }),
    ...(facts.chip === undefined ? {} : { chip: facts.chip }),
    ...(facts.identity === undefined ? {} : { identity: facts.identity }),
    ...(facts.compression === undefined ? {} : { compression: facts.compression }),
    ...(facts.doubts === undefined ? {} : { doubts: facts.doubts }),
  };
}

/** Undefined: there is none. */
async function readSigned(path: string, signal: AbortSignal): Promise<WholeFile | undefined> {
  try {
    return await readWhole(path, { limitBytes: maxImageBytes, signal });
  } catch (error) {
    if (error instanceof OtaError && error.code === 'IMAGE_NOT_FOUND') return undefined;
    throw error;
  }
}
