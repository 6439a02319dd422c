/**
 * What `otarc inspect` shows: any file of a build, images and partition tables, and what a push of it comes to. It asks the
 * functions that a push asks (`identify`, `preflight`), once for each platform that is possible.
 */

import { basename } from 'node:path';
import { errorCodes, type ErrorCode } from '../model/errors.ts';
import { platforms, type ImageKind, type Platform } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { ImageFacts, Identification, ImageProblem } from './facts.ts';
import { identify } from './identify.ts';
import { isPartitionTable } from './partition-binary.ts';
import { parsePartitionTable } from './partition-table.ts';
import type { PartitionTable } from './partition.ts';
import { imagePreflight } from './preflight.ts';

/** Why it is refused, or what to know of it. */
export interface ExaminedFinding {
  readonly code: ErrorCode;
  readonly level: 'error' | 'warning';
  /** A sentence. */
  readonly message: string;
  readonly hint: string;
}

/** What a push of this file comes to, to a device of one of these platforms. */
export interface PushVerdict {
  readonly platforms: readonly Platform[];
  readonly kind: ImageKind;
  readonly verdict: 'accepted' | 'refused';
  readonly findings: readonly ExaminedFinding[];
}

export interface Examination {
  readonly type: 'image' | 'partition-table';
  readonly facts: ImageFacts;
  /** Absent where it is no partition table, or cannot be read. */
  readonly table?: PartitionTable;
  /** Empty where it can be pushed to some device, or is a partition table without a mistake. */
  readonly problems: readonly ExaminedFinding[];
  /** Without the platforms that are out of the question because it says that it is for another. */
  readonly push: readonly PushVerdict[];
}

export interface ExamineOptions {
  /** As it is to be called in sentences; its name may say what it is. */
  readonly path: string;
  /** Absent: every platform that is possible. */
  readonly platform?: Platform | undefined;
  /** What it is to be pushed as. Absent: what it is. */
  readonly kind?: ImageKind | undefined;
  /** Of the build, beside the image. */
  readonly partitions?: PartitionTable | undefined;
}

/** Throws on nothing. */
export function examine(bytes: Uint8Array, options: ExamineOptions): Examination {
  const { path, kind, platform: asked } = options;
  const identified = (platform?: Platform): Identification =>
    identify(bytes, { kind, name: basename(path), expectedPlatform: platform });
  const tries = (asked === undefined ? platforms : [asked]).map((platform) => ({
    platform,
    found: identified(platform),
  }));
  // The one that can be pushed says best what it is.
  const found = tries.find((each) => each.found.ok)?.found ?? identified(asked);
  const push = joined(
    tries
      .map((each) => verdictOf(bytes, each, options))
      .filter(
        ({ findings }) => asked !== undefined || !findings.some(({ code }) => code === 'IMAGE_WRONG_CHIP'),
      ),
  );
  const { facts } = found;
  const isTable = isPartitionTable(bytes) || /\.csv$/i.test(path);
  if (kind === undefined && !found.ok && isTable) return { ...examineTable(bytes, path), facts, push };
  const isAccepted = push.some(({ verdict }) => verdict === 'accepted');
  const problems = found.ok ? (push[0]?.findings ?? []) : [sentence(path, found)];
  return { type: 'image', facts, push, problems: isAccepted ? [] : problems.filter(isError) };
}

function examineTable(bytes: Uint8Array, path: string): Pick<Examination, 'type' | 'table' | 'problems'> {
  const parsed = parsePartitionTable(bytes);
  if (parsed.ok) return { type: 'partition-table', table: parsed.table, problems: [] };
  return { type: 'partition-table', problems: [sentence(path, parsed)] };
}

function verdictOf(
  bytes: Uint8Array,
  { platform, found }: { readonly platform: Platform; readonly found: Identification },
  { path, kind: asked, partitions }: ExamineOptions,
): PushVerdict {
  const { kind = asked ?? 'firmware', ...facts } = found.facts;
  const image = withoutUndefined({
    path,
    kind,
    sizeBytes: bytes.length,
    platform: facts.platform,
    chip: facts.chip,
    compression: facts.compression,
    doubts: facts.doubts,
  });
  const findings: readonly ExaminedFinding[] = found.ok
    ? imagePreflight(image, { platform }, { partitions }).map(({ code, level, message, hint }) => ({
        code,
        level,
        message,
        hint,
      }))
    : [sentence(path, found)];
  return { platforms: [platform], kind, verdict: findings.some(isError) ? 'refused' : 'accepted', findings };
}

/** Platforms with the same verdict in one, in the words of the first. */
function joined(verdicts: readonly PushVerdict[]): PushVerdict[] {
  const all = new Map<string, PushVerdict>();
  for (const verdict of verdicts) {
    const key = JSON.stringify([verdict.kind, verdict.findings.map(({ code, level }) => [code, level])]);
    const first = all.get(key);
    all.set(key, { ...(first ?? verdict), platforms: [...(first?.platforms ?? []), ...verdict.platforms] });
  }
  return [...all.values()];
}

function isError({ level }: ExaminedFinding): boolean {
  return level === 'error';
}

function sentence(
  path: string,
  { code, message, hint = errorCodes[code].hint }: ImageProblem,
): ExaminedFinding {
  return { code, level: 'error', message: `${path} ${message}`, hint };
}
