/** Which proofs there are, one after the other, and what they come to. */

import { roundedSeconds } from '../../model/numbers.ts';
import type { ProofMethod, Verification, VerifyConfig } from '../../model/verification.ts';
import type { DeviceWatch } from './device-watch.ts';
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

/** Which to wait for, in this order; the next one only where one has left it open. Pure. */
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

/** @throws `CANCELLED` */
export async function prove(accepted: Accepted, options: ProveOptions): Promise<Verification> {
  const { config, before, watch, onContext } = options;
  const { device, target, image, acceptedAtMs, knowsSum, tell, signal } = accepted;
  const context: ProofContext = {
    device,
    target,
    image,
    before,
    acceptedAtMs,
    timeoutMs: config.timeoutMs,
    knowsSum,
    address: () => watch?.addressSince(target, acceptedAtMs) ?? target.address,
    log: (level, message) => tell({ type: 'log', level, message }),
  };
  const methods = proofsToTry(config, before);
  onContext?.(context);
  context.log(
    'info',
    `waiting until it shows which sketch it runs, at most ${roundedSeconds(config.timeoutMs)}`,
  );
  let last: Verification = { type: 'not-checked', why: 'nothing to wait for' };
  for (const method of methods) {
    last = await tryProof(method, { ...options, context, signal });
    if (last.type !== 'returned' && last.type !== 'unproven') break;
  }
  return last.type === 'returned' && image.kind === 'filesystem' ? { ...last, isFilesystem: true } : last;
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
      hint: 'Set `verify.http` in .otarc: a URL of the device that says which sketch runs.',
    };
  }
  const verification = await watch.proof.wait(context, signal);
  if (method !== 'announce' || config.method !== 'announce') return verification;
  return verification.type === 'returned' ? withoutWord(verification) : verification;
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
