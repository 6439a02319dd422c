import type { Tell } from '../events.ts';
import type { Secret } from '../secret.ts';
import type { BuildTool, ImageKind } from '../types.ts';

/** What to build, wherever the wish came from: one image of one environment. */
export interface BuildRequest {
  /** Absent: found from the folder. */
  readonly tool?: BuildTool;
  /** Absolute folder of the sketch or of the PlatformIO project. */
  readonly projectDir: string;
  readonly kind: ImageKind;
  readonly environment?: string;
  readonly fqbn?: string;
  readonly profile?: string;
  /** More arguments for the tool. */
  readonly args: readonly string[];
  /** `tool: command`: what to run; also the command after `--`, which replaces the tool's own. */
  readonly command?: readonly string[];
  /** `tool: command`: absolute path of the image that it leaves. */
  readonly image?: string;
  readonly filesystemImage?: string;
}

export interface BuildContext {
  readonly tell: Tell;
  /** Ends the tool and everything it started within half a second. */
  readonly signal: AbortSignal;
  /** Where the tool's output goes as it prints it: stderr. Colours are kept where it is a terminal. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** The environment of the tool. */
  readonly env: NodeJS.ProcessEnv;
}

export interface Said<T> {
  readonly value: T;
  /** Where it stands: `platformio.ini [env:d1_ota] upload_port`, `sketch.yaml:3 default_port`. */
  readonly origin: string;
}

/** A device that the tool's own files push to over the network. */
export interface ProjectUpload {
  /** Where it stands as a whole: `platformio.ini [env:d1_ota]`. */
  readonly origin: string;
  /** The environment that names it; absent where the tool has none. */
  readonly environment?: string;
  /** The environments whose image goes there: its own, and the one that it is the wireless twin of. */
  readonly serves: readonly string[];
  /** The environment that its own differs from by name only: `d1` of `d1_ota`. */
  readonly twinOf?: string;
  /** As written, perhaps with a port; absent where only the rest is said (the port then comes by flag). */
  readonly host?: Said<string>;
  readonly port?: Said<number>;
  readonly password?: Said<Secret>;
  readonly hostAddress?: Said<string>;
  readonly hostPort?: Said<number>;
}

/** What the tool's own files say, as far as a push has to know it. */
export interface ProjectFacts {
  readonly tool: BuildTool;
  /** The environment that the tool builds where nobody chooses one. */
  readonly environment?: Said<string>;
  /** The ones that the project names as its defaults. */
  readonly defaultEnvironments: readonly string[];
  readonly fqbn?: Said<string>;
  readonly profile?: Said<string>;
  readonly uploads: readonly ProjectUpload[];
  /** What could not be read of it, in sentences for a person, and never with a value. */
  readonly problems: readonly string[];
}
