/** What a look at one part of the way comes to. */

import { diagnose, hintOf } from '../diagnose/diagnose.ts';
import { explain, type ExplainOptions } from '../diagnose/explain.ts';
import type { ProbeStep } from '../engines/engine.ts';
import type { Observations } from '../model/observations.ts';
import type { Finding } from '../model/finding.ts';
import { knownOf } from '../diagnose/known.ts';
import type { PreflightFinding } from '../image/index.ts';
import { OtaError, type ErrorCode } from '../model/errors.ts';
import type { Device, Target } from '../model/types.ts';

/** The legs of every engine: `configuration`, `build tool`, `image`, `name`, `device`; between and behind them its own. */
export type LegName = string;

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

/**
 * The leg with what the preflight found: by an error it fails, the first one's code is its code, and all others are lines of
 * its hint; by warnings alone it is a warning.
 */
export async function withFindings(
  leg: Leg,
  findings: readonly PreflightFinding[],
  context: Omit<ExplainOptions, 'tell'>,
): Promise<Leg> {
  const error = findings.find(({ level }) => level === 'error');
  const others = findings.filter((each) => each !== error);
  const lines = (also: readonly PreflightFinding[]): string[] =>
    also.map(({ code, message, hint }) => `Also ${code}: ${message} ${hint}`);
  if (error !== undefined) {
    const { code, message, hint, details } = error;
    const known = new OtaError(code, message, { hint, details });
    const refused = failed(leg.leg, await explain(known, { ...context, tell: () => {} }));
    return { ...refused, hint: joinedLines(refused.hint, ...lines(others)) };
  }
  if (others.length === 0) return leg;
  if (leg.status === 'failed') return { ...leg, hint: joinedLines(leg.hint, ...lines(others)) };
  const text = [leg.text, ...others.map(({ message }) => message)].join('; ');
  return { ...leg, status: 'warning', text, hint: joinedLines(leg.hint, ...others.map(({ hint }) => hint)) };
}

/** Each once. */
function joinedLines(...lines: readonly (string | undefined)[]): string {
  return [...new Set(lines.filter((line) => line !== undefined))].join('\n');
}

/** A step of the engine as a leg. Rejects never: a failure of the step is in the leg. */
export async function legOfStep(
  step: ProbeStep,
  {
    device,
    target,
    ...progress
  }: { readonly device: Device; readonly target: Target } & Pick<
    ExplainOptions,
    'image' | 'partitions' | 'signal'
  >,
): Promise<Leg> {
  const { name } = step;
  if ('error' in step)
    return failed(name, await explain(step.error, { ...progress, device, target, tell: () => {} }));
  const { text, observed, findings = [], hint, details } = step;
  const judged = observed === undefined ? [] : judge(device, target, observed);
  const [first] = judged;
  if (first !== undefined)
    return warning(name, first.text, first.cure, { ...details, causes: judged.map(({ cause }) => cause) });
  const trouble = suspected(name, text, { findings, details });
  if (trouble !== undefined) return trouble;
  return hint === undefined ? ok(name, text, details) : warning(name, text, hint, details);
}

function judge(device: Device, target: Target, observed: Partial<Observations>): readonly Finding[] {
  const nothing = { undeliverable: [], foreignConnections: [] };
  return diagnose({ ...knownOf({ device, target }), ...nothing, ...observed });
}

/** What is to be said of a device that asks for no password, as it says or as it has shown. */
export function unneededPassword(device: Device, target: Target): readonly Finding[] {
  return judge(device, target, { asksPassword: false });
}
