import { dirname, isAbsolute, join, resolve } from 'node:path';
import { ask, type AskContext } from '../ask.ts';
import { findExecutable } from '../executable.ts';
import { findSketchFile } from './sketch-file.ts';
import type { BuildPlan } from '../plan.ts';
import type { SourcePaths } from '../source-paths.ts';
import type { BuildRequest } from '../types.ts';

export async function arduinoCliSources(
  request: BuildRequest,
  plan: BuildPlan,
  context: AskContext,
): Promise<SourcePaths> {
  const { projectDir } = request;
  const sketchbook = await sketchbookOf(request, context);
  const { libraryDirs } = await findSketchFile(projectDir);
  const folder = plan.expected.type === 'file' ? dirname(plan.expected.path) : undefined;
  return {
    firmware: [
      projectDir,
      ...pathsOf(request, 'library'),
      ...libraryDirs.map((path) => resolve(projectDir, path)),
    ],
    libraries: [
      ...pathsOf(request, 'libraries'),
      ...(sketchbook === undefined ? [] : [join(sketchbook, 'libraries')]),
    ],
    // The folder that the uploaders of file-system images, and mklittlefs in most recipes, take.
    filesystem: [join(projectDir, 'data')],
    project: ['sketch.yaml', 'sketch.yml', 'partitions.csv'].map((name) => join(projectDir, name)),
    // `compile -e` copies the images into `build`.
    products: [join(projectDir, 'build'), ...(folder === undefined ? [] : [folder])],
  };
}

/** Pure: `--library` or `--libraries` of the user's arguments; each may hold several, with commas. */
export function pathsOf(
  { args, projectDir }: Pick<BuildRequest, 'args' | 'projectDir'>,
  flag: 'library' | 'libraries',
): string[] {
  const values = args.flatMap((arg, index) => {
    if (arg.startsWith(`--${flag}=`)) return arg.slice(flag.length + 3).split(',');
    return args[index - 1] === `--${flag}` ? arg.split(',') : [];
  });
  return values.filter((path) => path !== '').map((path) => resolve(projectDir, path));
}

/** The user's folder of sketches and libraries, as this arduino-cli has it. */
async function sketchbookOf(
  { projectDir, args }: BuildRequest,
  context: AskContext,
): Promise<string | undefined> {
  const set = context.env['ARDUINO_DIRECTORIES_USER'];
  if (set !== undefined && set !== '') return resolve(projectDir, set);
  const file = await findExecutable({ names: ['arduino-cli'], env: context.env });
  if (file === undefined) return undefined;
  // The user's own configuration file, where the build is given one.
  const at = args.indexOf('--config-file');
  const own = at === -1 ? [] : args.slice(at, at + 2);
  const question = ['config', 'get', 'directories.user', ...own];
  const { ok, stdout } = await ask({ file, args: question, cwd: projectDir }, context);
  const path = stdout.trim();
  return ok && isAbsolute(path) ? path : undefined;
}
