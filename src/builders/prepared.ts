/** The two halves of a build: what to run and where its image will be, then running it. Watch keeps the first half. */

import { cancelled } from '../model/errors.ts';
import { redactedWords } from '../model/redaction.ts';
import type { Artifact } from '../model/types.ts';
import { planArduinoCli } from './arduino-cli/plan.ts';
import { awaitImageFile, locateImage } from './artifact.ts';
import type { AskContext } from './ask.ts';
import { planCommand } from './command.ts';
import { detectTool } from './detect.ts';
import { buildFailed, toolMissing } from './failures.ts';
import { refuseEnvironment } from './named-tool.ts';
import { planPio } from './pio/plan.ts';
import type { BuildPlan } from './plan.ts';
import { runTool } from './run.ts';
import { withoutSecrets } from './secret-variables.ts';
import { imageBefore, warnIfUntouched } from './stale.ts';
import type { BuildContext, BuildRequest } from './types.ts';

/** Asks the tool what a build would run and which image it would leave. Runs no build, and reads no image. */
export async function planBuild(request: BuildRequest, context: AskContext): Promise<BuildPlan> {
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

/** Runs what was planned and waits for its end, and for the image that it left. Throws as `build` does. */
export async function buildPlanned(
  plan: BuildPlan,
  request: BuildRequest,
  context: BuildContext,
): Promise<Artifact> {
  const { run } = plan;
  if (run === undefined) return locateImage(plan);
  const before = await imageBefore(plan, request);
  const outputEnd = await runBuild({ ...plan, run }, request, context);
  const artifact = await awaitImageFile(plan, { outputEnd, signal: context.signal });
  if (before !== undefined)
    await warnIfUntouched(before, { path: artifact.path, command: run.command }, context);
  return artifact;
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
  context.tell({ type: 'build-started', command: redactedWords(run.command), ...told });

  const toolRun = { file: run.file, args: run.command.slice(1), cwd: request.projectDir };
  const env = await withoutSecrets(context.env, request);
  const end = await runTool(toolRun, { ...context, env });
  if (end.type === 'not-started') throw toolMissing({ tool, file: run.file, cause: end.cause });

  const durationMs = Math.round(performance.now() - startedAt);
  context.tell({ type: 'build-finished', ...told, durationMs, exitCode: end.exitCode });
  if (end.exitCode !== 0) throw buildFailed(run.command, end);
  return end.outputEnd;
}
