/** What the status line says. Pure. */

import type { Shown } from '../../watch/options.ts';
import { printable } from '../../model/printable.ts';
import { styled, type Style } from './color.ts';
import { widthOf } from './width.ts';

export interface LastResult {
  readonly text: string;
  readonly isGood: boolean;
}

export interface Status extends Shown {
  readonly last: LastResult | undefined;
  /** Since this phase began. */
  readonly inPhaseMs: number;
}

export interface StatusOptions {
  readonly hasColor: boolean;
  /** What the line may take. */
  readonly cells: number;
}

/** On a narrow terminal the help goes first, then the devices, then what the last run came to. */
export function statusText(status: Status, { hasColor, cells }: StatusOptions): string {
  const { devices, last } = status;
  const style = (name: Style, text: string): string => styled(text, name, hasColor);
  const phase = style('bold', phaseText(status));
  const names = devices.length > 3 ? `${devices.length} devices` : printable(devices.join(', '));
  const result = last === undefined ? [] : [style(last.isGood ? 'green' : 'red', last.text)];
  const help = style('dim', 'h for help');
  const lines = [
    [phase, names, ...result, help],
    [phase, names, ...result],
    [phase, ...result],
  ].map((parts) => parts.join(style('dim', ' │ ')));
  return lines.find((line) => widthOf(line) <= cells) ?? phase;
}

function phaseText({ phase, isPaused, isQueued, builds, inPhaseMs, changed }: Status): string {
  const paused = isPaused ? ', paused' : '';
  switch (phase) {
    case 'watching':
      if (!isPaused) return 'watching';
      return changed === 0
        ? 'paused'
        : `paused, ${changed} changed ${changed === 1 ? 'file' : 'files'} waiting`;
    case 'settling':
      return `changes coming in${paused}`;
    case 'building':
      return `${builds ? 'building' : 'waiting for the whole image'}${elapsed(inPhaseMs)}${paused}`;
    case 'deploying':
      return `deploying${isQueued ? ', one more to come' : ''}${paused}`;
    default:
      return phase satisfies never;
  }
}

function elapsed(ms: number): string {
  return ms < 1_000 ? '' : ` ${Math.floor(ms / 1_000)} s`;
}
