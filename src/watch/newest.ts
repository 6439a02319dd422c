/** Whether an image can be the one of the sources as they are. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../model/types.ts';
import type { Scope } from './scope.ts';

/** The path of a source that was written after the image; undefined: there is none, so the image is up to date. */
export async function sourceNewerThan(
  artifact: Artifact | undefined,
  scope: Scope,
): Promise<string | undefined> {
  const image = artifact && (await stat(artifact.path).catch(() => undefined));
  const timeMs = image?.mtimeMs ?? -Infinity;
  const newerAt = async (path: string): Promise<string | undefined> => {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || scope.meaningOf(path, found.isDirectory()) === undefined) return undefined;
    if (!found.isDirectory()) return found.mtimeMs > timeMs ? path : undefined;
    for (const name of await readdir(path).catch(() => [])) {
      const newer = await newerAt(join(path, name));
      if (newer !== undefined) return newer;
    }
    return undefined;
  };
  for (const root of scope.roots) {
    const newer = await newerAt(root);
    if (newer !== undefined) return newer;
  }
  return undefined;
}
