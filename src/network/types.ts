/** What is asked for, and what was found. */

import type { Tell } from '../model/events.ts';
import type { FoundDevice } from '../model/announcement.ts';
import type { Device, Platform } from '../model/types.ts';

/** A `Device` is one. */
export type LocateRequest = Pick<Device, 'name' | 'host' | 'interfaces' | 'wording'> & {
  readonly port?: number | undefined;
  readonly platform?: Platform | undefined;
};

export interface Located {
  readonly address: string;
  /** Configured, else announced; absent: the engine's default (`Engine.defaultPort`). */
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

/** What the system's resolver said. */
export type OsAnswer =
  | { readonly type: 'not-asked' }
  | { readonly type: 'waiting' }
  | { readonly type: 'answered'; readonly addresses: readonly string[] }
  | { readonly type: 'failed'; readonly code: string };

/** Resolves with `failed` rather than rejecting; gives up at once when aborted. */
export type LookUp = (name: string, signal: AbortSignal) => Promise<OsAnswer>;

export interface LocateOptions {
  readonly signal: AbortSignal;
  readonly tell: Tell;
  /** For the whole search. Default: 5000. */
  readonly timeoutMs?: number | undefined;
  /** What is left of the whole push: the search takes no longer, whatever its own limit. */
  readonly leftMs?: number | undefined;
  /** Where the device was last: a hint that is asked, by mDNS, whether it still has the name. */
  readonly lastSeen?: string | undefined;
  /** In place of the system's resolver. */
  readonly lookUp?: LookUp;
}

/** A search that goes on for a while after its answer: a second device of the name may take its time. */
export interface Lookout {
  readonly located: Promise<Located>;
  /** When the question went out, by `performance.now()`. */
  readonly sinceMs: number;
  /** Aborted where a later answer contradicts the first one; its reason is the `OtaError`. */
  readonly doubted: AbortSignal;
  /** Idempotent. */
  close(): void;
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
