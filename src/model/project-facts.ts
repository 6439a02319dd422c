/** What the files of a project's own build tool say, as far as a push has to know it. */

import type { Secret } from './secret.ts';
import type { BuildTool } from './types.ts';

/** A value and where it stands. */
export interface Sourced<T> {
  readonly value: T;
  /** `platformio.ini [env:d1_ota] upload_port`, `sketch.yaml:3 default_port`, `/home/me/p/.otarc:4`, `flag --port` */
  readonly origin: string;
}

/** One place where those files say something about pushing over the network. */
export interface ProjectUpload {
  /** Where it stands as a whole: `platformio.ini [env:d1_ota]`. */
  readonly origin: string;
  /** The environment that says it; absent where the tool has none. */
  readonly environment?: string;
  /** The environments whose image goes there: its own, and the one that it is the wireless twin of. */
  readonly serves: readonly string[];
  /** The environment that its own is the wireless twin of, by name. */
  readonly twinOf?: string;
  /** As written, perhaps with a port; absent where only the rest is said (the port then comes by flag). */
  readonly host?: Sourced<string>;
  readonly port?: Sourced<number>;
  readonly password?: Sourced<Secret>;
  readonly hostAddress?: Sourced<string>;
  readonly hostPort?: Sourced<number>;
}

export interface ProjectFacts {
  readonly tool: BuildTool;
  /** The environment that the tool builds where nobody chooses one. */
  readonly environment?: Sourced<string>;
  /** All that there are; none where the tool has none. */
  readonly environments: readonly string[];
  /** The ones that the project names as its defaults. */
  readonly defaultEnvironments: readonly string[];
  readonly fqbn?: Sourced<string>;
  readonly profile?: Sourced<string>;
  readonly uploads: readonly ProjectUpload[];
  /** What could not be read of it, in sentences for a person, and never with a value. */
  readonly problems: readonly string[];
}

/**
 * The environment that `name` is the wireless twin of, by its name: of two that differ in nothing but the upload, one is
 * flashed by cable and one over the air. `x_ota`, `x-ota`, `ota_x` and `x_OTA` are twins of `x`.
 */
export function twinOf(name: string, names: readonly string[]): string | undefined {
  const [, before, after] = /^(?:(.+)[_-]ota|ota[_-](.+))$/i.exec(name) ?? [];
  return names.find((each) => each === (before ?? after));
}
