/**
 * Runs a plan: passwords first, then each image once, then wave by wave the devices. deploy, push, watch and hook differ
 * only in where the image comes from, which the plan says.
 */

import { dirname } from 'node:path';
import { namedTool } from '../builders/named-tool.ts';
import { nothingFetched } from '../config/index.ts';
import type { DeviceConfig } from '../config/types.ts';
import type { OtaError } from '../model/errors.ts';
import type { DeployEvent, EventBody, Stage, Tell } from '../model/events.ts';
import { asOtaError, exitCodeFor, failedEvent } from '../model/failure.ts';
import type { Device, Image } from '../model/types.ts';
import { deploy } from './deploy-device.ts';
import type { DeployOptions, Outcome, ReadyDevice, ReadyImage } from './push-types.ts';
import { execute } from './execute.ts';
import { openHistory, type History, type HistoryMemory } from './history/history.ts';
import { historyPlace } from './history/place.ts';
import { isKnownToOfferProof, keyOf, type HistoryRecord } from './history/record.ts';
import { knownSource, recordPush, type SourceQuestion } from './history/recorder.ts';
import { makeImage } from './make-image.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { Plan, PlannedImage } from './plan.ts';
import { readyDevice } from './ready-device.ts';

export interface RunContext extends Omit<
  DeployOptions,
  'tell' | 'freshMs' | 'lastSeen' | 'pushedSince' | 'note' | 'skipReason' | 'asksWhatRuns'
> {
  readonly onEvent: (event: DeployEvent) => void;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Where the output of build tools goes. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** As in `DeployOptions`; `history` is what the device was given before. */
  readonly skipReason?:
    | ((
        device: Device,
        image: Image,
        known: { history: History; runsAnother: boolean },
      ) => string | undefined)
    | undefined;
  /** A device gets its image also where it runs it already: a person wants it so. */
  readonly skipsNothing?: boolean | undefined;
  /** Where an image came from that is made again of what is kept: in place of asking git. */
  readonly originOf?: ((planned: PlannedImage) => Pick<HistoryRecord, 'source' | 'build'>) | undefined;
  /** Of the runs of this process before. */
  readonly historyMemory?: HistoryMemory | undefined;
  /** In place of reading a device's password and partition table for this run. */
  readonly readyDevice?: typeof readyDevice | undefined;
  /** In place of one build, or one look, for each image: watch builds again when a file changes meanwhile. */
  readonly makeImage?: ((planned: PlannedImage, tell: Tell) => Promise<ReadyImage>) | undefined;
}

