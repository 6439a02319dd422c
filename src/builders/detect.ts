import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { OtaError, messageOf } from '../model/errors.ts';
import type { BuildTool } from '../model/types.ts';
import { namedTool } from './named-tool.ts';
import type { BuildRequest } from './types.ts';

/**
 * The tool that the request names, else the one that builds such a folder. The folder is read in either case: a tool that
 * is started in a folder that does not exist looks like a tool that does not exist (both ENOENT).
 */
export async function detectTool(request: BuildRequest): Promise<BuildTool> {
  return toolOfFolder(request, await readFolder(request.projectDir));
}

async function readFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw new OtaError('CONFIG_INVALID', `The project folder ${folder} ${whyUnread(cause)}.`, {
      hint: 'Start otarc in the project folder, or name it with `-C DIR` or `build.sketch` in .otarc.',
      details: { projectDir: folder, key: 'build.sketch' },
      cause,
    });
  }
}

function whyUnread(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'ENOTDIR') return 'is not a folder';
  return `cannot be read: ${messageOf(cause)}`;
}

/** Pure: `names` is what lies in the project folder. */
export function toolOfFolder(request: BuildRequest, names: readonly string[]): BuildTool {
  const { projectDir, command } = request;
  const named = namedTool(request);
  if (named !== undefined) return named;

  const isPio = names.includes('platformio.ini');
  const isSketch = isSketchFolder(projectDir, names);
  if (isPio && isSketch) {
    if (request.environment !== undefined) return 'pio';
    if (request.fqbn !== undefined || request.profile !== undefined) return 'arduino-cli';
    throw new OtaError(
      'CONFIG_INVALID',
      `${projectDir} is both a PlatformIO project and an Arduino sketch.`,
      {
        hint: 'Say in .otarc which tool builds it: `build: { tool: pio }` or `build: { tool: arduino-cli }`.',
        details: { projectDir, key: 'build.tool' },
      },
    );
  }
  if (isPio) return 'pio';
  if (isSketch) return 'arduino-cli';
  if (command !== undefined) return 'command';
  throw nothingToBuild(projectDir, names);
}

/** arduino-cli takes a folder for a sketch when its main file has the folder's name. */
export function isSketchFolder(projectDir: string, names: readonly string[]): boolean {
  const name = basename(projectDir);
  return names.some((file) => ['sketch.yaml', 'sketch.yml', `${name}.ino`, `${name}.pde`].includes(file));
}

function nothingToBuild(projectDir: string, names: readonly string[]): OtaError {
  const sketch = names.find((file) => file.endsWith('.ino'));
  if (sketch !== undefined) {
    const name = sketch.slice(0, -'.ino'.length);
    return new OtaError('CONFIG_INVALID', `${projectDir} holds ${sketch}, but is not named ${name}.`, {
      hint: `arduino-cli wants a sketch in a folder of its name: rename the folder to ${name}.`,
      details: { projectDir },
    });
  }
  return new OtaError('CONFIG_INVALID', `Nothing in ${projectDir} says how to build it.`, {
    hint: 'Start otarc in the folder of a platformio.ini or a sketch (or `-C DIR`), or set `build.command` and `build.image` in .otarc.',
    details: { projectDir },
  });
}
