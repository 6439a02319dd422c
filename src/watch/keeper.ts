/** Keeps a project as its files say: what changes in its configuration is taken over at once. */

import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OtaError } from '../model/errors.ts';
import { asOtaError } from '../model/failure.ts';
import type { FileProblem } from './files.ts';
import { watchProjectFiles, type ProjectFiles, type ProjectFilesOptions } from './project-files.ts';
import type { Project } from './project.ts';

export interface Keeper {
  /** As it was taken over last. */
  readonly current: Project;
  /** The same, when no change is on its way. */
  settled(): Promise<Project>;
  /** Reads everything again, in a moment. */
  reloadSoon(): void;
  close(): Promise<void>;
}

export interface KeeperOptions {
  /** Reads the project as it is now. */
  readonly open: () => Promise<Project>;
  readonly signal: AbortSignal;
  /** False: only the configuration is watched. */
  readonly sources: boolean;
  readonly poll: boolean;
  /** Wall-clock time: what was written after it is new. */
  readonly sinceMs: number;
  /** What images are made of. */
  readonly onSource: (kind: 'firmware' | 'filesystem', path: string, writtenMs: number) => void;
  /** The project was read again. `paths`: files that say how it is built, and have changed. */
  readonly onReloaded: (before: Project, paths: readonly string[], sinceMs: number) => Promise<void>;
  /** It will be read again in a moment; `onRead` follows, also where what is read is no good. */
  readonly onDue: () => void;
  readonly onRead: () => void;
  readonly onProblem: (problem: FileProblem) => void;
  readonly warn: (message: string) => void;
  readonly inform: (message: string) => void;
}

/** Editors write a configuration, too, in more than one step. */
const calmMs = 60;

/** Throws what the project says when it is read for the first time; later that is only told. */
export async function keepProject(options: KeeperOptions): Promise<Keeper> {
  const { open, signal, warn } = options;
  let current = await open();
  let files: ProjectFiles | undefined;
  let reloading: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let isBroken = false;
  let isDue = false;
  const changed = new Set<string>();

  const onSource: ProjectFilesOptions['onSource'] = (path, { meaning, writtenMs }) => {
    if (meaning === 'firmware' || meaning === 'filesystem') return options.onSource(meaning, path, writtenMs);
    if (meaning === 'project') changed.add(path);
    reloadSoon();
  };
  const watch = (sinceMs: number): ProjectFiles => {
    current.warnings.forEach(warn);
    const { sources, poll, onProblem } = options;
    return watchProjectFiles(current, {
      sources,
      poll,
      sinceMs,
      onSource,
      onConfiguration: () => reloadSoon(),
      onProblem,
    });
  };
  const reloadSoon = (): void => {
    clearTimeout(timer);
    if (signal.aborted) return;
    isDue = true;
    options.onDue();
    timer = setTimeout(() => {
      isDue = false;
      reloading = reloading.then(reload).then(() => {
        if (!isDue) options.onRead();
      });
    }, calmMs);
  };
  /** Also what could not be asked of the new project: it is tried again with the next change. */
  const reload = async (): Promise<void> => {
    const paths = [...changed];
    changed.clear();
    try {
      await takeOver(paths);
    } catch (error) {
      if (signal.aborted) return;
      isBroken = true;
      for (const path of paths) changed.add(path);
      const { message, hint } = asOtaError(error);
      warn(`${message} (${hint}) The last good configuration stays.`);
    }
  };
  const takeOver = async (paths: readonly string[]): Promise<void> => {
    const sinceMs = Date.now();
    const before = current;
    const opened = await open();
    const { file } = before.config;
    if (isGone(file, opened.config.file)) {
      throw new OtaError('CONFIG_UNREADABLE', `${file} is gone.`, {
        hint: 'Put it back, or end this watch and start it anew.',
      });
    }
    if (signal.aborted) return;
    current = opened;
    if (isBroken) options.inform('The configuration is good again.');
    isBroken = false;
    await files?.close();
    files = watch(sinceMs);
    await options.onReloaded(before, paths, sinceMs);
  };

  files = watch(options.sinceMs);
  return {
    get current() {
      return current;
    },
    async settled() {
      while (isDue && !signal.aborted) await sleep(10);
      await reloading;
      return current;
    },
    reloadSoon,
    async close() {
      clearTimeout(timer);
      await reloading;
      await files?.close();
    },
  };
}

/**
 * Without its file a name may mean another device: one that announces it. A file beside it that takes its place is what the
 * user wants.
 */
function isGone(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && (now === undefined || dirname(now) !== dirname(before));
}
