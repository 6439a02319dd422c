import { resolve } from 'node:path';
import { describeImage, describePartitions, type FileFacts } from '../../image/describe.ts';
import { examine, type Examination } from '../../image/examine.ts';
import { readWhole } from '../../image/file.ts';
import { subtypeName, typeName } from '../../image/partition-names.ts';
import { filesystemPartition, smallestAppSlotBytes, type PartitionTable } from '../../image/partition.ts';
import { digestsOf, maxImageBytes } from '../../image/read.ts';
import type { Platform } from '../../model/types.ts';
import type { Io } from './io.ts';

export interface InspectOptions {
  /** Relative to the folder that otarc was started in. */
  readonly file: string;
  readonly json: boolean;
  /** For images that carry no mark of their own. */
  readonly platform?: Platform;
}

/**
 * `otarc inspect`: what a file is. 0: it may be pushed, or is a partition table; 1: it has a problem, of which stderr
 * tells, and stdout still has all that could be learned. Throws where the file cannot be read at all.
 */
export async function inspect({ file, json, platform }: InspectOptions, io: Io): Promise<number> {
  const { bytes } = await readWhole(resolve(io.cwd, file), { limitBytes: maxImageBytes, signal: io.signal });
  const examination = examine(bytes, { platform, isCsv: /\.csv$/i.test(file) });
  const about: FileFacts = { file, sizeBytes: bytes.length, ...digestsOf(bytes) };
  io.stdout.write(json ? asJson(about, examination) : asText(about, examination));
  // With --json they are in the document; told twice, a script that merges both streams would read neither.
  if (!json) {
    for (const { code, message, hint } of examination.problems) {
      io.stderr.write(`error ${code}: ${file} ${message}\n  → ${hint}\n`);
    }
  }
  return examination.problems.length === 0 ? 0 : 1;
}

function asText(about: FileFacts, examination: Examination): string {
  const lines =
    examination.type === 'image'
      ? describeImage(about, examination.facts)
      : describePartitions(about, examination.table);
  return `${lines.join('\n')}\n`;
}

function asJson(about: FileFacts, examination: Examination): string {
  const problems = examination.problems.map((problem) => ({
    ...problem,
    message: `${about.file} ${problem.message}`,
  }));
  const found = examination.type === 'image' ? examination.facts : partitionsOf(examination.table);
  return `${JSON.stringify({ type: examination.type, ...about, ...found, problems }, null, 2)}\n`;
}

function partitionsOf(table: PartitionTable | undefined): Record<string, unknown> {
  if (table === undefined) return {};
  return {
    partitions: table.partitions.map((partition) => ({
      ...partition,
      type: typeName(partition.type),
      subtype: subtypeName(partition.type, partition.subtype),
    })),
    smallestAppSlotBytes: smallestAppSlotBytes(table) ?? null,
    filesystemBytes: filesystemPartition(table)?.sizeBytes ?? null,
  };
}
