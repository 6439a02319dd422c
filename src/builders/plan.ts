import type { BuildTool, ImageKind, Platform } from '../model/types.ts';

/** What to run, and where the image will be. Made before anything is run. */
export interface BuildPlan {
  readonly tool: BuildTool;
  readonly kind: ImageKind;
  /** Absent: there is nothing to build, the image lies where it is expected. */
  readonly run?: {
    /** As people read it. */
    readonly command: readonly string[];
    /** What is started: a path, or a name to be found on PATH. */
    readonly file: string;
  };
  readonly environment?: string;
  readonly platform?: Platform;
  readonly expected: ExpectedImage;
}

export type ExpectedImage =
  /** The tool, or the user, says which file. */
  | { readonly type: 'file'; readonly path: string; readonly partitionsPath?: string }
  /** PlatformIO says only which folder. */
  | { readonly type: 'pio-folder'; readonly folder: string; readonly filesystem?: string }
  /** The tool does not say, and so its build will fail: `reason` is what it says instead. */
  | { readonly type: 'unknown'; readonly reason: string };

/** The user's own command in place of the tool's. */
export function ownCommand(command: readonly string[] | undefined): BuildPlan['run'] {
  const file = command?.[0];
  return command === undefined || file === undefined ? undefined : { command, file };
}

/** The image that the user has named, which goes before any that a tool tells of. */
export function namedImage(request: {
  readonly kind: ImageKind;
  readonly image?: string;
  readonly filesystemImage?: string;
}): ExpectedImage | undefined {
  const path = request.kind === 'firmware' ? request.image : request.filesystemImage;
  return path === undefined ? undefined : { type: 'file', path };
}
