/**
 * What a way of pushing is: how bytes get into a device. espota is the first; an HTTP upload or ESPHome's protocol fits
 * without a change in `deploy/`: each has a target, something to prepare before the image is there, one exchange, and a
 * receipt. Everything that only one protocol knows is behind this type.
 */

import type { OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import type { Finding } from '../model/finding.ts';
import type { HostFacts } from '../model/host-facts.ts';
import type { Observations } from '../model/observations.ts';
import type { EngineName, Image, ImageKind, Platform, Receipt, Target } from '../model/types.ts';

export interface EngineContext {
  readonly tell: Tell;
  /** Ends every wait at once, closes every socket. */
  readonly signal: AbortSignal;
}

export interface Engine {
  readonly name: EngineName;
  /** What devices that are pushed to this way can take; anything else is refused before the network. */
  readonly takes: { readonly kinds: readonly ImageKind[]; readonly platforms: readonly Platform[] };
  /** The port where such a device listens unless something says otherwise; undefined: the platform decides, and is unknown. */
  defaultPort(platform: Platform | undefined): number | undefined;
  /** Why nothing may be sent to what was found there; undefined: it may be pushed to. */
  refuses(found: FoundPlace): OtaError | undefined;
  /** The platforms whose devices listen on that port unless something says otherwise. */
  usualPlatforms(port: number): readonly Platform[];
  /**
   * Takes what is needed on this host (sockets, ports, routes) and sends nothing to the device, so that it may overlap
   * the build.
   */
  prepare(target: Target, context: EngineContext): Promise<Session>;
  /** The causes of a failure that only this protocol knows. Never rejects. */
  explain(observed: Observations): Promise<readonly Finding[]>;
  /** What this host has to offer for a push, for the doctor: sends nothing. Ends with the step that fails. */
  way(target: Target, context: WayContext): AsyncIterable<ProbeStep>;
  /** Sends something that the device ignores, and waits for what comes back. Rejects with what a push would fail by. */
  touch(target: Target, context: TouchContext): Promise<Pick<Observations, 'undeliverable'>>;
  /** What a person reads before the device is probed: how it notices. */
  readonly probeNotice: string;
  /** Goes through a push up to the first byte, for `doctor --active`, and leaves the device as it was. */
  probe(target: Target, context: ProbeContext): AsyncIterable<ProbeStep>;
}

/** Where a device was found, and what it says of itself. */
export interface FoundPlace {
  readonly name: string;
  readonly address: string;
  /** As it is configured. */
  readonly port?: number;
  readonly announced?: { readonly port: number; readonly board?: string };
}

/** One part of the way to a device, as the doctor prints it. */
export type ProbeStep =
  | {
      readonly name: string;
      /** The facts, in a line. */
      readonly text: string;
      /** What speaks for trouble, although nothing has failed. */
      readonly findings?: readonly Finding[];
      /** What else the diagnosis may judge. */
      readonly observed?: Partial<Observations>;
      /** What to do: makes the step a warning. */
      readonly hint?: string;
      readonly details?: Readonly<Record<string, unknown>>;
    }
  | { readonly name: string; readonly error: OtaError };

export interface WayContext {
  readonly signal: AbortSignal;
  /** What this host is. */
  readonly hostFacts: () => Promise<HostFacts>;
}

export interface TouchContext {
  readonly signal: AbortSignal;
  /** How long to wait, in all. */
  readonly forMs: number;
}

export interface ProbeContext {
  readonly signal: AbortSignal;
  /** What a push would offer. Absent: something small. */
  readonly image?: Image | undefined;
  readonly silenceLimitMs?: number | undefined;
}

export interface SendOptions {
  /** Carries the deadline of the whole push; its reason is what the push failed by. */
  readonly signal: AbortSignal;
  /** How long the device may answer nothing at all. Default: the engine's own. */
  readonly silenceLimitMs?: number | undefined;
  /**
   * Asked when the device is there to take the image: its first byte goes when this resolves. It is to be a matter of
   * milliseconds, as the device waits; where it rejects, the exchange ends with that.
   */
  readonly beforeImage?: (() => Promise<void>) | undefined;
}

/** One device, ready to be pushed to once. */
export interface Session {
  /** Runs the exchange. Resolves when the device accepted the image; rejects with an `OtaError` on any other end. */
  send(image: Image, options: SendOptions): Promise<Receipt>;
  /** Gives everything back; idempotent, and safe at any time. */
  close(): Promise<void>;
}
