/**
 * Runs a plan: passwords first, then each image once, then wave by wave the devices. deploy, push, watch and hook differ
 * only in where the image comes from, which the plan says.
 */

import { dirname, join } from 'node:path';
import { resolveCredential } from '../config/index.ts';
import type { DeviceConfig } from '../config/types.ts';
import {
  deploy,
  type DeployOptions,
  type Outcome,
  type ReadyDevice,
  type ReadyImage,
} from './deploy-device.ts';
import { checkHost } from '../discover/index.ts';
import { cacheFile, lastSeenIn } from '../discover/last-seen.ts';
import { OtaError } from '../model/errors.ts';
import { asOtaError, exitCodeFor, failedEvent } from '../model/failure.ts';
import type { DeployEvent, EventBody, Stage, Tell } from '../model/events.ts';
import { awaitImage, readImage, readPartitionTable, type PartitionTable } from '../image/index.ts';
import type { Job, Plan, PlannedImage } from './plan.ts';
import type { Artifact, Device, Image } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

export interface RunContext extends Omit<DeployOptions, 'tell' | 'freshMs'> {
  readonly onEvent: (event: DeployEvent) => void;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Where the output of build tools goes. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
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
export async function run(makePlan: () => Promise<Plan>, context: RunContext): Promise<RunResult> {
  const startedAtMs = performance.now();
  const outcomes = new Map<string, Outcome>();
  let failure: OtaError | undefined;
  const tell = telling(context);
  tell({ type: 'run-started', schema: 1 });
  try {
    const plan = await makePlan();
    await runWaves(plan, context, outcomes);
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

async function runWaves(plan: Plan, context: RunContext, outcomes: Map<string, Outcome>): Promise<void> {
  const waves = await makeReady(plan, context, outcomes);
  // A mistake in one device's configuration is mended before anything is built or pushed.
  if (outcomes.size > 0) return;
  const { signal, engine, allowed, dryRun, skipReason, timeoutMs, silenceLimitMs, whenSeenMs, returnMs } =
    context;
  const cache = cacheFile(context.env);
  const deployOptions = {
    lastSeen: context.lastSeen ?? (cache === undefined ? undefined : lastSeenIn(cache)),
    signal,
    engine,
    allowed,
    dryRun,
    skipReason,
    timeoutMs,
    silenceLimitMs,
    whenSeenMs,
    returnMs,
  };
  const images = new Map(plan.images.map((image) => [image.key, startImage(image, context)]));
  for (const wave of waves) {
    await Promise.all(
      wave.map(async ({ job, ready }) => {
        const image = images.get(job.imageKey);
        if (image === undefined) throw new Error(`The plan names no image "${job.imageKey}".`);
        const tell = telling(context, ready.device.name);
        // A device that was not reached before an interruption failed by it, and is told so.
        const outcome = await deploy(ready, image(), { ...deployOptions, tell }).catch((error: unknown) =>
          failed({ error: asOtaError(error), stage: 'push', tell }),
        );
        outcomes.set(ready.device.name, outcome);
      }),
    );
  }
}

interface ReadyJob {
  readonly job: Job;
  readonly ready: ReadyDevice;
}

/** Everything of the configuration that can fail without the network, for all devices. */
async function makeReady(
  plan: Plan,
  context: RunContext,
  outcomes: Map<string, Outcome>,
): Promise<ReadyJob[][]> {
  const waves: ReadyJob[][] = [];
  for (const wave of plan.waves) {
    const ready: ReadyJob[] = [];
    for (const job of wave) {
      const { name } = job.device;
      try {
        ready.push({ job, ready: await (context.readyDevice ?? readyDevice)(job.device, context) });
      } catch (error) {
        outcomes.set(
          name,
          failed({ error: asOtaError(error), stage: 'config', tell: telling(context, name) }),
        );
      }
    }
    waves.push(ready);
  }
  return waves;
}

/** A device with its password, its own address of this host checked, and its partition table read. */
export async function readyDevice(
  { credentialSource, ...device }: DeviceConfig,
  context: Pick<RunContext, 'env' | 'stdin' | 'signal'>,
): Promise<ReadyDevice> {
  const credential = await resolveCredential({ ...device, credentialSource }, context);
  await checkHost(device);
  const partitions = await partitionsOf(device, context.signal);
  return { device: { ...device, credential }, partitions };
}

async function partitionsOf(
  { name, partitionsPath }: Pick<Device, 'name' | 'partitionsPath'>,
  signal: AbortSignal,
): Promise<PartitionTable | undefined> {
  if (partitionsPath === undefined) return undefined;
  return readPartitionTable(partitionsPath, signal).catch((cause: unknown) => {
    if (!(cause instanceof OtaError) || cause.code === 'CANCELLED') throw cause;
    throw new OtaError('CONFIG_INVALID', `The partition table of ${name} cannot be used. ${cause.message}`, {
      hint: `Correct \`devices.${name}.partitions\`.`,
      details: { path: partitionsPath, because: cause.code },
      cause,
    });
  });
}

function failed(end: { error: OtaError; stage: Stage; tell: Tell }): Outcome {
  const { error, stage, tell } = end;
  tell(failedEvent(error, stage));
  return { type: 'failed', stage, error };
}

/** Starts at the first call, and gives the same promise to every later one: a build for ten devices runs once. */
function startImage(planned: PlannedImage, context: RunContext): () => Promise<ReadyImage> {
  let started: Promise<ReadyImage> | undefined;
  const make = context.makeImage ?? ((image, tell) => makeImage(image, context, tell));
  return () => (started ??= make(planned, telling(context)));
}

async function makeImage(planned: PlannedImage, context: RunContext, tell: Tell): Promise<ReadyImage> {
  const artifact = await artifactOf(planned, context, tell);
  const { expectedPlatform } = planned;
  const options = { signal: context.signal, ...(expectedPlatform === undefined ? {} : { expectedPlatform }) };
  // What a tool has just written may still be written by a child that outlived it; a file at rest is read as it is.
  const image = await (planned.source === 'build'
    ? awaitImage(artifact, options)
    : readImage(artifact, options));
  return tellImage({ image, artifact }, { tell, signal: context.signal });
}

/** Tells of an image that was read, and gives it as `deploy` takes it: with the partition table of its build. */
export async function tellImage(
  { image, artifact }: { readonly image: Image; readonly artifact: Artifact },
  { tell, signal }: { readonly tell: Tell; readonly signal: AbortSignal },
): Promise<ReadyImage> {
  const { path, sizeBytes, md5, kind, platform, chip, identity } = image;
  tell({
    type: 'image-ready',
    path,
    sizeBytes,
    md5,
    kind,
    ...(platform === undefined ? {} : { platform }),
    ...(chip === undefined ? {} : { chip }),
    ...(identity === undefined ? {} : { identity }),
  });
  const partitions = await tableBeside(image, { artifact, tell, signal });
  return { image, ...(partitions === undefined ? {} : { partitions }) };
}

/** Where the build says none, as with a file that was named: as PlatformIO and arduino-cli leave it beside the image. */
export async function tableBeside(
  { path, platform }: Image,
  {
    artifact,
    tell,
    signal,
  }: { readonly artifact: Artifact; readonly tell: Tell; readonly signal: AbortSignal },
): Promise<PartitionTable | undefined> {
  if (platform === 'esp8266' || platform === 'rp2040') return undefined;
  const beside = [join(dirname(path), 'partitions.bin'), path.replace(/\.bin$/, '.partitions.bin')];
  const places = artifact.partitionsPath === undefined ? beside : [artifact.partitionsPath];
  for (const place of places) {
    try {
      return await readPartitionTable(place, signal);
    } catch (error) {
      if (!(error instanceof OtaError) || error.code === 'CANCELLED') throw error;
      if (error.code === 'IMAGE_NOT_FOUND') continue;
      // Sizes are checked once more by the device; a table that is no table must not keep a good image from it.
      tell({ type: 'log', level: 'warn', message: `The slots are not known: ${error.message}` });
      return undefined;
    }
  }
  return undefined;
}

async function artifactOf(planned: PlannedImage, context: RunContext, tell: Tell): Promise<Artifact> {
  const { path, kind, request, source, expectedPlatform } = planned;
  if (path !== undefined) {
    return withoutUndefined({ path, kind, tool: 'file' as const, platform: expectedPlatform });
  }
  // Loaded where there is something to build: a push of a file must not pay for the tools' formats.
  const { build, findArtifact } = await import('../builders/index.ts');
  const buildContext = { tell, signal: context.signal, output: context.output, env: context.env };
  return source === 'build' ? build(request, buildContext) : findArtifact(request, buildContext);
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
