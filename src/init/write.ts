/**
 * Files to disk: all of them or none. Each is written beside its place and renamed, so that nobody ever reads half of one;
 * when one fails, or the signal is aborted between two, those before it are put back.
 */

import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readFile,
  readlink,
  realpath,
  rename,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { cancelled, messageOf, OtaError } from '../model/errors.ts';
import { besideOf, removeLeftovers } from './temporary.ts';
import type { FileEdit } from './types.ts';

interface WriteOptions {
  readonly signal: AbortSignal;
  /** Called after each file. */
  readonly onDone?: (edit: FileEdit) => void;
}

type Undo = () => Promise<void>;

/** @throws OtaError CONFIG_UNREADABLE: a file cannot be written, or is not as it was; CANCELLED. Nothing has changed then. */
export async function writeEdits(
  edits: readonly FileEdit[],
  { signal, onDone }: WriteOptions,
): Promise<void> {
  const places = await Promise.all(edits.map(placeOf));
  for (const place of places) await check(place);
  await removeLeftovers(places.map(({ target }) => dirname(target)));
  const undo: Undo[] = [];
  try {
    for (const place of places) {
      if (signal.aborted) throw cancelled(signal);
      await write(place, undo);
      onDone?.(place.edit);
    }
    if (signal.aborted) throw cancelled(signal);
  } catch (error) {
    const left = await putBack(undo);
    if (left.length === 0) throw error;
    throw new OtaError(
      'INTERNAL',
      `${messageOf(error)} And these could not be put back: ${left.join('; ')}`,
      {
        hint: 'Look at the files named above.',
        cause: error,
      },
    );
  }
}

interface Place {
  readonly edit: FileEdit;
  /** Behind symbolic links: those stay. */
  readonly target: string;
}

async function placeOf(edit: FileEdit): Promise<Place> {
  const link = await lstat(edit.path).catch(() => undefined);
  if (link?.isSymbolicLink() !== true) return { edit, target: edit.path };
  const target = await realpath(edit.path).catch(async () =>
    resolve(dirname(edit.path), await readlink(edit.path)),
  );
  return { edit, target };
}

async function check({ edit, target }: Place): Promise<void> {
  const found = await readFile(target, 'latin1').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw failed(edit.path, error);
  });
  if (found !== edit.before) {
    throw new OtaError(
      'CONFIG_UNREADABLE',
      `${edit.path} was changed while otarc init was at work. Nothing was written.`,
      {
        hint: 'Run otarc init again.',
      },
    );
  }
  if (edit.before === undefined) return;
  // Renaming would pass over it, and root is asked for no permission at all.
  const { mode } = await stat(target);
  if ((mode & 0o222) !== 0) return;
  throw new OtaError('CONFIG_UNREADABLE', `${edit.path} is read-only. Nothing was written.`, {
    hint: `Make it writable, or leave out what changes it.`,
  });
}

async function write({ edit, target }: Place, undo: Undo[]): Promise<void> {
  const { before, after, mode, madeFolders = 0 } = edit;
  try {
    const old = before === undefined ? undefined : await stat(target);
    if (after === undefined) {
      await unlink(target);
      undo.push(() => put(target, before ?? '', old));
      await removeFolders(dirname(target), madeFolders, undo);
      return;
    }
    await makeFolders(dirname(target), undo);
    await put(target, after, old ?? (mode === undefined ? {} : { mode }));
    undo.push(before === undefined ? () => unlink(target) : () => put(target, before, old));
  } catch (error) {
    throw failed(edit.path, error);
  }
}

interface Owned {
  /** Absent: as the system makes new files. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

async function put(target: string, text: string, { mode, uid, gid }: Owned = {}): Promise<void> {
  await besideOf(target, async (temporary) => {
    // From the start with no more rights than it will have: it may hold a password.
    const file = await open(temporary, 'wx', mode === undefined ? 0o666 : mode & 0o777);
    try {
      await file.writeFile(text, 'latin1');
      await file.sync();
    } finally {
      await file.close();
    }
    if (mode !== undefined) await chmod(temporary, mode & 0o7777);
    const own = await stat(temporary);
    if (uid !== undefined && gid !== undefined && (own.uid !== uid || own.gid !== gid)) {
      // Only root can; for everybody else the file is theirs, as with any editor.
      await chown(temporary, uid, gid).catch(() => undefined);
    }
    await rename(temporary, target);
  });
}

async function makeFolders(folder: string, undo: Undo[]): Promise<void> {
  const missing: string[] = [];
  for (let each = folder; (await stat(each).catch(() => undefined)) === undefined; each = dirname(each)) {
    missing.unshift(each);
  }
  for (const each of missing) {
    await mkdir(each);
    undo.push(() => rmdir(each));
  }
}

/** As far as they are empty. */
async function removeFolders(folder: string, count: number, undo: Undo[]): Promise<void> {
  let each = folder;
  for (let left = count; left > 0; left--, each = dirname(each)) {
    const path = each;
    const isGone = await rmdir(path).then(
      () => true,
      () => false,
    );
    if (!isGone) return;
    undo.push(async () => void (await mkdir(path)));
  }
}

/** In reverse. What could not be put back, in words. */
async function putBack(undo: readonly Undo[]): Promise<string[]> {
  const left: string[] = [];
  for (const step of undo.toReversed()) await step().catch((error: unknown) => left.push(messageOf(error)));
  return left;
}

function failed(path: string, error: unknown): OtaError {
  if (error instanceof OtaError) return error;
  return new OtaError(
    'CONFIG_UNREADABLE',
    `${path} cannot be written: ${reasonOf(error)}. Nothing was changed.`,
    {
      hint: 'Make room for it, or give yourself the right to write there.',
      details: { file: path },
      cause: error,
    },
  );
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'your disk quota is used up',
  EISDIR: 'it is a folder',
  ENOTDIR: 'what should be a folder above it is a file',
  EEXIST: 'something else is in the way',
};

function reasonOf(error: unknown): string {
  return reasons[codeOf(error) ?? ''] ?? messageOf(error);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
