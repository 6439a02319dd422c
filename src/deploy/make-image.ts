/** Makes or reads the images of a plan, each once, with the partition table that lies beside it. */

import { awaitImage, readImage, tableBeside } from '../image/index.ts';
import type { Tell } from '../model/events.ts';
import type { Artifact, Image } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { ReadyImage } from './push-types.ts';
import type { PlannedImage } from './plan.ts';

export interface MakeContext {
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  /** Where the output of build tools goes. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Builds the image, or reads the one that is there. */
export async function makeImage(planned: PlannedImage, context: MakeContext): Promise<ReadyImage> {
  const artifact = await artifactOf(planned, context);
  const { expectedPlatform } = planned;
  const options = withoutUndefined({ signal: context.signal, expectedPlatform });
  // What a tool has just written may still be written by a child that outlived it; a file at rest is read as it is.
  const image = await (planned.source === 'build'
    ? awaitImage(artifact, options)
    : readImage(artifact, options));
  return readyImageOf({ image, artifact }, context);
}

/** Reports an image that was read, and gives it as `deploy` takes it: with the partition table of its build. */
export async function readyImageOf(
  { image, artifact }: { readonly image: Image; readonly artifact: Artifact },
  context: Pick<MakeContext, 'tell' | 'signal'>,
): Promise<ReadyImage> {
  const { path, sizeBytes, md5, kind, platform, chip, identity } = image;
  context.tell({
    type: 'image-ready',
    path,
    sizeBytes,
    md5,
    kind,
    ...withoutUndefined({ platform, chip, identity }),
  });
  const partitions = await tableBeside(image, { ...context, artifact });
  return withoutUndefined({ image, partitions });
}

async function artifactOf(planned: PlannedImage, context: MakeContext): Promise<Artifact> {
  const { path, kind, request, source, expectedPlatform } = planned;
  if (path !== undefined) {
    return withoutUndefined({ path, kind, tool: 'file' as const, platform: expectedPlatform });
  }
  // Loaded where there is something to build: a push of a file must not pay for the tools' formats.
  const { build, findArtifact } = await import('../builders/index.ts');
  return source === 'build' ? build(request, context) : findArtifact(request, context);
}
