/** Whether the device is there, as far as that shows without disturbing it. */

import type { Announced, Observations } from '../model/observations.ts';
import { wordsOf } from '../model/wording.ts';
import { isSameAddress } from '../model/address.ts';
import { endpointText } from '../model/endpoint.ts';
import { OtaError } from '../model/errors.ts';
import { explain } from '../diagnose/explain.ts';
import { listenFor } from '../diagnose/listen.ts';
import { neighbourAt } from '../diagnose/host/neighbour.ts';
import { thisHost } from '../diagnose/host/source.ts';
import { sumsOfImage } from '../image/running-sums.ts';
import { preflightForDevice } from '../deploy/preflight.ts';
import { engineOf } from '../engines/index.ts';
import type { PreflightFinding } from '../image/index.ts';
import { holderText, tryLock, type Holder } from '../deploy/lock.ts';
import type { Device, Image, Target } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import { wholeRunningText } from '../network/said.ts';
import { failed, ok, suspected, unneededPassword, warning, withFindings, type Leg } from './leg.ts';

export interface PresenceOptions {
  readonly device: Device;
  readonly target: Target;
  readonly image: Image | undefined;
  readonly signal: AbortSignal;
  /** How long it is listened for. */
  readonly listenMs: number;
}

/** By what it announces, and by what comes back for a datagram that it does not heed. */
export async function presenceLeg(options: PresenceOptions): Promise<Leg> {
  const { device, target, signal, listenMs } = options;
  const [announced, knocked] = await Promise.all([listenFor(options, listenMs), knock(options)]);
  if (announced === 'several') {
    const message = `'${device.name}' is ambiguous: several devices announce themselves by that name.`;
    const hint = `Rename all but one, or say which one is meant: ${wordsOf().address('<address>')}.`;
    const error = new OtaError('NAME_NOT_RESOLVED', message, { hint, details: { ambiguous: true } });
    return failed('device', await explain(error, { ...options, tell: () => {} }));
  }
  const isUnseen = announced === undefined || announced === 'nothing';
  const neighbour = isUnseen ? await neighbourAt(thisHost(signal), target.address) : undefined;
  const seen = withoutUndefined({ announced, neighbour });
  const away = awayText(device, target, { ...seen, ...knocked });
  if (away !== undefined) {
    const { undeliverable } = knocked;
    const details = { undeliverable: undeliverable === undefined ? [] : [undeliverable] };
    const error = new OtaError('DEVICE_SILENT', away, { details });
    return failed('device', await explain(error, { ...options, seen, tell: () => {} }));
  }
  if (isUnseen) return unseenLeg(target, { neighbour, holder: knocked.holder });
  const leg = await withFindings(
    await announcedLeg(options, announced),
    await unfitAsAnnounced(options, announced),
    options,
  );
  return knocked.holder === undefined ? leg : besides(leg, knocked.holder);
}

/** Why a push would not reach it, where that shows. */
function awayText(
  device: Device,
  target: Target,
  { announced, neighbour, undeliverable }: Pick<Observations, 'announced' | 'neighbour'> & Knocked,
): string | undefined {
  const endpoint = endpointText(target);
  if (undeliverable === 'ECONNREFUSED') return `${endpoint} is there, but nothing listens on its UDP port.`;
  if (undeliverable !== undefined || neighbour === 'absent')
    return `No way to ${endpoint}: ${undeliverable ?? 'nobody answers for that address'}.`;
  if (typeof announced !== 'object') return undefined;
  // Whoever is at that address may be the right one by another name: that is told, and no failure.
  if (announced.foreignName !== undefined) return undefined;
  const isHere = announced.port === target.port && isSameAddress(announced.address, target.address);
  return isHere ? undefined : `${device.name} is not where it is looked for (${endpoint}).`;
}

function unseenLeg(
  target: Target,
  { neighbour, holder }: { neighbour: Observations['neighbour']; holder: Holder | undefined },
): Leg {
  if (holder !== undefined) {
    const hint = 'Wait until it is done, then look again.';
    return warning('device', `${holderText(holder)} is using the device; not probed`, hint, {
      ...holder,
    });
  }
  const who = neighbour === 'present' ? 'somebody has that address, but ' : '';
  return warning(
    'device',
    `${who}nothing came back from ${endpointText(target)}, neither an announcement nor an error`,
    'It may be there all the same, with mDNS switched off: only an invitation shows (--active).',
  );
}

async function announcedLeg(options: PresenceOptions, announced: Announced): Promise<Leg> {
  const { device, target } = options;
  const { platform, authRequired, foreignName } = announced;
  const asks =
    authRequired === undefined ? '' : authRequired ? ', asks for a password' : ', asks for no password';
  const chip = platform === undefined ? '' : ` as an ${platform.toUpperCase()}`;
  const place = `announces itself at ${endpointText(announced)}${chip}${asks}`;
  const sketch = sketchText(options, announced);
  if (authRequired === true && target.credential.type === 'none') {
    const message = `${device.name} asks for a password, and none is configured.`;
    const error = new OtaError('PASSWORD_REQUIRED', message);
    return failed('device', await explain(error, { ...options, seen: { announced }, tell: () => {} }));
  }
  if (foreignName !== undefined) {
    return warning(
      'device',
      `${place}, and calls itself ${foreignName}, not ${device.name}; ${sketch}`,
      `If that is another device, look for ${device.name} with \`otarc devices\`, and correct \`host:\` in .otarc.`,
      { ...announced, causes: ['old-address'] },
    );
  }
  const text = `${place}; ${sketch}`;
  const findings = authRequired === false ? unneededPassword(device, target) : [];
  return suspected('device', text, { findings }) ?? ok('device', text, { ...announced });
}

/** What it runs, by its own word; else how it comes to have one. */
function sketchText({ image, target }: PresenceOptions, { running, platform }: Announced): string {
  const runs = wholeRunningText(running);
  if (runs === undefined) return 'it does not say what it runs (a sketch with otarc.h does)';
  const { md5 } = running ?? {};
  if (md5 === undefined || image?.kind !== 'firmware') return `it says that it runs ${runs}`;
  const isThis = sumsOfImage(image, target.platform ?? platform).has(md5);
  return `it says that it runs ${runs}, which is ${isThis ? '' : 'not '}this image`;
}

/** Once more, where it is only the announcement that says what the device is. */
async function unfitAsAnnounced(
  { device, target, image }: PresenceOptions,
  { platform }: Announced,
): Promise<readonly PreflightFinding[]> {
  if (image === undefined || target.platform !== undefined || platform === undefined) return [];
  return preflightForDevice(image, { ...target, platform }, await engineOf(device));
}

function besides(leg: Leg, holder: Holder): Leg {
  const text = `${leg.text}; ${holderText(holder)} is using it`;
  return { ...leg, text, details: { ...leg.details, ...holder } };
}

interface Knocked {
  /** The system error that came back for a datagram. */
  readonly undeliverable?: string;
  /** Another otarc is at the device, in whose exchange a datagram would mix: none was sent. */
  readonly holder?: Holder;
}

/** Sends what the device ignores, where no other otarc uses it. */
async function knock({ device, target, signal, listenMs }: PresenceOptions): Promise<Knocked> {
  const { address, port } = target;
  const attempt = await tryLock({ address, port, signal });
  if (attempt.type === 'taken') return { holder: attempt.holder };
  try {
    const engine = await engineOf(device);
    const { undeliverable } = await engine.touch(target, { signal, forMs: listenMs });
    return withoutUndefined({ undeliverable: undeliverable[0] });
  } finally {
    attempt.lock.release();
  }
}
