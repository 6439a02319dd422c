/** The legs that only the device itself can show: it is invited, and left idle. */

import { createHash } from 'node:crypto';
import { OtaError } from '../model/errors.ts';
import { probe, type Probed } from '../engines/espota/probe.ts';
import { explain } from '../diagnose/explain.ts';
import type { PartitionTable } from '../image/index.ts';
import { holderText, lockDevice, type Holder } from '../deploy/lock.ts';
import { thousands } from '../model/numbers.ts';
import type { Device, Image, Platform, Target } from '../model/types.ts';
import { failed, ok, unneededPassword, warning, type Leg } from './leg.ts';

export const announcementOfActive =
  '--active: the device is invited to an update, which is broken off before its first byte: nothing is written, and the ' +
  'onStart and onError of its sketch run.';

export interface ActiveOptions {
  readonly device: Device;
  readonly target: Target;
  readonly image: Image | undefined;
  readonly partitions: PartitionTable | undefined;
  readonly signal: AbortSignal;
  /** What a person is told meanwhile. */
  readonly note: (text: string) => void;
  readonly silenceLimitMs?: number | undefined;
}

const lockWaitMs = 30_000;
/** Where there is no image to offer: any device has room for it. */
const smallImage = { kind: 'firmware', sizeBytes: 65_536, md5: createHash('md5').digest('hex') } as const;

export async function activeLegs(options: ActiveOptions): Promise<readonly Leg[]> {
  const { target, image, signal, note, silenceLimitMs } = options;
  const { name, address, port } = target;
  const onWait = (holder: Holder): void => note(`waiting for ${holderText(holder)}, which is at this device`);
  const lock = await lockDevice({ name, address, port, signal, waitMs: lockWaitMs, onWait });
  try {
    const context = { tell: () => {}, signal, ...(silenceLimitMs === undefined ? {} : { silenceLimitMs }) };
    return legsOf(options, await probe(target, image ?? smallImage, context));
  } catch (error) {
    if (!(error instanceof OtaError) || signal.aborted) throw error;
    return failedLegs(await explain(error, { ...options, tell: () => {} }));
  } finally {
    lock.release();
  }
}

/** What went well before it failed stands above it. */
function failedLegs(error: OtaError): readonly Leg[] {
  const asks = error.details['nonceDigits'] !== undefined;
  const answered = ok('invitation', `answers${asks ? ', and asks for the password' : ''}`);
  switch (error.code) {
    case 'PASSWORD_REQUIRED':
    case 'PASSWORD_WRONG':
      return [answered, failed('password', error)];
    case 'CONNECT_BACK_MISSING':
      return [answered, ok('password', asks ? 'accepted' : 'asks for none'), failed('connect-back', error)];
    default:
      return [failed('invitation', error)];
  }
}

function legsOf({ device, target, image }: ActiveOptions, probed: Probed): readonly Leg[] {
  const { scheme, roundTripMs, connectMs, connectedFrom, invitations } = probed;
  const trip = roundTripMs === undefined ? '' : ` in ${Math.round(roundTripMs)} ms`;
  return [
    ok('invitation', `answers${trip}${invitations > 1 ? `, after ${invitations} invitations` : ''}`, {
      invitations,
    }),
    passwordLeg(device, target, scheme),
    ok('connect-back', `connected from ${connectedFrom}, ${Math.round(connectMs)} ms after it agreed`, {
      connectMs: Math.round(connectMs),
    }),
    linkLeg(target, image, probed),
  ];
}

function passwordLeg(device: Device, target: Target, scheme: Probed['scheme']): Leg {
  if (scheme !== 'none') return ok('password', `accepted (${scheme})`, { scheme });
  const [finding] = unneededPassword(device, target);
  if (finding === undefined) return ok('password', 'asks for none', { scheme });
  return warning('password', finding.text, finding.cure, { scheme, causes: [finding.cause] });
}

/** More invitations than this were lost by a good link. */
const usualInvitations = 3;
const slowRoundTripMs = 150;

function linkLeg(target: Target, image: Image | undefined, { roundTripMs, invitations }: Probed): Leg {
  const platform = target.platform ?? image?.platform;
  const details = {
    ...(roundTripMs === undefined ? {} : { roundTripMs: Math.round(roundTripMs) }),
    invitations,
  };
  const seconds =
    image && Math.round(expectedMs({ sizeBytes: image.sizeBytes, platform, roundTripMs }) / 1000);
  const expected =
    image === undefined || seconds === undefined
      ? ''
      : `; a push of ${thousands(image.sizeBytes)} bytes takes about ${Math.max(1, seconds)} s`;
  const trip =
    roundTripMs === undefined
      ? 'it asks for no password, so no round trip was measured'
      : `round trip ${Math.max(1, Math.round(roundTripMs))} ms`;
  const isWeak = invitations > usualInvitations || (roundTripMs ?? 0) > slowRoundTripMs;
  if (!isWeak) return ok('link', trip + expected, details);
  return warning(
    'link',
    `${trip}, ${invitations} invitations until it answered${expected}`,
    'It may have been restarting: try again in a minute. Else its Wi-Fi is weak: move it nearer to the access point.',
    details,
  );
}

/** Receive windows of the cores, in bytes. */
const windows: Readonly<Record<Platform, number>> = { esp8266: 2144, esp32: 5744, rp2040: 2144 };
const msPerSector = 55;
const sectorBytes = 4096;

/** Flash time, and a round trip for each window where the window is what limits it. Pure. */
export function expectedMs({
  sizeBytes,
  platform = 'esp8266',
  roundTripMs = 10,
}: {
  readonly sizeBytes: number;
  readonly platform?: Platform | undefined;
  readonly roundTripMs?: number | undefined;
}): number {
  const flashMs = (sizeBytes / sectorBytes) * msPerSector;
  const windowsMs = (sizeBytes / windows[platform]) * roundTripMs;
  return flashMs + windowsMs / 2;
}
