/**
 * Lines in files that several otarc write at the same time, on one computer and on several.
 *
 * - A line is one write to the end of a file, with a line feed before and behind it: what a killed writer, or a full disk,
 *   has left of a line ends there, and the next line is whole. (A look at the last byte instead could be outrun by a kill.)
 * - Network file systems (NFS, SMB) append by seeking and writing, so that two computers overwrite each other. Each user
 *   of each computer therefore writes a file of his own, and all are read.
 * - A file that has grown is renamed, and a new one begun: a writer that has it open still writes into it. Files are deleted
 *   only when all of them together have enough newer records, and nothing is ever written again that another may be writing.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Of a folder, and without the bits to enter it of a file. */
export interface Modes {
  readonly folder: number;
  readonly file: number;
  /** Whom the bits for a group are meant for. */
  readonly gid?: number;
}

const ownerBits = 0o700;

/**
 * Gives a new file or folder its mode, whatever the mask of the process. The group gets its rights only once it is the one
 * that they are meant for: outside a folder with the set-group-ID bit, what a user makes has the user's own group, and an
 * image holds passwords.
 */
export function grant(descriptor: number, mode: number, { gid }: Modes): void {
  if (process.platform === 'win32') return;
  const own = fstatSync(descriptor);
  try {
    if (gid !== undefined && own.gid !== gid) fchownSync(descriptor, own.uid, gid);
    fchmodSync(descriptor, gid === undefined ? mode & ownerBits : mode);
  } catch {
    fchmodSync(descriptor, mode & ownerBits);
  }
}

export interface Appending {
  readonly folder: string;
  /** Whose file it is, fit for a file name. */
  readonly writer: string;
  readonly modes: Modes;
  /** Whether it must survive a power cut. */
  readonly isDurable: boolean;
}

const suffix = '.jsonl';
/** Some 400 records. */
const rotateBytes = 256 * 1024;
/** Of one file: more was not written by otarc. */
const mostBytes = 8 * 1024 * 1024;

/** Whether the file has become so large that `tidy` has something to do. @throws what the file system says */
export function appendLine(line: string, { folder, writer, modes, isDurable }: Appending): boolean {
  const file = join(folder, `${writer}${suffix}`);
  const bytes = Buffer.from(`\n${line}\n`);
  const descriptor = openIn(folder, file, modes);
  try {
    const before = fstatSync(descriptor).size;
    if (before === 0) grant(descriptor, modes.file, modes);
    const written = writeSync(descriptor, bytes);
    // The rest as a second write would mix with others' lines.
    if (written < bytes.length) throw new Error('the disk is full');
    if (isDurable) fsyncSync(descriptor);
    return before + written > rotateBytes;
  } finally {
    closeSync(descriptor);
  }
}

function openIn(folder: string, file: string, modes: Modes): number {
  try {
    return openSync(file, 'a', modes.file & ownerBits);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    makeFolder(folder, modes);
    return openSync(file, 'a', modes.file & ownerBits);
  }
}

/**
 * With all folders above it that are missing. One by one: `recursive` of Node 20 never ends where the system says ENOENT to a
 * folder whose parent is there, as it does below /proc.
 */
export function makeFolder(folder: string, modes: Modes): void {
  const missing: string[] = [];
  for (let each = folder; !existsSync(each) && dirname(each) !== each; each = dirname(each))
    missing.push(each);
  const own: string[] = [];
  for (const each of missing.toReversed()) {
    try {
      mkdirSync(each, { mode: modes.folder & ownerBits });
      own.push(each);
    } catch (error) {
      // Another otarc makes it at the same time.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  if (process.platform === 'win32') return;
  for (const made of own) {
    // Not where a link has taken its place meanwhile.
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    const descriptor = openSync(made, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      grant(descriptor, modes.folder, modes);
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Of all writers, each from its first line to its last. A file that cannot be read has none. */
export function readLines(folder: string): string[] {
  return filesIn(folder).flatMap((name) => linesIn(join(folder, name)));
}

/** Whether anything was written there since then. */
export function isChangedSince(folder: string, sinceMs: number): boolean {
  return filesIn(folder).some((name) => {
    try {
      return statSync(join(folder, name)).mtimeMs >= sinceMs;
    } catch {
      return false;
    }
  });
}

/** Renamed files before the one that is written, the oldest first: their names have the time. */
function filesIn(folder: string): string[] {
  const names = namesIn(folder).filter((name) => name.endsWith(suffix));
  const rank = (name: string): string => (isRotated(name) ? (name.split('~').at(-1) ?? '') : '~');
  return names.toSorted((one, other) => (rank(one) < rank(other) ? -1 : rank(one) > rank(other) ? 1 : 0));
}

const isRotated = (name: string): boolean => name.includes('~');

export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linesIn(file: string): string[] {
  try {
    return linesOf(file);
  } catch {
    return [];
  }
}

function linesOf(file: string): string[] {
  return statSync(file).size > mostBytes ? [] : readFileSync(file, 'utf8').split('\n');
}

/** What nobody has written to for so long counts as left behind. */
export const leftBehindMs = 30 * 24 * 60 * 60 * 1000;

/** 0: another otarc has just renamed it. */
const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

export type Judge = (lines: readonly string[]) => {
  readonly isNeeded: boolean;
  readonly carried: readonly string[];
};

/**
 * Begins a new file where this writer's has grown, and deletes the oldest files that hold nothing of `isNeeded`. `carried`
 * gives the lines of such a file that are to be written once more: they are, before it is deleted.
 *
 * @throws what the file system says; nothing is lost by that
 */
export function tidy(appending: Appending, judge: Judge): void {
  const { folder, writer } = appending;
  const current = join(folder, `${writer}${suffix}`);
  if (sizeOf(current) > rotateBytes) {
    const stamp = `${String(Date.now()).padStart(15, '0')}-${randomBytes(4).toString('hex')}`;
    renameSync(current, join(folder, `${writer}~${stamp}${suffix}`));
  }
  for (const name of filesIn(folder)) {
    const file = join(folder, name);
    const isLeft = name !== `${writer}${suffix}` && Date.now() - statSync(file).mtimeMs > leftBehindMs;
    if (!isRotated(name) && !isLeft) continue;
    // Not `linesIn`: what cannot be read now is not deleted for it.
    const { isNeeded, carried } = judge(linesOf(file));
    if (isNeeded) continue;
    for (const line of carried) appendLine(line, { ...appending, isDurable: true });
    unlinkSync(file);
  }
}
