/** What has happened between two lists of devices. Pure. */

import { isDeepStrictEqual } from 'node:util';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { isHere, type Entry } from './entries.ts';

export interface Change {
  /** `absent`: it is configured, and is not, or could not be, heard. */
  readonly type: 'arrived' | 'changed' | 'left' | 'absent';
  readonly entry: Entry;
  /** Of `changed`: as it was. */
  readonly before?: Entry;
}

export function changesBetween(before: readonly Entry[], after: readonly Entry[]): Change[] {
  const pairs = pairsOf(before, after);
  const stayed = new Set(pairs.map((pair) => pair.before));
  const gone = before.filter((entry) => !stayed.has(entry) && isHere(entry));
  return [
    ...gone.map((entry): Change => ({ type: 'left', entry })),
    ...pairs.flatMap((pair): Change[] => {
      const type = typeOf(pair);
      if (type === undefined) return [];
      const before = type === 'changed' ? pair.before : undefined;
      return [withoutUndefined({ type, entry: pair.after, before })];
    }),
  ];
}

interface Pair {
  readonly before: Entry | undefined;
  readonly after: Entry;
}

function typeOf({ before, after }: Pair): Change['type'] | undefined {
  const [was, is] = [before !== undefined && isHere(before), isHere(after)];
  if (is && !was) return 'arrived';
  if (was && !is) return 'left';
  if (is) return isDeepStrictEqual(before, after) ? undefined : 'changed';
  return after.state === 'awaited' || after.state === before?.state ? undefined : 'absent';
}

/** The same device has the same place; else the same name, for it may have another address now. */
function pairsOf(before: readonly Entry[], after: readonly Entry[]): Pair[] {
  const places = new Map(before.map((entry) => [placeOf(entry), entry]));
  const inPlace = new Map(after.map((entry) => [entry, places.get(placeOf(entry))]));
  const settled = new Set(inPlace.values());
  const moved = new Map(before.filter((entry) => !settled.has(entry)).map((entry) => [nameOf(entry), entry]));
  return after.map((entry) => {
    const same = inPlace.get(entry) ?? moved.get(nameOf(entry));
    moved.delete(nameOf(entry));
    return { before: same, after: entry };
  });
}

const nameOf = ({ isConfigured, name }: Entry): string => JSON.stringify([isConfigured, name]);
/** A configured one has its name to itself. */
const placeOf = (entry: Entry): string =>
  entry.isConfigured ? nameOf(entry) : JSON.stringify([nameOf(entry), entry.addresses[0], entry.port]);
