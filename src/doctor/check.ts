/**
 * The way of a push, leg by leg: each is looked at only when those before it hold.
 *
 *   configuration ▶ build tool ▶ image ▶ name ▶ this computer ▶ connect-back port ▶ device
 *                                                                  with --active ▶ invitation ▶ password ▶ connect-back ▶ link
 */

import type { Flags } from '../config/types.ts';
import type { ReadyDevice } from '../deploy.ts';
import { hostAddressFor, locate, type Located } from '../discover/index.ts';
import { OtaError } from '../errors.ts';
import { asOtaError, exitCodeFor } from '../failure.ts';
import { hostFacts } from '../host/facts.ts';
import { thisHost } from '../host/source.ts';
import { planProject, type PlannedProject } from '../library.ts';
import type { PlannedImage } from '../plan.ts';
import { readyDevice } from '../run.ts';
import { defaultPorts, type Device, type Image, type Target } from '../types.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { activeLegs } from './active.ts';
import { failed, ok, warning, type Leg, type LegName } from './leg.ts';
import { checkImage, checkTool } from './project.ts';
import { hostLeg, nameLeg, portLeg, presenceLeg } from './way.ts';

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
  /** Before the device is disturbed. */
  readonly beforeActive: () => void;
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

/** Rejects only when the signal is aborted. */
export async function checkUp(request: DoctorRequest): Promise<Checkup> {
  const { signal } = request;
  const legs: Leg[] = [];
  let leg: LegName = 'configuration';
  let name: string | undefined;
  let exitCode = 0;
  const tell = (each: Leg): void => {
    legs.push(each);
    request.tell(each);
  };
  try {
    for await (const step of walk(request)) {
      if ('name' in step) name = step.name;
      else if ('next' in step) leg = step.next;
      else tell(step);
      if ('status' in step && step.status === 'failed') {
        exitCode = step.code === undefined ? 1 : exitCodeFor(new OtaError(step.code, step.text));
        break;
      }
    }
  } catch (error) {
    const known = asOtaError(error);
    if (signal.aborted) throw known;
    tell(failed(leg, known));
    exitCode = exitCodeFor(known);
  }
  return { legs, exitCode, ...withoutUndefined({ device: name }) };
}

/** A leg that was looked at; or which one is next, to be named if it throws. */
type Step = Leg | { readonly next: LegName } | { readonly name: string };

async function* walk(request: DoctorRequest): AsyncGenerator<Step> {
  const { env, signal } = request;
  const { project, ready, planned } = await configured(request);
  const { device } = ready;
  yield { name: device.name };
  yield configurationLeg(project, device);

  yield { next: 'build tool' };
  yield await checkTool(planned, { env, signal });

  yield { next: 'image' };
  const { leg, image } = await checkImage(planned, ready, { env, signal });
  yield leg;

  yield { next: 'name' };
  const startedAtMs = performance.now();
  const located = await locate(device, { signal, tell: () => {} });
  yield nameLeg(device, located, performance.now() - startedAtMs);

  yield { next: 'this computer' };
  const { interfaces, hostAddress: wanted } = device;
  const hostAddress = await hostAddressFor(
    located.address,
    withoutUndefined({ interfaces, hostAddress: wanted }),
  );
  const target = targetOf({ device, located, hostAddress, image });
  const host = await hostFacts(thisHost(signal));
  yield hostLeg(target, hostAddress, host);

  yield { next: 'connect-back port' };
  yield await portLeg(target, hostAddress, host);

  yield { next: 'device' };
  const { listenMs = defaultListenMs, silenceLimitMs, active } = request;
  yield await presenceLeg({ device, target, hostAddress, image, signal, listenMs });

  if (!active) return;
  yield { next: 'invitation' };
  request.beforeActive();
  yield* await activeLegs({ device, target, image, signal, silenceLimitMs });
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

function targetOf({
  device,
  located,
  hostAddress,
  image,
}: {
  readonly device: Device;
  readonly located: Located;
  readonly hostAddress: string;
  readonly image: Image | undefined;
}): Target {
  const { name, credential, acceptFrom, hostPort } = device;
  const { address, via } = located;
  const platform = device.platform ?? located.platform;
  const usual = platform ?? image?.platform;
  const port = located.port ?? (usual === undefined ? undefined : defaultPorts[usual]);
  if (port === undefined) {
    throw new OtaError('USAGE', `${name}: neither the image nor the device says which port to use.`, {
      hint: 'Say --platform esp8266, esp32 or rp2040, or the --port; in .otarc: `platform:` or `port:`.',
    });
  }
  return withoutUndefined({
    name,
    address,
    port,
    via,
    credential,
    acceptFrom,
    platform,
    hostAddress,
    hostPort,
  });
}
