/**
 * Follows one device's push by its events and writes its record: a line before anybody else gets the device's lock, and one
 * at the end. What takes time (git, the image) is started while the bytes are on their way, or happens after the verdict.
 */

import { randomUUID } from 'node:crypto';
import type { DeviceConfig } from '../../config/types.ts';
import type { EventBody, Tell } from '../../model/events.ts';
import type { Image } from '../../model/types.ts';
import { proofMethods, type Verification } from '../../model/verification.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { LastSeen } from '../../network/last-seen.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Outcome, ReadyImage } from '../push-types.ts';
import type { History } from './history.ts';
import { keyOf, recordedImageOf, recordVersion, type HistoryRecord, type PushNotes } from './record.ts';

export interface RecorderOptions {
  readonly device: Pick<DeviceConfig, 'name' | 'host' | 'port'>;
  readonly history: History;
  readonly source?: SourceQuestion;
  readonly build?: HistoryRecord['build'];
}

/** The state of the sources: asked for while the image is sent. */
export interface SourceQuestion {
  ask(): Promise<HistoryRecord['source']>;
  /** What is not known by now is not waited for: whoever has asked gets what is. */
  stop(): void;
}

/** Of sources that are known. */
export const knownSource = (source: HistoryRecord['source']): SourceQuestion => ({
  ask: () => Promise.resolve(source),
  stop: () => {},
});

export interface PushRecorder {
  /** Passes on the image, and keeps it in mind. */
  follow(coming: Promise<ReadyImage>): Promise<ReadyImage>;
  /** Passes on the events. */
  hear(tell: Tell): Tell;
  note(notes: PushNotes): void;
  readonly lastSeen: LastSeen;
  /** Writes the record; never rejects. Of a push that did not come to an image there is none. */
  ended(outcome: Outcome): Promise<void>;
}

type LearnedKey = 'authScheme' | 'hasConnected' | 'offersProof' | 'proof' | 'version';
type Learned = { [K in LearnedKey]?: HistoryRecord[K] | undefined };

/** The rest of git's own limit, after a push that took less time. */
const sourceLimitMs = 300;

export function recordPush({ device, history, source, build }: RecorderOptions): PushRecorder {
  const startedAtMs = performance.now();
  const id = randomUUID();
  let ready: ReadyImage | undefined;
  let acceptedAt: string | undefined;
  let endedAt: string | undefined;
  let isSure = false;
  let where: { readonly address: string; readonly port: number } | undefined;
  let learned: Learned = {};
  let pushMs: number | undefined;
  let asked: Promise<HistoryRecord['source']> | undefined;

  const recordOf = (
    end: Pick<HistoryRecord, 'outcome'> & Partial<HistoryRecord>,
  ): HistoryRecord | undefined => {
    if (ready === undefined) return undefined;
    const { user, computer } = history.place ?? {};
    return withoutUndefined({
      v: recordVersion,
      id,
      at: acceptedAt ?? endedAt ?? new Date().toISOString(),
      endedAt,
      device: { ...keyOf(device), name: device.name },
      place: where && { ...where, ...(isSure && { isSure: true as const }) },
      image: recordedImageOf(ready.image),
      ...learned,
      build,
      durations: withoutUndefined({ totalMs: Math.round(performance.now() - startedAtMs), pushMs }),
      otarc: packageJson.version,
      user,
      computer,
      ...end,
    });
  };
  /** Still under the device's lock: whoever waits for that reads it then. `ended` adds what takes time. */
  const deployed = (): void => {
    endedAt = new Date().toISOString();
    const record = recordOf({ outcome: 'deployed' });
    if (record !== undefined) history.append(record);
  };
  const hearOne = (event: EventBody): void => {
    switch (event.type) {
      case 'device-located':
        where = { address: event.address, port: event.port };
        return;
      case 'authenticated':
        learned = { ...learned, authScheme: event.scheme };
        return;
      case 'connected':
        learned = { ...learned, hasConnected: true };
        return;
      case 'progress':
        // With its first bytes counted, more of them are on their way: the start of git holds nothing up.
        asked ??= source?.ask().catch(() => undefined);
        return;
      case 'accepted': {
        acceptedAt = new Date().toISOString();
        pushMs = event.durationMs;
        const record = recordOf({ outcome: 'accepted' });
        if (record !== undefined) history.append(record);
        return;
      }
      case 'verified':
        // A precise one may have been noted.
        learned = { proof: verifiedBy(event.method, event.proof), ...learned };
        return deployed();
      case 'unverified':
        return deployed();
      default:
    }
  };

  const answerOf = async (answer: Promise<HistoryRecord['source']> | undefined) => {
    const timer = setTimeout(() => source?.stop(), sourceLimitMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    async follow(coming) {
      ready = await coming;
      return ready;
    },
    hear: (tell) => (event) => {
      hearOne(event);
      tell(event);
    },
    note({ offersProof, verification: proof }) {
      const version = proof?.type === 'verified' ? proof.version : undefined;
      learned = { ...learned, ...withoutUndefined({ offersProof, proof, version }) };
    },
    lastSeen: {
      addressOf: (host) => history.lastSeen.addressOf(host),
      // What the record says, when it is written.
      remember: () => {
        isSure = true;
      },
    },
    async ended(outcome) {
      const image = ready?.image;
      if (image === undefined) return;
      endedAt ??= new Date().toISOString();
      const isProven = learned.proof?.type === 'verified';
      const record = recordOf({
        ...endOf(outcome),
        ...withoutUndefined({
          source: await answerOf(asked),
          sums: acceptedAt === undefined || learned.offersProof !== true ? undefined : await sumsOf(image),
        }),
      });
      if (record === undefined) return;
      const { place } = history;
      if (isProven && place !== undefined && ready !== undefined) {
        // The image first: a record that names it says that it can be gone back to.
        const kept = { ...ready, device: record.device };
        await import('./images.ts')
          .then(({ keepImage }) => keepImage(place, kept))
          .catch((error: unknown) => history.lost(error));
      }
      history.append(record, { isDurable: isProven });
    },
  };
}

/**
 * Costs some 20 ms for 1 MB: only of a device that says what it runs. Undefined where that cannot be loaded: an otarc that was
 * updated while this one watches has other files, and the record is worth more than the sums.
 */
async function sumsOf(image: Image): Promise<readonly string[] | undefined> {
  try {
    const { runningSumsOf } = await import('../../image/running-sums.ts');
    return [...runningSumsOf(image)];
  } catch {
    return undefined;
  }
}

function endOf(outcome: Outcome): Pick<HistoryRecord, 'outcome' | 'code' | 'stage' | 'reason'> {
  switch (outcome.type) {
    case 'deployed':
      return { outcome: 'deployed' };
    case 'skipped':
      return { outcome: 'skipped', reason: outcome.reason };
    case 'failed':
      return { outcome: 'failed', code: outcome.error.code, stage: outcome.stage };
  }
}

function verifiedBy(said: string, proof: string): Verification | undefined {
  const method = proofMethods.find((each) => each === said);
  return method === undefined || method === 'return'
    ? undefined
    : { type: 'verified', method, proof, afterMs: 0 };
}
