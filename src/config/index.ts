/** The configuration of a project: found, checked, resolved. Nothing but this folder knows how a file is written. */

import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { cancelled, OtaError } from '../model/errors.ts';
import { isPasswordVariable, passwordVariablesIn, readEnvironment } from './environment.ts';
import type { FindHost } from './homeding-device.ts';
import type { ReadHomeding } from './read-files.ts';
import { defaultSketch, findConfigFile, namedConfigFile } from './places.ts';
import { invalid } from './problem.ts';
import type { ProjectFacts } from '../model/project-facts.ts';
import { meantAmong, needsEnvironments, needsProject, type WantedTargets } from './resolve-question.ts';
import { resolveConfig } from './resolve.ts';
import type { ReadSecrets } from './secrets-file.ts';
import { isConfiguration, type CommandName } from './settings/index.ts';
import type { ConfigSources } from './sources.ts';
import type { Config, Flags } from './types.ts';

export { nothingFetched, resolveCredential, type FetchedSecrets } from './secrets.ts';
export { doubtOf, isForNobody, selectDevices } from './select.ts';

export interface LoadOptions {
  /** Whose variables count. */
  readonly command: CommandName;
  /** `cwd` absolute. */
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Who reads the build tool's own files. Absent: they are left alone. */
  readonly project?: ProjectReader;
  /** Where a device is whose own HomeDing JSON is read from it. Default: what the system says. */
  readonly findHost?: FindHost;
}

export interface ProjectReader {
  /** What the configuration is for: they are read only where they can matter to it. `everything`: to be shown. */
  readonly wanted: WantedTargets | 'everything';
  /**
   * @param config as it is without them: it says what is built, and by which tool
   * @param wants `environments`: also where they say nothing about uploads it counts which environments there are
   */
  ask(config: Config, wants: { readonly environments: boolean }): Promise<ProjectFacts | undefined>;
}

export interface Loaded {
  readonly config: Config;
  /** Sentences for a person. */
  readonly warnings: readonly string[];
}

/**
 * Finds, checks and resolves the configuration. Passwords are not fetched: see `resolveCredential`.
 *
 * @throws OtaError CONFIG_UNREADABLE, or CONFIG_INVALID with every mistake at once; CANCELLED
 */
export async function loadConfig(options: LoadOptions): Promise<Loaded> {
  const { command, flags, env, signal, project } = options;
  const projectDir = flags.cwd ?? process.cwd();
  if (!statSync(projectDir, { throwIfNoEntry: false })?.isDirectory()) {
    const isForeign = projectDir.includes('\uFFFD');
    throw new OtaError('USAGE', `There is no folder ${projectDir}.`, {
      hint: isForeign ? 'Its name is not UTF-8, which otarc cannot open: rename it.' : 'Correct `-C`.',
    });
  }
  const { values: overrides, problems: wrong } = readEnvironment(env, command);
  const problems = wrong.flatMap(({ key, problem }) => (isConfiguration(key) ? [problem] : []));
  const named = flags.config ?? overrides.config;
  const found =
    named === undefined ? findConfigFile(projectDir, env) : namedConfigFile(resolve(projectDir, named));
  // Loaded only where there is something to read: without a file, a push does not pay for zod, yaml and cosmiconfig.
  const read = found && (await (await import('./read-files.ts')).readFiles(found.file, signal));
  const secrets = await readSecrets(found === undefined ? projectDir : dirname(found.file), { env, signal });
  if (signal.aborted) throw cancelled(signal);
  const all = [...problems, ...(read?.problems ?? []), ...(secrets?.problems ?? [])];
  if (all.length > 0) throw invalid(all);
  const { secretsFile } = secrets ?? {};
  const onlyFiles: ConfigSources = {
    projectDir,
    flags,
    overrides,
    passwordVariables: new Set([
      ...passwordVariablesIn(env),
      ...[...(secretsFile?.secrets.keys() ?? [])].filter(isPasswordVariable),
    ]),
    secretsFile,
    defaultSketch: defaultSketch(projectDir, found),
    file: read?.file,
    folder: found?.projectFolder,
    homeding: read?.homeding ?? new Map(),
  };
  const asked = await askDevices(onlyFiles, read?.onDevices ?? new Map(), options);
  const sources: ConfigSources = {
    ...onlyFiles,
    homeding: new Map([...onlyFiles.homeding, ...asked.homeding]),
  };
  const warnings = [
    ...(found ? warningsFor(found) : []),
    ...(read?.warnings ?? []),
    ...asked.warnings,
    ...(secrets?.warnings ?? []),
  ];
  const config = resolveConfig(sources);
  if (project === undefined) return { config, warnings };
  const { facts, problem } = await readProject(config, project, signal);
  if (facts === undefined) return { config, warnings: [...warnings, ...(problem ?? [])] };
  const isFile = project.wanted !== 'everything' && project.wanted.isFile;
  return {
    config: resolveConfig({ ...sources, project: facts, isFile }),
    warnings: [...warnings, ...facts.problems],
  };
}

/** What the devices that are meant say of themselves, where the configuration says that they do. */
async function askDevices(
  sources: ConfigSources,
  onDevices: ReadonlyMap<string, URL>,
  { project, signal, findHost }: LoadOptions,
): Promise<ReadHomeding> {
  if (onDevices.size === 0) return { homeding: new Map(), problems: [], warnings: [] };
  const config = resolveConfig(sources);
  const wanted = project?.wanted ?? 'everything';
  const meant = wanted === 'everything' ? config.devices : meantAmong(config, wanted);
  const names = new Set(meant.map(({ name }) => name));
  const places = new Map([...onDevices].filter(([name]) => names.has(name)));
  const { readFromDevices } = await import('./read-files.ts');
  const { interfaces } = config.adHoc.device;
  const read = await readFromDevices(places, { signal, findHost, interfaces });
  if (signal.aborted) throw cancelled(signal);
  if (read.problems.length > 0) throw invalid(read.problems);
  return read;
}

/** Read only where it exists: nobody else pays for it. */
async function readSecrets(
  folder: string,
  context: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<ReadSecrets | undefined> {
  const file = join(folder, '.otarc.env');
  if (!existsSync(file)) return undefined;
  const { readSecretsFile } = await import('./secrets-file.ts');
  return readSecretsFile(file, context);
}

async function readProject(
  config: Config,
  { wanted, ask }: ProjectReader,
  signal: AbortSignal,
): Promise<{ facts?: ProjectFacts | undefined; problem?: string[] }> {
  if (wanted !== 'everything' && !needsProject(config, wanted)) return {};
  const environments = wanted !== 'everything' && needsEnvironments(config, wanted);
  try {
    return { facts: await ask(config, { environments }) };
  } catch (error) {
    if (signal.aborted || !(error instanceof OtaError) || wanted === 'everything') throw error;
    // A build fails of the same in a moment, and says so; unless it is never reached for want of a target.
    if (!wanted.isFile && config.devices.length === 0 && wanted.targets.length === 0) throw error;
    return wanted.isFile
      ? { problem: [`What the project itself says about uploads is not known: ${error.message}`] }
      : {};
  }
}

function warningsFor({ file, unused }: { file: string; unused: readonly string[] }): string[] {
  return unused.length === 0 ? [] : [`${file} is used; ${unused.join(', ')} beside it is not read.`];
}
