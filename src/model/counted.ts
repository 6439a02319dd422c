/** What the counts of a device say of a transfer that it has accepted. Pure. */

import type { Receipt } from './types.ts';

/** Glued counts are misread down to this share of the truth (in simulated pushes that were true), and no further. */
const leastRead = 0.85;

/** Whether the device has counted less than a misreading of its counts explains. */
export function isCountedTooLow({
  countedBytes,
  sentBytes,
}: Pick<Receipt, 'countedBytes' | 'sentBytes'>): boolean {
  return countedBytes < leastRead * sentBytes;
}
