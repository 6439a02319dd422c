/**
 * Back to the last image that was proven to run: chosen from the history, pushed as any other image (checks, lock, proof).
 */

import type { Tell } from '../model/events.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import { planProject, runContextOf, type DeployProjectOptions } from './deploy-project.ts';
import { openHistory, type History } from './history/history.ts';
import { historyPlace } from './history/place.ts';
import type { Plan, PlannedImage } from './plan.ts';
import { chooseImage, goingBack, readKept, type RollbackChoice } from './rollback-image.ts';
import { runPlan, type RunResult } from './run.ts';

export type RollBackOptions = Omit<DeployProjectOptions, 'source' | 'file' | 'hook' | 'command'> & {
  /** The first digits of an MD5, or the number of a row of `otarc history`. */
  readonly to?: string | undefined;
};

/** As `deployProject`: what a user can meet is in the result, and was reported as a `failed` event. */
export function rollBackProject(options: RollBackOptions): Promise<RunResult> {
  const context = runContextOf(options);
  const { env, signal, allowed } = context;
  const tell: Tell = (body) => context.onEvent({ ...body, at: new Date().toISOString() });
  /** By the names of the devices, which are the keys of their images as well. */
  const chosen = new Map<string, RollbackChoice>();
  let history: History | undefined;

  const plan = async (): Promise<Plan> => {
    const { config, devices, plan: ofFile, warnings } = await planProject({ ...options, source: 'file' });
    for (const message of warnings) tell({ type: 'log', level: 'warn', message });
    const place = historyPlace(env, { shared: config.history?.dir });
    history = openHistory({ place, onLoss: () => {} });
    for (const device of devices) {
      const choice = chooseImage(device, { history, kind: config.kind, to: options.to });
      chosen.set(device.name, choice);
      if (!choice.isRunning)
        context.onEvent({ ...goingBack(choice.record), device: device.name, at: new Date().toISOString() });
    }
    const [request] = ofFile.images.map((each) => each.request);
    if (request === undefined) return ofFile;
    const images = devices.map((device): PlannedImage => {
      const { platform: expectedPlatform, name: key } = device;
      return withoutUndefined({ key, kind: config.kind, source: 'file' as const, request, expectedPlatform });
    });
    const jobs = devices.map((device) => ({ device, imageKey: device.name }));
    return { ...ofFile, images, waves: [jobs] };
  };
  return runPlan(plan, {
    ...context,
    isRollback: true,
    get stdin() {
      return context.stdin;
    },
    makeImage: async ({ key }, tellRun) => {
      const record = chosen.get(key)?.record;
      if (history === undefined || record === undefined) throw new Error(`No image is chosen for "${key}".`);
      return await readKept(record, { history, signal, tell: tellRun });
    },
    originOf: ({ key }) => {
      const { source, build } = chosen.get(key)?.record ?? {};
      return withoutUndefined({ source, build });
    },
    skipReason: ({ name }) =>
      chosen.get(name)?.isRunning === true && allowed !== 'all'
        ? 'the device has gone back to the image from before by itself'
        : undefined,
  });
}
