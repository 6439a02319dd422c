/** A partition table of the ESP32 family as values, and what an update over the air asks of it. */

import type { Image } from '../model/types.ts';
import type { ImageProblem } from './facts.ts';

export interface Partition {
  readonly label: string;
  /** 0 app, 1 data, 2 boot loader, 3 partition table. */
  readonly type: number;
  /** Of an app: 0 factory, 0x10… OTA slots; of data: see `partition-names.ts`. */
  readonly subtype: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface PartitionTable {
  readonly partitions: readonly Partition[];
  /** Of the binary form alone. */
  readonly md5?: 'ok' | 'absent';
  /** Rows of a `.csv` that name a subtype unknown to this otarc, for a person. */
  readonly skipped?: readonly string[];
}

export type PartitionParse =
  { readonly ok: true; readonly table: PartitionTable } | ({ readonly ok: false } & ImageProblem);

/** The slots of applications, which updates take turns in, from the smallest to the largest. */
export function appSlots(table: PartitionTable): readonly Partition[] {
  return table.partitions
    .filter(({ type, subtype }) => type === 0 && subtype >= 0x10 && subtype < 0x20)
    .sort((one, other) => one.sizeBytes - other.sizeBytes);
}

/** An application that fits this one fits whichever slot is next. Undefined: no OTA slot. */
export function smallestAppSlotBytes(table: PartitionTable): number | undefined {
  return appSlots(table)[0]?.sizeBytes;
}

/** Where a file-system image goes: the ESP32's updater looks for SPIFFS first, whatever lives in there. */
export function filesystemPartition(table: PartitionTable): Partition | undefined {
  for (const wanted of [0x82, 0x83, 0x81]) {
    const found = table.partitions.find(({ type, subtype }) => type === 1 && subtype === wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What the table has room for; 0: it has no such place; undefined: another platform than the table's. */
export function roomFor(
  { kind, platform }: Pick<Image, 'kind' | 'platform'>,
  table: PartitionTable,
): number | undefined {
  if (platform === 'esp8266' || platform === 'rp2040') return undefined;
  return (kind === 'firmware' ? smallestAppSlotBytes(table) : filesystemPartition(table)?.sizeBytes) ?? 0;
}
