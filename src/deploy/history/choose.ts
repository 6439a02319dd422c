/** Which image a rollback goes back to, of what a device was given. Pure. */

import type { ImageKind } from '../../model/types.ts';
import { hasSum, hasTouched, isProven, wasTaken, type HistoryRecord } from './record.ts';

export interface RollbackQuestion {
  /** Of one device, from the oldest to the newest. */
  readonly records: readonly HistoryRecord[];
  readonly kind: ImageKind;
  readonly isKept: (record: HistoryRecord) => boolean;
  /** Of a person: the first digits of an MD5, or the number of a row of `otarc history`, 1 being the newest. */
  readonly to?: string | undefined;
}

export type RollbackAnswer =
  | { readonly type: 'image'; readonly record: HistoryRecord }
  /** The device has gone back by itself. */
  | { readonly type: 'runs-already'; readonly record: HistoryRecord }
  | { readonly type: 'none'; readonly why: RollbackRefusal };

export type RollbackRefusal =
  | { readonly type: 'nothing-pushed' }
  /** Each push failed before the device had the whole image, or was skipped. */
  | { readonly type: 'nothing-taken' }
  /** No image at all, or none but the present one, has been proven to run. */
  | { readonly type: 'none-proven'; readonly isPresentProven: boolean }
  /** Such were there, and are not kept any more. */
  | { readonly type: 'not-kept'; readonly record: HistoryRecord }
  | { readonly type: 'no-such-image'; readonly to: string }
  | { readonly type: 'several-images'; readonly to: string; readonly md5s: readonly string[] };

/** A number of a row has at most three digits, a prefix at least four. */
const leastPrefix = 4;

export function chooseRollback(question: RollbackQuestion): RollbackAnswer {
  const { to, kind } = question;
  const records = question.records.filter(({ image }) => image.kind === kind);
  return to === undefined ? beforePresent(records, question) : named(to, records, question);
}

function beforePresent(
  records: readonly HistoryRecord[],
  { isKept }: Pick<RollbackQuestion, 'isKept'>,
): RollbackAnswer {
  const present = records.findLast(wasTaken);
  if (present === undefined) return none({ type: records.length === 0 ? 'nothing-pushed' : 'nothing-taken' });
  const back = wentBackTo(present, records);
  if (back !== undefined) return { type: 'runs-already', record: back };
  const proven = records.filter(isProven);
  const candidates = proven
    .filter(({ image }) => image.md5 !== present.image.md5 || isUncertain(present, records))
    .toReversed();
  const record = candidates.find(isKept);
  if (record !== undefined) return { type: 'image', record };
  const [gone] = candidates;
  if (gone !== undefined) return none({ type: 'not-kept', record: gone });
  return none({ type: 'none-proven', isPresentProven: proven.length > 0 });
}

/**
 * The image that the device has started instead of the present one, as it says itself. One that has not restarted still has
 * the present one before it: it boots that at its next reset.
 */
function wentBackTo(present: HistoryRecord, records: readonly HistoryRecord[]): HistoryRecord | undefined {
  const { proof } = present;
  if (proof?.type !== 'old-image' || proof.hasRestarted === false) return undefined;
  const { md5 } = proof.running;
  return md5 === undefined
    ? undefined
    : records.findLast((record) => record !== present && wasTaken(record) && hasSum(record, md5));
}

/**
 * Whether the device may not have the present image any more. A push that breaks off leaves the sketch as it is, for the new
 * one is stored beside it; a file system is overwritten in its place, and one without a verdict may have been taken.
 */
function isUncertain(present: HistoryRecord, records: readonly HistoryRecord[]): boolean {
  const last = records.findLast(hasTouched);
  if (last === undefined || last === present) return false;
  return last.image.kind === 'filesystem' || last.code === 'NO_VERDICT';
}

/** Whatever a person names, as long as it is kept. */
function named(to: string, records: readonly HistoryRecord[], question: RollbackQuestion): RollbackAnswer {
  const found = recordsFor(to, records, question);
  const md5s = [...new Set(found.map(({ image }) => image.md5))];
  if (md5s.length > 1) return none({ type: 'several-images', to, md5s });
  const record = found.at(-1);
  if (record === undefined) return none({ type: 'no-such-image', to });
  return question.isKept(record) ? { type: 'image', record } : none({ type: 'not-kept', record });
}

function recordsFor(
  to: string,
  records: readonly HistoryRecord[],
  { records: rows }: RollbackQuestion,
): readonly HistoryRecord[] {
  if (to.length < leastPrefix) {
    // As `otarc history` counts them: all of the device's.
    const row = /^\d+$/.test(to) && Number(to) > 0 ? rows.at(-Number(to)) : undefined;
    return row === undefined ? [] : [row];
  }
  return records.filter(({ image }) => image.md5.startsWith(to.toLowerCase()));
}

const none = (why: RollbackRefusal): RollbackAnswer => ({ type: 'none', why });
