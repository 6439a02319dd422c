/**
 * Back to the last image that was proven to run: chosen from the history, pushed as any other image (checks, lock, proof).
 */

import { OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import { thousands } from '../model/numbers.ts';
import type { Device, ImageKind } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { Outcome, ReadyImage } from './deploy-device.ts';
import { planProject, runContextOf, type DeployProjectOptions } from './deploy-project.ts';
import { chooseRollback, type RollbackRefusal } from './history/choose.ts';
import { openHistory, type History } from './history/history.ts';
import { hasImage, keptImage } from './history/images.ts';
import { historyPlace } from './history/place.ts';
import { keyOf, wasTaken, type HistoryRecord } from './history/record.ts';
import { shortSum, whenText } from './history/words.ts';
import { readyImageOf } from './make-image.ts';
import type { Plan, PlannedImage } from './plan.ts';
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
  const chosen = new Map<string, Choice>();
  let history: History | undefined;

  const plan = async (): Promise<Plan> => {
    const { config, devices, plan: ofFile, warnings } = await planProject({ ...options, source: 'file' });
    for (const message of warnings) tell({ type: 'log', level: 'warn', message });
    const place = historyPlace(env, { shared: config.history?.dir });
    history = openHistory({ place, onLoss: () => {} });
    for (const device of devices) {
      const choice = choose(device, { history, kind: config.kind, to: options.to });
      chosen.set(device.name, choice);
      if (!choice.isRunning) tell(goingBack(device, choice.record));
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
    get stdin() {
      return context.stdin;
    },
    makeImage: async ({ key }, tellRun) => {
      const record = chosen.get(key)?.record;
      if (history === undefined || record === undefined) throw new Error(`No image is chosen for "${key}".`);
      return await read(record, { history, signal, tell: tellRun });
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

interface Choice {
  readonly record: HistoryRecord;
  /** The device has said that it runs this one. */
  readonly isRunning: boolean;
}

/** @throws {OtaError} `IMAGE_NOT_FOUND` where there is nothing to go back to; `USAGE` where it is not clear to what */
function choose(
  device: Pick<Device, 'name' | 'host' | 'port'>,
  { history, kind, to }: { history: History; kind: ImageKind; to: string | undefined },
): Choice {
  const { place } = history;
  const records = history.of(keyOf(device));
  refuseSeveralPorts(device, records);
  const isKept = ({ image }: HistoryRecord): boolean => place !== undefined && hasImage(place, image);
  const answer = chooseRollback({ records, kind, to, isKept });
  if (answer.type === 'none') throw refusal(device.name, answer.why);
  if (answer.type === 'runs-already' && !isKept(answer.record)) throw runsAlready(device.name, answer.record);
  return { record: answer.record, isRunning: answer.type === 'runs-already' };
}

/** Behind one address, or one name, with port forwarding there may be several devices, and one must not get another's image. */
function refuseSeveralPorts(
  { name, host, port }: Pick<Device, 'name' | 'host' | 'port'>,
  records: readonly HistoryRecord[],
): void {
  const taken = records.filter(wasTaken);
  const ports = new Set(taken.flatMap((record) => record.device.port ?? record.place?.port ?? []));
  if (port !== undefined || ports.size < 2) return;
  throw new OtaError(
    'USAGE',
    `${name}: images were pushed to several ports of ${host}: ${[...ports].join(', ')}.`,
    {
      hint: 'Say which one is meant, with `--port`.',
    },
  );
}

function runsAlready(name: string, { at, image }: HistoryRecord): OtaError {
  const which = `the image of ${whenText(at)} (MD5 ${shortSum(image.md5)})`;
  return new OtaError('IMAGE_NOT_FOUND', `${name}: it has gone back to ${which} by itself.`, {
    hint: 'Name an earlier one with `--to`; `otarc history` lists what was pushed.',
    details: { md5: image.md5, at },
  });
}

function refusal(name: string, why: RollbackRefusal): OtaError {
  const see = `\`otarc history\` lists what was pushed.`;
  const not = (message: string, hint: string, details = {}): OtaError =>
    new OtaError('IMAGE_NOT_FOUND', `${name}: ${message}`, { hint, details });
  switch (why.type) {
    case 'nothing-pushed':
      return not('there is nothing to go back to: no push to this device is recorded.', see);
    case 'nothing-taken':
      return not('there is nothing to go back to: no push to this device has succeeded.', see);
    case 'none-proven': {
      const proof = 'Push with a proof that the sketch runs (README, "History and rollback")';
      return why.isPresentProven
        ? not('there is no earlier image that was proven to run.', `${see} Only proven images are kept.`)
        : not(
            'no image was proven to run, and only such images are kept.',
            `${proof}; then it can be gone back to.`,
          );
    }
    case 'not-kept': {
      const { at, image } = why.record;
      const which = `the image of ${whenText(at)} (MD5 ${shortSum(image.md5)})`;
      return not(
        `${which} is not kept.`,
        'Only proven images are kept, and the oldest ones make room: check out its commit and deploy that.',
        { md5: image.md5, at },
      );
    }
    case 'no-such-image':
      return not(
        `no image "${why.to}" was pushed to it.`,
        `${see} \`--to\` takes at least 4 digits of an MD5.`,
      );
    case 'several-images':
      return new OtaError('USAGE', `${name}: "${why.to}" may be ${why.md5s.map(shortSum).join(' or ')}.`, {
        hint: 'Give more digits of the MD5.',
      });
  }
}

function goingBack({ name }: Pick<Device, 'name'>, { at, image, source }: HistoryRecord) {
  const commit = source === undefined ? '' : `, commit ${source.commit.slice(0, 7)}`;
  const which = `MD5 ${shortSum(image.md5)}, ${thousands(image.sizeBytes)} bytes${commit}`;
  const message = `${name}: back to the image of ${whenText(at)} (${which})`;
  return { type: 'log', level: 'info', message } as const;
}

async function read(
  { image: digests }: HistoryRecord,
  { history, signal, tell }: { history: History; signal: AbortSignal; tell: Tell },
): Promise<ReadyImage> {
  const { place } = history;
  if (place === undefined) throw new Error('Nothing is kept without a place.');
  const { image, partitions } = await keptImage(place, digests, signal);
  const artifact = { path: image.path, kind: image.kind, tool: 'file' as const };
  const ready = await readyImageOf({ image, artifact }, { tell, signal });
  return withoutUndefined({ image, partitions: partitions ?? ready.partitions });
}

export interface RollBack {
  readonly device: Pick<Device, 'name' | 'host' | 'port'>;
  readonly history: History;
  readonly kind: ImageKind;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  /** Pushes the image to the device, and records that. */
  readonly push: (image: Promise<ReadyImage>) => Promise<Outcome>;
}

/**
 * After a push whose image does not run, within the same run. Undefined: there is nothing to go back to, or the device has gone
 * back by itself; `tell` was told why.
 */
export async function rollBack({ device, push, tell, ...asked }: RollBack): Promise<Outcome | undefined> {
  try {
    const { record, isRunning } = choose(device, { ...asked, to: undefined });
    if (isRunning) return undefined;
    tell(goingBack(device, record));
    return await push(read(record, { ...asked, tell }));
  } catch (error) {
    if (!(error instanceof OtaError)) throw error;
    tell({ type: 'log', level: 'warn', message: `no rollback: ${error.message}` });
    return undefined;
  }
}
