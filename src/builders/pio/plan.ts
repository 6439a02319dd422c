import { join } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { OtaError } from '../../model/errors.ts';
import type { AskContext } from '../ask.ts';
import { namedImage, ownCommand, type BuildPlan } from '../plan.ts';
import type { BuildRequest } from '../types.ts';
import { platformOf } from './platform.ts';
import { findPio, readProject, unreadable } from './project.ts';
import type { PioEnvironment, PioProject } from './query.ts';

export async function planPio(request: BuildRequest, context: AskContext): Promise<BuildPlan> {
  const pio = await findPio(context);
  const project = await readProject(pio, request, context);
  return planOf(pio, project, request);
}

/** Pure. */
export function planOf(
  pio: { readonly name: string; readonly file: string },
  project: PioProject,
  request: BuildRequest,
): BuildPlan {
  const { kind } = request;
  const environment = chooseEnvironment(project, request.environment);
  const { name, filesystem, problem } = environment;
  if (problem !== undefined) throw unreadable(request.projectDir, problem);
  const target = kind === 'filesystem' ? ['-t', 'buildfs'] : [];
  const command = [pio.name, 'run', '-e', name, ...target, ...request.args];
  const platform = platformOf(environment);
  const folder = join(project.buildDir, name);
  return {
    tool: 'pio',
    kind,
    run: ownCommand(request.command) ?? { command, file: pio.file },
    environment: name,
    ...(platform === undefined ? {} : { platform }),
    expected: namedImage(request) ?? {
      type: 'pio-folder',
      folder,
      ...(filesystem === undefined ? {} : { filesystem }),
    },
  };
}

/** The one asked for, else the only default, else the only one. */
function chooseEnvironment(project: PioProject, wanted: string | undefined): PioEnvironment {
  const names = project.environments.map(({ name }) => name);
  if (names.length === 0) {
    throw new OtaError('CONFIG_INVALID', 'platformio.ini has no environment.', {
      hint: 'Add a section `[env:NAME]` with `platform`, `board` and `framework`.',
    });
  }
  const candidates = project.defaultEnvironments.length > 0 ? project.defaultEnvironments : names;
  const chosen = wanted ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (chosen === undefined) throw ambiguous(candidates);
  return environmentNamed(project, chosen);
}

/** @throws {OtaError} USAGE */
export function environmentNamed({ environments }: PioProject, name: string): PioEnvironment {
  const found = environments.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw unknown(
    name,
    environments.map((each) => each.name),
  );
}

function ambiguous(candidates: readonly string[]): OtaError {
  const list = candidates.join(', ');
  return new OtaError(
    'ENVIRONMENT_AMBIGUOUS',
    `platformio.ini has several environments, and none is chosen: ${list}.`,
    {
      hint: `Choose one with \`-e ${candidates[0]}\`, or set \`build.environment\` in .otarc.`,
      details: { environments: candidates },
    },
  );
}

function unknown(wanted: string, names: readonly string[]): OtaError {
  return new OtaError('USAGE', `platformio.ini has no environment ${wanted}.`, {
    hint: `Did you mean ${closest(wanted, [...names])}? It has: ${names.join(', ')}.`,
    details: { environment: wanted, environments: names },
  });
}
