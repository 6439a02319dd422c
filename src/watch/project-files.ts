/** Watches the files of a project: its sources, and its configuration. */

import { dirname, join } from 'node:path';
import { searchPlaces } from '../config/places.ts';
import { watchFiles, type FileProblem } from './files.ts';
import type { Project } from './project.ts';
import type { Meaning } from './scope.ts';

export interface ProjectFiles {
  close(): Promise<void>;
}

export interface ProjectFilesOptions {
  /** False: only the configuration. */
  readonly sources: boolean;
  readonly poll: boolean;
  /** Wall-clock time: what was written after it is new. */
  readonly sinceMs: number;
  readonly onSource: (path: string, how: { readonly meaning: Meaning; readonly writtenMs: number }) => void;
  readonly onConfiguration: (path: string) => void;
  readonly onProblem: (problem: FileProblem) => void;
}

export function watchProjectFiles(project: Project, options: ProjectFilesOptions): ProjectFiles {
  const { scope, config } = project;
  const { poll, sinceMs } = options;
  const common = { home: config.projectDir, poll, sinceMs };
  const places = new Set(configurationPlaces(project));
  const watches = [
    watchFiles({
      ...common,
      roots: [...places],
      isWatched: (path) => places.has(path),
      onChange: options.onConfiguration,
      // Most of the places hold nothing, and the next read shows that a file is gone.
      onProblem: (problem) => (problem.type === 'vanished' ? undefined : options.onProblem(problem)),
    }),
  ];
  if (options.sources) {
    watches.push(
      watchFiles({
        ...common,
        roots: scope.roots,
        isWatched: (path, isFolder) => scope.meaningOf(path, isFolder) !== undefined,
        onChange: (path, writtenMs) => {
          const meaning = scope.meaningOf(path);
          if (meaning !== undefined) options.onSource(path, { meaning, writtenMs });
        },
        onProblem: options.onProblem,
      }),
    );
  }
  return {
    async close() {
      await Promise.all(watches.map((watch) => watch.close()));
    },
  };
}

/** What was read, the secrets beside it, where another file would be found before it, and what git ignores. */
function configurationPlaces({ config, scope }: Project): string[] {
  const folders = [config.projectDir, ...(config.file === undefined ? [] : [dirname(config.file)])];
  const names = [...searchPlaces.filter((name) => name !== 'package.json'), '.otarc.env'];
  return [
    ...config.files,
    ...scope.rulesAbove,
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
  ];
}
