/** The resolved configuration: what the later stages read. Made by `loadConfig`, changed by nobody. */

import type { BuildTool, Device, ImageKind, Platform } from '../types.ts';
import type { Secret } from '../secret.ts';

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
}

/** Where a password comes from; it is fetched by `resolveCredential`, before the build starts. */
export type CredentialSource =
  | { readonly type: 'none' }
  | { readonly type: 'text'; readonly secret: Secret }
  | { readonly type: 'hash'; readonly secret: Secret }
  | { readonly type: 'env'; readonly variable: string }
  | { readonly type: 'file'; readonly path: string }
  | { readonly type: 'stdin' }
  | { readonly type: 'command'; readonly command: readonly string[]; readonly cwd: string };

/** A `Device` whose password was not fetched yet. */
export type DeviceConfig = Omit<Device, 'credential'> & { readonly credentialSource: CredentialSource };

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

/** What holds for a target that is not in the configuration: flags, variables and defaults. */
export interface AdHoc {
  readonly device: Omit<DeviceConfig, 'name' | 'host'>;
  /** The `OTARC_PASSWORD…` variables that hold something. */
  readonly passwordVariables: ReadonlySet<string>;
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
  readonly origins: readonly Origin[];
}
