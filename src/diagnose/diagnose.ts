/**
 * From what was observed to why it failed and what to do. Pure: a table of rules, each of which looks at the same
 * observations and says how much they speak for its cause. A new cause is one rule here and one row in its test.
 */

import { OtaError } from '../errors.ts';
import * as connectBack from './connect-back.ts';
import type { Finding, Rule } from './finding.ts';
import * as images from './images.ts';
import { observationsIn, type Observations } from './observations.ts';
import * as passwords from './passwords.ts';
import * as silence from './silence.ts';
import * as transfers from './transfers.ts';

const rules: readonly Rule[] = [silence, connectBack, passwords, images, transfers].flatMap((part) =>
  Object.values(part),
);

/** More than these are no help any more. */
const mostShown = 3;
/** What is so much less likely than the first is left out. */
const worthTelling = 0.3;

/** The most likely first. */
export function diagnose(observed: Observations): readonly Finding[] {
  return rules
    .map((rule) => rule(observed))
    .filter((finding) => finding !== undefined)
    .toSorted((one, other) => other.likelihood - one.likelihood);
}

/** At most a line for each of three causes, the most likely first. */
export function hintOf(findings: readonly Finding[]): string {
  const [first, ...others] = findings;
  if (first === undefined) return '';
  // Where the first is as good as certain, the others only lead astray.
  const isCertain = first.likelihood >= 0.9;
  const next = others.filter(({ likelihood }) =>
    isCertain ? likelihood >= 0.9 : likelihood >= first.likelihood * worthTelling,
  );
  return [first, ...next]
    .slice(0, mostShown)
    .map((finding, index) => (index === 0 ? firstLine(finding, isCertain) : `Or ${clause(finding)}`))
    .join('\n');
}

function firstLine(finding: Finding, isCertain: boolean): string {
  if (finding.isTold === true) return finding.cure;
  const text = clause(finding);
  return isCertain ? `${text.slice(0, 1).toUpperCase()}${text.slice(1)}` : `Most likely ${text}`;
}

function clause({ text, cure }: Finding): string {
  return `${text}: ${cure}`;
}

/** The same error with the hint that its observations, and what else is known, give; unchanged where none speaks. */
export function diagnosed(
  error: OtaError,
  known: Partial<Observations> & { readonly device: string },
): OtaError {
  const findings = diagnose({ ...observationsIn(error), ...known });
  if (findings.length === 0) return error;
  const { code, message, details, cause } = error;
  return new OtaError(code, message, {
    hint: hintOf(findings),
    details: { ...details, causes: findings.map((finding) => finding.cause) },
    cause,
  });
}
