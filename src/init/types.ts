/** What `otarc init` knows, what was asked of it, and what it will do. Texts of files are as `lines.ts` has them. */

import type { Platform } from '../model/types.ts';
import type { Secret } from '../model/secret.ts';
import type { HookName } from './hooks.ts';

/** A device as the configuration will have it. */
export interface DeviceChoice {
  /** Its key. */
  readonly name: string;
  readonly host: string;
  readonly port?: number;
  /** As it announces. */
  readonly authRequired?: boolean;
  readonly platform?: Platform;
}

/** Where the passwords of these devices come from. `env`: the variable is named, and set by somebody else. */
export type PasswordChoice =
  { readonly type: 'none' } | { readonly type: 'env' } | { readonly type: 'stored'; readonly secret: Secret };

export interface Choices {
  readonly devices: readonly DeviceChoice[];
  readonly password: PasswordChoice;
  readonly hooks: readonly HookName[];
  /** Where the folder is a project of both tools. */
  readonly tool?: 'pio' | 'arduino-cli' | undefined;
  readonly environment?: string | undefined;
  readonly fqbn?: string | undefined;
  readonly force: boolean;
}

/** The configuration that is there before. */
export interface ExistingConfiguration {
  /** Absolute path of its file, where it has one. */
  readonly file?: string | undefined;
  /** It lies in the project's own folder. */
  readonly isHere: boolean;
  readonly devices: readonly ConfiguredDevice[];
  readonly tool?: string | undefined;
  readonly environment?: string | undefined;
  readonly fqbn?: string | undefined;
}

export interface ConfiguredDevice {
  readonly name: string;
  readonly host: string;
  readonly port?: number | undefined;
  /** The variable that its password comes from. */
  readonly variable?: string | undefined;
  readonly hasPassword: boolean;
}

/** The boards of a sketch, as arduino-cli has them installed. */
export interface ArduinoFacts {
  readonly sketchbook: string;
  /** The folder of `platform.txt`; absent with the reason why. */
  readonly core?: ArduinoCore;
  readonly problem?: string;
}

export interface ArduinoCore {
  readonly folder: string;
  readonly fqbn: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface ProjectSituation {
  /** Absolute; links resolved. */
  readonly folder: string;
  readonly isPio: boolean;
  readonly isSketch: boolean;
  /** Text of every file that may be edited, by its absolute path; a missing one has none. */
  readonly files: ReadonlyMap<string, string>;
  /** Paths that exist, of those that matter: folders to put files in, other scripts, other projects. */
  readonly existing: ReadonlySet<string>;
  readonly configured: ExistingConfiguration;
  /** Texts of the `.gitignore` files that hold here, with their folders. */
  readonly ignoring: readonly { readonly folder: string; readonly text: string }[];
  readonly arduino?: ArduinoFacts | undefined;
  /** What `sketch.yaml` says of the board: its name, or that of a profile. */
  readonly sketchBoard?: string | undefined;
  readonly templates: Templates;
  readonly installation: Installation;
}

export interface Templates {
  /** The folder that they lie in. */
  readonly folder: string;
  readonly texts: Readonly<Record<string, string>>;
}

/** This otarc. */
export interface Installation {
  readonly node: string;
  /** Its `dist/cli.js`. */
  readonly script: string;
  /** Where hooks look for it: in `node_modules` of the project, or on PATH. */
  readonly isFindable: boolean;
}

export interface FileEdit {
  /** Absolute. */
  readonly path: string;
  /** undefined: there is no file. */
  readonly before: string | undefined;
  /** undefined: the file is deleted. */
  readonly after: string | undefined;
  /** Of a new file. */
  readonly mode?: number;
  /** It holds passwords: what stands behind `=` is not shown. */
  readonly isSecret?: boolean;
  /** As it comes with otarc: nobody has to read all of it. */
  readonly isCopy?: boolean;
  /** How many of the folders above a deleted file were made for it. */
  readonly madeFolders?: number;
}

export interface InitPlan {
  readonly edits: readonly FileEdit[];
  /** Sentences about what is as it is, and why. */
  readonly notes: readonly string[];
  /** Files that are in the way, each with the way out of it. */
  readonly conflicts: readonly string[];
  /** What the user may add to a configuration that init leaves alone. */
  readonly proposals: readonly Proposal[];
}

export interface Proposal {
  readonly file: string;
  readonly text: string;
}

export const emptyPlan: InitPlan = { edits: [], notes: [], conflicts: [], proposals: [] };
