/** Which paths are watched, and what a change of each means. Reads the .gitignore files, and nothing else. */

import { basename, relative, sep } from 'node:path';
import type { SourcePaths } from '../builders/source-paths.ts';
import { gitIgnoreBelow, ignoredBy, ignoreFilesAbove, isBelow, type GitIgnore } from './git-ignore.ts';
import { isBesideLibrary, isNoisyFile, isNoisyFolder } from './noise.ts';

/** `project`: how it is built may have changed. `rules`: a .gitignore, so what is watched may have. */
export type Meaning = 'firmware' | 'filesystem' | 'project' | 'rules';

export interface Scope {
  /** Absolute paths of files and folders, whether they exist or not. */
  readonly roots: readonly string[];
  /** Of these, what the file-system image is made of. */
  readonly data: readonly string[];
  /** Files above the roots that say what git ignores below them, whether they exist or not. */
  readonly rulesAbove: readonly string[];
  /** Undefined: it is not watched. Without `isFolder` it is taken for a file. */
  meaningOf(path: string, isFolder?: boolean): Meaning | undefined;
}

export interface ScopeOptions {
  readonly sources: SourcePaths;
  /** Of the user, absolute; watched even where git ignores them. */
  readonly paths: readonly string[];
  /** Of the user, as in a .gitignore in `ignoreDir`. */
  readonly ignore: readonly string[];
  readonly ignoreDir: string;
}

interface Root {
  readonly path: string;
  readonly meaning: Exclude<Meaning, 'rules'>;
  readonly isLibraries: boolean;
  readonly isIgnored: GitIgnore;
}

export function scopeOf({ sources, paths, ignore, ignoreDir }: ScopeOptions): Scope {
  const nothing: GitIgnore = () => false;
  const isIgnoredByUser = ignoredBy(ignore, ignoreDir);
  const all: Root[] = [
    ...named(paths, 'firmware', () => nothing),
    ...named(sources.project, 'project', () => nothing),
    ...named(sources.filesystem, 'filesystem', gitIgnoreBelow),
    ...named(sources.libraries, 'firmware', gitIgnoreBelow, true),
    ...named(sources.firmware, 'firmware', gitIgnoreBelow),
  ];
  // The first of equal ones, the longest of nested ones: `data` in a sketch is the file system's.
  const roots = [...new Map(all.toReversed().map((root) => [root.path, root])).values()].toSorted(
    (one, other) => other.path.length - one.path.length,
  );
  return {
    roots: roots.map(({ path }) => path),
    data: sources.filesystem,
    rulesAbove: [...new Set(roots.flatMap(({ path }) => ignoreFilesAbove(path)))],
    meaningOf(path, isFolder = false) {
      const root = roots.find((each) => path === each.path || isBelow(path, each.path));
      if (root === undefined || isIgnoredByUser(path, isFolder)) return undefined;
      const isProduct = sources.products.some(
        (each) => !isBelow(root.path, each) && root.path !== each && (path === each || isBelow(path, each)),
      );
      if (isProduct) return undefined;
      if (path === root.path) return root.meaning;
      const names = relative(root.path, path).split(sep);
      const containing = isFolder ? names : names.slice(0, -1);
      const isData = root.meaning === 'filesystem';
      if (containing.some((name) => isNoisyFolder(name, isData))) return undefined;
      if (root.isLibraries && containing[1] !== undefined && isBesideLibrary(containing[1])) return undefined;
      const name = basename(path);
      if (!isFolder && (isNoisyFile(name, isData) || isOwn(name))) return undefined;
      if (root.isIgnored(path, isFolder)) return undefined;
      return name === '.gitignore' ? 'rules' : root.meaning;
    },
  };
}

function named(
  paths: readonly string[],
  meaning: Root['meaning'],
  ignored: (path: string) => GitIgnore,
  isLibraries = false,
): Root[] {
  return paths.map((path) => ({ path, meaning, isLibraries, isIgnored: ignored(path) }));
}

/** Otarc's own files are looked at by themselves, and by another eye. */
function isOwn(name: string): boolean {
  return /^\.otarc(?:\.|$)|^otarc\.config\./.test(name);
}
