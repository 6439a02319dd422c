/**
 * Files that people write by hand, read with limits: whatever stands under such a name (a link to `/dev/zero`, a pipe that
 * nobody writes to, a gigabyte) neither fills the memory nor holds up the command.
 */

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled } from '../model/errors.ts';
import { thousands } from '../model/numbers.ts';

/** A configuration of some thousand devices is smaller. */
const defaultLimitBytes = 1024 * 1024;
const defaultTimeoutMs = 10_000;
const pollMs = 10;

export type SmallFile =
  | {
      readonly type: 'read';
      readonly bytes: Buffer;
      /** False: a pipe or a device, which gives what it has only once. */
      readonly isRegular: boolean;
    }
  | { readonly type: 'missing' }
  /** `reason` completes "it cannot be read: …". */
  | { readonly type: 'unreadable'; readonly reason: string; readonly isTooLarge?: true };

export interface SmallFileOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limitBytes?: number;
  /** For all of it; a pipe (`--config <(…)`) may take as long to begin. */
  readonly timeoutMs?: number;
  /** How long a pipe may be without anybody who writes to it. Default: no shorter than all of it. */
  readonly writerTimeoutMs?: number;
}

// Without O_NONBLOCK, opening a pipe would wait for a writer, in a thread that keeps the process from ending. Windows has
// no such flag.
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * All of a small file. A pipe is read to its end; before its first byte, an end only says that its writer is not there yet.
 *
 * @throws OtaError CANCELLED when the signal is aborted
 */
export async function readSmallFile(path: string, options: SmallFileOptions = {}): Promise<SmallFile> {
  const { signal, timeoutMs = defaultTimeoutMs } = options;
  const late: SmallFile = {
    type: 'unreadable',
    reason: `it gave nothing, or no end, within ${timeoutMs / 1000} s`,
  };
  const over = new AbortController();
  const ended = AbortSignal.any([over.signal, ...(signal === undefined ? [] : [signal])]);
  const cancel = (): void => {
    if (signal?.aborted === true) throw cancelled(signal);
  };
  cancel();
  const timer = setTimeout(() => over.abort(), timeoutMs);
  try {
    // A network drive may answer neither: what it has begun is left to itself.
    const first = await Promise.race([readOpened(path, options, ended), aborted(ended)]);
    cancel();
    return first ?? late;
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** Undefined: it was ended. */
async function readOpened(
  path: string,
  { limitBytes = defaultLimitBytes, writerTimeoutMs = Infinity }: SmallFileOptions,
  ended: AbortSignal,
): Promise<SmallFile | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, openFlags);
    const stat = await handle.stat();
    const isRegular = stat.isFile();
    if (isRegular && stat.size > limitBytes) return tooLarge(limitBytes);
    const bytes = await readToEnd(handle, { limitBytes, waits: stat.isFIFO(), writerTimeoutMs, ended });
    if (bytes === undefined) return undefined;
    if (bytes === 'no writer') {
      const reason = `it is a pipe, and nobody wrote to it within ${writerTimeoutMs / 1000} s`;
      return { type: 'unreadable', reason };
    }
    return bytes.length > limitBytes ? tooLarge(limitBytes) : { type: 'read', bytes, isRegular };
  } catch (error) {
    return unreadable(error);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

/** One byte more than the limit at most. Undefined: it was ended. */
async function readToEnd(
  handle: FileHandle,
  {
    limitBytes,
    waits,
    writerTimeoutMs,
    ended,
  }: { limitBytes: number; waits: boolean; writerTimeoutMs: number; ended: AbortSignal },
): Promise<Buffer | 'no writer' | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  let aloneSinceMs = performance.now();
  while (length <= limitBytes) {
    if (ended.aborted) return undefined;
    const chunk = Buffer.allocUnsafe(Math.min(64 * 1024, limitBytes + 1 - length));
    const bytesRead = await readChunk(handle, chunk);
    const isEnd = bytesRead === 0 && !(waits && length === 0);
    if (isEnd) break;
    if (bytesRead === undefined || bytesRead === 0) {
      // With a writer that has nothing yet the system says so; without one there is an end before the beginning.
      if (bytesRead === undefined) aloneSinceMs = performance.now();
      else if (performance.now() - aloneSinceMs > writerTimeoutMs) return 'no writer';
      await sleep(pollMs, undefined, { signal: ended }).catch(() => undefined);
      continue;
    }
    chunks.push(chunk.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(chunks);
}

/** Undefined: nothing is there yet. */
async function readChunk(handle: FileHandle, chunk: Buffer): Promise<number | undefined> {
  try {
    return (await handle.read(chunk, 0, chunk.length, null)).bytesRead;
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return undefined;
    throw error;
  }
}

/** The same at once, for regular files only: where nothing may be waited for. */
export function readSmallFileSync(path: string, limitBytes = defaultLimitBytes): SmallFile {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, openFlags);
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return { type: 'unreadable', reason: 'it is no regular file' };
    if (stat.size > limitBytes) return tooLarge(limitBytes);
    const bytes = Buffer.alloc(stat.size);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    return { type: 'read', bytes: bytes.subarray(0, length), isRegular: true };
  } catch (error) {
    return unreadable(error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** The text, or the empty one where there is none to be had: for what otarc only looks into. */
export function textOf(file: SmallFile): string {
  return file.type === 'read' ? file.bytes.toString('utf8') : '';
}

const tooLarge = (limitBytes: number): SmallFile => ({
  type: 'unreadable',
  reason: `it has more than ${thousands(limitBytes)} bytes`,
  isTooLarge: true,
});

/** Never the error's own words: they may quote the file. */
function unreadable(error: unknown): SmallFile {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return { type: 'missing' };
  const reasons: Readonly<Record<string, string>> = {
    EISDIR: 'it is a folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ELOOP: 'its symbolic links lead in a circle',
    ENXIO: 'it is a socket',
  };
  return { type: 'unreadable', reason: reasons[code ?? ''] ?? code ?? 'it could not be opened' };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
