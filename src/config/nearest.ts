import { distance } from 'fastest-levenshtein';

/** The candidate that `typed` was most likely meant to be; undefined where none is near. */
export function nearest(typed: string, candidates: Iterable<string>): string | undefined {
  const word = plain(typed);
  let best: string | undefined;
  // Two letters exchanged count as two steps.
  let bestDistance = (word.length < 3 ? 1 : Math.max(2, Math.floor(word.length * 0.4))) + 1;
  for (const candidate of candidates) {
    const steps = distance(word, plain(candidate));
    if (steps < bestDistance) [best, bestDistance] = [candidate, steps];
  }
  return best;
}

/** Case and separators are the commonest slips, and count for nothing. */
const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_ ]/g, '');
