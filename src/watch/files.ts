/**
 * Tells which files change below the roots, through chokidar, and goes on telling when a root, or a folder above it, is
 * deleted and comes back.
 *
 * chokidar leaves out a change that follows another one of the same file within 50 ms, and the last one is the one that
 * counts. So its raw events are listened to as well, and a file counts as changed whenever its stamp differs.
 */

import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import type { ChokidarOptions, FSWatcher } from 'chokidar';
import { isBelow } from './git-ignore.ts';

export interface FileWatchOptions {
  /** Absolute paths of files and folders, whether they exist or not. */
  readonly roots: readonly string[];
  /** Of what lies below a root, or is one. */
  readonly isWatched: (path: string, isFolder: boolean) => boolean;
  /** The folder that is not expected to go away: nothing above it is looked at for its sake. */
  readonly home: string;
  /** Poll the files: the system's events do not reach network drives and containers. */
  readonly poll: boolean;
  /** Wall-clock time: a file that was written after it counts as changed, though nobody watched yet. */
  readonly sinceMs: number;
  /** `writtenMs`: wall-clock time. */
  readonly onChange: (path: string, writtenMs: number) => void;
  readonly onProblem: (problem: FileProblem) => void;
}

export type FileProblem =
  /** The system watches no more files; polling has begun. */
  | { readonly type: 'limit'; readonly code: string }
  /** What was watched is gone; it is watched again when it is back. */
  | { readonly type: 'vanished'; readonly path: string }
  | { readonly type: 'other'; readonly message: string };

export interface FileWatch {
  close(): Promise<void>;
}

const pollMs = 300;
/** Nobody tells of the end of an empty folder that is watched: it is looked at this often. */
const heartbeatMs = 1_000;
const limitCodes = new Set(['ENOSPC', 'EMFILE', 'ENFILE']);

export function watchFiles(options: FileWatchOptions): FileWatch {
  const { roots, onChange, onProblem } = options;
  const stamps = new Map<string, string>();
  const vanished = new Set<string>();
  const present = new Set(roots.filter((root) => existsSync(root)));
  let watcher: FSWatcher | undefined;
  let anchors = new Map<string, string>();
  let poll = options.poll;
  let isClosed = false;
  let opening: Promise<void> = Promise.resolve();

  const isWanted = (path: string, isFolder: boolean): boolean =>
    roots.some((root) => isBelow(root, path)) ? isFolder : options.isWatched(path, isFolder);

  /** `isGone`: that it is missing is a change, too. */
  const look = async (path: string, isGone = false): Promise<void> => {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (isClosed || found?.isDirectory() === true) return;
    if (found === undefined) {
      if (!isGone) return;
      stamps.delete(path);
      return onChange(path, Date.now());
    }
    const stamp = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
    if (stamps.get(path) === stamp) return;
    stamps.set(path, stamp);
    onChange(path, Number(found.mtimeMs));
  };

  const open = async (sinceMs: number): Promise<void> => {
    const { watch } = await import('chokidar');
    if (isClosed) return;
    anchors = new Map(anchorsOf(roots, options.home).map((folder) => [folder, idOf(folder)]));
    const chokidarOptions: ChokidarOptions = {
      persistent: true,
      ignorePermissionErrors: true,
      usePolling: poll,
      interval: pollMs,
      binaryInterval: pollMs,
      ignored: (name, stats) => {
        const path = normalize(name);
        if (anchors.has(path)) return false;
        if (stats === undefined) return !isWanted(path, true) && !isWanted(path, false);
        return !isWanted(path, stats.isDirectory());
      },
    };
    const opened = watch([...anchors.keys()], chokidarOptions);
    watcher = opened;
    let isReady = false;
    opened.on('all', (event, path, stats) => {
      // It is reported late, and an editor may have put the file back since.
      if (event === 'unlink') void look(path, true);
      else if (event === 'change' || event === 'add') {
        // A file that was moved here keeps its time, and has a new one for that.
        const atMs = Math.max(stats?.mtimeMs ?? 0, stats?.ctimeMs ?? 0);
        if (isReady || atMs >= sinceMs) void look(path);
      }
    });
    opened.on('raw', (_event, name, details: unknown) => {
      const path = pathOfRaw(name, details);
      if (path !== undefined && isWanted(path, false)) void look(path);
    });
    opened.on('error', (error) => {
      const code = codeOf(error);
      if (!limitCodes.has(code)) return onProblem({ type: 'other', message: String(error) });
      if (poll || isClosed) return;
      poll = true;
      onProblem({ type: 'limit', code });
      void reopen();
    });
    await new Promise<void>((resolve) => {
      // A watcher that is closed is never ready.
      giveUp = resolve;
      opened.once('ready', resolve);
      if (isClosed) resolve();
    });
    isReady = true;
  };
  let giveUp = (): void => {};

  const reopen = (): Promise<void> => {
    const sinceMs = Date.now();
    giveUp();
    opening = opening.then(async () => {
      await watcher?.close();
      if (!isClosed) await open(sinceMs);
    });
    return opening;
  };

  const heartbeat = setInterval(() => {
    for (const root of roots) {
      if (existsSync(root)) {
        present.add(root);
        vanished.delete(root);
      } else if (present.has(root)) {
        // Twice in a row: an editor, or git, puts it back in a moment.
        if (!vanished.has(root)) vanished.add(root);
        else {
          present.delete(root);
          onProblem({ type: 'vanished', path: root });
        }
      }
    }
    if ([...anchors].some(([folder, id]) => idOf(folder) !== id)) void reopen();
  }, heartbeatMs);
  heartbeat.unref();

  opening = open(options.sinceMs);
  return {
    async close() {
      isClosed = true;
      clearInterval(heartbeat);
      giveUp();
      await watcher?.close();
      await opening;
    },
  };
}

/**
 * The folders that are watched for the sake of the roots: the nearest one above that exists, so that a root is heard of
 * when it goes and when it comes.
 */
function anchorsOf(roots: readonly string[], home: string): string[] {
  const folders = roots.map((root) => {
    if (root === home || isBelow(home, root)) return root;
    let folder = dirname(root);
    while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
    return folder;
  });
  return [...new Set(folders)].filter((folder) => !folders.some((other) => isBelow(folder, other)));
}

/** Another folder at the same path has another one. */
function idOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${found.dev} ${found.ino}`;
}

/** `name` is that of an entry where a folder is watched, and the file's own where a file is. */
function pathOfRaw(name: unknown, details: unknown): string | undefined {
  if (typeof name !== 'string' || typeof details !== 'object' || details === null) return undefined;
  if (!('watchedPath' in details) || typeof details.watchedPath !== 'string') return undefined;
  const { watchedPath } = details;
  return basename(watchedPath) === name ? normalize(watchedPath) : join(watchedPath, name);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
