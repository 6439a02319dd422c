/** What a push has to know of the project before anything is built: asked of the tool's own files. */

import { join } from 'node:path';
import { cancelled, OtaError } from '../model/errors.ts';
import type { ProjectFacts, Sourced } from '../model/project-facts.ts';
import { findSketchFile } from './arduino-cli/sketch-file.ts';
import { sketchFacts } from './arduino-cli/sketch-upload.ts';
import type { AskContext } from './ask.ts';
import { detectTool } from './detect.ts';
import { environmentNamed } from './pio/plan.ts';
import { findPio, readProject } from './pio/project.ts';
import type { PioProject } from './pio/query.ts';
import { environmentsIn, mentionsUploads, problemsOf, uploadsOf } from './pio/uploads.ts';
import { projectText } from './project-text.ts';
import type { BuildRequest } from './types.ts';

/**
 * What the files of the project's build tool say. Nothing is built, and only pio itself is run: 0.1 s, and not even that
 * where no file of the project can say anything about uploads.
 *
 * @returns undefined where nothing is said about uploads
 * @throws {OtaError} as a build would where the project cannot be read; `CANCELLED`
 */
export async function projectUploads(
  request: BuildRequest,
  context: AskContext,
): Promise<ProjectFacts | undefined> {
  const tool = await detectTool(request);
  if (tool === 'pio' && !mentionsUploads(await iniOf(request), context.env)) return undefined;
  const facts = await factsOf(request, context);
  return facts.uploads.length + facts.problems.length > 0 ? facts : undefined;
}

/**
 * The same for who has an image of one environment: it counts how many there are. Where pio cannot be asked, the names that
 * platformio.ini itself has are better than none.
 *
 * @throws {OtaError} `CANCELLED`
 */
export async function projectImages(
  request: BuildRequest,
  context: AskContext,
): Promise<ProjectFacts | undefined> {
  const tool = await detectTool(request);
  if (tool !== 'pio') return projectUploads(request, context);
  const ini = await iniOf(request);
  const environments = environmentsIn(ini);
  if (environments.length < 2 && !mentionsUploads(ini, context.env)) return undefined;
  try {
    return await factsOf(request, context);
  } catch (error) {
    if (context.signal.aborted || !(error instanceof OtaError)) throw error;
    return { tool, environments, defaultEnvironments: [], uploads: [], problems: [error.message] };
  }
}

/**
 * The same to be shown, with all that is known: where the tool cannot be asked, no more than which one it is.
 *
 * @throws {OtaError} only when aborted
 */
export async function projectFacts(
  request: BuildRequest,
  context: AskContext,
): Promise<ProjectFacts | undefined> {
  return withoutFailure(context, async () => {
    const tool = await detectTool(request);
    const facts = await withoutFailure(context, () => factsOf(request, context));
    return facts ?? { tool, environments: [], defaultEnvironments: [], uploads: [], problems: [] };
  });
}

async function withoutFailure<T>(context: AskContext, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (context.signal.aborted) throw cancelled(context.signal);
    if (error instanceof OtaError) return undefined;
    throw error;
  }
}

async function factsOf(request: BuildRequest, context: AskContext): Promise<ProjectFacts> {
  const tool = await detectTool(request);
  switch (tool) {
    case 'pio': {
      const project = await readProject(await findPio(context), request, context);
      if (request.environment !== undefined) environmentNamed(project, request.environment);
      const environment = ownChoice(project);
      return {
        tool,
        environments: project.environments.map(({ name }) => name),
        defaultEnvironments: project.defaultEnvironments,
        ...(environment && { environment }),
        uploads: uploadsOf(project, context.env),
        problems: problemsOf(project),
      };
    }
    case 'arduino-cli':
      return {
        tool,
        environments: [],
        defaultEnvironments: [],
        problems: [],
        ...sketchFacts(await findSketchFile(request.projectDir), request.profile),
      };
    case 'command':
      return { tool, environments: [], defaultEnvironments: [], problems: [], uploads: [] };
    default:
      return tool satisfies never;
  }
}

/** What `pio run` would build, where that is one environment. */
function ownChoice({ defaultEnvironments, environments }: PioProject): Sourced<string> | undefined {
  const [first, ...others] = defaultEnvironments;
  if (first !== undefined) {
    return others.length === 0 ? { value: first, origin: 'platformio.ini default_envs' } : undefined;
  }
  const [only, ...more] = environments;
  return only === undefined || more.length > 0
    ? undefined
    : { value: only.name, origin: 'default: its only one' };
}

async function iniOf({ projectDir }: BuildRequest): Promise<string> {
  return (await projectText(join(projectDir, 'platformio.ini'))) ?? '';
}
