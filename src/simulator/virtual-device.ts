/** What a virtual device can be told, and what it shows. */

import type { EventFeed, Update, VirtualDeviceEvent } from './events.ts';
import type { DeviceState } from './exchange.ts';
import type { Faults } from './faults.ts';
import type { FlashMode } from './flash.ts';
import type { Flash, Link, Model, Timing } from './models.ts';
import type { BootedSketch } from './running.ts';
import type { LogOptions } from './sketch-ports.ts';
import type { Firmware } from './storage.ts';
import type { WebOptions } from './web.ts';

export interface VirtualDeviceOptions {
  /** Default `esp8266`. */
  readonly model?: Model;
  /** Default `virtual`. */
  readonly name?: string;
  /** Address to listen at and to connect back from; IPv6 too. Default `127.0.0.1`. */
  readonly host?: string;
  /** UDP. Default 0: any free one. */
  readonly port?: number;
  /** As for a sketch's `setPassword`. */
  readonly password?: string | undefined;
  /** As for a sketch's `setPasswordHash`: 32 or 64 hex digits. */
  readonly passwordHash?: string | undefined;
  readonly link?: Partial<Link>;
  readonly flash?: Partial<Flash>;
  /** Default: as real devices of this model. */
  readonly timing?: Partial<Timing>;
  readonly faults?: Faults;
  /** Over mDNS, on the interface of `host`. Default: no. */
  readonly announce?: boolean;
  /**
   * The sketch includes `otarc.h`: what it announces has `md5`, `run`, `boot` and `version` (see {@link BootedSketch}).
   * It holds for what runs before an update and after; see the fault `withoutProof`. Default: no.
   */
  readonly announcesRunning?: boolean;
  /** The sketch that came by cable, as an image file. Default: one whose MD5 is fixed. */
  readonly runs?: Uint8Array | undefined;
  /** `OTARC_VERSION` of the sketch, or how to read it from the image (undefined: the one that came by cable). */
  readonly version?: string | ((image: Uint8Array | undefined) => string | undefined) | undefined;
  /** Of an ESP8266: its updater writes it into raw images. Default: that of `runs`, else as each image has it. */
  readonly flashMode?: FlashMode | undefined;
  /** Web pages of the sketch: `/version`, `/events` (its log), and HomeDing's `/api/sysinfo`. Default: none. */
  readonly web?: WebOptions | undefined;
  /** What the sketch prints, and where to. Default: nowhere. */
  readonly logs?: LogOptions | undefined;
  readonly tell?: (event: VirtualDeviceEvent) => void;
}

export interface Counters {
  datagrams: number;
  lostDatagrams: number;
  ignoredDatagrams: number;
  invitations: number;
  authentications: number;
  failedAuthentications: number;
  answers: number;
  connections: number;
  foreignConnections: number;
  reboots: number;
}

export interface VirtualDevice {
  readonly name: string;
  readonly model: Model;
  readonly address: string;
  /** UDP. */
  readonly port: number;
  /** TCP, of its web pages; undefined: it has none. */
  readonly webPort: number | undefined;
  /** TCP, of its log; undefined: it has none. */
  readonly logPort: number | undefined;
  readonly state: DeviceState;
  /** The sketch that runs since the last reboot; undefined: the one that came by cable. */
  readonly running: Firmware | undefined;
  /** What the sketch knows of itself and of this boot, whether it announces it or not. */
  readonly sketch: BootedSketch;
  /** The file system; half a one after an interrupted update. */
  readonly filesystem: Uint8Array | undefined;
  /** Every attempt that has ended. */
  readonly updates: readonly Update[];
  readonly counters: Readonly<Counters>;
  /** Change it at any time; it is looked at when it matters. */
  readonly faults: Faults;
  /** See {@link EventFeed.waitFor}. */
  readonly waitFor: EventFeed['waitFor'];
  /** Like pulling the plug; idempotent. */
  close(): Promise<void>;
}

/** A device that has just been switched on. */
export function noCounts(): Counters {
  return {
    datagrams: 0,
    lostDatagrams: 0,
    ignoredDatagrams: 0,
    invitations: 0,
    authentications: 0,
    failedAuthentications: 0,
    answers: 0,
    connections: 0,
    foreignConnections: 0,
    reboots: 0,
  };
}
