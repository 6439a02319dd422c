/** A partition table of the ESP32 family as values, and what an update over the air asks of it. */

import type { Problem } from './facts.ts';

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
}

export type PartitionParse =
  { readonly ok: true; readonly table: PartitionTable } | ({ readonly ok: false } & Problem);

/** The slot that an application must fit into: after an update the other one is written. Undefined: no OTA slot. */
export function smallestAppSlotBytes(table: PartitionTable): number | undefined {
  const slots = table.partitions.filter(
    ({ type, subtype }) => type === 0 && subtype >= 0x10 && subtype < 0x20,
  );
  return slots.length === 0 ? undefined : Math.min(...slots.map((slot) => slot.sizeBytes));
}

/** Where a file-system image goes: the ESP32's updater looks for SPIFFS first, whatever lives in there. */
export function filesystemPartition(table: PartitionTable): Partition | undefined {
  for (const wanted of [0x82, 0x83, 0x81]) {
    const found = table.partitions.find(({ type, subtype }) => type === 1 && subtype === wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}
