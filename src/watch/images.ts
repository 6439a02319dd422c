/** The images of a project that somebody else builds, over all changes of its configuration. */

import type { ImagePlace } from '../builders/image-place.ts';
import type { ReadyImage } from '../deploy/push-types.ts';
import { OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import type { PlannedImage } from '../deploy/plan.ts';
import { readyImageOf } from '../deploy/make-image.ts';
import type { FileProblem } from './files.ts';
import { watchImage, type ImageWatch } from './image-watch.ts';
import { sourceNewerThan } from './newest.ts';
import type { Project } from './project.ts';
import type { Phase } from './types.ts';

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

interface ImagesOptions {
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

async function openImages(project: Project, options: ImagesOptions): Promise<Images> {
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

export interface OutsideImages {
  /** Undefined while a new configuration is taken over, and where otarc builds itself. */
  readonly current: Images | undefined;
  /** Those of this project, in place of the ones before. `sinceMs`: wall-clock time; what was written after it is new. */
  open(project: Project, sinceMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface OutsideImagesOptions extends Pick<ImagesOptions, 'poll' | 'onProblem'> {
  readonly once: boolean;
  readonly phase: () => Phase;
  readonly signal: AbortSignal;
  /** An image was written, or is being written; or a build has left it as it was, because it is up to date. */
  readonly onWritten: () => void;
  readonly inform: (message: string) => void;
}

export function createOutsideImages(options: OutsideImagesOptions): OutsideImages {
  const { once, phase, signal, onWritten, inform } = options;
  let images: Images | undefined;

  /** A build that had nothing to do has completed the image that is there; one that failed has not. */
  const afterUntouchedBuild = async (place: ImagePlace, { scope }: Project): Promise<void> => {
    const newer = await sourceNewerThan(await place.find(), scope);
    if (signal.aborted || phase() !== 'watching') return;
    if (newer === undefined) return onWritten();
    inform(`A build has ended, but its image is older than ${newer}: waiting for the next one.`);
  };
  return {
    get current() {
      return images;
    },
    async open(project, sinceMs) {
      await images?.close();
      images = undefined;
      images = await openImages(project, {
        ...options,
        onlyNew: once,
        sinceMs,
        isPushing: () => phase() === 'deploying',
        onTouched: onWritten,
        onUntouchedBuild: once ? (place) => void afterUntouchedBuild(place, project) : undefined,
      });
    },
    close: async () => images?.close(),
  };
}
