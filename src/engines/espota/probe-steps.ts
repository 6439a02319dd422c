/** The steps that only the device itself can show: it is invited, and left idle. */

import { createHash } from 'node:crypto';
import { OtaError } from '../../model/errors.ts';
import { thousands } from '../../model/numbers.ts';
import type { Image, Platform, Target } from '../../model/types.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { ProbeContext, ProbeStep } from '../engine.ts';
import { paceOf } from './invitation-times.ts';
import { probeExchange, type Probed } from './probe.ts';
import { blockedCure } from './slow-loop.ts';

/** Where there is no image to offer: any device has room for it. */
const smallImage = { kind: 'firmware', sizeBytes: 65_536, md5: createHash('md5').digest('hex') } as const;

/** Rejects when the signal aborts; a step that fails is the last one. */
export async function* probe(
  target: Target,
  { image, signal, silenceLimitMs }: ProbeContext,
): AsyncGenerator<ProbeStep> {
  try {
    const probed = await probeExchange(target, image ?? smallImage, {
      tell: () => {},
      signal,
      silenceLimitMs,
    });
    yield* stepsOf(target, image, probed);
  } catch (error) {
    if (!(error instanceof OtaError) || signal.aborted) throw error;
    yield* failedSteps(error);
  }
}

/** What went well before it failed stands above it. */
function failedSteps(error: OtaError): readonly ProbeStep[] {
  const asks = error.details['nonceDigits'] !== undefined;
  const answered = { name: 'invitation', text: `answers${asks ? ', and asks for the password' : ''}` };
  switch (error.code) {
    case 'PASSWORD_REQUIRED':
    case 'PASSWORD_WRONG':
      return [answered, { name: 'password', error }];
    case 'CONNECT_BACK_MISSING':
      return [
        answered,
        { name: 'password', text: asks ? 'accepted' : 'asks for none' },
        { name: 'connect-back', error },
      ];
    default:
      return [{ name: 'invitation', error }];
  }
}

function stepsOf(target: Target, image: Image | undefined, probed: Probed): readonly ProbeStep[] {
  const { scheme, roundTripMs, connectMs, connectedFrom, invitations } = probed;
  const trip = roundTripMs === undefined ? '' : ` in ${Math.round(roundTripMs)} ms`;
  return [
    {
      name: 'invitation',
      text: `answers${trip}${invitations > 1 ? `, after ${invitations} invitations` : ''}`,
      details: { invitations },
    },
    scheme === 'none'
      ? { name: 'password', text: 'asks for none', observed: { asksPassword: false }, details: { scheme } }
      : { name: 'password', text: `accepted (${scheme})`, details: { scheme } },
    {
      name: 'connect-back',
      text: `connected from ${connectedFrom}, ${Math.round(connectMs)} ms after it agreed`,
      details: { connectMs: Math.round(connectMs) },
    },
    linkStep(target, image, probed),
  ];
}

/** More invitations than this were lost by a good link. */
const usualInvitations = 3;
const slowRoundTripMs = 150;

/** An ESP32 connects in the round after its OK: at once, unless its sketch is slow. */
const slowSketchMs = 200;

function linkStep(target: Target, image: Image | undefined, probed: Probed): ProbeStep {
  const { roundTripMs, connectMs, invitations } = probed;
  const name = 'link';
  const platform = target.platform ?? image?.platform;
  const details = withoutUndefined({
    roundTripMs: roundTripMs === undefined ? undefined : Math.round(roundTripMs),
    invitations,
  });
  const isSketchSlow = paceOf(platform) === 'patient' && connectMs >= slowSketchMs;
  // Of a slow sketch the answers show its rounds, not the link.
  const trusted = isSketchSlow ? undefined : roundTripMs;
  const expected = image === undefined ? '' : expectedText({ ...image, platform, roundTripMs: trusted });
  if (isSketchSlow) {
    return {
      name,
      text: `one round of its loop() takes about ${(connectMs / 1000).toFixed(1)} s, and it answers once a round${expected}`,
      hint: `Pushes work, and begin some rounds later. To speed them up, ${blockedCure}`,
      details,
    };
  }
  const trip =
    roundTripMs === undefined
      ? 'it asks for no password, so no round trip was measured'
      : `round trip ${Math.max(1, Math.round(roundTripMs))} ms`;
  const isWeak = invitations > usualInvitations || (roundTripMs ?? 0) > slowRoundTripMs;
  if (!isWeak) return { name, text: trip + expected, details };
  return {
    name,
    text: `${trip}, ${invitations} invitations until it answered${expected}`,
    hint: 'It may have been restarting: try again in a minute. Else its Wi-Fi is weak: move it nearer to the access point.',
    details,
  };
}

function expectedText(transfer: Parameters<typeof expectedMs>[0]): string {
  const seconds = Math.max(1, Math.round(expectedMs(transfer) / 1000));
  return `; a push of ${thousands(transfer.sizeBytes)} bytes takes about ${seconds} s`;
}

/** Receive windows of the cores, in bytes; `simulator/models.ts` cites where they come from. */
const windows: Readonly<Record<Platform, number>> = { esp8266: 2144, esp32: 5744, rp2040: 11_680 };
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
