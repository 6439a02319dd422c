/** Whom do we mean, and who says they are there. */

import type { Platform } from './types.ts';

/** Whom do we mean. */
export interface DeviceRef {
  /** As its user calls it: its key in `.otarc`, or what was typed. */
  readonly name: string;
  /** Names or addresses to find it by; at least one. */
  readonly hosts: readonly string[];
  /** UDP, where it is configured. */
  readonly port?: number;
}

/** What a device says of the sketch that it runs: at least one of the two. */
export interface RunningSketch {
  /** Of the sketch, as its core sums it; lower-case hex, 32 digits. */
  readonly md5?: string;
  /** Fit for a terminal. */
  readonly version?: string;
}

/** A device that announces itself over mDNS: what identifies it, and what everybody wants to know of it. */
export interface FoundDevice {
  /** Of the service instance; two devices may have one name. Fit for a terminal. */
  readonly name: string;
  /** `livingroom.local` */
  readonly host: string;
  /** At least one, the best to send to first. */
  readonly addresses: readonly string[];
  /** UDP. */
  readonly port: number;
  readonly board?: string;
  readonly authRequired?: boolean;
  /** As the board says. */
  readonly platform?: Platform;
  /** Absent: its sketch does not say it (`otarc.h`). */
  readonly running?: RunningSketch;
  /** Why it started last, as it says; fit for a terminal. */
  readonly boot?: string;
  /** Of its last start: another value at each; lower-case hex, 8 digits. */
  readonly run?: string;
}

/** All that a device says of itself. */
export interface Announcement extends FoundDevice {
  readonly service: '_arduino._tcp';
  /**
   * Its TXT record, whole: keys in lower case, values as they were sent. Not fit for a terminal.
   */
  readonly txt: Readonly<Record<string, string>>;
  /** The same by who said it, as it came in one packet; `sender` without a zone. */
  readonly texts?: readonly {
    readonly sender: string;
    readonly txt: Readonly<Record<string, string>>;
  }[];
  /** When anything of this was heard last, by `performance.now()`. */
  readonly heardAtMs: number;
  /**
   * Opaque: another value where the device has started anew, as its TXT item `run` says, or, where it has none, where it
   * went and came back.
   */
  readonly incarnation: string;
}
