/** Images and partition tables for a person to read: lines of text, made from values alone. */

import { word } from './bytes.ts';
import { thousands } from '../model/numbers.ts';
import { chipName } from './chips.ts';
import type { ImageCheck, ImageFacts, Segment } from './facts.ts';
import { subtypeName, typeName } from './partition-names.ts';
import type { PushVerdict } from './examine.ts';
import { appSlots, filesystemPartition, type PartitionTable } from './partition.ts';
import { platforms } from '../model/types.ts';

/** The file itself: what is known of it whatever it holds. */
export interface FileFacts {
  readonly file: string;
  readonly sizeBytes: number;
  readonly md5: string;
  readonly sha256: string;
}

export function describeImage(file: FileFacts, facts: ImageFacts, push: readonly PushVerdict[]): string[] {
  const { chip, platform, app, flash } = facts;
  return keyed([
    ['file', file.file],
    ['is', facts.format],
    ['kind', facts.kind === 'filesystem' ? 'file system' : facts.kind],
    ['chip', chip === undefined ? platform : chipName(chip)],
    ['size', size(file.sizeBytes)],
    ['inflated', facts.inflatedBytes === undefined ? undefined : size(facts.inflatedBytes)],
    ['MD5', file.md5],
    ['SHA-256', file.sha256],
    ['flash', flash === undefined ? undefined : `${flash.mode}, ${flash.size}, ${flash.frequency}`],
    ['app', app === undefined ? undefined : [app.name, app.version].filter(Boolean).join(' ')],
    ['compiled', app?.compiledAt],
    ['IDF', app?.idfVersion],
    ['ELF SHA-256', app?.elfSha256],
    [
      'signature',
      facts.signatureBytes === undefined ? undefined : `${facts.signatureBytes} bytes, not checked here`,
    ],
    ['checks', checkLines(facts.checks)],
    ['segments', segmentLines(facts.segments)],
    ['note', facts.notes],
    ['push', pushLines(push)],
  ]);
}

export function describePartitions(
  file: FileFacts,
  table: PartitionTable | undefined,
  push: readonly PushVerdict[],
): string[] {
  const head = keyed([
    ['file', file.file],
    ['is', 'partition table of the ESP32 family'],
    ['size', size(file.sizeBytes)],
    ['MD5', file.md5],
    ['SHA-256', file.sha256],
  ]);
  const pushed = keyed([['push', pushLines(push)]]);
  if (table === undefined) return [...head, ...pushed];
  const slots = appSlots(table);
  const [smallest] = slots;
  const largest = slots.at(-1);
  const fileSystem = filesystemPartition(table);
  const rows = table.partitions.map(({ label, type, subtype, offset, sizeBytes }) => [
    label,
    typeName(type),
    subtypeName(type, subtype),
    word(offset),
    thousands(sizeBytes),
    kib(sizeBytes),
  ]);
  return [
    ...head,
    ...keyed([
      ['own digest', table.md5],
      [
        'application',
        smallest === undefined || largest === undefined
          ? 'no OTA slot: it takes no update over the air'
          : smallest.sizeBytes === largest.sizeBytes
            ? `at most ${size(smallest.sizeBytes)}`
            : [
                `at most ${size(smallest.sizeBytes)}, in "${smallest.label}"`,
                `up to ${size(largest.sizeBytes)} where it is the turn of "${largest.label}"`,
              ],
      ],
      [
        'file system',
        fileSystem === undefined ? 'none' : `exactly ${size(fileSystem.sizeBytes)}, in "${fileSystem.label}"`,
      ],
      ['left out', table.skipped],
    ]),
    ...pushed,
    '',
    ...columns([['label', 'type', 'subtype', 'offset', 'bytes', 'KiB'], ...rows], new Set([4, 5])),
  ];
}

type Row = readonly [key: string, value: string | readonly string[] | undefined];

const keyWidth = 'ELF SHA-256'.length + 2;

/** One line a value, the key at the first alone. What is not known, or says nothing, has no line. */
function keyed(rows: readonly Row[]): string[] {
  return rows.flatMap(([key, value]) => {
    const lines = typeof value === 'string' ? [value] : (value ?? []);
    return lines
      .filter((line) => line !== '')
      .map((line, index) => `${(index === 0 ? key : '').padEnd(keyWidth)}${line}`);
  });
}

function checkLines(checks: readonly ImageCheck[]): string[] {
  const verdicts = { ok: 'ok', wrong: 'WRONG', absent: 'absent', 'not-checked': 'not checked' } as const;
  return columns(checks.map(({ name, verdict, detail = '' }) => [name, verdicts[verdict], detail]));
}

/** To which devices it may go, and why not to others. Warnings stand here; why it goes to none is an error of its own. */
function pushLines(push: readonly PushVerdict[]): string[] {
  return push.flatMap(({ platforms: these, kind, verdict, findings }) => {
    const where = these.length === platforms.length ? 'any device' : these.map(chipName).join(', ');
    const codes = findings.filter(({ level }) => level === 'error').map(({ code }) => code);
    const how = kind === 'filesystem' ? 'as the file system' : 'as firmware';
    const line = verdict === 'refused' ? `refused: ${[...new Set(codes)].join(', ')}` : `accepted ${how}`;
    const warnings = findings.filter(({ level }) => level === 'warning');
    return [`to ${where}: ${line}`, ...warnings.map(({ code, message }) => `  ${code}: ${message}`)];
  });
}

function segmentLines(segments: readonly Segment[]): string[] {
  if (segments.length === 0) return [];
  const rows = segments.map(({ address, sizeBytes, fileOffset }) => [
    word(address),
    thousands(sizeBytes),
    word(fileOffset),
  ]);
  return columns([['address', 'bytes', 'in the file at'], ...rows], new Set([1]));
}

/** Each column as wide as its widest cell; those in `right` are aligned to the right. */
function columns(rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): string[] {
  const widthOf = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        right.has(column) ? cell.padStart(widthOf(column)) : cell.padEnd(widthOf(column)),
      )
      .join('  ')
      .trimEnd(),
  );
}

function size(bytes: number): string {
  return `${thousands(bytes)} bytes (${kib(bytes)} KiB)`;
}

function kib(bytes: number): string {
  return (bytes / 1024).toLocaleString('en-US', { maximumFractionDigits: 1 });
}
