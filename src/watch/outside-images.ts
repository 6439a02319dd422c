/** The images that somebody else builds, over all changes of the configuration: each new one is wanted. */

import type { ImagePlace } from '../builders/image-place.ts';
import type { FileProblem } from './files.ts';
import { openImages, type Images } from './images.ts';
import { sourceNewerThan } from './newest.ts';
import type { Project } from './project.ts';
import type { Phase } from './types.ts';

export interface OutsideImages {
  /** Undefined while a new configuration is taken over, and where otarc builds itself. */
  readonly current: Images | undefined;
  /** Those of this project, in place of the ones before. `sinceMs`: wall-clock time; what was written after it is new. */
  open(project: Project, sinceMs: number): Promise<void>;
  runBegins(): void;
  /** Whether one was written while the run was at another, or had failed already. */
  wasMissed(): boolean;
  close(): Promise<void>;
}

export interface OutsideImagesOptions {
  readonly once: boolean;
  readonly poll: boolean;
  readonly phase: () => Phase;
  readonly signal: AbortSignal;
  readonly want: () => void;
  readonly inform: (message: string) => void;
  /** For the first time something happens to an image. */
  readonly onTouched: () => void;
  readonly onProblem: (problem: FileProblem) => void;
}

export function createOutsideImages(options: OutsideImagesOptions): OutsideImages {
  const { once, poll, phase, signal, want, inform, onTouched, onProblem } = options;
  let images: Images | undefined;
  let isTouched = false;

  /** A build that had nothing to do has completed the image that is there; one that failed has not. */
  const afterUntouchedBuild = async (place: ImagePlace, { scope }: Project): Promise<void> => {
    const newer = await sourceNewerThan(await place.find(), scope);
    if (signal.aborted || phase() !== 'watching') return;
    if (newer === undefined) return want();
    inform(`A build has ended, but its image is older than ${newer}: waiting on.`);
  };
  return {
    get current() {
      return images;
    },
    async open(project, sinceMs) {
      await images?.close();
      images = undefined;
      images = await openImages(project, {
        onlyNew: once,
        poll,
        sinceMs,
        isPushing: () => phase() === 'deploying',
        onTouched() {
          onTouched();
          // The run that waits for it sees it by itself, unless another image makes it fail.
          if (phase() === 'building') isTouched = true;
          else if (images !== undefined) want();
        },
        onUntouchedBuild: once ? (place) => void afterUntouchedBuild(place, project) : undefined,
        onProblem,
      });
    },
    runBegins() {
      isTouched = false;
    },
    wasMissed: () => isTouched && images?.isPending === true,
    close: async () => images?.close(),
  };
}
