/** What a build knew of an image that is kept, and its bytes do not say. Pure. */

import type { PartitionTable } from '../../image/index.ts';
import { platforms, type ImageKind, type Platform } from '../../model/types.ts';
import { isNumber, isObject, isText, listOf, objectOf, withoutOdd } from './checks.ts';

export interface Facts {
  readonly kind?: ImageKind;
  readonly platform?: Platform;
  readonly partitions?: PartitionTable;
}

const isPartition = objectOf({
  label: isText,
  type: isNumber,
  subtype: isNumber,
  offset: isNumber,
  sizeBytes: isNumber,
});

/** Of a file that others may write: what is odd in it is left out. */
export function readFacts(value: unknown): Facts {
  if (!isObject(value)) return {};
  return withoutOdd(value, {
    kind: (each) => each === 'firmware' || each === 'filesystem',
    platform: (each) => platforms.some((platform) => platform === each),
    partitions: objectOf({ partitions: listOf(isPartition) }, { md5: isText, skipped: listOf(isText) }),
  });
}
