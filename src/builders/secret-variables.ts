/** The variables in which devices' passwords stand, kept from builds: a build that prints its environment prints them too. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment } from '../model/child-environment.ts';
import type { BuildRequest } from './types.ts';

/** Scripts are small; what is larger is an archive or an image. */
const largestBytes = 256 * 1024;

/**
 * One that the project's own files or its command name stays: many a sketch is compiled with the password of its device, and
 * without it would be open to everybody (PlatformIO makes nothing of a `${sysenv.…}` that is not set).
 */
export async function withoutSecrets(
  env: NodeJS.ProcessEnv,
  { secretVariables = [], command = [], args, projectDir }: BuildRequest,
): Promise<NodeJS.ProcessEnv> {
  const set = secretVariables.filter((name) => env[name] !== undefined);
  if (set.length === 0) return env;
  const texts = [...command, ...args, ...(await textsOf(projectDir))];
  return childEnvironment(env, { secretVariables: set, texts });
}

/** The files of a project and of its folders, where build scripts lie; not those of otarc, which name every variable. */
async function textsOf(projectDir: string): Promise<string[]> {
  const isOther = (name: string): boolean => !name.startsWith('.') && !name.startsWith('otarc.config');
  const here = await readdir(projectDir, { withFileTypes: true }).catch(() => []);
  const below = here
    .filter((each) => each.isDirectory() && isOther(each.name) && each.name !== 'node_modules')
    .map((each) => join(projectDir, each.name));
  const inside = await Promise.all(
    below.map(async (folder) => (await readdir(folder).catch(() => [])).map((name) => join(folder, name))),
  );
  const own = here.filter((each) => isOther(each.name)).map((each) => join(projectDir, each.name));
  return Promise.all([...own, ...inside.flat()].map(textOf));
}

async function textOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile() || found.size > largestBytes) return '';
  return readFile(path, 'utf8').catch(() => '');
}
