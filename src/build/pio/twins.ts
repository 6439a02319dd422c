/**
 * Twin environments: one that is flashed by cable and one over the air, which differ in nothing but the upload. Pure.
 *
 * `x_ota` (also `x-ota`, `ota_x`, `x_OTA`) is the twin of `x`; so is any environment with `extends = env:x` that alone
 * says where to push to.
 */

export interface Candidate {
  readonly name: string;
  /** The environments that it extends. */
  readonly bases: readonly string[];
  /** Where it pushes to; absent where it names no device on the network. */
  readonly host?: string;
  /** Whether it says anything about uploads over the network: a password alone, for one. */
  readonly isUpload: boolean;
}

/** The environment that `name` is the wireless twin of, by its name. */
export function twinOf(name: string, names: readonly string[]): string | undefined {
  const [, before, after] = /^(?:(.+)[_-]ota|ota[_-](.+))$/i.exec(name) ?? [];
  return names.find((each) => each === (before ?? after));
}

/**
 * For each environment the one whose upload serves it: its own, else its twin's. None where twins disagree on the device:
 * nobody's image goes to a device by chance.
 */
export function serving(candidates: readonly Candidate[]): ReadonlyMap<string, string> {
  const names = candidates.map(({ name }) => name);
  const served = names.flatMap((name): [string, string][] => {
    const ranks: ((each: Candidate) => boolean)[] = [
      (each) => each.name === name,
      (each) => twinOf(each.name, names) === name,
      (each) => each.bases.includes(name),
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
