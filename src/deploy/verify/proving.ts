/**
 * The proof of one push, from before it on. Small, for every push loads it: what listens and waits is loaded where there is
 * something to wait for, and beside what is waited for anyway.
 *
 *   by name     the search has the registry open: what the device says of itself is there when it is found
 *   by address  nobody is asked before the push, which would take longer: the device is asked while it takes the image, for
 *               until it has accepted, the sketch from before runs
 */

import { isAddress } from '../../model/address.ts';
import { OtaError } from '../../model/errors.ts';
import type { Device, Image, Target } from '../../model/types.ts';
import type { ProofMethod, Verification, VerifyConfig } from '../../model/verification.ts';
import type { DeviceWatch } from './device-watch.ts';
import type { Accepted, BeforePush, Proof, ProofContext } from './proof.ts';

export const usualVerify: VerifyConfig = { method: 'auto', isAskedFor: false, timeoutMs: 60_000 };

/** Of one run, in place of what is configured. */
export type VerifyWish = 'none' | { readonly timeoutMs: number };

export interface ProvingOptions {
  readonly wish?: VerifyWish | undefined;
  /** For a program of the user's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Variables that hold passwords: it does not get them. */
  readonly secretVariables?: readonly string[] | undefined;
}

export interface Proving {
  readonly isAskedFor: boolean;
  /**
   * Looks what the sketch from before says, where the configuration names how.
   *
   * @throws `CONFIG_INVALID` where that has no meaning for this image
   */
  look(place: { readonly target: Target; readonly image: Image }): Promise<void>;
  /**
   * The device takes the image, and has counted its first bytes: so more of them are on their way, and what is loaded and
   * asked here holds nothing up. Later calls do nothing.
   */
  taking(target: Target): void;
  /**
   * At once where there is nothing to wait for.
   *
   * @throws `CANCELLED`
   */
  wait(accepted: Accepted): Promise<Verification>;
  /** Whether the device has said what it runs, as far as is known by now; undefined: nobody has listened. */
  isOffered(): boolean | undefined;
  close(): void;
}

export function startProving(device: Device, options: ProvingOptions = {}): Proving {
  const config = configOf(device, options.wish);
  // What its user calls is a command that ends with the verdict of the device.
  const isOff = config.method === 'none' || device.wording === 'espota';
  let watch: DeviceWatch | undefined;
  let loading: Promise<unknown> | undefined;
  let isClosed = false;
  let known: BeforePush = {};
  let configured: ReadonlyMap<ProofMethod, Proof> = new Map();
  let context: ProofContext | undefined;
  let isOffered = false;
  let isTaking = false;
  const looking = new AbortController();
  const open = async (): Promise<void> => {
    const { watchDevice } = await import('./device-watch.ts');
    if (!isClosed) watch = watchDevice(device);
  };
  // A network that cannot be asked is the push's to report.
  const load = (): Promise<unknown> => (loading ??= open().catch(() => undefined));
  const close = (): void => {
    isClosed = true;
    looking.abort();
    watch?.close();
    watch = undefined;
  };
  if (!isOff && (!isAddress(device.host) || config.isAskedFor)) void load();
  const returned = async (signal: AbortSignal): Promise<unknown> =>
    context !== undefined && watch !== undefined && watch.proof.wait(context, signal);
  return {
    isAskedFor: config.isAskedFor,
    look: async (place) => {
      const isNamed = config.http !== undefined || config.command !== undefined;
      if (isOff || !(isNamed || (config.isAskedFor && device.isHomeding === true))) return;
      const { configuredProofs } = await import('./configured.ts');
      const { env = {}, secretVariables = [] } = options;
      const { image } = place;
      configured = await configuredProofs({ device, image, config, env, secretVariables, returned });
      for (const proof of configured.values()) proof.look?.({ ...place, device }, looking.signal);
    },
    taking: (target) => {
      if (isOff || isTaking) return;
      isTaking = true;
      void load().then(() => {
        if (watch === undefined) return;
        known = watch.before(target);
        // The usual case: it says nothing of its sketch, and nobody waits for it.
        if (known.isSilent === true && !config.isAskedFor) return close();
        // It may say more than was heard: a packet with its text got lost.
        if (known.md5 === undefined) watch.ask(target);
      });
    },
    wait: async (accepted) => {
      if (isOff) return { ...notChecked('not asked for'), isOff: true };
      // Nothing more is heard of the sketch from before.
      const before = known.md5 === undefined ? (watch?.before(accepted.target) ?? known) : known;
      isOffered = before.md5 !== undefined;
      if (!config.isAskedFor && !isOffered)
        return notChecked(watch?.isNear(accepted.target) === false ? cureBeyond : cure);
      const { prove } = await import('./prove.ts').catch(() => ({ prove: undefined }));
      if (prove === undefined) return notChecked('otarc was updated meanwhile');
      await load();
      try {
        const onContext = (made: ProofContext): void => void (context = made);
        const verification = await prove(accepted, { config, before, watch, configured, onContext });
        isOffered ||= verification.type === 'verified' && verification.method === 'announce';
        return verification;
      } catch (error) {
        if (!(error instanceof OtaError) || error.code !== 'CANCELLED') throw error;
        const message = `${device.name} took the image; otarc did not wait until it says which sketch runs.`;
        throw new OtaError('CANCELLED', message, { details: error.details, cause: error });
      }
    },
    isOffered: () => (isOff ? undefined : isOffered),
    close,
  };
}

function configOf({ verify = usualVerify }: Device, wish: VerifyWish | undefined): VerifyConfig {
  if (wish === undefined) return verify;
  if (wish === 'none') return { ...verify, method: 'none', isAskedFor: false };
  return { ...verify, ...wish, isAskedFor: true, method: verify.method === 'none' ? 'auto' : verify.method };
}

const cure = 'a sketch with otarc.h says so itself';
const cureBeyond = 'in another network than this computer, it needs `verify.http`';

const notChecked = (why: string) => ({ type: 'not-checked', why }) as const;
