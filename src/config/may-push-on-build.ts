/** For a hook that runs after every build and mostly has nothing to do: it must know so within milliseconds. */

import { dirname, resolve } from 'node:path';
import { readSmallFileSync } from './small-file.ts';
import { configFileIn, namedConfigFile } from './places.ts';

const isScript = (file: string): boolean => /\.[cm]?[jt]s$/.test(file);

/**
 * Whether the configuration in this very folder may say `hook: { pushOnBuild: true }`. False is certain: there is none,
 * or the word does not occur in it. True means that it has to be loaded to be known (a program always has).
 *
 * @param folder absolute
 * @param named the file that flag or variable names in place of the one that is found; it counts where it describes this
 *   folder
 */
export function mayPushOnBuild(folder: string, named: string | undefined): boolean {
  try {
    const file = configFileOf(folder, named);
    if (file === undefined) return false;
    const content = isScript(file) ? undefined : readSmallFileSync(file);
    return content?.type !== 'read' || content.bytes.includes('pushOnBuild');
  } catch {
    return true; // Whoever loads it says what is wrong with it.
  }
}

function configFileOf(folder: string, named: string | undefined): string | undefined {
  if (!named) return configFileIn(folder)?.file;
  const { file, projectFolder = dirname(file) } = namedConfigFile(resolve(folder, named));
  return resolve(projectFolder) === resolve(folder) ? file : undefined;
}
