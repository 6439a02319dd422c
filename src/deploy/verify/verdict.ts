/** What a verification comes to: the event or the error, the exit status and the words. The one place. Pure. */

import { OtaError } from '../../model/errors.ts';
import type { EventBody } from '../../model/events.ts';
import { roundedSeconds } from '../../model/numbers.ts';
import type { Verification } from '../../model/verification.ts';

export type ProofVerdict =
  | {
      readonly type: 'passed';
      readonly event: Extract<EventBody, { type: 'verified' | 'unverified' }>;
    }
  | { readonly type: 'failed'; readonly error: OtaError };

export interface VerdictOptions {
  /** Of the device. */
  readonly name: string;
  /** Whether proof was asked for: then its lack is an error. */
  readonly isAskedFor: boolean;
}

export function proofVerdictOf(
  verification: Verification,
  { name, isAskedFor }: VerdictOptions,
): ProofVerdict {
  switch (verification.type) {
    case 'verified': {
      const { method, proof, afterMs } = verification;
      return passed({
        type: 'verified',
        method,
        proof: `${proof}, ${roundedSeconds(afterMs)} after the push`,
      });
    }
    case 'returned': {
      const { afterMs, reason, isFilesystem } = verification;
      const back = `back after ${roundedSeconds(afterMs)}${reason === undefined ? '' : ` and ${reason}`}`;
      return passed({
        type: 'unverified',
        method: 'return',
        reason: isFilesystem === true ? back : `${back}; which sketch runs is not proven`,
      });
    }
    case 'not-checked':
      return passed({
        type: 'unverified',
        method: verification.isOff === true ? 'none' : 'auto',
        reason: verification.why,
      });
    case 'unproven': {
      const { method, reason, waitedMs, hint } = verification;
      if (!isAskedFor) return passed({ type: 'unverified', method, reason });
      return failed(
        'NOT_VERIFIED',
        `${name} took the image, but which sketch runs is not proven: ${reason}.`,
        {
          details: { method, waitedMs },
          hint,
        },
      );
    }
    case 'old-image': {
      const { method, running, boot, afterMs, hasRestarted } = verification;
      const message =
        hasRestarted === false
          ? `${name} took the image and has not restarted within ${roundedSeconds(afterMs)}: the old sketch runs.`
          : `${name} restarted with the old sketch, ${roundedSeconds(afterMs)} after the push${reasonText(boot)}.`;
      return failed('OLD_IMAGE_RUNS', message, {
        details: {
          method,
          ...running,
          ...resetReason(boot),
          ...(hasRestarted === false && { hasRestarted }),
        },
      });
    }
    case 'gone': {
      const { waitedMs, cameAtMs, hint } = verification;
      const within = `within ${roundedSeconds(waitedMs)}`;
      const message =
        cameAtMs === undefined
          ? `${name} took the image and has not come back ${within}.`
          : `${name} came back after ${roundedSeconds(cameAtMs)}, went away again, and was not back ${within}.`;
      return failed('DEVICE_GONE', message, { details: { waitedMs }, hint });
    }
    case 'crash-loop': {
      const { everyMs, boots, boot } = verification;
      const why = boot === undefined ? '' : ` (${boot})`;
      const message = `${name} restarts every ${roundedSeconds(everyMs)}: crash loop${why}.`;
      const details = { restartsEveryMs: Math.round(everyMs), boots, ...resetReason(boot) };
      return failed('DEVICE_GONE', message, { details });
    }
    default:
      return verification satisfies never;
  }
}

const passed = (event: Extract<ProofVerdict, { type: 'passed' }>['event']): ProofVerdict => ({
  type: 'passed',
  event,
});

function failed(
  code: 'OLD_IMAGE_RUNS' | 'DEVICE_GONE' | 'NOT_VERIFIED',
  message: string,
  { details, hint }: { details: Record<string, unknown>; hint?: string | undefined },
): ProofVerdict {
  const error = new OtaError(code, message, { details, ...(hint === undefined ? {} : { hint }) });
  return { type: 'failed', error };
}

const reasonText = (boot: string | undefined): string =>
  boot === undefined ? '' : ` (reset reason: ${boot})`;

const resetReason = (boot: string | undefined): { resetReason?: string } =>
  boot === undefined ? {} : { resetReason: boot };
