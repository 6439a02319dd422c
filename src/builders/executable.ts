import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/**
 * The first of `names` in one of the folders of PATH, then of `folders`: its absolute path. A relative folder in PATH is passed
 * over: it would be one of whatever folder otarc is called in.
 */
export async function findExecutable(search: {
  readonly names: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly folders?: readonly string[];
}): Promise<string | undefined> {
  const path = search.env['PATH'] ?? search.env['Path'] ?? '';
  const folders = [
    ...path.split(delimiter).filter((folder) => isAbsolute(folder)),
    ...(search.folders ?? []),
  ];
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of folders) {
    for (const name of search.names) {
      for (const suffix of suffixes) {
        const file = join(folder, name + suffix);
        if (await isExecutable(file)) return file;
      }
    }
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
