/** What is there before anything is asked: the folder, the configuration, the network. Reads only. */

import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSketchFolder } from '../builders/detect.ts';
import { findExecutable } from '../builders/executable.ts';
import { loadConfig } from '../config/index.ts';
import type { Config } from '../config/types.ts';
import type { FoundDevice } from '../model/announcement.ts';
import type { BrowseOptions } from '../network/types.ts';
import { OtaError } from '../model/errors.ts';
import { findHost } from '../network/find-host.ts';
import { buildRequestOf } from '../deploy/plan.ts';
import { readSmallFile } from '../config/small-file.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { ExistingConfiguration, Installation, Templates } from './types.ts';

/** From `dist/` as from `src/init/`. */
const places = ['../', '../../'];
const scanMs = 1500;

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** The folder with its links resolved. */
export async function findFolder(cwd: string): Promise<string> {
  const folder = await realpath(cwd).catch(() => undefined);
  const found = folder === undefined ? undefined : await stat(folder);
  if (folder !== undefined && found?.isDirectory() === true) return folder;
  throw new OtaError('USAGE', `There is no folder ${cwd}.`, { hint: 'Correct `-C`.' });
}

export interface Kind {
  readonly isPio: boolean;
  readonly isSketch: boolean;
}

/** As the build tools take a folder. */
export async function projectKindOf(folder: string): Promise<Kind> {
  const names = await readdir(folder);
  return { isPio: names.includes('platformio.ini'), isSketch: isSketchFolder(folder, names) };
}

/** What is configured, the build tool's own files included. */
export async function readConfigured(
  { folder, interfaces }: { readonly folder: string; readonly interfaces?: readonly string[] | undefined },
  { env, signal }: Surroundings,
): Promise<{ config: Config; configured: ExistingConfiguration }> {
  const ask = async (draft: Config) => {
    const { projectFacts } = await import('../builders/facts.ts');
    const request = buildRequestOf({ config: draft, command: undefined }, draft.build.environment);
    return projectFacts(request, { env, signal });
  };
  const { config } = await loadConfig({
    command: 'init',
    flags: withoutUndefined({ cwd: folder, interfaces }),
    env,
    signal,
    findHost,
    project: { wanted: 'everything', ask },
  });
  const { file, devices, build } = config;
  const home = file === undefined ? undefined : dirname(file);
  return {
    config,
    configured: {
      file,
      isHere: home === folder || home === join(folder, '.config'),
      devices: devices.map(({ name, host, port, credentialSource: source }) => ({
        name,
        host,
        port,
        variable: source.type === 'env' ? source.variable : undefined,
        hasPassword: source.type !== 'none',
      })),
      tool: config.origins.some(({ path, origin }) => path === 'build.tool' && !origin.startsWith('default'))
        ? build.tool
        : undefined,
      environment: build.environment,
      fqbn: build.fqbn,
    },
  };
}

interface Scan extends Surroundings {
  readonly browse: (options: BrowseOptions) => Promise<void>;
  readonly interfaces: readonly string[];
  /** Ends the wait before its time: all that is looked for is there. */
  readonly isEnough: (found: readonly FoundDevice[]) => boolean;
}

/** The devices that announce themselves within 1.5 s. What goes wrong here is no reason to end: a device can be typed. */
export async function scan({ browse, interfaces, isEnough, signal }: Scan): Promise<{
  found: readonly FoundDevice[];
  problems: readonly string[];
}> {
  const enough = new AbortController();
  const problems: string[] = [];
  let found: readonly FoundDevice[] = [];
  const until = AbortSignal.any([signal, enough.signal, AbortSignal.timeout(scanMs)]);
  const onChange = (devices: readonly FoundDevice[]): void => {
    found = devices;
    if (isEnough(devices)) enough.abort();
  };
  const onProblem = ({ message }: { message: string }): void => void problems.push(message);
  try {
    await browse({ interfaces, signal: until, onChange, onProblem });
  } catch (error) {
    if (!(error instanceof OtaError) || signal.aborted) throw error;
    problems.push(error.message);
  }
  return { found, problems };
}

/** Text of each file that exists, by its path, as `lines.ts` has texts. */
export async function readTexts(paths: readonly string[]): Promise<Map<string, string>> {
  const entries = await Promise.all(paths.map(async (path) => [path, await readText(path)] as const));
  return new Map(entries.flatMap(([path, text]) => (text === undefined ? [] : [[path, text]])));
}

/** The `boards.txt` of a core has some megabytes. */
const largestBytes = 16 * 1024 * 1024;

async function readText(path: string): Promise<string | undefined> {
  const content = await readSmallFile(path, { limitBytes: largestBytes });
  if (content.type === 'missing') return undefined;
  if (content.type === 'read') return content.bytes.toString('latin1');
  throw new OtaError('CONFIG_UNREADABLE', `${path} cannot be read: ${content.reason}.`);
}

export async function existingOf(paths: readonly string[]): Promise<Set<string>> {
  const found = await Promise.all(
    paths.map(async (path) => ((await stat(path).catch(() => undefined)) === undefined ? [] : [path])),
  );
  return new Set(found.flat());
}

/** A folder and all above it. */
export function* upward(folder: string): Generator<string> {
  for (let each = folder; ; each = dirname(each)) {
    yield each;
    if (dirname(each) === each) return;
  }
}

/** The `.gitignore` files from the root of the work tree down to a folder; where it is in none, its own. */
export async function readIgnoring(folder: string): Promise<{ folder: string; text: string }[]> {
  const folders = [...upward(folder)];
  const roots = await existingOf(folders.map((each) => join(each, '.git')));
  const root = folders.findIndex((each) => roots.has(join(each, '.git')));
  const within = root === -1 ? [folder] : folders.slice(0, root + 1);
  const texts = await readTexts(within.map((each) => join(each, '.gitignore')));
  return [...texts].map(([path, text]) => ({ folder: dirname(path), text }));
}

export async function readTemplates(names: readonly string[]): Promise<Templates> {
  const folder = await templatesFolder();
  const entries = names.map(
    async (name) => [name, await readFile(join(folder, ...name.split('/')), 'utf8')] as const,
  );
  return { folder, texts: Object.fromEntries(await Promise.all(entries)) };
}

/** Absolute: those of this package. */
export const templatesFolder = (): Promise<string> => firstExisting('templates/');

/** This otarc, and whether a hook of the project would find one. */
export async function readInstallation(folder: string, env: NodeJS.ProcessEnv): Promise<Installation> {
  const script = await firstExisting('dist/cli.js');
  const packages = await existingOf(
    [...upward(folder)].map((each) => join(each, 'node_modules', 'otarc', 'dist', 'cli.js')),
  );
  // What npx has fetched is on PATH for as long as it runs.
  const path = (env['PATH'] ?? env['Path'] ?? '')
    .split(delimiter)
    .filter((each) => !each.includes(`${sep}_npx${sep}`));
  const onPath = await findExecutable({ names: ['otarc'], env: { PATH: path.join(delimiter) } });
  return { node: process.execPath, script, isFindable: packages.size > 0 || onPath !== undefined };
}

async function firstExisting(name: string): Promise<string> {
  const paths = places.map((place) => fileURLToPath(new URL(place + name, import.meta.url)));
  const found = await existingOf(paths);
  const path = paths.find((each) => found.has(each)) ?? paths[0] ?? name;
  return path.replace(/[\\/]$/, '');
}
