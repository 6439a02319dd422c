/** Whether partitions can lie as a table says. The rules are those of the reference tool (IDF's gen_esp32part.py). */

import type { Partition } from './partition.ts';

/** The table stands in the sector at 0x8000. */
export const tableEnd = 0x9000;

/** The flash cache maps applications by 64 KiB; everything else is erased by sectors of 4 KiB. */
export function offsetAlignment(type: number): number {
  return type === 0 ? 0x10000 : 0x1000;
}

/** What is wrong, as a clause; undefined: nothing. */
export function checkLayout(partitions: readonly Partition[]): string | undefined {
  const labels = new Set<string>();
  for (const { label, type, offset, sizeBytes } of partitions) {
    if (labels.has(label)) return `two partitions are called "${label}"`;
    labels.add(label);
    const alignment = offsetAlignment(type);
    if (offset % alignment !== 0)
      return `"${label}" starts at ${hexText(offset)}, which is not a multiple of ${hexText(alignment)}`;
    if (type === 0 && sizeBytes % 0x1000 !== 0)
      return `"${label}" has ${hexText(sizeBytes)} bytes, which is not a multiple of 0x1000`;
  }
  const sorted = [...partitions].sort((one, other) => one.offset - other.offset);
  for (const [index, { label, offset }] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && offset < before.offset + before.sizeBytes)
      return `"${label}" at ${hexText(offset)} overlaps "${before.label}", which ends at ${hexText(before.offset + before.sizeBytes)}`;
  }
  return undefined;
}

function hexText(value: number): string {
  return `0x${value.toString(16)}`;
}
