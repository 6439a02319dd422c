import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../types.ts';
import { imageNotFound, imageUnknown } from './failures.ts';
import { chooseFilesystemImage, chooseFirmware, programName, type FileInFolder } from './pio/images.ts';
import type { BuildPlan, ExpectedImage } from './plan.ts';

/** The image that the plan expects, once it is on disk. `outputEnd`: what the tool has printed last, if it ran. */
export async function locateImage(plan: BuildPlan, outputEnd: string): Promise<Artifact> {
  const { tool, kind, environment, platform, expected } = plan;
  if (expected.type === 'unknown') throw imageUnknown(tool, expected.reason);
  const path = await pathOf({ ...plan, expected }, outputEnd);
  if (path === undefined) {
    const what = kind === 'firmware' ? 'firmware image' : 'file-system image';
    const where = expected.type === 'file' ? expected.path : expected.folder;
    throw imageNotFound({
      what,
      path: where,
      ...(plan.run === undefined ? {} : { command: plan.run.command }),
    });
  }
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

type KnownPlace = Exclude<ExpectedImage, { type: 'unknown' }>;

async function pathOf(
  plan: BuildPlan & { expected: KnownPlace },
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
