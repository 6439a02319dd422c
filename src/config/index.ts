/** The configuration of a project: found, checked, resolved. Nothing but this folder knows how a file is written. */

import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { cancelled, OtaError } from '../errors.ts';
import { readEnvironment } from './environment.ts';
import { defaultSketch } from './default-sketch.ts';
import { findConfigFile, namedConfigFile } from './places.ts';
import { invalid, pathText, type Problem } from './problem.ts';
import { resolveConfig } from './resolve.ts';
import type { ConfigFile, HomedingFile } from './schema.ts';
import type { CheckedFile } from './sources.ts';
import type { Config, Flags } from './types.ts';

export { resolveCredential } from './secrets.ts';
export { selectDevices } from './select.ts';

export interface LoadOptions {
  /** `cwd` absolute. */
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
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
export async function loadConfig({ flags, env, signal }: LoadOptions): Promise<Loaded> {
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
  if (signal.aborted) throw cancelled(signal);
  const all = [...problems, ...(read?.problems ?? [])];
  if (all.length > 0) throw invalid(all);
  const config = resolveConfig({
    projectDir,
    flags,
    overrides,
    passwordVariables,
    defaultSketch: defaultSketch(projectDir, found),
    file: read?.file,
    homeding: read?.homeding ?? new Map(),
  });
  return { config, warnings: found ? warningsFor(found) : [] };
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
