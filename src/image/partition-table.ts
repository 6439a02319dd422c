/** Partition tables as the build leaves them (`partitions.bin`) and as people write them (`partitions.csv`). */

import { isPartitionTable, parsePartitionBinary } from './partition-binary.ts';
import { parsePartitionCsv } from './partition-csv.ts';
import type { PartitionParse } from './partition.ts';

/** Either form, told apart by the first two bytes. Throws on nothing. */
export function parsePartitionTable(bytes: Uint8Array): PartitionParse {
  return isPartitionTable(bytes) ? parsePartitionBinary(bytes) : parsePartitionCsv(bytes);
}
