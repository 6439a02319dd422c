/** What a build reads: the files and folders whose change makes another image of it. */

import { dirname, join } from 'node:path';
import { arduinoCliSources } from './arduino-cli/sources.ts';
import type { AskContext } from './ask.ts';
import { pioSources } from './pio/sources.ts';
import type { BuildPlan } from './plan.ts';
import type { SourcePaths } from './source-paths.ts';
import type { BuildRequest } from './types.ts';

/** @throws {OtaError} as the plan itself does, where the tool cannot read its project */
export async function sourcesOf(
  request: BuildRequest,
  plan: BuildPlan,
  context: AskContext,
): Promise<SourcePaths> {
  switch (plan.tool) {
    case 'pio':
      return pioSources(request, plan, context);
    case 'arduino-cli':
      return arduinoCliSources(request, plan, context);
    case 'command':
      return commandSources(request, plan);
    default:
      return plan.tool satisfies never;
  }
}

/**
 * Of a command nothing is known: all of the project's folder, without what it leaves. Where it makes a file system too,
 * that is made of `data`, as with the other tools.
 */
function commandSources(
  { projectDir, image, filesystemImage, kind }: BuildRequest,
  plan: BuildPlan,
): SourcePaths {
  const images = [image, filesystemImage, expectedPath(plan)].filter((path) => path !== undefined);
  // A folder for images alone is the build's; one that holds the project is not.
  const folders = images
    .map((path) => dirname(path))
    .filter((folder) => !`${projectDir}/`.startsWith(`${folder}/`));
  const products = [...images, ...folders];
  if (kind === 'filesystem') {
    return { firmware: [], libraries: [], filesystem: [projectDir], project: [], products };
  }
  const filesystem = filesystemImage === undefined ? [] : [join(projectDir, 'data')];
  return { firmware: [projectDir], libraries: [], filesystem, project: [], products };
}

function expectedPath({ expected }: BuildPlan): string | undefined {
  return expected.type === 'file' ? expected.path : undefined;
}
