import { OtaError } from '../model/errors.ts';
import { namedImage, ownCommand, type BuildPlan } from './plan.ts';
import type { BuildRequest } from './types.ts';

/** Any other build: the user says what to run and which file it leaves. */
export function planCommand(request: BuildRequest): BuildPlan {
  const { kind } = request;
  const expected = namedImage(request);
  if (expected === undefined) {
    const key = kind === 'firmware' ? 'build.image' : 'build.filesystemImage';
    throw new OtaError('CONFIG_INVALID', 'Nothing says which image the build command leaves.', {
      hint: `Set \`${key}\` in .otarc to the path of the image.`,
      details: { key },
    });
  }
  const run = ownCommand(request.command);
  if (run === undefined) {
    throw new OtaError('CONFIG_INVALID', 'The build tool is `command`, but there is no command.', {
      hint: 'Set `build.command` in .otarc, for example `[make, firmware]`.',
      details: { key: 'build.command' },
    });
  }
  return { tool: 'command', kind, run, expected };
}
