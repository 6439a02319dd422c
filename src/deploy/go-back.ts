/**
 * `push.onVerifyFailed: rollback`: when it makes sense to go back by itself, and how the push that failed is reported then.
 * Loaded where a push has failed so, and nowhere else.
 */

import { OtaError } from '../model/errors.ts';
import type { EventBody, Tell } from '../model/events.ts';
import { failedEvent } from '../model/failure.ts';
import { roundedSeconds } from '../model/numbers.ts';
import type { Verification } from '../model/verification.ts';
import type { Device, ImageKind } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { Outcome, ReadyImage } from './push-types.ts';
import type { History } from './history/history.ts';
import { keyOf, wasTaken } from './history/record.ts';
import { knownSource, type RecorderOptions } from './history/recorder.ts';
import { chooseImage, goingBack, readKept } from './rollback-image.ts';

type Failed = Extract<Outcome, { type: 'failed' }>;

/**
 * Only where the device can take an image, and what it took is shown to be bad:
 *
 *   crash-loop   it answers between two crashes, and restarts again and again
 *   old-image    no: what ran before runs
 *   gone         no: nobody answers
 *   unproven     no: that the proof did not come shows nothing of the sketch (the network, the program that looks)
 */
function isWorthGoingBack(verification: Verification | undefined): boolean {
  return verification?.type === 'crash-loop';
}

export interface GoBack extends Omit<RollBack, 'kind'> {
  readonly failure: Failed;
}

/** The failure, with what became of the way back; reports it as the one `failed` event of the device. */
export async function goBack({ failure, ...asked }: GoBack): Promise<Failed> {
  if (!isWorthGoingBack(failure.verification)) {
    asked.tell(failedEvent(failure.error, failure.stage));
    return failure;
  }
  const { name } = asked.device;
  const kind = asked.history.of(keyOf(asked.device)).findLast(wasTaken)?.image.kind ?? 'firmware';
  let md5: string | undefined;
  // The push of the way back has no end of its own: the device's is the failure of the first one.
  const tell: Tell = (event) => {
    if (event.type === 'image-ready') md5 = event.md5;
    if (!isEnd(event)) asked.tell(event);
  };
  asked.tell({ type: 'log', level: 'warn', message: failure.error.message });
  const end = await rollBack({ ...asked, tell, kind });
  const error = end === undefined ? failure.error : withEnd(failure.error, { end, md5, name });
  asked.tell(failedEvent(error, failure.stage));
  return { ...failure, error };
}

const isEnd = ({ type }: EventBody): boolean =>
  type === 'failed' || type === 'skipped' || type === 'verified' || type === 'unverified';

interface WayBack {
  readonly end: Outcome;
  readonly md5: string | undefined;
  readonly name: string;
}

function withEnd(error: OtaError, { end, md5 = '', name }: WayBack): OtaError {
  const which = `the image with MD5 ${md5.slice(0, 8)}`;
  const { code, message, details } = error;
  switch (end.type) {
    case 'deployed':
    case 'skipped': {
      const verification = end.type === 'deployed' ? end.verification : undefined;
      const isProven = end.type === 'skipped' || verification?.type === 'verified';
      const words = wordsOf(end);
      return new OtaError(code, `${message} Rolled back to ${which}${words}.`, {
        hint: isProven
          ? 'It runs what it ran before: correct the sketch, then deploy it again.'
          : `Look whether ${name} runs, then correct the sketch and deploy it again.`,
        details: { ...details, rolledBackTo: md5, isRollbackProven: isProven },
        cause: error,
      });
    }
    case 'failed': {
      const why = end.error;
      return new OtaError(
        why.code === 'CANCELLED' ? 'CANCELLED' : code,
        `${message} The rollback to ${which} failed: ${why.message}`,
        {
          hint: `\`otarc rollback ${name}\` tries it again. ${why.hint}`,
          details: {
            ...details,
            ...(why.code === 'CANCELLED' && why.details),
            rollbackFailed: why.code,
          },
          cause: error,
        },
      );
    }
  }
}

function wordsOf(end: Extract<Outcome, { type: 'deployed' | 'skipped' }>): string {
  if (end.type === 'skipped') return `: ${end.reason}`;
  const { verification } = end;
  if (verification.type !== 'verified') return '; whether it runs is not proven';
  return `, which runs (it ${verification.proof}, ${roundedSeconds(verification.afterMs)} after the push)`;
}

export interface RollBack {
  readonly device: Pick<Device, 'name' | 'host' | 'port'>;
  readonly history: History;
  readonly kind: ImageKind;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  /** Pushes the image to the device, and records that with where the image came from. */
  readonly push: (
    image: Promise<ReadyImage>,
    origin: { readonly tell: Tell } & Pick<RecorderOptions, 'source' | 'build'>,
  ) => Promise<Outcome>;
}

/**
 * After a push whose image does not run, within the same run. Undefined: there is nothing to go back to, or the device has gone
 * back by itself; `tell` was told why.
 */
export async function rollBack({ device, push, tell, ...asked }: RollBack): Promise<Outcome | undefined> {
  try {
    const { record, isRunning } = chooseImage(device, { ...asked, to: undefined });
    if (isRunning) return undefined;
    tell(goingBack(record));
    const { source, build } = record;
    const origin = withoutUndefined({ tell, build, source: knownSource(source) });
    return await push(readKept(record, { ...asked, tell }), origin);
  } catch (error) {
    if (!(error instanceof OtaError)) throw error;
    tell({ type: 'log', level: 'warn', message: `no rollback: ${error.message}` });
    return undefined;
  }
}
