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
  const touching = records.filter(hasTouched);
  const latest = touching.at(-1);
  if (latest === undefined) return none({ type: 'nothing-pushed' });
  const { proof } = latest;
  const running = proof?.type === 'old-image' ? proof.running.md5 : undefined;
  const back =
    running === undefined
      ? undefined
      : touching.findLast((record) => record !== latest && hasSum(record, running));
  if (back !== undefined) return { type: 'runs-already', record: back };
  // The one that was pushed last, and the one that runs where that was never whole.
  const present = touching.findLast(wasTaken);
  const excluded = new Set([latest.image.md5, present?.image.md5]);
  const proven = touching.filter(isProven);
  const candidates = proven.filter(({ image }) => !excluded.has(image.md5)).toReversed();
  const record = candidates.find(isKept);
  if (record !== undefined) return { type: 'image', record };
  const [gone] = candidates;
  if (gone !== undefined) return none({ type: 'not-kept', record: gone });
  return none({ type: 'none-proven', isPresentProven: proven.length > 0 });
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
