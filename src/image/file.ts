/** One read of a file, as it is at one moment. */

import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { cancelled, messageOf, OtaError } from '../model/errors.ts';
import { thousands } from '../model/numbers.ts';

/**
 * All bytes of a file of at most `limitBytes`.
 *
 * Throws `IMAGE_NOT_FOUND`, `IMAGE_UNREADABLE` (no file, no permission), `IMAGE_NOT_OTA` (larger than the limit),
 * `IMAGE_CHANGED` (size or time changed while it was read), `CANCELLED`.
 */
export async function readWhole(path: string, options: ReadWholeOptions): Promise<WholeFile> {
  const { signal } = options;
  if (signal.aborted) throw cancelled(signal);
  const handle = await openFile(path);
  try {
    return await readHandle(handle, { ...options, path });
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    throw error instanceof OtaError ? error : unreadable(path, error);
  } finally {
    await handle.close();
  }
}

export interface ReadWholeOptions {
  readonly limitBytes: number;
  readonly signal: AbortSignal;
}

export interface WholeFile {
  readonly bytes: Uint8Array;
  /** Last change, nanoseconds since 1970. */
  readonly modifiedNs: bigint;
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK, opening a pipe would wait for a writer, for ever. Windows has no such flag.
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new OtaError('IMAGE_NOT_FOUND', `There is no file ${path}.`, { cause: error, details: { path } });
    }
    throw unreadable(path, error);
  }
}

async function readHandle(
  handle: FileHandle,
  { path, limitBytes, signal }: ReadWholeOptions & { readonly path: string },
): Promise<WholeFile> {
  const before = await handle.stat({ bigint: true });
  if (!before.isFile()) {
    const what = before.isDirectory() ? 'a folder' : 'not a regular file';
    throw new OtaError('IMAGE_UNREADABLE', `${path} is ${what}.`, {
      hint: 'Name the image file itself.',
      details: { path },
    });
  }
  if (before.size > BigInt(limitBytes)) {
    throw new OtaError(
      'IMAGE_NOT_OTA',
      `${path} has ${thousands(Number(before.size))} bytes, more than any image (${thousands(limitBytes)}).`,
      {
        hint: 'Push the `firmware.bin` that the build left.',
        details: { path, sizeBytes: Number(before.size) },
      },
    );
  }
  const bytes = await readUpTo(handle, Number(before.size), signal);
  const after = await handle.stat({ bigint: true });
  if (bytes === undefined || isChanged(before, after)) {
    throw new OtaError('IMAGE_CHANGED', `${path} changed while it was read.`, { details: { path } });
  }
  return { bytes, modifiedNs: after.mtimeNs };
}

/** Undefined: the file ended early. */
async function readUpTo(
  handle: FileHandle,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  let offset = 0;
  while (offset < length) {
    if (signal.aborted) throw cancelled(signal);
    const { bytesRead } = await handle.read(bytes, offset, Math.min(length - offset, chunkBytes), offset);
    if (bytesRead === 0) return undefined;
    offset += bytesRead;
  }
  return bytes;
}

const chunkBytes = 1024 * 1024;

function isChanged(before: BigIntStats, after: BigIntStats): boolean {
  return before.size !== after.size || before.mtimeNs !== after.mtimeNs || before.ctimeNs !== after.ctimeNs;
}

function unreadable(path: string, error: unknown): OtaError {
  return new OtaError('IMAGE_UNREADABLE', `${path} cannot be read: ${messageOf(error)}`, {
    cause: error,
    details: { path },
  });
}
