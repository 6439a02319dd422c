/** Looks at what was heard. Pure. */

import { type Instance, targetsOf } from './facts.ts';
import type { Sightings } from './sightings.ts';

/** Names, folded, of which something has changed: of the instance, or of one that runs on the host of that name. */
export function changedBetween(before: Sightings, after: Sightings): ReadonlySet<string> {
  const changed = [
    ...[...after].filter(([key, instance]) => before.get(key) !== instance),
    ...[...before].filter(([key, instance]) => after.get(key) !== instance),
  ];
  return new Set(
    changed.flatMap(([key, instance]) => [
      key,
      ...targetsOf(instance).map((target) => target.replace(/\.local$/, '')),
    ]),
  );
}

/** Whether it was heard then, or later. */
export function isHeardSince(instance: Instance | undefined, sinceMs: number): boolean {
  return instance?.facts.some(({ heardAtMs }) => heardAtMs >= sinceMs) === true;
}

/** Without what was heard before. */
export function since(sightings: Sightings, sinceMs: number): Sightings {
  if (sinceMs === -Infinity) return sightings;
  return new Map(
    [...sightings].map(([key, instance]) => [
      key,
      { ...instance, facts: instance.facts.filter(({ heardAtMs }) => heardAtMs >= sinceMs) },
    ]),
  );
}
