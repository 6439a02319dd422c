/** The images of a project that somebody else builds. */

import type { ImagePlace } from '../builders/image-place.ts';
import type { ReadyImage } from '../deploy/deploy-device.ts';
import { OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import type { PlannedImage } from '../deploy/plan.ts';
import { readyImageOf } from '../deploy/make-image.ts';
import type { FileProblem } from './files.ts';
import { watchImage, type ImageWatch } from './image-watch.ts';
import type { Project } from './project.ts';

export interface Images {
  /** Whether there is any image, whole or not. */
  readonly isAny: boolean;
  /** Whether any was written since it was taken. */
  readonly isPending: boolean;
  /** Where they are, or will be, for a person. */
  readonly places: readonly string[];
  /** Whether this one is to be deployed. */
  isWanted(key: string): boolean;
  /** The image as soon as it is whole. */
  take(
    planned: PlannedImage,
    context: { readonly tell: Tell; readonly signal: AbortSignal },
  ): Promise<ReadyImage>;
  close(): Promise<void>;
}

export interface ImagesOptions {
  /** What was there before, and no build has had to do with since, is left out. */
  readonly onlyNew: boolean;
  readonly poll: boolean;
  /** Wall-clock time: what was written after it is new. */
  readonly sinceMs: number;
  readonly isPushing: () => boolean;
  readonly onTouched: () => void;
  /** A build has ended that left this image as it was. */
  readonly onUntouchedBuild?: ((image: ImagePlace) => void) | undefined;
  readonly onProblem: (problem: FileProblem) => void;
}

export async function openImages(project: Project, options: ImagesOptions): Promise<Images> {
  const watches = new Map<string, ImageWatch>();
  const places = await project.placesOf(project.kind);
  for (const planned of project.planOf(project.kind).images) {
    const place = places.get(planned.key);
    if (place === undefined) continue;
    const { expectedPlatform } = planned;
    const home = project.config.projectDir;
    const { onUntouchedBuild } = options;
    const watch = await watchImage({
      ...options,
      place,
      expectedPlatform,
      home,
      onUntouchedBuild: onUntouchedBuild && (() => onUntouchedBuild(place)),
    });
    watches.set(planned.key, watch);
  }
  return {
    places: [...places.values()].map(({ text }) => text),
    get isAny() {
      return [...watches.values()].some(({ isThere }) => isThere);
    },
    get isPending() {
      return [...watches.values()].some(({ isPending }) => isPending);
    },
    isWanted(key) {
      const watch = watches.get(key);
      return watch?.isThere === true && (watch.isNew || !options.onlyNew);
    },
    async take(planned, { tell, signal }) {
      const watch = watches.get(planned.key);
      if (watch === undefined) {
        throw new OtaError('IMAGE_NOT_FOUND', 'The build tool does not say where its image will be.', {
          hint: 'Build the project once, or set `build.image` in .otarc.',
        });
      }
      return readyImageOf(await watch.take(signal), { tell, signal });
    },
    async close() {
      await Promise.all([...watches.values()].map((watch) => watch.close()));
    },
  };
}
