/** What the status line says. Pure. */

import { styleText } from 'node:util';
import type { Shown } from '../options.ts';

export interface LastResult {
  readonly text: string;
  readonly isGood: boolean;
}

export interface Status extends Shown {
  readonly last: LastResult | undefined;
  /** Since this phase began. */
  readonly inPhaseMs: number;
}

export function statusText(status: Status, hasColor: boolean): string {
  const { devices, last } = status;
  const style = (name: Parameters<typeof styleText>[0], text: string): string =>
    hasColor ? styleText(name, text, { validateStream: false }) : text;
  const names = devices.length > 3 ? `${devices.length} devices` : devices.join(', ');
  const result = last === undefined ? [] : [style(last.isGood ? 'green' : 'red', last.text)];
  return [style('bold', phaseText(status)), names, ...result, style('dim', 'h for help')].join(
    style('dim', ' │ '),
  );
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
