import { basename, dirname } from 'node:path';
import type { Artifact } from '../model/types.ts';
import { findImage } from './artifact.ts';
import type { AskContext } from './ask.ts';
import { namedTool, refuseEnvironment } from './named-tool.ts';
import { namedImage } from './plan.ts';
import { planBuild } from './prepared.ts';
import type { BuildRequest } from './types.ts';

/** Where a build will leave its image, whether or not anything of it exists yet. */
export interface ImagePlace {
  readonly folder: string;
  /** As people would look for it. */
  readonly text: string;
  /** Whether a file of the folder may be the image or belong to it. */
  concerns(name: string): boolean;
  /** The image as it lies there now. */
  find(): Promise<Artifact | undefined>;
}

/**
 * Undefined: the tool does not say where. Of an image that the user has named, nothing else is asked: there may be no project
 * beside it, and no tool on this machine.
 *
 * @throws {OtaError} as the plan of a build does
 */
export async function imagePlaceOf(
  request: BuildRequest,
  context: AskContext,
): Promise<ImagePlace | undefined> {
  const plan = await planOf(request, context);
  const { expected } = plan;
  const find = (): Promise<Artifact | undefined> => findImage(plan);
  switch (expected.type) {
    case 'file': {
      const name = basename(expected.path);
      return {
        folder: dirname(expected.path),
        text: expected.path,
        concerns: (other) => other === name || other === `${name}.signed`,
        find,
      };
    }
    case 'pio-folder':
      return {
        folder: expected.folder,
        text: expected.folder,
        // PROGNAME may be anything. SCons writes its own notes at the end of each of its runs, also of one that built nothing.
        concerns: (name) => /\.bin(?:\.signed)?$|\.elf$|^\.sconsign/.test(name),
        find,
      };
    case 'unknown':
      return undefined;
    default:
      return expected satisfies never;
  }
}

async function planOf(request: BuildRequest, context: AskContext): Promise<Parameters<typeof findImage>[0]> {
  const { kind, environment } = request;
  const expected = namedImage(request);
  if (expected === undefined) return planBuild(request, context);
  const tool = namedTool(request);
  refuseEnvironment(tool, environment);
  return { tool: tool ?? 'file', kind, expected, ...(environment === undefined ? {} : { environment }) };
}
