import type { Tell } from '../model/events.ts';
import type { BuildTool, ImageKind } from '../model/types.ts';

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
  /** The variables that passwords of devices stand in: no business of a build that does not name them itself. */
  readonly secretVariables?: readonly string[];
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