export interface RunResult {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/**
 * `makePlan` is asked inside the run, so that a mistake in configuration or targets ends it like any other: with one
 * `failed`, one `done` and its exit code.
 */
export async function runPlan(makePlan: () => Promise<Plan>, context: RunContext): Promise<RunResult> {
  const startedAtMs = performance.now();
  const outcomes = new Map<string, Outcome>();
  let failure: OtaError | undefined;
  const tell = telling(context);
  tell({ type: 'run-started', schema: 1 });
  try {
    const plan = await makePlan();
    await runJobs(plan, context, outcomes);
  } catch (error) {
    failure = asOtaError(error);
    tell(failedEvent(failure, stageOf(failure)));
  }
  const named = (type: Outcome['type']): string[] =>
    [...outcomes].filter(([, outcome]) => outcome.type === type).map(([name]) => name);
  const exitCode = exitCodeOf(failure, outcomes);
  const ok = exitCode === 0;
  tell({
    type: 'done',
    ok,
    deployed: named('deployed'),
    skipped: named('skipped'),
    failed: named('failed'),
    durationMs: Math.round(performance.now() - startedAtMs),
    exitCode,
  });
  return { ok, exitCode, outcomes };
}

/** One device after the other. */
const policy = { parallel: 1 };

async function runJobs(plan: Plan, context: RunContext, outcomes: Map<string, Outcome>): Promise<void> {
  const ready = await makeReady(plan, context, outcomes);
  // A mistake in one device's configuration is corrected before anything is built or pushed.
  if (outcomes.size > 0) return;
  const secretVariables = plan.images.flatMap(({ request }) => request.secretVariables ?? []);
  const options = { ...deployOptionsOf(context), proofEnv: { env: context.env, secretVariables } };
  const history = historyOf(plan, context);
  const planned = new Map(plan.images.map((each) => [each.key, originOf(each, context)]));
  const images = new Map(plan.images.map((planned) => [planned.key, startImage(planned, context)]));
  await execute(plan.waves, policy, async ({ device, imageKey }) => {
    const [image, readyJob] = [images.get(imageKey), ready.get(device)];
    if (image === undefined || readyJob === undefined) throw new Error(`No image "${imageKey}" is planned.`);
    const { skipReason } = context;
    const skips = plan.skipUnchanged !== false && context.skipsNothing !== true;
    const goesBack = device.onVerifyFailed === 'rollback' && context.isRollback !== true;
    const tellDevice = telling(context, device.name);
    /** One push with its record. */
    const push = async (
      coming: Promise<ReadyImage>,
      { tell: tellOfPush, isWayBack = false, ...origin }: OnePush,
    ) => {
      const recorder = recordPush({ device, history, ...origin });
      const tell = recorder.hear(tellOfPush);
      // A device that was not reached before an interruption failed by it, and its report says so.
      const outcome = await deploy(readyJob, recorder.follow(coming), {
        ...options,
        tell,
        isRollback: isWayBack || context.isRollback,
        lastSeen: recorder.lastSeen,
        pushedSince: history.pushedSince,
        note: recorder.note,
        tookPlatform: (each) => history.last(keyOf(each))?.image.platform,
        knowsSum: (each, md5) => history.knows(keyOf(each), md5),
        asksWhatRuns: (each) => skips && isKnownToOfferProof(history.of(keyOf(each))),
        skipReason: isWayBack
          ? undefined
          : skipReason &&
            ((each, ofImage, runsAnother) => skipReason(each, ofImage, { history, runsAnother })),
      }).catch((error: unknown) => failed({ error: asOtaError(error), stage: 'push', tell }));
      if (!context.dryRun) await recorder.ended(outcome);
      return outcome;
    };
    // What it failed by is reported with what became of the way back.
    let held: EventBody | undefined;
    const tell: Tell = (event) => {
      if (goesBack && event.type === 'failed' && event.stage === 'verify') held = event;
      else tellDevice(event);
    };
    let outcome = await push(image(), { tell, ...planned.get(imageKey) });
    if (held !== undefined && outcome.type === 'failed') {
      // An otarc that was updated while this one watches has other files.
      const { goBack } = await import('./go-back.ts').catch(() => ({ goBack: undefined }));
      if (goBack === undefined) tellDevice(held);
      outcome =
        (await goBack?.({
          failure: outcome,
          device,
          history,
          signal: context.signal,
          tell: tellDevice,
          push: (ready, record) => push(ready, { ...record, isWayBack: true }),
        })) ?? outcome;
    }
    outcomes.set(device.name, outcome);
  });
}

interface OnePush extends Partial<ReturnType<typeof originOf>> {
  readonly tell: Tell;
  /** After a push that has failed, within the same run. */
  readonly isWayBack?: boolean;
}

/** Not a spread of the whole context: its `stdin` is made when somebody reads it. */
function deployOptionsOf(context: RunContext): Omit<DeployOptions, 'tell'> {
  const { signal, engine, allowed, dryRun } = context;
  const { timeoutMs, silenceLimitMs, whenSeenMs, returnMs, verify } = context;
  const limits = { timeoutMs, silenceLimitMs, whenSeenMs, returnMs };
  return { signal, engine, allowed, dryRun, verify, ...limits };
}

function historyOf({ historyDir }: Plan, context: RunContext): History {
  const tell = telling(context);
  return openHistory({
    place: historyPlace(context.env, { shared: historyDir }),
    onLoss: (message) => tell({ type: 'log', level: 'warn', message }),
    ...(context.historyMemory && { memory: context.historyMemory }),
  });
}

function originOf(planned: PlannedImage, context: RunContext) {
  const known = context.originOf?.(planned);
  if (known === undefined) return { build: buildOf(planned), source: startSource(planned, context) };
  return { build: known.build, source: knownSource(known.source) };
}

/** Starts at the first call, as the image does. */
function startSource({ request, path, source }: PlannedImage, { env }: RunContext): SourceQuestion {
  const limit = new AbortController();
  // Loaded while an image is on its way.
  const ask = async (): Promise<HistoryRecord['source']> => {
    const { sourceIn } = await import('./history/source.ts');
    const folder = path === undefined ? request.projectDir : dirname(path);
    // Where a file lies says little of what it was made of.
    return sourceIn(folder, { env, signal: limit.signal, withChanges: source !== 'file' });
  };
  let asked: Promise<HistoryRecord['source']> | undefined;
  return { ask: () => (asked ??= ask()), stop: () => limit.abort() };
}

function buildOf({ source, key, request }: PlannedImage): HistoryRecord['build'] {
  return withoutUndefined({
    tool: source === 'file' ? ('file' as const) : namedTool(request),
    environment: source === 'file' || key === '' ? undefined : key,
  });
}

/** Everything of the configuration that can fail without the network, for all devices, beside each other. */
async function makeReady(
  plan: Plan,
  context: RunContext,
  outcomes: Map<string, Outcome>,
): Promise<ReadonlyMap<DeviceConfig, ReadyDevice>> {
  const makeOne = context.readyDevice ?? readyDevice;
  const devices = plan.waves.flat().map(({ device }) => device);
  const { env, signal } = context;
  const fetched = nothingFetched();
  const ends = await Promise.allSettled(
    devices.map((device) =>
      makeOne(device, {
        env,
        signal,
        fetched,
        get stdin() {
          return context.stdin;
        },
      }),
    ),
  );
  const ready = new Map<DeviceConfig, ReadyDevice>();
  for (const [index, device] of devices.entries()) {
    const end = ends[index];
    if (end?.status === 'fulfilled') ready.set(device, end.value);
    if (end?.status !== 'rejected') continue;
    const tell = telling(context, device.name);
    outcomes.set(device.name, failed({ error: asOtaError(end.reason), stage: 'config', tell }));
  }
  return ready;
}

/** Starts at the first call, and gives the same promise to every later one: a build for ten devices runs once. */
function startImage(planned: PlannedImage, context: RunContext): () => Promise<ReadyImage> {
  const { signal, env, output } = context;
  const tell = telling(context);
  let started: Promise<ReadyImage> | undefined;
  return () =>
    (started ??=
      context.makeImage === undefined
        ? makeImage(planned, { signal, env, output, tell })
        : context.makeImage(planned, tell));
}

function failed(end: { error: OtaError; stage: Stage; tell: Tell }): Outcome {
  const { error, stage, tell } = end;
  tell(failedEvent(error, stage));
  return { type: 'failed', stage, error };
}

function telling({ onEvent }: RunContext, device?: string): Tell {
  return (body: EventBody) =>
    onEvent({ ...body, at: new Date().toISOString(), ...(device === undefined ? {} : { device }) });
}

/** Of what failed outside a device's own flow. */
function stageOf({ code }: OtaError): Stage {
  return code.startsWith('BUILD_') ? 'build' : code.startsWith('IMAGE_') ? 'image' : 'config';
}

/** An interruption outweighs what it broke; then the worst of all. */
function exitCodeOf(failure: OtaError | undefined, outcomes: ReadonlyMap<string, Outcome>): number {
  const errors = failure === undefined ? [] : [failure];
  for (const outcome of outcomes.values()) if (outcome.type === 'failed') errors.push(outcome.error);
  return Math.max(0, ...errors.map(exitCodeFor));
}
