/** Does one run after the other: with `run.ts`, as any other deployment, but with images that a change makes anew. */

import { cancelled, type OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import { newHistoryMemory } from '../deploy/history/history.ts';
import { keyOf, wasGivenLast } from '../deploy/history/record.ts';
import type { Plan } from '../deploy/plan.ts';
import { runPlan, type RunContext, type RunResult } from '../deploy/run.ts';
import type { Device, Image } from '../model/types.ts';
import type { RunCause, Work } from './types.ts';
import type { BuildOutput } from './build-output.ts';
import { createBuilder, type Builder } from './builder.ts';
import type { Images } from './images.ts';
import type { Project } from './project.ts';
import { linkedController } from './wait.ts';

export interface Runner {
  run(work: Work): Promise<RunResult>;
  /** Of the run under way: the builds end, with all their processes. */
  stopBuilds(): void;
  /** They start again, for these reasons. */
  buildAgain(work: Work): void;
  /** The run ends at once. */
  giveUp(reason: OtaError): void;
}

export interface RunnerOptions {
  readonly context: RunContext;
  /** Ends every run. */
  readonly signal: AbortSignal;
  /** The project as it is now, when all changes of it were taken over. */
  readonly project: () => Promise<Project>;
  /** False: somebody else builds, and leaves these. */
  readonly builds: boolean;
  readonly images: () => Images | undefined;
  readonly output: BuildOutput;
  readonly tell: Tell;
  readonly onBuildStarted: () => void;
  readonly onBuildEnded: (how: 'made' | 'failed' | 'stopped') => void;
}

const reasons: Readonly<Record<RunCause, string>> = {
  start: 'start',
  change: 'changed',
  asked: 'on request',
  device: 'the device is back',
  image: 'new image',
  configuration: 'the configuration changed',
  devices: 'other devices were chosen',
};

/** The next save waits for it; the watch itself listens on. */
const returnMs = 3_000;

export function createRunner(options: RunnerOptions): Runner {
  const { context, tell, images } = options;
  const startedAtMs = Date.now();
  const historyMemory = newHistoryMemory();
  let active: { readonly controller: AbortController; readonly builder: Builder } | undefined;

  const tellOfChange = ({ cause, paths }: Work): void =>
    tell({ type: 'change-detected', paths, reason: reasons[cause] });
  /** An image that somebody else is making counts as a build. */
  const take: Builder['make'] = async (planned, tellRun) => {
    const from = images();
    const { controller } = active ?? {};
    // While a new configuration is taken over, which gives up this very run.
    if (from === undefined || controller === undefined) throw cancelled(controller?.signal);
    options.onBuildStarted();
    let how: 'made' | 'failed' = 'failed';
    try {
      const ready = await from.take(planned, { tell: tellRun, signal: controller.signal });
      how = 'made';
      return ready;
    } finally {
      options.onBuildEnded(how);
    }
  };

  return {
    async run(work) {
      const { controller, release } = linkedController(options.signal);
      const { signal } = controller;
      const builder = createBuilder({
        signal,
        env: context.env,
        output: options.output,
        project: options.project,
        onStarted: options.onBuildStarted,
        onEnded: options.onBuildEnded,
      });
      active = { controller, builder };
      let skipsUnchanged = true;
      const plan = async (): Promise<Plan> => {
        tellOfChange(work);
        const project = await options.project();
        skipsUnchanged = project.config.push.skipUnchanged;
        const all = project.planOf(work.kind);
        if (!options.builds) return withImages(all, images());
        if (!work.buildOnly) return all;
        for (const planned of all.images) await builder.make(planned, tell);
        return { images: [], waves: [] };
      };
      try {
        return await runPlan(plan, {
          ...context,
          output: options.output.stream,
          returnMs,
          signal,
          readyDevice: async (device) => (await options.project()).readyDevice(device),
          makeImage: options.builds ? builder.make : take,
          historyMemory,
          skipsNothing: work.force,
          skipReason: (device: Device, image: Image, { history, runsAnother }) => {
            if (work.force || !skipsUnchanged || context.allowed === 'all') return undefined;
            // Of this watch alone: earlier, and at any time where the device says so, it may have been flashed by cable.
            return wasGivenLast(history.of(keyOf(device)), { image, runsAnother, sinceMs: startedAtMs })
              ? 'the image is the one that it was given last'
              : undefined;
          },
        });
      } finally {
        active = undefined;
        release();
      }
    },
    stopBuilds: () => active?.builder.stop(),
    buildAgain(work) {
      tellOfChange(work);
      active?.builder.goOn();
    },
    giveUp: (reason) => active?.controller.abort(reason),
  };
}

/** Only for images that somebody has built. */
function withImages(plan: Plan, images: Images | undefined): Plan {
  const waves = plan.waves.map((wave) => wave.filter(({ imageKey }) => images?.isWanted(imageKey) === true));
  return { ...plan, waves: waves.filter((wave) => wave.length > 0) };
}
