/**
 * Files that the build itself writes among its sources: a header with the version and the time, made anew by a script at
 * each build. Such a file would stop the build that writes it, for ever. Pure.
 *
 * A person who saves while a build runs does so at any moment. A build writes at the same moment each time: what has been
 * written in so many builds in a row, at about the same time after their start, and nothing else with it, is a product, and
 * is ignored while a build runs. Written at any other time it was a person's doing, and counts again.
 *
 * After three builds that were stopped at the same moment, the next one is suspected to do it itself, and is let go on: what
 * was saved then is built by the one after it. What it writes anew as it was before is no change at all (`contents.ts`).
 */

export interface Disturbances {
  /** Start and end of the last build. */
  readonly builtAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  /** The last of the builds that were disturbed in a row. */
  readonly row: readonly Disturbance[];
  readonly products: readonly string[];
}

interface Disturbance {
  readonly builtAtMs: number;
  readonly paths: readonly string[];
  /** After the start of the build. */
  readonly offsetMs: number;
  /** It was heard of when the build had ended. */
  readonly isLate: boolean;
}

export const noDisturbances: Disturbances = {
  builtAtMs: undefined,
  endedAtMs: undefined,
  row: [],
  products: [],
};

/** Rather too often than once too seldom: a save that is taken for a product is lost. The last of them were let go on. */
const rowLength = 5;
const suspectedRowLength = 4;
/** Each of these costs a push, and to save in the last milliseconds of a build three times is no accident. */
const lateRowLength = 3;
/** How far apart the same moment of two builds may be on a busy machine, or a share of the time. */
const spreadMs = 250;
const spreadShare = 0.3;
/** A file's time lies up to so much before its writing: kernels count in steps. */
const stepMs = 12;

export function buildBegins(before: Disturbances, nowMs: number): Disturbances {
  // A build that nothing disturbed ends the row.
  const isRow = before.row.at(-1)?.builtAtMs === before.builtAtMs;
  return { ...before, row: isRow ? before.row : [], builtAtMs: nowMs, endedAtMs: undefined };
}

export function buildEnds(before: Disturbances, nowMs: number): Disturbances {
  return { ...before, endedAtMs: nowMs };
}

/** `found`: paths that are known to be products from now on. */
export function noteDisturbance(
  before: Disturbances,
  { paths, writtenAtMs }: Written,
): { readonly disturbances: Disturbances; readonly found: readonly string[] } {
  const { builtAtMs, endedAtMs } = before;
  if (builtAtMs === undefined || !isInBuild(before, writtenAtMs)) {
    // At such a time it was a person.
    const products = before.products.filter((path) => !paths.includes(path));
    return { disturbances: { ...before, products, row: [] }, found: [] };
  }
  const others = paths.filter((path) => !before.products.includes(path));
  if (others.length === 0) return { disturbances: before, found: [] };
  const last = before.row.at(-1);
  const isSame = last?.builtAtMs === builtAtMs;
  const merged: Disturbance = isSame
    ? { ...last, paths: [...new Set([...last.paths, ...others])] }
    : { builtAtMs, paths: others, offsetMs: writtenAtMs - builtAtMs, isLate: endedAtMs !== undefined };
  const row = [...(isSame ? before.row.slice(0, -1) : before.row), merged].slice(-rowLength);
  const found = isProduct(row) ? merged.paths : [];
  const products = [...before.products, ...found];
  return { disturbances: { ...before, row: found.length > 0 ? [] : row, products }, found };
}

export interface Written {
  readonly paths: readonly string[];
  readonly writtenAtMs: number;
}

/** What of the changes is not the build's own doing. */
export function withoutProducts(
  disturbances: Disturbances,
  { paths, writtenAtMs }: Written,
): readonly string[] {
  if (!isInBuild(disturbances, writtenAtMs)) return paths;
  return paths.filter((path) => !disturbances.products.includes(path));
}

function isInBuild({ builtAtMs, endedAtMs = Infinity }: Disturbances, writtenAtMs: number): boolean {
  return builtAtMs !== undefined && writtenAtMs >= builtAtMs && writtenAtMs + stepMs <= endedAtMs;
}

/** Whether the build that runs seems to do it itself: to stop it once more would come to the same. */
export function isSuspected({ row, builtAtMs }: Disturbances): boolean {
  const last = row.slice(-suspectedRowLength);
  const isNow = last.at(-1)?.builtAtMs === builtAtMs;
  return isNow && last.length === suspectedRowLength && isOneMoment(last);
}

function isProduct(row: readonly Disturbance[]): boolean {
  const late = row.slice(-lateRowLength);
  const isLate = late.length === lateRowLength && late.every((each) => each.isLate);
  return (isLate && isOneMoment(late)) || (row.length === rowLength && isOneMoment(row));
}

function isOneMoment(row: readonly Disturbance[]): boolean {
  const offsets = row.map(({ offsetMs }) => offsetMs);
  const names = new Set(row.map(({ paths }) => [...paths].sort().join('\n')));
  const latest = Math.max(...offsets);
  return names.size === 1 && latest - Math.min(...offsets) <= Math.max(spreadMs, latest * spreadShare);
}
