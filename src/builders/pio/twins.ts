/**
 * Whose upload an environment's image takes: its own, or that of its wireless twin. Pure.
 *
 * Twins are so by name. One that merely extends the other may build anything else: its device, and the password beside it,
 * are nobody else's.
 */

import { twinOf } from '../../model/project-facts.ts';

export interface TwinCandidate {
  readonly name: string;
  /** Where it pushes to; absent where it names no device on the network. */
  readonly host?: string;
  /** Whether it says anything about uploads over the network: a password alone, for one. */
  readonly isUpload: boolean;
}

/**
 * For each environment the one whose upload serves it: its own, else its twin's. None where twins disagree on the device:
 * nobody's image goes to a device by chance.
 */
export function serving(candidates: readonly TwinCandidate[]): ReadonlyMap<string, string> {
  const names = candidates.map(({ name }) => name);
  const served = names.flatMap((name): [string, string][] => {
    const ranks: ((each: TwinCandidate) => boolean)[] = [
      (each) => each.name === name,
      (each) => twinOf(each.name, names) === name,
    ];
    // One that names a device goes before all that only say how to get in.
    const inOrder = [
      ...ranks.map((rank) => candidates.filter((each) => each.host !== undefined && rank(each))),
      ...ranks.map((rank) => candidates.filter((each) => each.isUpload && rank(each))),
    ];
    const [first, ...others] = inOrder.find((each) => each.length > 0) ?? [];
    if (first === undefined || others.some(({ host }) => host !== first.host)) return [];
    return [[name, first.name]];
  });
  return new Map(served);
}
