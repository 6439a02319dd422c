import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cancelled, type OtaError } from '../model/errors.ts';
import type { Artifact } from '../model/types.ts';
import { imageNotFound, imageUnknown } from './failures.ts';
import { chooseFilesystemImage, chooseFirmware, programName, type FileInFolder } from './pio/images.ts';
import type { BuildPlan, ExpectedImage } from './plan.ts';

/** A build's plan, or no more than a file that the user has named. */
type ImagePlan = Omit<BuildPlan, 'tool'> & { readonly tool: Artifact['tool'] };

/** A tool's child that outlives it may not even have made the file yet. */
const LIMIT_MS = 3_000;
const POLL_MS = 25;

/** The image that the plan expects. Throws `IMAGE_NOT_FOUND`. */
export async function locateImage(plan: ImagePlan, outputEnd = ''): Promise<Artifact> {
  const found = await findImage(plan, outputEnd);
  if (found === undefined) throw lost(plan);
  return found;
}

/** The same after a build: waits a little for it. `outputEnd`: what the tool has printed last. */
export async function awaitImageFile(
  plan: BuildPlan,
  { outputEnd, signal }: { readonly outputEnd: string; readonly signal: AbortSignal },
): Promise<Artifact> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const found = await findImage(plan, outputEnd);
    if (found !== undefined) return found;
    if (plan.expected.type === 'unknown' || performance.now() > deadline) throw lost(plan);
    await wait(POLL_MS, undefined, { signal }).catch(() => {
      throw cancelled(signal);
    });
  }
}

/** Undefined: it is not there. */
export async function findImage(plan: ImagePlan, outputEnd = ''): Promise<Artifact | undefined> {
  const { tool, kind, environment, platform, expected } = plan;
  if (expected.type === 'unknown') return undefined;
  const path = await pathOf({ ...plan, expected }, outputEnd);
  if (path === undefined) return undefined;
  const partitionsPath = await ifFile(partitionsOf(expected));
  return {
    path,
    kind,
    tool,
    ...(environment === undefined ? {} : { environment }),
    ...(platform === undefined ? {} : { platform }),
    ...(partitionsPath === undefined ? {} : { partitionsPath }),
  };
}

function lost({ tool, kind, expected, run }: ImagePlan): OtaError {
  if (expected.type === 'unknown') return imageUnknown(tool, expected.reason);
  return imageNotFound({
    what: kind === 'firmware' ? 'firmware image' : 'file-system image',
    path: expected.type === 'file' ? expected.path : expected.folder,
    ...(run === undefined ? {} : { command: run.command }),
  });
}

type KnownPlace = Exclude<ExpectedImage, { type: 'unknown' }>;

async function pathOf(
  plan: ImagePlan & { expected: KnownPlace },
  outputEnd: string,
): Promise<string | undefined> {
  const { expected, kind } = plan;
  if (expected.type === 'file') return ifFile(expected.path);
  const { folder, filesystem } = expected;
  const files = await filesIn(folder);
  const name =
    kind === 'filesystem'
      ? chooseFilesystemImage(files, filesystem)
      : chooseFirmware(files, programName(outputEnd, plan.environment));
  return name === undefined ? undefined : join(folder, name);
}

function partitionsOf(expected: KnownPlace): string | undefined {
  return expected.type === 'file' ? expected.partitionsPath : join(expected.folder, 'partitions.bin');
}

async function ifFile(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? path : undefined;
}

async function filesIn(folder: string): Promise<FileInFolder[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.map(async (name) => {
    const found = await stat(join(folder, name)).catch(() => undefined);
    return found?.isFile() === true ? [{ name, modifiedMs: found.mtimeMs }] : [];
  });
  return (await Promise.all(files)).flat();
}
