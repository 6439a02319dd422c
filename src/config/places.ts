/**
 * Where a configuration file may stand, which of those places hold one, and what follows from that alone. Costs a few
 * `stat`s, loads nothing.
 *
 * cosmiconfig loads what is found here (`load.ts`), and the user's folder with the names in it is cosmiconfig's. It does not
 * search, because its own search
 * - has to be loaded, with its YAML parser, by every push of a project that has no configuration;
 * - passes over a file that it may not read, and over an empty one;
 * - stops at one folder named beforehand, which here would be the first with `.git`, the home folder, or the one below a
 *   folder that anybody may write to;
 * - asks the process for the home folder, not the environment that the library was given;
 * - does not say which files lie unused beside the one it found.
 */

import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { messageOf, OtaError } from '../model/errors.ts';
import { readSmallFileSync, textOf } from './small-file.ts';
import type { Sourced } from '../model/project-facts.ts';

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
 * @throws OtaError CONFIG_UNREADABLE: a file is there and may not be read, or a folder has its name. Passing it over in
 *   silence would push with other settings than the ones that the user sees in the folder.
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

/**
 * The folder that is built where nothing says which: from `src/` of a project it is the folder that the configuration
 * was found in, because neither build tool searches upward itself.
 */
export function defaultSketch(projectDir: string, found: Found | undefined): Sourced<string> {
  const working = { value: projectDir, origin: 'default: the working folder' };
  const folder = found?.projectFolder;
  if (found === undefined || folder === undefined || !isAbove(folder, projectDir)) return working;
  const own = projectFileIn(projectDir);
  if (own !== undefined) return { ...working, origin: `${working.origin}, which holds ${own}` };
  return { value: folder, origin: `default: the folder of ${found.file}` };
}

/**
 * For a hook that runs after every build and mostly has nothing to do: it must know so within milliseconds.
 *
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

function firstOf(folder: string, places: readonly string[]): Found | undefined {
  const all = places.map((place) => join(folder, place)).filter((place) => statOf(place) !== undefined);
  const [file, ...unused] = all.filter(holdsConfiguration);
  for (const place of all.slice(0, file === undefined ? all.length : all.indexOf(file))) refuseNoFile(place);
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

/**
 * What has the name of a configuration and cannot be one: passed over in silence it would look like a file without effect.
 * `~/.config/otarc/` is a folder by right, and of `package.json` npm speaks. A link that leads nowhere is no configuration yet:
 * `init` writes the file that it names.
 */
function refuseNoFile(path: string): void {
  if (path.endsWith(join('.config', 'otarc')) || basename(path) === 'package.json') return;
  const hint = `Rename it, or move it away: ${basename(path)} is the name of a configuration file. Or name another file with \`--config\`.`;
  if (statOf(path)?.isDirectory() !== true) return;
  throw new OtaError('CONFIG_UNREADABLE', `${path} cannot be read: it is a folder.`, { hint });
}

function holdsConfiguration(path: string): boolean {
  // Not `isFile`: a pipe or a device is the user's business.
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

function isAbove(folder: string, other: string): boolean {
  const way = relative(folder, other);
  return way !== '' && way.split(/[\\/]/, 1)[0] !== '..' && !isAbsolute(way);
}

/** What one of the build tools takes a folder by. */
function projectFileIn(folder: string): string | undefined {
  const name = basename(folder);
  const files = ['platformio.ini', 'sketch.yaml', 'sketch.yml', `${name}.ino`, `${name}.pde`];
  return files.find((file) => existsSync(join(folder, file)));
}

function configFileOf(folder: string, named: string | undefined): string | undefined {
  if (!named) return configFileIn(folder)?.file;
  const { file, projectFolder = dirname(file) } = namedConfigFile(resolve(folder, named));
  return resolve(projectFolder) === resolve(folder) ? file : undefined;
}

const isScript = (file: string): boolean => /\.[cm]?[jt]s$/.test(file);
