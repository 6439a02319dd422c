/** Where a configuration file may stand, and which of those places hold one. Costs a few `stat`s, loads nothing. */

import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { messageOf, OtaError } from '../model/errors.ts';
import { readSmallFileSync, textOf } from './small-file.ts';

const scripts = ['js', 'cjs', 'mjs', 'ts'];
const extensions = ['json', 'yaml', 'yml', ...scripts];
const withExtensions = (stem: string, list: string[]): string[] => list.map((each) => `${stem}.${each}`);

/** In each folder from the project upward, in this order: the first that exists is used. */
export const searchPlaces: readonly string[] = [
  '.otarc',
  ...withExtensions('.otarc', extensions),
  ...withExtensions('otarc.config', scripts),
  '.config/otarc',
  ...withExtensions('.config/otarc', extensions),
  'package.json',
];

/** In the user's own configuration folder. The names are cosmiconfig's. */
const userPlaces: readonly string[] = ['config', ...withExtensions('config', extensions)];

export interface Found {
  /** Absolute. */
  readonly file: string;
  /** Files in the same folder that would have been used without it. */
  readonly unused: readonly string[];
  /** Absolute folder of the project that it describes; absent for the user's own file. */
  readonly projectFolder?: string;
}

/**
 * The configuration file of a project: the nearest one upward, up to the repository's root or the home folder, else
 * the user's own.
 *
 * @param env decides where the home folder and the user's configuration folder are
 * @throws OtaError CONFIG_UNREADABLE: a file is there and may not be read. Passing it over in silence would push with
 *   other settings than the ones that the user sees in the folder.
 */
export function findConfigFile(projectDir: string, env: NodeJS.ProcessEnv): Found | undefined {
  for (const folder of foldersUpward(projectDir, homeOf(env))) {
    const found = configFileIn(folder);
    if (found) return found;
  }
  return firstOf(userConfigFolder(env), userPlaces);
}

/** The one in this very folder. Throws as `findConfigFile` does. */
export function configFileIn(folder: string): Found | undefined {
  const found = firstOf(folder, searchPlaces);
  return found && { ...found, projectFolder: folder };
}

/** A file that the user has named: described is the folder that would find it. */
export function namedConfigFile(file: string): Found {
  const folder = dirname(file);
  return { file, unused: [], projectFolder: basename(folder) === '.config' ? dirname(folder) : folder };
}

function firstOf(folder: string, places: readonly string[]): Found | undefined {
  const [file, ...unused] = places.map((place) => join(folder, place)).filter(holdsConfiguration);
  if (file === undefined) return undefined;
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw new OtaError('CONFIG_UNREADABLE', `${file} may not be read: ${messageOf(error)}`, { cause: error });
  }
  return { file, unused };
}

/**
 * From the project up to and including the repository's root or the home folder. Where neither lies above, up to the
 * root of the file system, but not into a folder in which anybody may leave a file (`/tmp`): a configuration can be a
 * program.
 */
function* foldersUpward(projectDir: string, home: string): Generator<string> {
  const homes = new Set([home, realPathOf(home)]);
  for (let folder = projectDir; ; folder = dirname(folder)) {
    if (folder !== projectDir && isEverybodys(folder)) return;
    yield folder;
    const isLast = homes.has(folder) || dirname(folder) === folder;
    if (isLast || statOf(join(folder, '.git')) !== undefined) return;
  }
}

function homeOf(env: NodeJS.ProcessEnv): string {
  return env[process.platform === 'win32' ? 'USERPROFILE' : 'HOME'] || homedir();
}

/** The folder that cosmiconfig calls global (package env-paths), for the environment handed in. */
function userConfigFolder(env: NodeJS.ProcessEnv): string {
  const home = homeOf(env);
  if (process.platform === 'darwin') return join(home, 'Library', 'Preferences', 'otarc');
  if (process.platform === 'win32')
    return join(env['APPDATA'] || join(home, 'AppData', 'Roaming'), 'otarc', 'Config');
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'otarc');
}

function holdsConfiguration(path: string): boolean {
  // Not `isFile`: a pipe or a device is the user's business. A folder is not (`~/.config/otarc/` is one).
  const stat = statOf(path);
  if (stat === undefined || stat.isDirectory()) return false;
  return !path.endsWith('package.json') || namesOtarc(path);
}

/** As far as `load.ts` reads. */
const largestPackageBytes = 512 * 1024;

function namesOtarc(packageJson: string): boolean {
  const content = readSmallFileSync(packageJson, largestPackageBytes);
  if (content.type === 'unreadable' && content.isTooLarge === true)
    throw new OtaError('CONFIG_UNREADABLE', `${packageJson} cannot be read: ${content.reason}.`, {
      hint: 'Look what it is; or name the configuration with `--config`.',
    });
  try {
    const value: unknown = JSON.parse(textOf(content));
    return typeof value === 'object' && value !== null && Object.hasOwn(value, 'otarc');
  } catch {
    // Somebody else's broken file: npm will say so. It is none of ours unless `--config` names it.
    return false;
  }
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function isEverybodys(folder: string): boolean {
  const mode = statOf(folder)?.mode ?? 0;
  return (mode & 0o1002) === 0o1002;
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
