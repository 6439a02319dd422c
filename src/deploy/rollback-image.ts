/** The image that a rollback goes back to, of what a device was given, and how that is reported. */

import { OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import { thousands } from '../model/numbers.ts';
import type { Device, ImageKind } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { ReadyImage } from './push-types.ts';
import { chooseRollback, type RollbackRefusal } from './history/choose.ts';
import type { History } from './history/history.ts';
import { hasImage, keptImage } from './history/images.ts';
import { keyOf, wasTaken, type HistoryRecord } from './history/record.ts';
import { whenText } from './history/words.ts';
import { shortSum } from '../network/said.ts';
import { readyImageOf } from './make-image.ts';

export interface RollbackChoice {
  readonly record: HistoryRecord;
  /** The device has said that it runs this one. */
  readonly isRunning: boolean;
}

/** @throws {OtaError} `IMAGE_NOT_FOUND` where there is nothing to go back to; `USAGE` where it is not clear to what */
export function chooseImage(
  device: Pick<Device, 'name' | 'host' | 'port'>,
  { history, kind, to }: { history: History; kind: ImageKind; to: string | undefined },
): RollbackChoice {
  const { place } = history;
  const records = history.of(keyOf(device));
  refuseSeveralPorts(device, records);
  const isKept = ({ image }: HistoryRecord): boolean => place !== undefined && hasImage(place, image);
  const answer = chooseRollback({ records, kind, to, isKept });
  if (answer.type === 'none') throw refusal(device.name, answer.why);
  if (answer.type === 'runs-already' && !isKept(answer.record)) throw runsAlready(device.name, answer.record);
  return { record: answer.record, isRunning: answer.type === 'runs-already' };
}

/** Behind one address, or one name, with port forwarding there may be several devices, and one must not get another's image. */
function refuseSeveralPorts(
  { name, host, port }: Pick<Device, 'name' | 'host' | 'port'>,
  records: readonly HistoryRecord[],
): void {
  const taken = records.filter(wasTaken);
  const ports = new Set(taken.flatMap((record) => record.device.port ?? record.place?.port ?? []));
  if (port !== undefined || ports.size < 2) return;
  throw new OtaError(
    'USAGE',
    `${name}: images were pushed to several ports of ${host}: ${[...ports].join(', ')}.`,
    {
      hint: 'Say which one is meant, with `--port`.',
    },
  );
}

function runsAlready(name: string, { at, image }: HistoryRecord): OtaError {
  const which = `the image of ${whenText(at)} (MD5 ${shortSum(image.md5)})`;
  return new OtaError('IMAGE_NOT_FOUND', `${name}: it has gone back to ${which} by itself.`, {
    hint: 'Name an earlier one with `--to`; `otarc history` lists what was pushed.',
    details: { md5: image.md5, at },
  });
}

function refusal(name: string, why: RollbackRefusal): OtaError {
  const see = `\`otarc history\` lists what was pushed.`;
  const not = (message: string, hint: string, details = {}): OtaError =>
    new OtaError('IMAGE_NOT_FOUND', `${name}: ${message}`, { hint, details });
  switch (why.type) {
    case 'nothing-pushed':
      return not('there is nothing to go back to: no push to this device is recorded.', see);
    case 'nothing-taken':
      return not('there is nothing to go back to: no push to this device has succeeded.', see);
    case 'none-proven': {
      const proof = 'Push with a proof that the sketch runs (README, "History and rollback")';
      return why.isPresentProven
        ? not('there is no earlier image that was proven to run.', `${see} Only proven images are kept.`)
        : not(
            'no image was proven to run, and only such images are kept.',
            `${proof}; then it can be gone back to.`,
          );
    }
    case 'not-kept': {
      const { at, image } = why.record;
      const which = `the image of ${whenText(at)} (MD5 ${shortSum(image.md5)})`;
      return not(
        `${which} is not kept.`,
        'Only proven images are kept, and the oldest ones make room: check out its commit and deploy that.',
        { md5: image.md5, at },
      );
    }
    case 'no-such-image':
      return not(
        `no image "${why.to}" was pushed to it.`,
        `${see} \`--to\` takes at least 4 digits of an MD5.`,
      );
    case 'several-images':
      return new OtaError('USAGE', `${name}: "${why.to}" may be ${why.md5s.map(shortSum).join(' or ')}.`, {
        hint: 'Give more digits of the MD5.',
      });
  }
}

export function goingBack({ at, image, source }: HistoryRecord) {
  const commit = source === undefined ? '' : `, commit ${source.commit.slice(0, 7)}`;
  const which = `MD5 ${shortSum(image.md5)}, ${thousands(image.sizeBytes)} bytes${commit}`;
  const message = `back to the image of ${whenText(at)} (${which})`;
  return { type: 'log', level: 'info', message } as const;
}

export async function readKept(
  { image: digests }: HistoryRecord,
  { history, signal, tell }: { history: History; signal: AbortSignal; tell: Tell },
): Promise<ReadyImage> {
  const { place } = history;
  if (place === undefined) throw new Error('Nothing is kept without a place.');
  const { image, partitions } = await keptImage(place, digests, signal);
  const artifact = { path: image.path, kind: image.kind, tool: 'file' as const };
  const ready = await readyImageOf({ image, artifact }, { tell, signal });
  return withoutUndefined({ image, partitions: partitions ?? ready.partitions });
}
