import { cancelled, OtaError } from '../model/errors.ts';
import type { Artifact } from '../model/types.ts';
import type { AskContext } from './ask.ts';
import { locateImage } from './artifact.ts';
import { detectTool } from './detect.ts';
import { namedTool, refuseEnvironment } from './named-tool.ts';
import { planPio } from './pio/plan.ts';
import { namedImage } from './plan.ts';
import { buildPlanned, planBuild } from './prepared.ts';
import type { BuildContext, BuildRequest } from './types.ts';

/**
 * Runs the project's build and waits for its end.
 *
 * The image is the one that this build left: also the present one, when the tool says that nothing has changed. It may
 * still be being written when a process outlives its tool; whoever reads it sees whether it is whole.
 *
 * @throws {OtaError} `BUILD_FAILED` (never with the old image), `BUILD_TOOL_MISSING`, `IMAGE_NOT_FOUND`,
 *   `ENVIRONMENT_AMBIGUOUS`, `CONFIG_INVALID`, `USAGE`; `CANCELLED` when aborted, after the tool has gone.
 */
export async function build(request: BuildRequest, context: BuildContext): Promise<Artifact> {
  return buildPlanned(await planBuild(request, context), request, context);
}

/**
 * The image that the project's last build left. Runs no build; where the user names the image, nothing else is looked
 * at, neither tool nor project. Throws as `build` does, but never `BUILD_FAILED`.
 */
export async function findArtifact(request: BuildRequest, context: BuildContext): Promise<Artifact> {
  const { kind, environment } = request;
  const expected = namedImage(request);
  if (expected === undefined) {
    const { run: _, ...plan } = await planBuild(request, context).catch(mentionFile);
    return locateImage(plan);
  }
  if (context.signal.aborted) throw cancelled(context.signal);
  const tool = namedTool(request);
  refuseEnvironment(tool, environment);
  return locateImage({
    tool: tool ?? 'file',
    kind,
    expected,
    ...(environment === undefined ? {} : { environment }),
  });
}

/** Whoever pushes may have an image and no project. */
function mentionFile(error: unknown): never {
  if (!(error instanceof OtaError) || error.code !== 'CONFIG_INVALID') throw error;
  const { code, message, details } = error;
  throw new OtaError(code, message, {
    hint: `Name the image with \`--file\`. Or: ${error.hint}`,
    details,
    cause: error,
  });
}

/**
 * The PlatformIO environment that `build` would build. Undefined where there is none, where nothing says which, or where
 * nobody can be asked: what is wrong then is for the build to tell.
 *
 * @throws {OtaError} only when aborted
 */
export async function builtEnvironment(
  request: BuildRequest,
  context: AskContext,
): Promise<string | undefined> {
  try {
    return (await detectTool(request)) === 'pio' ? (await planPio(request, context)).environment : undefined;
  } catch (error) {
    if (context.signal.aborted) throw cancelled(context.signal);
    if (error instanceof OtaError) return undefined;
    throw error;
  }
}
