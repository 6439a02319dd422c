/**
 * What a way of pushing is. espota is the first; an HTTP upload or ESPHome's protocol fits without a change in
 * `deploy.ts`: each has a target, something to prepare before the image is there, one exchange, and a receipt.
 */

import type { Tell } from '../model/events.ts';
import type { Image, ImageKind, Receipt, Target } from '../model/types.ts';

export interface EngineContext {
  readonly tell: Tell;
  /** Ends every wait at once, closes every socket. */
  readonly signal: AbortSignal;
}

export interface Engine {
  readonly name: string;
  readonly capabilities: {
    readonly kinds: readonly ImageKind[];
    /** Whether the device itself checks the image against a digest before it boots it. */
    readonly verifiesDigest: boolean;
  };
  /**
   * Takes what is needed on this host (sockets, ports, routes) and sends nothing to the device, so that it may overlap
   * the build.
   */
  prepare(target: Target, context: EngineContext): Promise<Session>;
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
