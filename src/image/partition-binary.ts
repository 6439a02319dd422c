/**
 * `partitions.bin`: entries of 32 bytes: `AA 50`, type, subtype, offset u32, size u32, label (16), flags u32; then, since
 * IDF 3.1, `EB EB`, fourteen 0xFF and the MD5 of the entries before; then 0xFF. At most 0xC00 bytes.
 */

import { createHash } from 'node:crypto';
import { cText, hex, isAllOf, startsWith, u32 } from './bytes.ts';
import { checkLayout } from './partition-layout.ts';
import type { Partition, PartitionParse } from './partition.ts';

/** Whether `bytes` starts as the binary form does. */
export function isPartitionTable(bytes: Uint8Array): boolean {
  return startsWith(bytes, entryMagic);
}

/** Bounded by the largest table; throws on nothing. */
export function parsePartitionBinary(bytes: Uint8Array): PartitionParse {
  const partitions: Partition[] = [];
  let md5: 'ok' | 'absent' = 'absent';
  for (let offset = 0; offset < maxTableBytes; offset += entryBytes) {
    const entry = bytes.subarray(offset, offset + entryBytes);
    if (entry.length < entryBytes) {
      return { ok: false, code: 'IMAGE_INCOMPLETE', message: 'is a partition table without an end' };
    }
    if (isAllOf(entry, 0xff)) break;
    if (startsWith(entry, md5Magic)) {
      const digest = createHash('md5').update(bytes.subarray(0, offset)).digest('hex');
      if (hex(entry.subarray(16)) !== digest) return damaged('its MD5 does not match');
      md5 = 'ok';
    } else if (startsWith(entry, entryMagic)) {
      partitions.push({
        type: entry[2] ?? 0,
        subtype: entry[3] ?? 0,
        offset: u32(entry, 4),
        sizeBytes: u32(entry, 8),
        label: cText(entry, 12, 16),
      });
    } else {
      return damaged(`what stands at ${offset} is no entry`);
    }
  }
  const wrong = checkLayout(partitions);
  return wrong === undefined ? { ok: true, table: { partitions, md5 } } : damaged(wrong);
}

function damaged(why: string): PartitionParse {
  return { ok: false, code: 'IMAGE_CORRUPT', message: `is a damaged partition table: ${why}` };
}

const entryMagic = [0xaa, 0x50];
const md5Magic = [0xeb, 0xeb];
const entryBytes = 32;
const maxTableBytes = 0xc00;
