/** The list of devices as lines for a person. Pure. */

import { isDeepStrictEqual } from 'node:util';
import { endpointText } from '../../model/endpoint.ts';
import { printable } from '../../model/printable.ts';
import type { Change } from '../../network/list/changes.ts';
import { isHere, type Entry } from '../../network/list/entries.ts';
import { runningText, wholeRunningText } from '../../network/said.ts';
import type { ScreenLine } from '../terminal/screen.ts';
import { cut, pad, widthOf } from '../terminal/width.ts';

const heads = ['NAME', 'ADDRESS', 'PORT', 'PLATFORM', 'BOARD', 'PASSWORD', 'RUNS', 'STATE'];
/** One long name must not push everything else out of the window. */
const mostCells = [28, 39, 5, 8, 28, 10, 20, Infinity];
const gapCells = 2;

/**
 * In a narrow window the least important columns give way first: to so few cells, or to none. What a device is and whether it
 * is there stay to the last. A sum keeps nine cells, which is enough to tell two sums apart; a column in which
 * nobody says anything goes first.
 */
const narrowing: readonly (readonly [head: string, leastCells: number])[] = [
  ['BOARD', 12],
  ['BOARD', 0],
  ['PLATFORM', 0],
  ['PASSWORD', 0],
  ['PORT', 0],
  ['RUNS', 9],
  ['ADDRESS', 15],
  ['NAME', 12],
  ['RUNS', 0],
  ['ADDRESS', 0],
];
/** Of the state, which says more in its notes, and is cut at the edge of the window. */
const stateCells = 20;

/** Empty where there are none. @param cells of the terminal; Infinity: as wide as it gets */
export function tableOf(entries: readonly Entry[], cells: number): ScreenLine[] {
  if (entries.length === 0) return [];
  const isCut = cells !== Infinity;
  const hasConfig = entries.some(({ isConfigured }) => isConfigured);
  const rows = entries.map((entry) => ({ ...styleOf(entry), columns: columnsOf(entry, hasConfig) }));
  const all = [{ style: 'dim' as const, columns: heads }, ...rows];
  const shown = all.map((row) => ({
    ...row,
    columns: row.columns.map((text, at) => (isCut ? cut(text, mostCells[at] ?? Infinity) : text)),
  }));
  const full = heads.map((_, at) => Math.max(...shown.map(({ columns }) => widthOf(columns[at] ?? ''))));
  const isSaid = entries.some(({ running }) => running !== undefined);
  const widths = narrowed(full, cells, isSaid ? narrowing : [['RUNS', 0], ...narrowing]);
  return shown.map(({ columns, ...style }) => ({
    ...style,
    text: cut(
      columns
        .flatMap((text, at) => {
          const width = widths[at] ?? 0;
          return width === 0 ? [] : [pad(cut(text, width), width)];
        })
        .join(' '.repeat(gapCells))
        .trimEnd(),
      cells,
    ),
  }));
}

/** Widths with which the columns fit into the window, as far as that goes; 0: it is left out. */
function narrowed(full: readonly number[], cells: number, steps: typeof narrowing): readonly number[] {
  const widths = [...full];
  const last = heads.length - 1;
  const excess = (): number => {
    const taken = widths.with(last, Math.min(widths[last] ?? 0, stateCells)).filter((width) => width > 0);
    return taken.reduce((sum, width) => sum + width + gapCells, -gapCells) - cells;
  };
  for (const [head, least] of steps) {
    const at = heads.indexOf(head);
    const [width, over] = [widths[at] ?? 0, excess()];
    if (over <= 0) break;
    widths[at] = least === 0 ? 0 : Math.max(Math.min(width, least), width - over);
  }
  return widths;
}

/** `arrived  hall at 192.0.2.11:8266, ESP8266_NODEMCU, no password, runs 1.4.2` */
export function changeText(change: Change): string {
  const { type, entry } = change;
  const { name, addresses, port, board, platform } = entry;
  const [address] = addresses;
  const place =
    address === undefined ? undefined : port === undefined ? address : endpointText({ address, port });
  const password = { yes: 'with a password', none: 'no password', '': undefined }[passwordOf(entry)];
  const facts = [board ?? platform, password, ...sketchFacts(change), ...entry.notes].filter(
    (fact) => fact !== undefined,
  );
  const where = place === undefined ? name : `${name} at ${place}`;
  return `${type.padEnd(7)}  ${[where, ...(type === 'left' ? [] : facts)].join(', ')}`;
}

/** What is new of the sketch that it runs comes first of what it says of it. */
function sketchFacts({ entry: { running, run, boot }, before }: Change): string[] {
  const hasStarted = run !== undefined && before?.run !== undefined && before.run !== run;
  const started = hasStarted ? [boot === undefined ? 'restarted' : `restarted (${boot})`] : [];
  const now = runningText(running);
  if (now === undefined) return [...started, ...(before?.running ? ['no longer says what it runs'] : [])];
  if (before === undefined || isDeepStrictEqual(running, before.running)) return [...started, `runs ${now}`];
  // Two builds of one version differ in their sums.
  const isSameText = runningText(before.running) === now;
  return [...started, `runs ${(isSameText && wholeRunningText(running)) || now} now`];
}

function columnsOf(entry: Entry, hasConfig: boolean): string[] {
  const { name, addresses, port, platform, board, notes, state, isConfigured, running } = entry;
  const others = addresses.length > 1 ? ` +${addresses.length - 1}` : '';
  const stateText = {
    here: 'here',
    ambiguous: 'ambiguous',
    awaited: '…',
    absent: 'absent',
    unknown: 'unknown',
  }[state];
  return [
    name,
    addresses.length === 0 ? '' : `${addresses[0]}${others}`,
    port === undefined ? '' : String(port),
    platform ?? '',
    board ?? '',
    passwordOf(entry),
    // Of one that is not there nothing is known; one that is there does not say it.
    runningText(running) ?? (isHere(entry) && state !== 'ambiguous' ? '—' : ''),
    [`${stateText}${isConfigured || !hasConfig ? '' : ', not in .otarc'}`, ...notes].join('; '),
  ].map((text) => printable(text));
}

/** As the device says, else as the configuration has it. */
function passwordOf({ authRequired, hasPassword }: Entry): 'yes' | 'none' | '' {
  if (authRequired !== undefined) return authRequired ? 'yes' : 'none';
  return hasPassword === true ? 'yes' : '';
}

function styleOf({ state, notes }: Entry): Pick<ScreenLine, 'style'> {
  if (state === 'absent' || state === 'awaited' || state === 'unknown') return { style: 'dim' };
  return state === 'ambiguous' || notes.length > 0 ? { style: 'yellow' } : {};
}
