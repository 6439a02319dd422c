/** Which proofs there are, and what they come to. */

import { roundedSeconds } from '../../model/numbers.ts';
import type { Image } from '../../model/types.ts';
import type { ProofMethod, Verification, VerifyConfig } from '../../model/verification.ts';
import { cureBeyond, oldBootMs } from './boot-watch.ts';
import type { DeviceWatch } from './device-watch.ts';
import { namesImage } from './expectation.ts';
import type { Accepted, BeforePush, Proof, ProofContext } from './proof.ts';

export interface ProveOptions {
  readonly config: VerifyConfig;
  readonly before: BeforePush;
  /** Absent where no network can be asked. */
  readonly watch: DeviceWatch | undefined;
  /** Those that the configuration names. */
  readonly configured: ReadonlyMap<ProofMethod, Proof>;
  /** What they are waited for with, known from now on. */
  readonly onContext?: (context: ProofContext) => void;
}

/** Which to wait for, all at the same time. Pure. */
export function proofsToTry(config: VerifyConfig, before: Pick<BeforePush, 'md5'>): readonly ProofMethod[] {
  const { method, isAskedFor, http, command } = config;
  if (method === 'none') return [];
  if (method !== 'auto') return [method];
  const own: ProofMethod[] = [
    ...(http === undefined ? [] : ['http' as const]),
    ...(command === undefined ? [] : ['command' as const]),
  ];
  if (before.md5 !== undefined) return ['announce', ...own];
  if (own.length > 0) return own;
  return isAskedFor ? ['return'] : [];
}

/**
 * What of it has a meaning for an image of this kind: no sketch says the sum or the version of its file system. Its return
 * is then what can be waited for. Pure.
 */
export function verifyFor(config: VerifyConfig, { kind }: Pick<Image, 'kind'>): VerifyConfig {
  const { http, ...others } = config;
  if (kind === 'firmware' || http === undefined || !namesImage(http)) return config;
  return { ...others, method: config.method === 'http' ? 'return' : config.method };
}

/** @throws `CANCELLED` */
export async function prove(accepted: Accepted, options: ProveOptions): Promise<Verification> {
  const { before, watch, onContext } = options;
  const { device, target, image, acceptedAtMs, knowsSum, tell, signal } = accepted;
  const config = verifyFor(options.config, image);
  const context: ProofContext = {
    device,
    target,
    image,
    before,
    acceptedAtMs,
    timeoutMs: config.timeoutMs,
    knowsSum,
    address: () => watch?.addressSince(target, acceptedAtMs) ?? target.address,
    isBack: watch && (() => watch.isHeardSince(target, acceptedAtMs + oldBootMs)),
    log: (level, message) => tell({ type: 'log', level, message }),
  };
  onContext?.(context);
  context.log(
    'info',
    `waiting until it shows which sketch it runs, at most ${roundedSeconds(config.timeoutMs)}`,
  );
  const over = new AbortController();
  const following = watch?.follow(context.address);
  try {
    const either = AbortSignal.any([signal, over.signal]);
    const end = await firstDecided(proofsToTry(config, before), (method) =>
      tryProof(method, { ...options, config, context, signal: either }),
    );
    const isOfFilesystem = end.type === 'returned' && accepted.image.kind === 'filesystem';
    return isOfFilesystem ? { ...end, isFilesystem: true } : end;
  } finally {
    over.abort();
    following?.close();
  }
}

/** All at once: one that waits in vain takes the whole time. The first to decide does; else, what they come to together. */
async function firstDecided(
  methods: readonly ProofMethod[],
  attempt: (method: ProofMethod) => Promise<Verification>,
): Promise<Verification> {
  const ends = new Map<ProofMethod, Verification>();
  return new Promise((resolve, reject) => {
    if (methods.length === 0) resolve({ type: 'not-checked', why: 'nothing to wait for' });
    for (const method of methods) {
      attempt(method).then((end) => {
        ends.set(method, end);
        if (['verified', 'old-image', 'crash-loop'].includes(end.type)) resolve(end);
        else if (ends.size === methods.length) resolve(undecided(methods, ends));
      }, reject);
    }
  });
}

/** What answers over HTTP is not gone, though it was not heard; else the last proof is the one that was asked for. Pure. */
function undecided(
  methods: readonly ProofMethod[],
  ends: ReadonlyMap<ProofMethod, Verification>,
): Verification {
  const all = methods.flatMap((method) => ends.get(method) ?? []);
  const gone = all.find(({ type }) => type === 'gone');
  const http = ends.get('http');
  const last = all.at(-1) ?? { type: 'not-checked', why: 'nothing to wait for' };
  if (gone === undefined) return last;
  return http?.type === 'unproven' ? http : gone;
}

interface OneProof extends ProveOptions {
  readonly context: ProofContext;
  readonly signal: AbortSignal;
}

async function tryProof(method: ProofMethod, options: OneProof): Promise<Verification> {
  const { config, before, watch, context, signal } = options;
  const configured = options.configured.get(method);
  if (configured !== undefined) return configured.wait(context, signal);
  if (method === 'http' || method === 'command') return notConfigured(method);
  const { target } = context;
  // What a reflector carries further has been heard before the push.
  if (watch === undefined || (before.announcement === undefined && !watch.isNear(target))) {
    return {
      type: 'unproven',
      method,
      reason: `${target.address} is beyond the networks of this computer, where a device can be asked what it runs`,
      waitedMs: 0,
      hint: cureBeyond,
    };
  }
  const verification = await watch.proof.wait(context, signal);
  if (method !== 'announce' || config.method !== 'announce') return verification;
  // No sketch says which file system it has.
  const isProven = verification.type !== 'returned' || context.image.kind === 'filesystem';
  return isProven ? verification : withoutWord(verification);
}

/** It came back, and says nothing: that is not what was asked for. */
function withoutWord({ afterMs, reason }: Extract<Verification, { type: 'returned' }>): Verification {
  return {
    type: 'unproven',
    method: 'announce',
    reason: `it is back after ${roundedSeconds(afterMs)}, and ${reason ?? 'does not say which sketch it runs'}`,
    waitedMs: afterMs,
    hint: 'Include otarc.h in the sketch (`otarc templates` has it), or verify by another method.',
  };
}

function notConfigured(method: 'http' | 'command'): Verification {
  const what = { http: 'a URL to ask', command: 'a command to run' }[method];
  return { type: 'unproven', method, reason: `verify.${method} does not name ${what}`, waitedMs: 0 };
}
