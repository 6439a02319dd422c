/** Which devices do not run the last build, by their own word: the images that the build left, beside what was heard. */

import { stat } from 'node:fs/promises';
import { sumsOfImage } from '../image/running-sums.ts';
import { cancelled, OtaError } from '../model/errors.ts';
import type { Image, Platform } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import { listedName, type Entry } from '../network/list/entries.ts';
import { makeImage, type MakeContext } from './make-image.ts';
import type { Plan, PlannedImage } from './plan.ts';

/** An image that a build has left. */
export interface LastBuild {
  readonly image: Pick<Image, 'path' | 'md5' | 'platform' | 'chip' | 'identity'>;
  readonly environment?: string;
  /** When the file was written. */
  readonly builtAt: Date;
  /** Whether a device of this platform reports this sum while it runs the image. */
  isRunAs(md5: string, platform: Platform | undefined): boolean;
}

/** By name of the device, as the list has it: the build whose image it takes, or why there is none. */
export type LastBuilds = ReadonlyMap<string, LastBuild | OtaError>;

/**
 * The image of each device as `push` finds it, each read once. Nothing is built.
 *
 * @throws OtaError where none of them can be read: there is nothing to compare; `CANCELLED`
 */
export async function readLastBuilds(
  { images, waves }: Plan,
  context: Pick<MakeContext, 'env' | 'output' | 'signal'>,
): Promise<LastBuilds> {
  const read = await Promise.all(
    images.map(async (planned) => [planned.key, await readOne(planned, context)] as const),
  );
  const [first] = read;
  const isNone = read.every(([, build]) => build instanceof OtaError);
  if (isNone && first?.[1] instanceof OtaError) throw first[1];
  const builds = new Map(read);
  return new Map(
    waves.flat().flatMap(({ device, imageKey }) => {
      const build = builds.get(imageKey);
      return build === undefined ? [] : [[listedName(device), build]];
    }),
  );
}

async function readOne(
  planned: PlannedImage,
  { signal, ...context }: Pick<MakeContext, 'env' | 'output' | 'signal'>,
): Promise<LastBuild | OtaError> {
  try {
    const { image } = await makeImage(planned, { ...context, signal, tell: () => {} });
    const { mtime } = await stat(image.path);
    return lastBuildOf(image, withoutUndefined({ builtAt: mtime, environment: planned.request.environment }));
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    if (error instanceof OtaError) return withoutFileFlag(error);
    throw error;
  }
}

/** An image is named in the configuration, and not by a flag as for a push. */
function withoutFileFlag({ code, message, hint, details, cause }: OtaError): OtaError {
  const own = cause instanceof OtaError ? cause.hint : hint;
  const built = 'Build first: nothing is built to compare with. `otarc deploy` builds and pushes.';
  return new OtaError(code, message, { hint: code === 'IMAGE_NOT_FOUND' ? built : own, details, cause });
}

/** The sums are made when a device reports one, once for each platform. */
export function lastBuildOf(
  image: Image,
  when: { readonly builtAt: Date; readonly environment?: string },
): LastBuild {
  const sums = new Map<Platform | undefined, ReadonlySet<string>>();
  const sumsOn = (platform: Platform | undefined): ReadonlySet<string> => {
    const known = sums.get(platform) ?? sumsOfImage(image, platform);
    sums.set(platform, known);
    return known;
  };
  return {
    ...when,
    image,
    isRunAs: (md5, platform) => sumsOn(platform).has(md5),
  };
}

/**
 * How a device stands to its last build. `unknown`: it does not say what it runs, or it is not known which of several it
 * is. `no-build`: there is no image to compare with.
 */
export type Standing = 'current' | 'outdated' | 'unknown' | 'not-heard' | 'awaited' | 'no-build';

export interface Compared {
  readonly entry: Entry;
  readonly standing: Standing;
  /** Undefined: it is not read yet. */
  readonly build: LastBuild | OtaError | undefined;
}

/** Of the configured devices alone; nothing is said of one before its image is read. Pure. */
export function compareWithBuilds(entries: readonly Entry[], builds: LastBuilds | undefined): Compared[] {
  return entries
    .filter(({ isConfigured }) => isConfigured)
    .map((entry) => {
      const build = builds?.get(entry.name);
      return { entry, build, standing: standingOf(entry, build) };
    });
}

function standingOf({ state, running, platform }: Entry, build: Compared['build']): Standing {
  if (build === undefined) return 'awaited';
  if (build instanceof OtaError) return 'no-build';
  if (state === 'awaited') return 'awaited';
  if (state === 'absent' || state === 'unknown') return 'not-heard';
  if (running?.md5 === undefined) return 'unknown';
  return build.isRunAs(running.md5, platform) ? 'current' : 'outdated';
}
