/** `otarc doctor`: each leg of the way to a device in order, and at the first that fails why, and what to do. */

import { isColored, type ColorChoice } from '../terminal/color.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import type { Flags } from '../../config/types.ts';
import { checkUp, type Checkup } from '../../doctor/check.ts';
import type { Leg } from '../../doctor/leg.ts';
import { legLines } from '../report/legs.ts';
import { cancelled } from '../../model/errors.ts';
import { exitCodeFor } from '../../model/failure.ts';
import type { Io } from './io.ts';

export interface DoctorOptions {
  readonly flags: Flags;
  /** One device. Default: as for a push. */
  readonly target?: string | undefined;
  /** Absolute path of an image. Default: what the last build left. */
  readonly file?: string | undefined;
  /** Also invite the device. */
  readonly active: boolean;
  readonly json: boolean;
  readonly color: ColorChoice;
  /** How long it is listened for the device. */
  readonly listenMs?: number | undefined;
  /** How long an invitation may stay unanswered. */
  readonly silenceLimitMs?: number | undefined;
}

/** Resolves to 0, or what the leg that failed ends a push with. */
export async function doctorCommand(options: DoctorOptions, io: Io): Promise<number> {
  const { json, color, ...wanted } = options;
  const { stdout, stderr, env, stdin, signal } = io;
  const hasColor = isColored(color, stdout);
  const told: Leg[] = [];
  const checkup = await checkUp({
    ...wanted,
    env,
    stdin,
    signal,
    tell: (leg) => {
      told.push(leg);
      if (!json) stdout.write(`${legLines(leg, hasColor).join('\n')}\n`);
    },
    note: (text) => printLine(stderr, text),
  }).catch((error: unknown): Checkup => {
    // One document, also where it is interrupted: with what was seen by then.
    if (!json || !signal.aborted) throw error;
    return { legs: told, exitCode: exitCodeFor(cancelled(signal)) };
  });
  const { device, legs, exitCode } = checkup;
  if (json) stdout.write(`${jsonText({ ok: exitCode === 0, exitCode, device, legs }, { indent: 2 })}\n`);
  return exitCode;
}
