/** The devices that do not run the last build, as lines for a person. Pure. */

import type { Compared, Standing } from '../../deploy/outdated.ts';
import { OtaError } from '../../model/errors.ts';
import { printable } from '../../model/printable.ts';
import { shortSum, wholeRunningText } from '../../network/said.ts';
import type { ScreenLine } from '../terminal/screen.ts';
import { cut, pad, widthOf } from '../terminal/width.ts';

const heads = ['NAME', 'RUNS', 'LAST BUILD', 'STATE'];
/** So that the state has room in a window of 80 columns. */
const mostCells = [20, 20, 20, Infinity];
const gap = '  ';

/** Empty where all run it. @param cells of the terminal; Infinity: as wide as it gets */
export function outdatedTable(all: readonly Compared[], cells: number): ScreenLine[] {
  const shown = all.filter(({ standing }) => standing !== 'current');
  if (shown.length === 0) return [];
  const isCut = cells !== Infinity;
  const rows = [
    { style: 'dim' as const, columns: heads },
    ...shown.map((each) => ({ ...styleOf(each.standing), columns: columnsOf(each) })),
  ].map((row) => ({
    ...row,
    columns: row.columns.map((text, at) => (isCut ? cut(text, mostCells[at] ?? Infinity) : text)),
  }));
  const widths = heads.map((_, at) => Math.max(...rows.map(({ columns }) => widthOf(columns[at] ?? ''))));
  return rows.map(({ columns, ...style }) => ({
    ...style,
    text: cut(
      columns
        .map((text, at) => pad(text, widths[at] ?? 0))
        .join(gap)
        .trimEnd(),
      cells,
    ),
  }));
}

function columnsOf({ entry, standing, build }: Compared): string[] {
  const isBuilt = build !== undefined && !(build instanceof OtaError);
  const environment = isBuilt && build.environment !== undefined ? ` (${build.environment})` : '';
  const runs = wholeRunningText(entry.running) ?? (standing === 'unknown' ? '—' : '');
  const words = {
    current: 'up to date',
    outdated: 'outdated',
    unknown: entry.state === 'ambiguous' ? 'ambiguous' : 'does not say what it runs',
    'not-heard': 'not heard',
    awaited: '…',
    'no-build': build instanceof OtaError ? `no build: ${build.message}` : 'no build',
  }[standing];
  return [
    entry.name,
    runs,
    isBuilt ? `${shortSum(build.image.md5)}${environment}` : '',
    [words, ...entry.notes].join('; '),
  ].map((text) => printable(text));
}

function styleOf(standing: Standing): Pick<ScreenLine, 'style'> {
  if (standing === 'outdated') return { style: 'yellow' };
  return standing === 'not-heard' || standing === 'awaited' ? { style: 'dim' } : {};
}

/** Behind the table: what it comes to, and how a device that says nothing is made to. */
export function outdatedSummary(all: readonly Compared[]): string {
  const count = (wanted: Standing): number => all.filter(({ standing }) => standing === wanted).length;
  const current = count('current');
  const isSilent = all.some(({ standing, entry }) => standing === 'unknown' && entry.state === 'here');
  const runs =
    all.length === 1
      ? current === 1
        ? `${all[0]?.entry.name ?? ''} runs the last build.`
        : undefined
      : `${current} of ${all.length} devices ${current === 1 ? 'runs' : 'run'} the last build.`;
  const cure = 'A device whose sketch includes otarc.h says itself what it runs.';
  const hints = all.flatMap(({ build }) => (build instanceof OtaError ? [build.hint] : []));
  return [runs, isSilent ? cure : undefined, ...new Set(hints)]
    .filter((each) => each !== undefined)
    .join('\n');
}
