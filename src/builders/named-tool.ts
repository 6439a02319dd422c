import { OtaError } from '../model/errors.ts';
import type { BuildTool } from '../model/types.ts';
import type { BuildRequest } from './types.ts';

/** The tool, where the request alone says it. Undefined: the project's folder does. */
export function namedTool({
  tool,
  command,
  image,
}: Pick<BuildRequest, 'tool' | 'command' | 'image'>): BuildTool | undefined {
  if (tool !== undefined) return tool;
  // an image of its own goes with a command of its own, whatever else lies in the folder
  return command !== undefined && image !== undefined ? 'command' : undefined;
}

/** An environment chooses among the builds of a platformio.ini; no other tool could heed it. */
export function refuseEnvironment(tool: BuildTool | undefined, environment: string | undefined): void {
  if (tool === undefined || tool === 'pio' || environment === undefined) return;
  const builder = tool === 'command' ? 'a command of its own' : tool;
  throw new OtaError(
    'USAGE',
    `The environment ${environment} is named, but this project is built by ${builder}: environments are PlatformIO's.`,
    {
      hint: 'Leave out `-e` and `environment`, or set `build.tool: pio` in .otarc.',
      details: { tool, environment },
    },
  );
}
