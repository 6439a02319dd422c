/** What of a device's records is kept. */

import { readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { leftBehindMs, readLines, tidy, type Appending, type Judge } from './journal.ts';
import { parseRecords } from './lines.ts';
import { isProven, lineOf, type HistoryRecord } from './record.ts';

/** The newest ones of a device. */
const mostRecords = 200;
/** Of the proven ones at least as many, however old: a rollback goes back to them. */
const mostProven = 3;
const mostDevices = 1000;

/** @throws what the file system says */
export function bound(appending: Appending): void {
  tidy(appending, judging(parseRecords(readLines(appending.folder))));
  forgetDevices(dirname(appending.folder));
}

/** By all records that were read of a device: what a file of it, given as its lines, is worth. Pure. */
export function judging(records: readonly HistoryRecord[]): Judge {
  const { newest, proven } = keptOf(records);
  const seen = new Set(records.map(({ id }) => id));
  // Of a file that another otarc renamed while all were read, nothing was seen: it is not older than what was.
  const isNeeded = (id: string): boolean => newest.has(id) || !seen.has(id);
  return (lines) => {
    const inFile = parseRecords(lines);
    return {
      isNeeded: inFile.some(({ id }) => isNeeded(id)) || hasUnknown(lines),
      carried: inFile.filter(({ id }) => proven.has(id)).map(lineOf),
    };
  };
}

/** Ids of the records to keep: by their age, and those that a rollback needs. Pure. */
export function keptOf(records: readonly HistoryRecord[]): {
  readonly newest: ReadonlySet<string>;
  readonly proven: ReadonlySet<string>;
} {
  const idsOf = (some: readonly HistoryRecord[]): ReadonlySet<string> => new Set(some.map(({ id }) => id));
  return {
    newest: idsOf(records.slice(-mostRecords)),
    proven: idsOf(records.filter(isProven).slice(-mostProven)),
  };
}

/** A later otarc has written there: what its lines are worth, it knows. */
function hasUnknown(lines: readonly string[]): boolean {
  return lines.some((line) => {
    const [, version] = /^\{"v":(\d+)/.exec(line) ?? [];
    return version !== undefined && Number(version) > 1;
  });
}

/** Those that were pushed to least recently, where there are too many; none of this month. */
function forgetDevices(folder: string): void {
  const all = readdirSync(folder);
  if (all.length <= mostDevices) return;
  const lastMs = (name: string): number =>
    Math.max(0, ...readdirSync(join(folder, name)).map((file) => statSync(join(folder, name, file)).mtimeMs));
  const aged = all.map((name) => ({ name, atMs: lastMs(name) }));
  const oldest = aged.toSorted((one, other) => one.atMs - other.atMs).slice(0, all.length - mostDevices);
  for (const { name, atMs } of oldest) {
    if (Date.now() - atMs > leftBehindMs) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
