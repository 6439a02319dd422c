import { resolve } from 'node:path';
import { describeImage, describePartitions, type FileFacts } from '../../image/describe.ts';
import { examine, type Examination } from '../../image/examine.ts';
import { subtypeName, typeName } from '../../image/partition-names.ts';
import { filesystemPartition, smallestAppSlotBytes, type PartitionTable } from '../../image/partition.ts';
import { digestsOf, readPushed } from '../../image/read.ts';
import { tableBeside } from '../../image/table-beside.ts';
import { OtaError } from '../../model/errors.ts';
import type { ImageKind, Platform } from '../../model/types.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { printableLines } from '../../model/printable.ts';
import { problemLines } from '../report/failure.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import type { Io } from './io.ts';

export interface InspectOptions {
  /** Relative to the folder that otarc was started in. */
  readonly file: string;
  readonly json: boolean;
  /** What a push to a device of this platform comes to. Default: to any. */
  readonly platform?: Platform;
  /** What a push as this comes to. Default: as what it is. */
  readonly kind?: ImageKind;
}

/**
 * `otarc inspect`: what a file is, or the signed one beside it that a push takes. 0: it may be pushed, or is a partition table; 1: it has a problem, which stderr names, and
 * stdout still has all that could be learned. Throws where the file cannot be read at all.
 */
export async function inspect({ file, json, platform, kind }: InspectOptions, io: Io): Promise<number> {
  const { signal } = io;
  const asked = resolve(io.cwd, file);
  const { path, bytes, because } = await readPushed(
    withoutUndefined({ path: asked, kind }),
    withoutUndefined({ expectedPlatform: platform, signal }),
  ).catch(checkPath);
  // Beside the one that was named: its name with more behind it.
  const shown = file + path.slice(asked.length);
  // As a push of this file finds it.
  const beside = { artifact: {}, tell: () => {}, signal } as const;
  const partitions = await tableBeside({ path }, beside);
  const examined = examine(bytes, { path: shown, platform, kind, partitions });
  const notes = because === undefined ? [] : [because];
  const examination = {
    ...examined,
    facts: { ...examined.facts, notes: [...notes, ...examined.facts.notes] },
  };
  const about: FileFacts = { file: shown, sizeBytes: bytes.length, ...digestsOf(bytes) };
  io.stdout.write(json ? asJson(about, examination) : asText(about, examination));
  // With --json they are in the document; printed twice, a script that merges both streams would read neither.
  if (!json) {
    for (const problem of examination.problems) printLine(io.stderr, problemLines(problem));
  }
  return examination.problems.length === 0 ? 0 : 1;
}

/** The file is named here as it is, and no build is asked for it. */
function checkPath(error: unknown): never {
  if (!(error instanceof OtaError) || error.code !== 'IMAGE_NOT_FOUND') throw error;
  const hint = 'Check the path of the file, and build first where it is yet to be made.';
  throw new OtaError(error.code, error.message, { hint, details: error.details, cause: error });
}

function asText(about: FileFacts, { type, facts, table, push }: Examination): string {
  const lines = type === 'image' ? describeImage(about, facts, push) : describePartitions(about, table, push);
  return `${printableLines(lines.join('\n'))}\n`;
}

function asJson(about: FileFacts, { type, facts, table, push, problems }: Examination): string {
  const found = type === 'image' ? facts : partitionsOf(table);
  const told = problems.map(({ code, message, hint }) => ({ code, message, hint }));
  return `${jsonText({ type, ...about, ...found, push, problems: told }, { indent: 2 })}\n`;
}

function partitionsOf(table: PartitionTable | undefined): Record<string, unknown> {
  if (table === undefined) return {};
  return {
    partitions: table.partitions.map((partition) => ({
      ...partition,
      type: typeName(partition.type),
      subtype: subtypeName(partition.type, partition.subtype),
    })),
    ...(table.skipped === undefined ? {} : { skipped: table.skipped }),
    smallestAppSlotBytes: smallestAppSlotBytes(table) ?? null,
    filesystemBytes: filesystemPartition(table)?.sizeBytes ?? null,
  };
}
