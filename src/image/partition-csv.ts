/**
 * `partitions.csv`: `name, type, subtype, offset, size, flags`. `#` starts a comment. Sizes and offsets are decimal or
 * 0x…, with K or M after them. An empty offset follows the partition before, applications aligned to 64 KiB, the rest
 * to 4 KiB; the first stands at 0x9000, right after the table itself.
 */

import type { Partition, PartitionParse } from './partition.ts';
import { subtypeNumber, typeNumber } from './partition-names.ts';

/** Throws on nothing; a mistake names its line. */
export function parsePartitionCsv(bytes: Uint8Array): PartitionParse {
  // Larger than any layout that fits a table of 95 entries.
  if (bytes.length > 65_536) return mistake('is no partition table: it is too large');
  const partitions: Partition[] = [];
  let end = 0x9000;
  for (const [index, line] of new TextDecoder().decode(bytes).split(/\r?\n/).entries()) {
    const text = line.replace(/#.*/, '').trim();
    if (text === '') continue;
    const partition = parseLine(text, end);
    if (typeof partition === 'string')
      return mistake(`is no partition table: line ${index + 1}: ${partition}`);
    partitions.push(partition);
    end = partition.offset + partition.sizeBytes;
  }
  if (partitions.length === 0) return mistake('is no partition table: it has no entry');
  return { ok: true, table: { partitions } };
}

/** The partition, or what is wrong with it. */
function parseLine(text: string, end: number): Partition | string {
  const [label = '', typeText = '', subtypeText = '', offsetText = '', sizeText = ''] = text
    .split(',')
    .map((field) => field.trim());
  const type = typeNumber(typeText);
  if (type === undefined) return `unknown type ${quoted(typeText)}`;
  const subtype = subtypeNumber(type, subtypeText);
  if (subtype === undefined) return `unknown subtype ${quoted(subtypeText)}`;
  const alignment = type === 0 ? 0x10000 : 0x1000;
  const offset = offsetText === '' ? Math.ceil(end / alignment) * alignment : byteCount(offsetText);
  if (offset === undefined) return `${quoted(offsetText)} is no offset`;
  const sizeBytes = byteCount(sizeText);
  if (sizeBytes === undefined) return `${quoted(sizeText)} is no size`;
  return { label, type, subtype, offset, sizeBytes };
}

function byteCount(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(0x[0-9a-f]{1,8}|\d{1,10})([km]?)$/i.exec(text) ?? [];
  if (digits === '') return undefined;
  return Number(digits) * (unit === '' ? 1 : unit.toLowerCase() === 'k' ? 1024 : 1024 * 1024);
}

/** Short, and on one line, whatever stands in the file. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

function mistake(message: string): PartitionParse {
  const hint =
    'Each line is: name, type, subtype, offset, size. Compare it with the `partitions.csv` of the core.';
  return { ok: false, code: 'CONFIG_INVALID', message, hint };
}
