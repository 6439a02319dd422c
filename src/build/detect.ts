import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { OtaError } from '../errors.ts';
import type { BuildTool } from '../types.ts';
import type { BuildRequest } from './types.ts';

/** The tool that the request names, else the one that builds such a folder. */
export async function detectTool(request: BuildRequest): Promise<BuildTool> {
  if (request.tool !== undefined) return request.tool;
  return toolOfFolder(request, await readFolder(request.projectDir));
}

async function readFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw new OtaError('CONFIG_INVALID', `The project folder ${folder} cannot be read.`, {
      hint: 'Start otarc in the project folder, or name it with `-C DIR` or `build.sketch` in .otarc.',
      details: { projectDir: folder },
      cause,
    });
  }
}

/** Pure: `names` is what lies in the project folder. */
export function toolOfFolder(request: BuildRequest, names: readonly string[]): BuildTool {
  const { projectDir, command } = request;
  // an image of its own goes with a command of its own, whatever else lies in the folder
  if (command !== undefined && request.image !== undefined) return 'command';

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
function isSketchFolder(projectDir: string, names: readonly string[]): boolean {
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
