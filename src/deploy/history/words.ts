/** What a record says, for a person. Pure. */

import { printable } from '../../model/printable.ts';
import type { HistoryRecord } from './record.ts';

/** `2026-11-30 14:02`, by this computer's clock. */
export function whenText(at: string): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `9f8e7d6*`: the sources had changes that were not committed. */
export function commitText({ source }: HistoryRecord): string {
  return source === undefined ? '' : `${printable(source.commit).slice(0, 7)}${source.isDirty ? '*' : ''}`;
}

/** How the push ended, and what is known of what runs then. */
export function outcomeText(record: HistoryRecord): string {
  const { outcome, code, reason } = record;
  const proof = proofText(record);
  switch (outcome) {
    case 'accepted':
      return 'accepted; otarc was ended before its verdict';
    case 'deployed':
      return proof;
    case 'failed':
      return printable(['failed', code, proof].filter((word) => word !== undefined && word !== '').join(' '));
    case 'skipped':
      return printable(`skipped: ${reason ?? ''}`);
  }
}

function proofText({ proof, outcome }: HistoryRecord): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  switch (proof?.type) {
    case 'verified':
      return printable(`verified: ${proof.proof}`);
    case 'returned':
      return `deployed, came back after ${seconds(proof.afterMs)}`;
    case 'old-image':
      return printable(proof.boot === undefined ? '' : `(${proof.boot})`);
    case 'crash-loop':
      return `(restarts every ${seconds(proof.everyMs)})`;
    default:
      return outcome === 'deployed' ? 'deployed, not verified' : '';
  }
}
