/**
 * `partitions.csv`: `name, type, subtype, offset, size, flags`, as the reference tool (IDF's gen_esp32part.py) reads it.
 * `#` starts a comment. An empty offset follows the partition before, applications aligned to 64 KiB, the rest to 4 KiB;
 * the first one follows the table itself, at 0x9000. A negative size ends the partition at that address.
 *
 * Subtypes grow with each IDF (`tee_0`): one that is not known here costs its row, never the table.
 */

import { checkLayout, offsetAlignment, tableEnd } from './partition-layout.ts';
import { subtypeNumber, typeNumber } from './partition-names.ts';
import { wholeNumber } from './partition-numbers.ts';
import type { Partition, PartitionParse } from './partition.ts';

/** Throws on nothing; a mistake names its line. */
export function parsePartitionCsv(bytes: Uint8Array): PartitionParse {
  // Larger than any layout that fits a table of 95 entries.
  if (bytes.length > 65_536) return mistake('it is too large');
  const rows: Row[] = [];
  for (const [index, line] of textOf(bytes).split(lineEnd).entries()) {
    const text = line.replace(comment, '').trim();
    if (text === '') continue;
    const row = parseLine(text);
    if (typeof row === 'string') return mistake(`line ${index + 1}: ${row}`);
    rows.push({ ...row, line: index + 1 });
  }
  if (rows.length === 0) return mistake('it has no entry');
  return place(rows);
}

/** As Python has them (`splitlines`), but for three that no editor writes. */
const lineEnd = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;
const comment = /(?:^|[\s,])#.*/;

interface Row {
  readonly label: string;
  readonly type: number;
  /** Undefined: by a name that is not known here. */
  readonly subtype: number | undefined;
  readonly subtypeText: string;
  /** Undefined: right after the partition before. */
  readonly offset: number | undefined;
  /** Negative: up to this address. */
  readonly sizeBytes: number;
  readonly line?: number;
}

/** What the line says, or what is wrong with it. */
function parseLine(text: string): Row | string {
  const [label = '', typeText = '', subtypeText = '', offsetText = '', sizeText = ''] = text
    .split(',')
    .map((field) => field.trim());
  const type = typeNumber(typeText);
  if (type === undefined) return `unknown type ${quoted(typeText)}`;
  const subtype = subtypeNumber(type, subtypeText);
  if (subtype === undefined && !/^[a-z_]\w*$/i.test(subtypeText))
    return `${quoted(subtypeText)} is not a subtype`;
  const offset = offsetText === '' ? undefined : wholeNumber(offsetText);
  if (offsetText !== '' && !isAddress(offset)) return `${quoted(offsetText)} is not an offset`;
  // The sizes of these two are fixed, and the reference tool takes no notice of the field.
  const sizeBytes = type === 2 ? loaderBytes : type === 3 ? sectorBytes : wholeNumber(sizeText);
  if (!isAddress(sizeBytes === undefined ? undefined : Math.abs(sizeBytes)))
    return `${quoted(sizeText)} is not a size`;
  return { label, type, subtype, subtypeText, offset, sizeBytes: sizeBytes ?? 0 };
}

const sectorBytes = 0x1000;
/** On most chips; where the boot loader starts at a later sector, it is shorter. */
const loaderBytes = 0x8000;

/** Gives each row its place, and checks that all of them have one. */
function place(rows: readonly Row[]): PartitionParse {
  const partitions: Partition[] = [];
  const skipped: string[] = [];
  let end = tableEnd;
  for (const { subtype, subtypeText, ...row } of rows) {
    // Boot loader and partition table themselves have their fixed places before the others.
    if (row.type >= 2 && row.type <= 3 && subtype === 0) continue;
    const alignment = offsetAlignment(row.type);
    const offset = row.offset ?? Math.ceil(end / alignment) * alignment;
    if (offset < end) {
      const before = end === tableEnd ? 'the partition table' : 'the partition before it';
      return mistake(
        `line ${row.line}: it starts at ${hexText(offset)}, inside ${before} (ends at ${hexText(end)})`,
      );
    }
    const sizeBytes = row.sizeBytes < 0 ? -row.sizeBytes - offset : row.sizeBytes;
    if (sizeBytes < 0)
      return mistake(
        `line ${row.line}: it ends at ${hexText(-row.sizeBytes)}, before its start at ${hexText(offset)}`,
      );
    end = offset + sizeBytes;
    if (subtype === undefined) skipped.push(`${row.label} (unknown subtype ${quoted(subtypeText)})`);
    partitions.push({
      label: row.label,
      type: row.type,
      subtype: subtype ?? unknownSubtype,
      offset,
      sizeBytes,
    });
  }
  const wrong = checkLayout(partitions);
  if (wrong !== undefined) return mistake(wrong);
  const known = partitions.filter(({ subtype }) => subtype !== unknownSubtype);
  return { ok: true, table: { partitions: known, ...(skipped.length === 0 ? {} : { skipped }) } };
}

/** No byte has this value. */
const unknownSubtype = -1;

function isAddress(value: number | undefined): boolean {
  return value !== undefined && value >= 0 && value <= 0xffff_ffff;
}

function hexText(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Short, and on one line, whatever stands in the file. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

/** UTF-8 or, where the file says so, UTF-16. */
function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

function mistake(why: string): PartitionParse {
  const hint =
    'Each line is: name, type, subtype, offset, size. Compare it with the `partitions.csv` of the core.';
  return { ok: false, code: 'CONFIG_INVALID', message: `is not a valid partition table: ${why}`, hint };
}
