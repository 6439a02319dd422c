/** Everything in a folder, to be compared: what was taken away has to be gone, what was given back has to be the same. */

import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Each path below `dir` with its kind, its mode and a digest of its bytes. `except`: names that are left out, wherever they are. */
export async function stateOf(dir: string, except: readonly string[] = []): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !relative(dir, path)
          .split(/[\\/]/)
          .some((part) => except.includes(part)),
    )
    .toSorted();
  const states = await Promise.all(
    paths.map(async (path) => [relative(dir, path), await stateOfOne(path)] as const),
  );
  return Object.fromEntries(states);
}

async function stateOfOne(path: string): Promise<string> {
  const stat = await lstat(path);
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return `link to ${await readlink(path)}`;
  if (stat.isDirectory()) return `folder ${mode}`;
  return `file ${mode} ${createHash('sha256')
    .update(await readFile(path))
    .digest('hex')}`;
}
