/** What is asked for, and what was found. */

import type { Tell } from '../events.ts';
import type { Device, Platform } from '../types.ts';
import type { LookUp } from './os-resolver.ts';

/** A `Device` is one. */
export type LocateRequest = Pick<Device, 'name' | 'host' | 'interfaces'> & {
  readonly port?: number | undefined;
  readonly platform?: Platform | undefined;
};

export interface Located {
  readonly address: string;
  /** Configured, else announced, else the platform's; absent: the image's platform decides (`defaultPorts`). */
  readonly port?: number;
  readonly via: 'config' | 'mdns' | 'os';
  /** Configured, else as the announced board says. */
  readonly platform?: Platform;
  readonly announced?: Announced;
}

/** What the device says of itself over mDNS. */
interface Announced {
  readonly port: number;
  readonly board?: string;
  readonly authRequired?: boolean;
}

export interface LocateOptions {
  readonly signal: AbortSignal;
  readonly tell: Tell;
  /** For the whole search. Default: 5000. */
  readonly timeoutMs?: number;
  /** In place of the system's resolver. */
  readonly lookUp?: LookUp;
}

/** A device that announces itself. */
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
}

export interface BrowseProblem {
  /** A sentence for a person. */
  readonly message: string;
  /** Nobody can be asked now, on any interface. */
  readonly isTotal: boolean;
}

export interface BrowseOptions {
  /** Names or addresses; empty: all suitable ones. */
  readonly interfaces: readonly string[];
  /** Ends it. */
  readonly signal: AbortSignal;
  /** All devices that are there, whenever that has changed. */
  readonly onChange: (devices: readonly FoundDevice[]) => void;
  /** An interface cannot be asked: told once of each; the others go on. */
  readonly onProblem?: (problem: BrowseProblem) => void;
}
