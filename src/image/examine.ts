/** What `otarc inspect` shows: any file of a build, images and partition tables, whether it may be pushed or not. */

import { errorCodes } from '../model/errors.ts';
import type { Platform } from '../model/types.ts';
import type { Facts, Problem } from './facts.ts';
import { identify } from './identify.ts';
import { isPartitionTable } from './partition-binary.ts';
import { parsePartitionTable } from './partition-table.ts';
import type { PartitionTable } from './partition.ts';

export type Examination =
  | { readonly type: 'image'; readonly facts: Facts; readonly problems: readonly Required<Problem>[] }
  | {
      readonly type: 'partition-table';
      /** Absent where it cannot be read. */
      readonly table?: PartitionTable;
      readonly problems: readonly Required<Problem>[];
    };

export interface ExamineOptions {
  readonly platform?: Platform | undefined;
  /** Its name says that it is a partition table: then a mistake in it is told, and not that it is a text. */
  readonly isCsv: boolean;
}

/** Throws on nothing. */
export function examine(bytes: Uint8Array, { platform, isCsv }: ExamineOptions): Examination {
  if (isCsv || isPartitionTable(bytes)) {
    const parsed = parsePartitionTable(bytes);
    if (parsed.ok) return { type: 'partition-table', table: parsed.table, problems: [] };
    return { type: 'partition-table', problems: [withHint(parsed)] };
  }
  const found = identify(bytes, { expectedPlatform: platform });
  return { type: 'image', facts: found.facts, problems: found.ok ? [] : [withHint(found)] };
}

function withHint({ code, message, hint = errorCodes[code].hint }: Problem): Required<Problem> {
  return { code, message, hint };
}
