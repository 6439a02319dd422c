/** The legs on this side of the network: configuration, build tool, image. */

import { relative } from 'node:path';
import { ask } from '../builders/ask.ts';
import { findArtifact } from '../builders/index.ts';
import { detectTool } from '../builders/detect.ts';
import { findExecutable } from '../builders/executable.ts';
import { findPio } from '../builders/pio/project.ts';
import { toolMissing } from '../builders/failures.ts';
import type { BuildRequest } from '../builders/types.ts';
import { OtaError } from '../model/errors.ts';
import { redactedWords } from '../model/redaction.ts';
import type { EventBody } from '../model/events.ts';
import { readImage, tableBeside, type PartitionTable, type PreflightFinding } from '../image/index.ts';
import { thousands } from '../model/numbers.ts';
import type { PlannedImage } from '../deploy/plan.ts';
import type { ReadyDevice } from '../deploy/push-types.ts';
import { preflightOfImage } from '../deploy/preflight.ts';
import type { Artifact, BuildTool, Image } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import { ok, warning, type Leg } from './leg.ts';

export interface LookOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

const versionLimitMs = 10_000;
const names: Readonly<Record<BuildTool, string>> = {
  pio: 'PlatformIO',
  'arduino-cli': 'arduino-cli',
  command: 'a command',
};

/** @throws OtaError where the project has a tool that is not there */
export async function checkTool(
  { request, source }: PlannedImage,
  { env, signal }: LookOptions,
): Promise<Leg> {
  if (source === 'file') return ok('build tool', 'none is needed: the image is named');
  const tool = await detectTool(request).catch((error: unknown) => {
    if (error instanceof OtaError && error.code === 'CONFIG_INVALID') return error;
    throw error;
  });
  if (tool instanceof OtaError) return warning('build tool', tool.message, tool.hint);
  if (tool === 'command') return checkCommand(request, env);
  const file = tool === 'pio' ? (await findPio({ env })).file : await findExecutable({ names: [tool], env });
  if (file === undefined) throw toolMissing({ tool, file: tool });
  const args = tool === 'pio' ? ['--version'] : ['version'];
  const said = await ask({ file, args, cwd: request.projectDir, limitMs: versionLimitMs }, { env, signal });
  const version = /\b\d{1,6}\.\d{1,6}\.\d{1,6}[-\w.]*/.exec(said.stdout)?.[0];
  if (!said.ok || version === undefined) {
    return warning(
      'build tool',
      `${file} does not say its version`,
      `Run \`${tool} ${args.join(' ')}\` and look at what it says.`,
      { tool, file },
    );
  }
  return ok('build tool', `${names[tool]} ${version} (${file})`, { tool, version, file });
}

async function checkCommand({ command, projectDir }: BuildRequest, env: NodeJS.ProcessEnv): Promise<Leg> {
  const [word = ''] = command ?? [];
  if (word === '') return warning('build tool', 'no command is configured', 'Set `build.command` in .otarc.');
  const isPath = /[\\/]/.test(word);
  const file = isPath ? word : await findExecutable({ names: [word], env });
  if (file === undefined) throw toolMissing({ tool: 'command', file: word });
  const shown = redactedWords(command ?? []);
  return ok('build tool', `the command \`${shown.join(' ')}\` in ${projectDir}`, {
    tool: 'command',
    command: shown,
  });
}

export interface CheckedImage {
  readonly leg: Leg;
  readonly image?: Image;
  /** What it was checked against. */
  readonly partitions?: PartitionTable;
  /** What speaks against the image itself; of the leg, only whether the table could be read is a part. */
  readonly findings?: readonly PreflightFinding[];
}

/**
 * The image itself, without the place of the device.
 *
 * @throws OtaError where there is an image that cannot be read as one
 */
export async function checkImage(
  planned: PlannedImage,
  { device, partitions }: ReadyDevice,
  { env, signal }: LookOptions,
): Promise<CheckedImage> {
  const artifact = await artifactOf(planned, { env, signal });
  if (artifact instanceof OtaError) {
    if (planned.source === 'file') return { leg: warning('image', artifact.message, artifact.hint) };
    const isUnbuilt = artifact.code === 'IMAGE_NOT_FOUND';
    const text = isUnbuilt
      ? artifact.message
      : 'none is known, so neither its chip nor its size can be checked';
    const cure = isUnbuilt ? 'Build first, or let `otarc deploy` do both.' : 'Name one with `--file`.';
    return { leg: warning('image', text, cure) };
  }
  const { expectedPlatform } = planned;
  const image = await readImage(artifact, withoutUndefined({ expectedPlatform, signal }));
  let unread: string | undefined;
  const tell = (event: EventBody): void => {
    if (event.type === 'log') unread = event.message;
  };
  const table = partitions ?? (await tableBeside(image, { artifact, tell, signal }));
  const findings = preflightOfImage(image, device, { partitions: table });
  const { path, sizeBytes, kind, chip, platform, md5 } = image;
  const what =
    kind === 'filesystem' ? 'file system' : `${(chip ?? platform ?? '').toUpperCase()} firmware`.trim();
  const shown = relative(planned.request.projectDir, path);
  const place = shown === '' || shown.startsWith('..') ? path : shown;
  const whole = `${place}: ${what}, ${thousands(sizeBytes)} bytes, whole`;
  const facts = { path, sizeBytes, md5 };
  const fits = table === undefined ? 'whether it fits is for the device to say' : 'fits its partition';
  // What was found says itself whether it fits.
  const text = findings.length > 0 ? whole : `${whole}; ${fits}`;
  const leg =
    unread === undefined
      ? ok('image', text, facts)
      : warning(
          'image',
          `${text} (${unread})`,
          'Build again, or name the table: `partitions:` in .otarc.',
          facts,
        );
  return { image, leg, findings, ...withoutUndefined({ partitions: table }) };
}

async function artifactOf(planned: PlannedImage, { env, signal }: LookOptions): Promise<Artifact | OtaError> {
  const { path, kind, request, expectedPlatform } = planned;
  if (path !== undefined) {
    return withoutUndefined({ path, kind, tool: 'file' as const, platform: expectedPlatform });
  }
  try {
    const silent = { tell: () => {}, output: process.stderr };
    return await findArtifact(request, { ...silent, env, signal });
  } catch (error) {
    const isAbsent =
      error instanceof OtaError && (error.code === 'IMAGE_NOT_FOUND' || error.code === 'CONFIG_INVALID');
    if (isAbsent) return error;
    throw error;
  }
}
