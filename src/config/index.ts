/** The configuration of a project: found, checked, resolved. Nothing but this folder knows how a file is written. */

import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { cancelled, OtaError } from '../model/errors.ts';
import { isPasswordVariable, readEnvironment } from './environment.ts';
import { defaultSketch } from './default-sketch.ts';
import { findConfigFile, namedConfigFile } from './places.ts';
import { invalid, pathText, type Problem } from './problem.ts';
import type { ProjectFacts } from '../model/project-facts.ts';
import { needsEnvironments, needsProject, type Wanted } from './resolve-question.ts';
import { resolveConfig } from './resolve.ts';
import type { ConfigFile, HomedingFile } from './schema.ts';
import type { ReadSecrets } from './secrets-file.ts';
import type { CheckedFile, Sources } from './sources.ts';
import type { Config, Flags } from './types.ts';

export { resolveCredential } from './secrets.ts';
export { doubtOf, isForNobody, selectDevices } from './select.ts';

export interface LoadOptions {
  /** `cwd` absolute. */
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Who reads the build tool's own files. Absent: they are left alone. */
  readonly project?: ProjectReader;
}

export interface ProjectReader {
  /** What the configuration is for: they are read only where they can matter to it. `everything`: to be shown. */
  readonly wanted: Wanted | 'everything';
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
export async function loadConfig({ flags, env, signal, project }: LoadOptions): Promise<Loaded> {
  const projectDir = flags.cwd ?? process.cwd();
  if (!statSync(projectDir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new OtaError('USAGE', `There is no folder ${projectDir}.`, { hint: 'Correct `-C`.' });
  }
  const { flags: overrides, passwordVariables, problems } = readEnvironment(env);
  const named = flags.config ?? overrides.config;
  const found =
    named === undefined ? findConfigFile(projectDir, env) : namedConfigFile(resolve(projectDir, named));
  // Loaded only where there is something to read: without a file, a push does not pay for zod, yaml and cosmiconfig.
  const read = found && (await readFiles(found.file, signal));
  const secrets = await readSecrets(found === undefined ? projectDir : dirname(found.file), env);
  if (signal.aborted) throw cancelled(signal);
  const all = [...problems, ...(read?.problems ?? []), ...(secrets?.problems ?? [])];
  if (all.length > 0) throw invalid(all);
  const { secretsFile } = secrets ?? {};
  const sources: Sources = {
    projectDir,
    flags,
    overrides,
    passwordVariables: new Set([
      ...passwordVariables,
      ...[...(secretsFile?.secrets.keys() ?? [])].filter(isPasswordVariable),
    ]),
    secretsFile,
    defaultSketch: defaultSketch(projectDir, found),
    file: read?.file,
    folder: found?.projectFolder,
    homeding: read?.homeding ?? new Map(),
  };
  const warnings = [...(found ? warningsFor(found) : []), ...(secrets?.warnings ?? [])];
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

/** Read only where it exists: nobody else pays for it. */
async function readSecrets(folder: string, env: NodeJS.ProcessEnv): Promise<ReadSecrets | undefined> {
  const file = join(folder, '.otarc.env');
  if (!existsSync(file)) return undefined;
  const { readSecretsFile } = await import('./secrets-file.ts');
  return readSecretsFile(file, env);
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

interface Read {
  readonly file?: CheckedFile<ConfigFile>;
  readonly homeding: ReadonlyMap<string, CheckedFile<HomedingFile>>;
  readonly problems: readonly Problem[];
}

async function readFiles(path: string, signal: AbortSignal): Promise<Read> {
  const [{ loadConfigFile }, { checkFile, checkHomeding }] = await Promise.all([
    import('./load.ts'),
    import('./check-file.ts'),
  ]);
  const loaded = await loadConfigFile(path, signal);
  const homeding = new Map<string, CheckedFile<HomedingFile>>();
  const checked = checkFile(loaded.value);
  if (!checked.ok) return { homeding, problems: problemsOf(loaded, checked.issues) };
  const problems: Problem[] = [];
  for (const [name, device] of Object.entries(checked.settings.devices ?? {})) {
    if (typeof device !== 'object' || device?.homeding === undefined) continue;
    const own = await loadConfigFile(resolve(dirname(path), device.homeding), signal);
    const result = checkHomeding(own.value);
    if (result.ok) homeding.set(name, { ...own, settings: result.settings });
    else problems.push(...problemsOf(own, result.issues));
  }
  return { file: { ...loaded, settings: checked.settings }, homeding, problems };
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function problemsOf(file: Pick<CheckedFile<unknown>, 'placeOf'>, issues: readonly Issue[]): Problem[] {
  return issues
    .map(({ path, message }) => ({ place: file.placeOf(path), path: pathText(path), message }))
    .toSorted((a, b) => a.place.localeCompare(b.place, 'en', { numeric: true }));
}

function warningsFor({ file, unused }: { file: string; unused: readonly string[] }): string[] {
  return unused.length === 0 ? [] : [`${file} is used; ${unused.join(', ')} beside it is not read.`];
}
