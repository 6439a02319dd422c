/** What the build tool's own files say, as the build stage tells it. */

import type { Secret } from '../secret.ts';
import type { BuildTool } from '../types.ts';
import type { Sourced } from './ledger.ts';

/** One place where those files say something about an upload. */
export interface ProjectUpload {
  /** `platformio.ini [env:d1_ota]` */
  readonly origin: string;
  readonly environment?: string;
  /** The environments whose image goes there. */
  readonly serves: readonly string[];
  /** The environment that its own is the wireless twin of, by name. */
  readonly twinOf?: string;
  readonly host?: Sourced<string>;
  readonly port?: Sourced<number>;
  readonly password?: Sourced<Secret>;
  readonly hostAddress?: Sourced<string>;
  readonly hostPort?: Sourced<number>;
}

export interface ProjectFacts {
  readonly tool: BuildTool;
  /** The environment that it builds where nobody chooses one. */
  readonly environment?: Sourced<string>;
  readonly defaultEnvironments: readonly string[];
  readonly fqbn?: Sourced<string>;
  readonly profile?: Sourced<string>;
  readonly uploads: readonly ProjectUpload[];
  /** Sentences for a person. */
  readonly problems: readonly string[];
}
