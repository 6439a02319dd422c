/** What git would not look at: the .gitignore files from the repository's root down to a path, as git reads them. */

import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { readSmallFileSync, textOf } from '../config/small-file.ts';

/** As git itself is set up where file names differ by their case. */
const ignorecase = process.platform === 'win32' || process.platform === 'darwin';

/** Whether git ignores a path below a root, or a folder that it lies in. */
export type GitIgnore = (path: string, isFolder: boolean) => boolean;

/**
 * For what lies below `root`; the root itself is wanted, whatever is said of it. A file that is changed later counts for
 * another call of this.
 */
export function gitIgnoreBelow(root: string): GitIgnore {
  const rules = new Map<string, Ignore | undefined>();
  const rulesOf = (folder: string): Ignore | undefined => {
    if (!rules.has(folder)) rules.set(folder, readRules(folder));
    return rules.get(folder);
  };
  // What ignores the root means something else: a repository that takes only what is listed, a copy for a test.
  const above = foldersToRepository(root).filter(
    (folder) => verdict(rulesOf(folder), folder, root, true) !== true,
  );
  const folders = new Map<string, boolean>();

  const isIgnoredByName = (path: string, isFolder: boolean): boolean => {
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const found = verdict(rulesOf(folder), folder, path, isFolder);
      if (found !== undefined) return found;
      if (folder === root || dirname(folder) === folder) break;
    }
    // The nearest that says anything has the last word.
    for (const folder of above) {
      const found = verdict(rulesOf(folder), folder, path, isFolder);
      if (found !== undefined) return found;
    }
    return false;
  };
  const isFolderIgnored = (folder: string): boolean => {
    if (folder === root || !isBelow(folder, root)) return false;
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const found = isFolderIgnored(dirname(folder)) || isIgnoredByName(folder, true);
    folders.set(folder, found);
    return found;
  };
  return (path, isFolder) => {
    if (!isBelow(path, root)) return false;
    if (isFolder) return isFolderIgnored(path);
    return isFolderIgnored(dirname(path)) || isIgnoredByName(path, false);
  };
}

/** Patterns as in a .gitignore that lies in `folder`. */
export function ignoredBy(patterns: readonly string[], folder: string): GitIgnore {
  if (patterns.length === 0) return () => false;
  const rules = ignore({ allowRelativePaths: true, ignorecase }).add(patterns);
  return (path, isFolder) => isBelow(path, folder) && verdict(rules, folder, path, isFolder) === true;
}

export function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Undefined: nothing there says anything of it. */
function verdict(
  rules: Ignore | undefined,
  folder: string,
  path: string,
  isFolder: boolean,
): boolean | undefined {
  if (rules === undefined) return undefined;
  const { ignored, unignored } = rules.test(
    relative(folder, path).replaceAll(sep, '/') + (isFolder ? '/' : ''),
  );
  return ignored ? true : unignored ? false : undefined;
}

function readRules(folder: string): Ignore | undefined {
  const texts = ['.gitignore', join('.git', 'info', 'exclude')].flatMap((name) => {
    const content = readSmallFileSync(join(folder, name));
    return content.type === 'read' ? [textOf(content)] : [];
  });
  return texts.length === 0 ? undefined : ignore({ ignorecase }).add(texts.join('\n'));
}

/** The .gitignore files that have a say below `path` without lying there. */
export function ignoreFilesAbove(path: string): string[] {
  return foldersToRepository(path).map((folder) => join(folder, '.gitignore'));
}

/** From the folder above to the root of the repository; none where it lies in none. */
function foldersToRepository(path: string): string[] {
  if (existsSync(join(path, '.git'))) return [];
  const folders: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.push(folder);
    if (existsSync(join(folder, '.git'))) return folders;
    if (dirname(folder) === folder) return [];
  }
}
