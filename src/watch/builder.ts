/** Makes the images of one run, and makes them again as often as a change stops it. */

import { relative, resolve } from 'node:path';
import { buildPlanned } from '../builders/prepared.ts';
import type { ReadyImage } from '../deploy/push-types.ts';
import { cancelled, OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import { awaitImage } from '../image/index.ts';
import type { PlannedImage } from '../deploy/plan.ts';
import { readyImageOf } from '../deploy/make-image.ts';
import type { BuildOutput } from './build-output.ts';
import { placeText } from './compiler-error.ts';
import type { Project } from './project.ts';
import { deferred, linkedController, type Deferred } from './wait.ts';

export interface Builder {
  make(planned: PlannedImage, tell: Tell): Promise<ReadyImage>;
  /** Ends what is being built, with all its processes. */
  stop(): void;
  /** What was stopped starts again. */
  goOn(): void;
}

export interface BuilderContext {
  /** Of the run. */
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  readonly output: BuildOutput;
  /** The project as it is when a build starts: its files may be what has changed. */
  readonly project: () => Promise<Project>;
  readonly onStarted: () => void;
  readonly onEnded: (how: 'made' | 'failed' | 'stopped') => void;
}

export function createBuilder(context: BuilderContext): Builder {
  const { signal: ofRun, env, output } = context;
  const stops = new Set<AbortController>();
  let again: Deferred = deferred();

  /** Undefined: it was stopped. */
  const once = async (planned: PlannedImage, tell: Tell): Promise<ReadyImage | undefined> => {
    const stop = new AbortController();
    const { controller, release } = linkedController(ofRun, stop.signal);
    const { signal } = controller;
    stops.add(stop);
    let how: 'made' | 'failed' | 'stopped' = 'failed';
    output.clear();
    context.onStarted();
    try {
      const plan = await (await context.project()).buildPlanOf(planned);
      const artifact = await buildPlanned(plan, planned.request, {
        tell,
        signal,
        output: output.stream,
        env,
      });
      const { expectedPlatform } = planned;
      const image = await awaitImage(artifact, { signal, expectedPlatform });
      const ready = await readyImageOf({ image, artifact }, { tell, signal });
      if (stop.signal.aborted) throw cancelled(signal);
      how = 'made';
      return ready;
    } catch (error) {
      if (ofRun.aborted) throw cancelled(ofRun);
      if (!stop.signal.aborted) throw withFirstError(error, output, planned.request.projectDir);
      how = 'stopped';
      return undefined;
    } finally {
      release();
      stops.delete(stop);
      context.onEnded(how);
    }
  };

  return {
    async make(planned, tell) {
      for (;;) {
        const goesOn = again;
        const ready = await once(planned, tell);
        if (ready !== undefined) return ready;
        await goesOn.until(ofRun);
      }
    },
    stop() {
      for (const stop of stops) stop.abort();
    },
    goOn() {
      again.resolve();
      again = deferred();
    },
  };
}

/** A failed build says in one line what is wrong, and where. */
function withFirstError(error: unknown, output: BuildOutput, projectDir: string): unknown {
  if (!(error instanceof OtaError) || error.code !== 'BUILD_FAILED') return error;
  const { firstError, bareError, moreErrors } = output;
  if (firstError === undefined && bareError === undefined) return error;
  const { hint, details } = error;
  if (firstError === undefined)
    return new OtaError('BUILD_FAILED', `${bareError}`, { hint, details, cause: error });
  const absolute = resolve(projectDir, firstError.file);
  // As short as it can be and still be found from the folder where otarc was started.
  const fromHere = relative(process.cwd(), absolute);
  const file = fromHere.startsWith('..') ? absolute : fromHere;
  const more = moreErrors === 0 ? '' : ` (and ${moreErrors} more ${moreErrors === 1 ? 'error' : 'errors'})`;
  return new OtaError('BUILD_FAILED', `${placeText({ ...firstError, file })}: ${firstError.message}${more}`, {
    hint: 'Fix it and save: the next build starts by itself. The device was not touched.',
    details: { ...details, file: absolute, line: firstError.line, column: firstError.column },
    cause: error,
  });
}
