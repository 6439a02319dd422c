/** From a file to an image: one read gives bytes, digests and everything that is known of it. */

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled, OtaError, type ErrorCode } from '../model/errors.ts';
import type { Artifact, Image, Platform } from '../model/types.ts';
import { signedSuffix } from './esp8266-signature.ts';
import type { Identification, ImageFacts } from './facts.ts';
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
const maxImageBytes = 32 * 1024 * 1024;

/** The file that a push of a path reads. */
export interface PushedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly found: Identification;
  /** Why it is another than the one that was named: a sentence. */
  readonly because?: string;
}

/**
 * Reads what a push of this file takes. Where `<image>.signed` lies beside an ESP8266 image and is not older, it is that
 * one, as with the core's own uploader: a device that demands signatures takes no other.
 *
 * Throws `IMAGE_NOT_FOUND`, `IMAGE_UNREADABLE`, `IMAGE_CHANGED`, `IMAGE_NOT_OTA` (too large), `CANCELLED`.
 */
export async function readPushed(
  { path, kind, platform }: Pick<Artifact, 'path' | 'kind' | 'platform'>,
  { expectedPlatform, signal }: ReadImageOptions,
): Promise<PushedFile> {
  const pushed = (of: string, bytes: Uint8Array): PushedFile => {
    const options = { kind, name: basename(of), expectedPlatform: platform ?? expectedPlatform };
    return { path: of, bytes, found: identify(bytes, options) };
  };
  const file = await readWhole(path, { limitBytes: maxImageBytes, signal });
  const named = pushed(path, file.bytes);
  const { ok, facts } = named.found;
  const mayBeSigned = ok && facts.platform === 'esp8266' && facts.kind === 'firmware';
  if (!mayBeSigned || path.endsWith(signedSuffix)) return named;
  const signedPath = path + signedSuffix;
  const because = `A push of ${basename(path)} takes ${basename(signedPath)}, which lies beside it and is not older.`;
  const signed = await readSigned(signedPath, { because, signal });
  if (signed === undefined || signed.modifiedNs < file.modifiedNs) return named;
  return { ...pushed(signedPath, signed.bytes), because };
}

/**
 * Reads and checks an image, as `readPushed` finds it.
 *
 * Throws `IMAGE_NOT_FOUND`, `IMAGE_UNREADABLE`, `IMAGE_CHANGED`, `IMAGE_INCOMPLETE`, `IMAGE_CORRUPT`, `IMAGE_NOT_OTA`,
 * `CANCELLED`.
 */
export async function readImage(artifact: Artifact, options: ReadImageOptions): Promise<Image> {
  return toImage(artifact, await readPushed(artifact, options));
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

const retryMs = 25;
const unfinished: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'IMAGE_INCOMPLETE',
  'IMAGE_CHANGED',
  'IMAGE_NOT_FOUND',
]);

function toImage(artifact: Artifact, { path, bytes, found, because }: PushedFile): Image {
  if (!found.ok) {
    throw new OtaError(found.code, withReason(`${path} ${found.message}.`, because), {
      ...(found.hint === undefined ? {} : { hint: found.hint }),
      details: { path, sizeBytes: bytes.length, format: found.facts.format },
    });
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
    ...(facts.app?.version === undefined ? {} : { version: facts.app.version }),
    ...(facts.compression === undefined ? {} : { compression: facts.compression }),
    ...(facts.doubts === undefined ? {} : { doubts: facts.doubts }),
  };
}

function withReason(message: string, because: string | undefined): string {
  return because === undefined ? message : `${message} ${because}`;
}

/** Undefined: there is none. */
async function readSigned(
  path: string,
  { because, signal }: { readonly because: string; readonly signal: AbortSignal },
): Promise<WholeFile | undefined> {
  try {
    return await readWhole(path, { limitBytes: maxImageBytes, signal });
  } catch (error) {
    if (!(error instanceof OtaError) || error.code === 'CANCELLED') throw error;
    const { code, message, hint, details } = error;
    if (code === 'IMAGE_NOT_FOUND') return undefined;
    throw new OtaError(code, withReason(message, because), { hint, details, cause: error });
  }
}
