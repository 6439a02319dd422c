/** What a look at one part of the way comes to. */

import { diagnose, hintOf } from '../diagnose/diagnose.ts';
import type { Finding } from '../model/finding.ts';
import { knownOf } from '../diagnose/known.ts';
import type { ErrorCode, OtaError } from '../model/errors.ts';
import type { Device, Target } from '../model/types.ts';

/** In the order of the way. */
export const legNames = [
  'configuration',
  'build tool',
  'image',
  'name',
  'this computer',
  'connect-back port',
  'device',
  'invitation',
  'password',
  'connect-back',
  'link',
] as const;
export type LegName = (typeof legNames)[number];

export interface Leg {
  readonly leg: LegName;
  readonly status: 'ok' | 'warning' | 'failed';
  /** The facts, in a line. */
  readonly text: string;
  /** What to do; only beside a warning or a failure. */
  readonly hint?: string;
  readonly code?: ErrorCode;
  /** For scripts: flat, never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export function ok(leg: LegName, text: string, details: Leg['details'] = {}): Leg {
  return { leg, status: 'ok', text, details };
}

export function warning(leg: LegName, text: string, hint: string, details: Leg['details'] = {}): Leg {
  return { leg, status: 'warning', text, hint, details };
}

export function failed(leg: LegName, { code, message, hint, details }: OtaError): Leg {
  return { leg, status: 'failed', text: message, hint, code, details };
}

/** What speaks for trouble, although nothing has failed yet. */
export function suspected(
  leg: LegName,
  text: string,
  { findings, details = {} }: { readonly findings: readonly Finding[]; readonly details?: Leg['details'] },
): Leg | undefined {
  if (findings.length === 0) return undefined;
  const causes = findings.map(({ cause }) => cause);
  return warning(leg, text, hintOf(findings), { ...details, causes });
}

/** What is to be said of a device that asks for no password, as it says or as it has shown. */
export function unneededPassword(device: Device, target: Target): readonly Finding[] {
  const none = { undeliverable: [], foreignConnections: [] };
  return diagnose({ ...knownOf({ device, target }), ...none, asksPassword: false });
}
