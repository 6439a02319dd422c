/**
 * The way of a push, leg by leg: each is looked at only when those before it hold.
 *
 *   configuration ▶ build tool ▶ image ▶ name ▶ this computer ▶ connect-back port ▶ device
 *                                                                  with --active ▶ invitation ▶ password ▶ connect-back ▶ link
 */

import type { Flags } from '../config/types.ts';
import type { ReadyDevice } from '../deploy/push-types.ts';
import { locate } from '../network/index.ts';
import { endpointText } from '../model/endpoint.ts';
import { cancelled, OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import { engineOf } from '../engines/index.ts';
import { explain } from '../diagnose/explain.ts';
import { asOtaError, exitCodeFor } from '../model/failure.ts';
import { hostFacts } from '../diagnose/host/facts.ts';
import { thisHost } from '../diagnose/host/source.ts';
import type { PartitionTable } from '../image/index.ts';
import { planProject, type PlannedProject } from '../deploy/deploy-project.ts';
import { preflightForDevice } from '../deploy/preflight.ts';
import type { PlannedImage } from '../deploy/plan.ts';
import { readyDevice } from '../deploy/ready-device.ts';
import { targetOf } from '../deploy/target.ts';
import type { Device, Image, Target } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import { activeLegs } from './active.ts';
import { failed, legOfStep, ok, warning, withFindings, type Leg, type LegName } from './leg.ts';
import { presenceLeg } from './presence.ts';
import { checkImage, checkTool } from './project.ts';
import { nameLeg } from './way.ts';

export interface DoctorRequest {
  readonly flags: Flags;
  /** One device. Default: as for a push. */
  readonly target?: string | undefined;
  /** Absolute. Default: what the last build left. */
  readonly file?: string | undefined;
  readonly active: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
  readonly tell: (leg: Leg) => void;
  /** What a person is told between the legs: that the device is about to be disturbed, or what is waited for. */
  readonly note: (text: string) => void;
  /** How long it is listened for the device. */
  readonly listenMs?: number | undefined;
  /** How long an invitation may stay unanswered. */
  readonly silenceLimitMs?: number | undefined;
}

export interface Checkup {
  readonly device?: string;
  readonly legs: readonly Leg[];
  readonly exitCode: number;
}

const defaultListenMs = 1500;

/** Rejects only when the signal is aborted: what was seen by then is no finding. */
export async function checkUp(request: DoctorRequest): Promise<Checkup> {
  const { signal } = request;
  const legs: Leg[] = [];
  let progress: Progress = { leg: 'configuration' };
  let exitCode = 0;
  const tell = (each: Leg): void => {
    if (signal.aborted) throw cancelled(signal);
    legs.push(each);
    request.tell(each);
  };
  try {
    for await (const step of walk(request)) {
      if ('now' in step) {
        progress = { ...progress, ...step.now };
        continue;
      }
      tell(step);
      if (step.status !== 'failed') continue;
      exitCode = step.code === undefined ? 1 : exitCodeFor(new OtaError(step.code, step.text));
      break;
    }
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    const { leg, device } = progress;
    const known = asOtaError(error);
    const options = { ...progress, signal, tell: () => {} };
    tell(failed(leg, device === undefined ? known : await explain(known, { ...options, device })));
    exitCode = exitCodeFor(known);
  }
  return { legs, exitCode, ...withoutUndefined({ device: progress.device?.name }) };
}

/** How far it came: which leg is looked at, and what a failure of it is judged by. */
interface Progress {
  readonly leg: LegName;
  readonly device?: Device;
  readonly target?: Target;
  readonly image?: Image | undefined;
  readonly partitions?: PartitionTable | undefined;
}

type Step = Leg | { readonly now: Partial<Progress> };

async function* walk(request: DoctorRequest): AsyncGenerator<Step> {
  const { env, signal, note } = request;
  const { project, ready, planned } = await configured(request);
  const { device } = ready;
  yield { now: { device } };
  yield configurationLeg(project, device);

  yield { now: { leg: 'build tool' } };
  yield await checkTool(planned, { env, signal });

  yield { now: { leg: 'image' } };
  const { leg, image, partitions, findings = [] } = await checkImage(planned, ready, { env, signal });
  yield await withFindings(leg, findings, { device, image, partitions, signal });

  yield { now: { leg: 'name', image, partitions } };
  const startedAtMs = performance.now();
  const doubts: string[] = [];
  const onEvent: Tell = (event) => {
    if (event.type === 'log' && event.level === 'warn') doubts.push(event.message);
  };
  const located = await locate(device, { signal, tell: onEvent });
  yield nameLeg(device, { located, tookMs: performance.now() - startedAtMs, doubts });

  yield { now: { leg: 'this computer' } };
  const engine = await engineOf(device);
  const target = await targetOf({ engine, device, located, image });
  yield { now: { target } };
  const progress = { device, target, image, partitions, signal };
  const way = engine.way(target, {
    signal,
    hostFacts: () => hostFacts(thisHost(signal), target),
  });
  for await (const step of way) yield await legOfStep(step, progress);

  yield { now: { leg: 'device' } };
  const { listenMs = defaultListenMs, silenceLimitMs, active } = request;
  const unfit = image === undefined ? [] : preflightForDevice(image, target, engine);
  // What a push refuses needs no device that is listened for.
  if (unfit.some(({ level }) => level === 'error'))
    yield await withFindings(ok('device', endpointText(target)), unfit, progress);
  const presence = await presenceLeg({ device, target, image, signal, listenMs });
  // What it announces to be answers the question that a warning asks.
  const isKnown = presence.details?.['platform'] !== undefined;
  const open = unfit.filter(({ code }) => !(isKnown && code === 'IMAGE_WRONG_CHIP'));
  yield await withFindings(presence, open, progress);

  if (!active) return;
  yield { now: { leg: 'invitation' } };
  note(`--active: ${engine.probeNotice}`);
  yield* activeLegs({ engine, device, target, image, partitions, signal, note, silenceLimitMs });
}

interface Configured {
  readonly project: PlannedProject;
  readonly ready: ReadyDevice;
  readonly planned: PlannedImage;
}

async function configured({ flags, target, file, env, stdin, signal }: DoctorRequest): Promise<Configured> {
  const project = await planProject({
    flags,
    ...withoutUndefined({ cwd: flags.cwd }),
    targets: target === undefined ? [] : [target],
    source: file === undefined ? 'last-build' : 'file',
    ...withoutUndefined({ file }),
    env,
    stdin,
    signal,
  });
  const { devices, plan } = project;
  const [device, ...others] = devices;
  const [planned] = plan.images;
  if (device === undefined || planned === undefined || others.length > 0) {
    const names = devices.map(({ name }) => name).join(', ');
    throw new OtaError('USAGE', `The doctor looks at one device at a time, and these are meant: ${names}.`, {
      hint: 'Name one of them: otarc doctor NAME',
    });
  }
  return { project, planned, ready: await readyDevice(device, { env, stdin, signal }) };
}

function configurationLeg({ config, warnings }: PlannedProject, device: Device): Leg {
  const file = config.file ?? 'no .otarc';
  const { credential } = device;
  const proof = { none: 'no password', password: 'a password', hash: "a password's hash" }[credential.type];
  const text = `${file}; device ${device.name}, ${proof}`;
  const details = withoutUndefined({ file: config.file, device: device.name, host: device.host });
  if (warnings.length === 0) return ok('configuration', text, details);
  return warning('configuration', text, warnings.join(' '), details);
}
