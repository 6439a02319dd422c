/**
 * How long to wait before the next datagram of the handshake. Pure. Chosen so that every sketch with rounds of up to 4 s
 * is agreed with (`test/unit/engines/espota/handshake.test.ts` measures the costs), and none is slower than it must be.
 */

import type { Platform } from '../../model/types.ts';

/**
 * `patient`: the device may queue datagrams and take one a round, so that each repeat costs it two rounds. `quick`: it
 * answers from its network callback, and a repeat costs nothing.
 */
export type InvitationPace = 'patient' | 'quick';

/** An ESP8266 or RP2040 answers at once; of what may be an ESP32, the round is unknown. */
export function paceOf(platform: Platform | undefined): InvitationPace {
  return platform === 'esp8266' || platform === 'rp2040' ? 'quick' : 'patient';
}

/** After the first invitation, after the second, …; the last one again and again. */
const betweenInvitationsMs: Readonly<Record<InvitationPace, readonly number[]>> = {
  quick: [400, 600, 900, 1350, 2000],
  patient: [600, 2400, 3000],
};

interface Measured {
  readonly pace: InvitationPace;
  /** The longest that an answer took. */
  readonly latencyMs: number;
}

/** From the newest invitation to the next. `repeats`: how many there were in a row, this one included. */
export function afterNewestMs({ pace, latencyMs, repeats }: Measured & { readonly repeats: number }): number {
  const gapsMs = betweenInvitationsMs[pace];
  const gapMs = gapsMs[Math.min(repeats, gapsMs.length) - 1] ?? 0;
  return Math.max(gapMs, Math.min(2 * latencyMs, 12_000));
}

/**
 * From an AUTH for an older invitation to the next invitation. The newest is two rounds behind, as a command goes before
 * it, or was lost. How long a round is cannot be seen yet: the latency may be no more than the phase of the first one.
 */
export function afterOlderAnswerMs({ pace, latencyMs }: Measured): number {
  return pace === 'quick' ? Math.max(3 * latencyMs, 1000) : Math.min(12 * latencyMs, 12_000);
}

/** When an authentication is repeated, and when its verdict is given up, after it was sent. */
export function answerLimits({ pace, latencyMs }: Measured): {
  readonly repeatsMs: readonly number[];
  readonly giveUpMs: number;
} {
  if (pace === 'quick') return { repeatsMs: [1000 + latencyMs], giveUpMs: 2500 + latencyMs };
  return { repeatsMs: [1000 + latencyMs, 3000 + 2 * latencyMs], giveUpMs: 8000 + 2 * latencyMs };
}

/**
 * How long a device that has answered once may be silent, at least. With a slow loop an answer, one that is lost, and a
 * repeat take several rounds each.
 */
export const pauseLimitMs: Readonly<Record<InvitationPace, number>> = { quick: 10_000, patient: 30_000 };
