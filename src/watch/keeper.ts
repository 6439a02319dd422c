/** Keeps a project as its files say: what changes in its configuration is taken over at once. */

import { OtaError } from '../errors.ts';
import { asOtaError } from '../failure.ts';
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
  readonly onProblem: (problem: FileProblem) => void;
  readonly warn: (message: string) => void;
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
    if (!signal.aborted) timer = setTimeout(() => (reloading = reloading.then(reload)), calmMs);
  };
  const reload = async (): Promise<void> => {
    const sinceMs = Date.now();
    const before = current;
    const paths = [...changed];
    changed.clear();
    try {
      current = await open();
    } catch (error) {
      if (signal.aborted) return;
      const { message, hint } = asOtaError(error);
      return warn(`${message} (${hint}) The last good configuration stays.`);
    }
    if (signal.aborted) return;
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

/** Why a run that builds what the configuration no longer asks for ends. */
export function configurationChanged(): OtaError {
  return new OtaError('CANCELLED', 'The configuration changed, so this run is given up.', {
    hint: 'The next one begins by itself.',
  });
}
