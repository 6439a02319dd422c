import { cancelled, OtaError } from '../errors.ts';
import type { Artifact } from '../types.ts';
import { planArduinoCli } from './arduino-cli/plan.ts';
import type { AskContext } from './ask.ts';
import { awaitImageFile, locateImage } from './artifact.ts';
import { planCommand } from './command.ts';
import { detectTool } from './detect.ts';
import { buildFailed, toolMissing } from './failures.ts';
import { namedTool, refuseEnvironment } from './named-tool.ts';
import { planPio } from './pio/plan.ts';
import { namedImage, type BuildPlan } from './plan.ts';
import { runTool } from './run.ts';
import { imageBefore, warnIfUntouched } from './stale.ts';
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
  const plan = await planBuild(request, context);
  const { run } = plan;
  if (run === undefined) return locateImage(plan);
  const before = await imageBefore(plan, request);
  const outputEnd = await runBuild({ ...plan, run }, request, context);
  const artifact = await awaitImageFile(plan, { outputEnd, signal: context.signal });
  if (before !== undefined)
    await warnIfUntouched(before, { path: artifact.path, command: run.command }, context);
  return artifact;
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

async function planBuild(request: BuildRequest, context: BuildContext): Promise<BuildPlan> {
  if (context.signal.aborted) throw cancelled(context.signal);
  const tool = await detectTool(request);
  refuseEnvironment(tool, request.environment);
  switch (tool) {
    case 'pio':
      return planPio(request, context);
    case 'arduino-cli':
      return planArduinoCli(request, context);
    case 'command':
      return planCommand(request);
    default:
      return tool satisfies never;
  }
}

/** Resolves to the end of what the tool has printed. */
async function runBuild(
  plan: BuildPlan & { readonly run: NonNullable<BuildPlan['run']> },
  request: BuildRequest,
  context: BuildContext,
): Promise<string> {
  const { tool, environment, run } = plan;
  const told = { tool, ...(environment === undefined ? {} : { environment }) };
  const startedAt = performance.now();
  context.tell({ type: 'build-started', command: run.command, ...told });

  const toolRun = { file: run.file, args: run.command.slice(1), cwd: request.projectDir };
  const end = await runTool(toolRun, context);
  if (end.type === 'not-started') throw toolMissing({ tool, file: run.file, cause: end.cause });

  const durationMs = Math.round(performance.now() - startedAt);
  context.tell({ type: 'build-finished', ...told, durationMs, exitCode: end.exitCode });
  if (end.exitCode !== 0) throw buildFailed(run.command, end);
  return end.outputEnd;
}
