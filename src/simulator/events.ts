/** What a virtual device tells, and how a test waits for it. */

import { OtaError, cancelled } from '../model/errors.ts';
import type { IgnoredReason } from './exchange.ts';
import type { Model } from './models.ts';
import type { BootedSketch } from './running.ts';

/** One finished attempt to update. */
export interface Update {
  /** 0: sketch, 100: file system. */
  readonly command: 0 | 100;
  /** As announced. */
  readonly sizeBytes: number;
  readonly md5: string;
  readonly receivedBytes: number;
  /** What was received, as far as it came. */
  readonly bytes: Uint8Array;
  readonly result: UpdateResult;
  /** What the device printed instead of, or as, its verdict. */
  readonly answer?: string;
}

/**
 * `accepted`: taken; `staged`: taken, but the host heard no verdict; `refused`: could not begin; `never-connected`: the
 * host took no connection; `rejected`: error in place of `OK`; `gave-up`: no data came; `interrupted`: the connection
 * ended early.
 */
export type UpdateResult =
  'accepted' | 'staged' | 'refused' | 'never-connected' | 'rejected' | 'gave-up' | 'interrupted';

export type VirtualDeviceEventBody =
  | { type: 'listening'; model: Model; address: string; port: number; password: boolean }
  | {
      type: 'invited';
      command: 0 | 100;
      sizeBytes: number;
      md5: string;
      hostAddress: string;
      hostPort: number;
      udpPort: number;
    }
  | { type: 'challenged'; nonce: string }
  | { type: 'authenticated' }
  | { type: 'authentication-failed' }
  /** A datagram that the device leaves without an answer. */
  | { type: 'ignored'; reason: IgnoredReason | 'silent' }
  /** A datagram that the link lost, or a fault; `direction` as the device sees it. */
  | { type: 'lost'; direction: 'in' | 'out'; what: string }
  | { type: 'refused'; answer: string }
  | { type: 'connecting'; hostAddress: string; hostPort: number }
  | { type: 'connected'; hostAddress: string; hostPort: number }
  /** The foreign connection of the fault of that name is up. */
  | { type: 'foreign-connected'; address: string }
  /** One more sector is in the flash. */
  | { type: 'received'; receivedBytes: number; sizeBytes: number }
  /** The device stopped where a fault said so. */
  | { type: 'halted'; receivedBytes: number }
  | { type: 'verdict'; text: string }
  | { type: 'update-ended'; update: Update }
  | { type: 'rebooting' }
  /** Back after a reboot. */
  | { type: 'runs'; md5: string; sizeBytes: number; changed: boolean }
  /** A sketch that can say what it is has booted (`announcesRunning`). */
  | ({ type: 'booted' } & BootedSketch)
  /** A fault made the sketch crash. */
  | { type: 'crashed'; reason: string }
  /** It listens somewhere else from now on. */
  | { type: 'moved'; address: string; port: number }
  | { type: 'move-failed'; reason: string }
  /** A port of the sketch listens: web pages, or its log. Again after each boot. */
  | { type: 'serves'; what: 'web' | 'log'; address: string; port: number }
  | { type: 'serve-failed'; reason: string }
  | { type: 'announced' }
  /** It cannot announce itself; everything else works. */
  | { type: 'announce-failed'; reason: string }
  | { type: 'closed' };

/** `at`: ISO time. `device`: its name. */
export type VirtualDeviceEvent = VirtualDeviceEventBody & { readonly at: string; readonly device: string };

export type VirtualDeviceEventOf<Type extends VirtualDeviceEvent['type']> = Extract<
  VirtualDeviceEvent,
  { type: Type }
>;

export interface WaitOptions {
  /** Default 30 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface EventFeed {
  tell(event: VirtualDeviceEventBody): void;
  /**
   * The next event of that type, or the next one that the predicate takes.
   *
   * @throws OtaError `TIMEOUT`, or what the signal was aborted with.
   */
  waitFor<Type extends VirtualDeviceEvent['type']>(
    what: Type,
    options?: WaitOptions,
  ): Promise<VirtualDeviceEventOf<Type>>;
  waitFor(what: (event: VirtualDeviceEvent) => boolean, options?: WaitOptions): Promise<VirtualDeviceEvent>;
}

const defaultWaitMs = 30_000;

export function createEventFeed(device: string, listener?: (event: VirtualDeviceEvent) => void): EventFeed {
  const waiting = new Set<(event: VirtualDeviceEvent) => void>();

  const next = (
    what: string | ((event: VirtualDeviceEvent) => boolean),
    { timeoutMs = defaultWaitMs, signal }: WaitOptions = {},
  ): Promise<VirtualDeviceEvent> => {
    const { promise, resolve, reject } = withResolvers<VirtualDeviceEvent>();
    const matches = typeof what === 'string' ? (event: VirtualDeviceEvent) => event.type === what : what;
    const look = (event: VirtualDeviceEvent): void => {
      if (matches(event)) resolve(event);
    };
    const abort = (): void => reject(cancelled(signal));
    const timer = setTimeout(() => {
      const name = typeof what === 'string' ? `"${what}"` : 'the awaited event';
      reject(
        new OtaError('TIMEOUT', `The virtual device ${device} did not tell ${name} in ${timeoutMs} ms.`),
      );
    }, timeoutMs);
    waiting.add(look);
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    return promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(look);
      signal?.removeEventListener('abort', abort);
    });
  };

  return {
    tell: (body) => {
      const event: VirtualDeviceEvent = { ...body, at: new Date().toISOString(), device };
      listener?.(event);
      for (const look of waiting) look(event);
    },
    waitFor: next as EventFeed['waitFor'],
  };
}

/** `Promise.withResolvers`, which Node 20 has not. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
