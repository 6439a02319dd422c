/** The resolved configuration: what the later stages read. Made by `loadConfig`, changed by nobody. */

import type { BuildTool, Device, ImageKind, Platform } from '../model/types.ts';
import type { Secret } from '../model/secret.ts';

/** Flags as they were typed: strings and numbers already checked for their form, paths still as typed. */
export interface Flags {
  readonly config?: string;
  readonly cwd?: string;
  readonly environment?: string;
  /** `-` is stdin. */
  readonly passwordFile?: string;
  readonly port?: number;
  readonly platform?: Platform;
  readonly hostAddress?: string;
  readonly hostPort?: number;
  readonly interfaces?: readonly string[];
  readonly filesystem?: boolean;
  readonly historyDir?: string;
}

/** Where a password comes from; it is fetched by `resolveCredential`, before the build starts. */
export type CredentialSource =
  | { readonly type: 'none' }
  | { readonly type: 'text'; readonly secret: Secret }
  | { readonly type: 'hash'; readonly secret: Secret }
  | {
      readonly type: 'env';
      readonly variable: string;
      /** The `.otarc.env` that was looked into as well, and what it has under that name where the environment has nothing. */
      readonly secretsFile?: { readonly file: string; readonly secret?: Secret };
    }
  | { readonly type: 'file'; readonly path: string }
  | { readonly type: 'stdin' }
  | {
      readonly type: 'command';
      readonly command: readonly string[];
      readonly cwd: string;
      /** Of the other devices' passwords: no business of the program. */
      readonly secretVariables?: readonly string[];
    };

/** A `Device` whose password was not fetched yet. */
export type DeviceConfig = Omit<Device, 'credential'> & {
  readonly credentialSource: CredentialSource;
  /** The port that the files give it, whatever flag and variable say: of several devices at one address it tells which. */
  readonly ownPort?: number;
  /**
   * Set on a device that the build tool's own files name for other environments than the one that is built: it is meant
   * where it is named, or all are.
   */
  readonly onlyByName?: true;
  /** What follows where the new sketch is shown not to run; absent: it is reported. */
  readonly onVerifyFailed?: 'rollback';
};

/** `.otarc.env`: its variables count for passwords, where the environment has none of that name. */
export interface SecretsFile {
  /** Absolute. */
  readonly file: string;
  /** Without those that the environment has. */
  readonly secrets: ReadonlyMap<string, { readonly secret: Secret; readonly line: number }>;
}

export interface BuildConfig {
  /** Absent: found from the folder. */
  readonly tool?: BuildTool;
  readonly environment?: string;
  readonly fqbn?: string;
  readonly profile?: string;
  /** Absolute folder of the sketch or of the PlatformIO project. */
  readonly sketch: string;
  readonly args: readonly string[];
  readonly command?: readonly string[];
  /** Absolute. */
  readonly image?: string;
  /** Absolute. */
  readonly filesystemImage?: string;
}

/** One resolved value and where it came from, for `otarc config`. Secrets are shown as a mark, never as text. */
export interface Origin {
  /** `devices.livingroom.port` */
  readonly path: string;
  readonly value: unknown;
  /** `flag --port`, `environment OTARC_PORT`, `/home/me/p/.otarc:4`, `platformio.ini [env:d1]`, `default`, `default: why` */
  readonly origin: string;
  /** Where there is no value: what happens then. */
  readonly note?: string;
}

/** What was said where otarc was called: it outranks every file. */
export interface Invocation {
  /** Absolute; what paths in it are relative to. */
  readonly projectDir: string;
  readonly flags: Flags;
  /** What `OTARC_…` variables say. */
  readonly overrides: Flags;
  /** The `OTARC_PASSWORD…` variables that hold something, those of `.otarc.env` included. */
  readonly passwordVariables: ReadonlySet<string>;
  /** `.otarc.env`, where there is one. */
  readonly secretsFile?: SecretsFile | undefined;
}

/** What holds for a target that is not in the configuration: flags, variables and defaults. */
export interface AdHoc {
  /** With the password of any such target; one by its own name may outrank it. */
  readonly device: Omit<DeviceConfig, 'name' | 'host'>;
  readonly invocation: Invocation;
  /** Devices that the build tool's own files name beside the configured ones: such a target is no stranger. */
  readonly known?: readonly DeviceConfig[];
}

export interface WatchConfig {
  /** Absolute files and folders, beside what the build tool names. */
  readonly paths: readonly string[];
  /** Patterns as in a .gitignore, relative to `ignoreDir`: made absolute they would mean something else. */
  readonly ignore: readonly string[];
  /** Absolute folder of the configuration file; without one, of the project. */
  readonly ignoreDir: string;
}

export interface HookConfig {
  readonly pushOnBuild: boolean;
  /** Absolute folder of the project whose file says so; absent for the user's own file, which describes no project. */
  readonly folder?: string;
}

export interface Config {
  /** Absolute; the folder that otarc works in (`-C`). */
  readonly projectDir: string;
  /** Absolute path of the configuration file, where there is one. */
  readonly file?: string;
  readonly build: BuildConfig;
  /** Which image is built and pushed. */
  readonly kind: ImageKind;
  /** `device:` of the configuration. */
  readonly defaultDevice?: string;
  readonly devices: readonly DeviceConfig[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly adHoc: AdHoc;
  /** The variables that the file names as the source of a password, whatever outranks them for this run. */
  readonly secretVariables?: readonly string[];
  readonly watch: WatchConfig;
  readonly push: {
    readonly filesystem: 'never' | 'on-change';
    /** A device that says that it runs the image already does not get it again. */
    readonly skipUnchanged: boolean;
  };
  readonly hook: HookConfig;
  /** `dir`: absolute folder of a shared one. */
  readonly history?: { readonly dir: string };
  /** Set where the build tool's own files were asked. */
  readonly project?: {
    /** What it builds by itself, where that is one environment. */
    readonly environment?: string;
    readonly environments: readonly string[];
  };
  /** Absolute paths of all files that were read for it. */
  readonly files: readonly string[];
  readonly origins: readonly Origin[];
}
