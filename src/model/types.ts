/** The values that flow from stage to stage. Frozen by convention: a stage returns a new value, it changes none. */

import type { Secret } from './secret.ts';
import type { VerifyConfig } from './verification.ts';

export const platforms = ['esp8266', 'esp32', 'rp2040'] as const;
/** The Arduino core's family: it decides the default port, the protocol's quirks and the shape of an image. */
export type Platform = (typeof platforms)[number];

export const imageKinds = ['firmware', 'filesystem'] as const;
export type ImageKind = (typeof imageKinds)[number];

/** The exact chip, as an image names it (ESP32 family: the chip id of its header). */
export type Chip =
  | 'esp8266'
  | 'esp32'
  | 'esp32-s2'
  | 'esp32-s3'
  | 'esp32-c2'
  | 'esp32-c3'
  | 'esp32-c5'
  | 'esp32-c6'
  | 'esp32-c61'
  | 'esp32-h2'
  | 'esp32-h4'
  | 'esp32-h21'
  | 'esp32-p4'
  | 'esp32-s31'
  | 'esp32-e22'
  | 'rp2040';

export const engineNames = ['espota'] as const;
/** A way of pushing; `engines/` has one folder for each. */
export type EngineName = (typeof engineNames)[number];

export type BuildTool = 'pio' | 'arduino-cli' | 'command';

/** What a build left, or what `--file` named: a file that is not read yet. */
export interface Artifact {
  /** Absolute path of the image file. */
  readonly path: string;
  /** Absent: whatever the file turns out to be. */
  readonly kind?: ImageKind;
  readonly tool: BuildTool | 'file';
  readonly environment?: string;
  /** What the tool says it built for, where it says so. RP2040 and file-system images carry no mark of their own. */
  readonly platform?: Platform;
  /** The partition table of this very build (`partitions.bin`), where the build leaves one. */
  readonly partitionsPath?: string;
}

/** One read of an image file, and all that was learned from it. */
export interface Image {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
  /** Lower-case hex of `bytes`. */
  readonly md5: string;
  readonly sha256: string;
  readonly kind: ImageKind;
  readonly platform?: Platform;
  readonly chip?: Chip;
  /** What tells this build from another: the ELF's SHA-256 of an ESP32 app, the CRC of an ESP8266 image. */
  readonly identity?: string;
  readonly compression?: 'gzip';
  /** Why it is most probably not what is meant, each a predicate whose subject is the file: `preflight` refuses it by them. */
  readonly doubts?: readonly {
    readonly code: 'IMAGE_NOT_OTA';
    readonly message: string;
    readonly hint: string;
  }[];
}

/** How this host proves itself to the device. */
export type Credential =
  | { readonly type: 'none' }
  | { readonly type: 'password'; readonly secret: Secret }
  /** Only the hash is known: 32 hex digits (MD5) or 64 (SHA-256), as a sketch's `setPasswordHash` has it. */
  | { readonly type: 'hash'; readonly secret: Secret };

/** One device, as configuration and flags describe it: every default is applied that needs no network. */
export interface Device {
  /** Its key in `.otarc`, or what was typed. */
  readonly name: string;
  /** Name or address to look for. */
  readonly host: string;
  /** UDP port; absent: what it announces, else the platform's default. */
  readonly port?: number;
  readonly platform?: Platform;
  readonly credential: Credential;
  /** The build environment whose image it takes. */
  readonly environment?: string;
  /** Address of this host to send from, and to be connected back to. */
  readonly hostAddress?: string;
  /** TCP port of this host; absent: any free one. */
  readonly hostPort?: number;
  /** Absolute path of a partition table, `.csv` or `.bin`. */
  readonly partitionsPath?: string;
  readonly acceptFrom: 'device' | 'any';
  /** The way it is pushed to. */
  readonly engine: EngineName;
  /** HomeDing runs on it, as its configuration shows. */
  readonly isHomeding?: true;
  /** How it proves that the new image runs; absent: `auto`, and nobody asked for it. */
  readonly verify?: VerifyConfig;
  /** Its user has the flags of the espota command and no `.otarc`: so are cures told. */
  readonly wording?: 'espota';
  /** Interfaces (names or addresses) for mDNS and for the listening socket; empty: all suitable ones. */
  readonly interfaces: readonly string[];
}

/** A device that was found: where the datagrams go. */
export interface Target {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly via: 'config' | 'mdns' | 'os';
  readonly platform?: Platform;
  readonly credential: Credential;
  readonly hostAddress?: string;
  readonly hostPort?: number;
  readonly acceptFrom: 'device' | 'any';
}

/** The device accepted the image. It does not say that the image runs. */
export interface Receipt {
  /** First invitation to verdict. */
  readonly durationMs: number;
  /** Of the image. */
  readonly sizeBytes: number;
  /** Over the wire; smaller than `sizeBytes` where it went compressed. */
  readonly sentBytes: number;
  /** What the device's counts add up to. They can be misread: a little less than `sentBytes` is no sign of a fault. */
  readonly countedBytes: number;
}
