/** Records as lines for a person. Pure. */

import type { HistoryRecord } from '../../deploy/history/record.ts';
import { commitText, outcomeText, whenText } from '../../deploy/history/words.ts';
import { shortSum } from '../../network/said.ts';
import { printable } from '../../model/printable.ts';
import type { ScreenLine } from '../terminal/screen.ts';
import { cut, pad, widthOf } from '../terminal/width.ts';

interface Column {
  readonly head: string;
  /** One long name must not push everything else out of the window. */
  readonly mostCells: number;
  textOf(record: HistoryRecord, at: number): string;
}

/** What `rollback --to` takes, where all rows are one device's. */
const number: Column = { head: '#', mostCells: 4, textOf: (_record, at) => String(at + 1) };
const columns: readonly Column[] = [
  { head: 'WHEN', mostCells: 16, textOf: ({ at }) => whenText(at) },
  { head: 'DEVICE', mostCells: 16, textOf: ({ device }) => device.name },
  {
    head: 'IMAGE',
    mostCells: 11,
    textOf: ({ image }) => `${shortSum(image.md5)}${image.kind === 'filesystem' ? ' fs' : ''}`,
  },
  { head: 'VERSION', mostCells: 10, textOf: ({ version = '' }) => version },
  { head: 'COMMIT', mostCells: 8, textOf: commitText },
  { head: 'OUTCOME', mostCells: Infinity, textOf: outcomeText },
];

/** @param records the newest first @param cells of the terminal; Infinity: as wide as it gets */
export function historyTable(records: readonly HistoryRecord[], cells: number): ScreenLine[] {
  const isOneDevice = new Set(records.map(({ device }) => `${device.host} ${device.port ?? ''}`)).size === 1;
  const most = (column: Column): number => (cells === Infinity ? Infinity : column.mostCells);
  const filled = [...(isOneDevice ? [number] : []), ...columns]
    .map((column) => ({
      ...column,
      texts: records.map((record, at) => cut(printable(column.textOf(record, at)), most(column))),
    }))
    .filter(({ texts }) => texts.some((text) => text !== ''));
  const widths = filled.map(({ head, texts }) => Math.max(widthOf(head), ...texts.map(widthOf)));
  const lineOf = (texts: readonly string[]): string => {
    const padded = texts.map((text, at) => pad(text, widths[at] ?? 0));
    return cut(padded.join('  ').trimEnd(), cells);
  };
  const rows = records.map((record, at): ScreenLine => ({
    text: lineOf(filled.map(({ texts }) => texts[at] ?? '')),
    ...styleOf(record),
  }));
  return [{ text: lineOf(filled.map(({ head }) => head)), style: 'dim' }, ...rows];
}

function styleOf({ outcome, proof }: HistoryRecord): Pick<ScreenLine, 'style'> {
  if (outcome === 'failed') return { style: 'red' };
  if (outcome === 'skipped' || outcome === 'accepted') return { style: 'dim' };
  return proof?.type === 'verified' ? { style: 'green' } : {};
}
