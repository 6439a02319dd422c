/**
 * From what was observed to why it failed and what to do. Pure: a table of rules, each of which looks at the same
 * observations and says how much they speak for its cause. A new cause is one rule here and one row in its test.
 */

import { OtaError } from '../model/errors.ts';
import type { Finding, Rule } from '../model/finding.ts';
import * as images from './images.ts';
import { observationsIn, type Observations } from '../model/observations.ts';
import * as passwords from './passwords.ts';
import * as silence from './silence.ts';
import * as transfers from './transfers.ts';

/** Those that hold whatever way the device is pushed to; an engine has its own. */
const rules: readonly Rule[] = [silence, passwords, images, transfers].flatMap((part) => Object.values(part));

/** More than these are no help any more, nor is what does not fit a small part of a terminal. */
const mostShown = 3;
const mostLines = 6;
const columns = 80;
/** As the reports put it. */
const indent = 4;
/** What is so much less likely than the first is left out. */
const worthTelling = 0.3;
/** Beside it, what is less likely only leads astray. */
const certain = 0.9;
/** Below it, nothing is said to be likely. */
const likely = 0.5;

/** The most likely first; `own`: what the engine says of the same observations, above the general causes. */
export function diagnose(observed: Observations, own: readonly Finding[] = []): readonly Finding[] {
  const general = rules.map((rule) => rule(observed)).filter((finding) => finding !== undefined);
  return inOrder([...own, ...general]);
}

const inOrder = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((one, other) => other.likelihood - one.likelihood);

/** What is left behind, then at most three causes, the most likely first; each begins a line. */
export function hintOf(findings: readonly Finding[]): string {
  const consequences = findings.filter(({ isConsequence }) => isConsequence === true);
  const [first, ...others] = findings.filter((finding) => !consequences.includes(finding));
  const left = consequences.map((finding) => capitalised(clause(finding)));
  if (first === undefined) return left.join('\n');
  const least = first.likelihood >= certain ? certain : first.likelihood * worthTelling;
  const next = others.filter(({ likelihood }) => likelihood >= least);
  const causes = [first, ...next]
    .slice(0, mostShown)
    .map((finding, index) => (index === 0 ? firstLine(finding) : `Or ${clause(finding)}`));
  const all = [...left, ...causes];
  const fitting = all.filter((_, index) => heightOf(all.slice(0, index + 1)) <= mostLines);
  return (fitting.length > left.length ? fitting : all.slice(0, left.length + 1)).join('\n');
}

/** In a terminal, which wraps. */
export function heightOf(lines: readonly string[]): number {
  return lines
    .flatMap((line) => line.split('\n'))
    .reduce((sum, line) => sum + Math.ceil((indent + line.length) / columns), 0);
}

function firstLine(finding: Finding): string {
  if (finding.isTold === true) return finding.cure;
  if (finding.likelihood >= certain) return capitalised(clause(finding));
  return `${finding.likelihood >= likely ? 'Most likely' : 'Perhaps'} ${clause(finding)}`;
}

function clause({ text, cure }: Finding): string {
  return `${text}: ${cure}`;
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The same error with the hint that its observations, and what else is known, give; unchanged where none speaks. `own`: the engine's findings. */
export function diagnosed(
  error: OtaError,
  known: Partial<Observations> & { readonly device: string },
  own: readonly Finding[],
): OtaError {
  const findings = diagnose({ ...observationsIn(error), ...known }, own);
  if (findings.length === 0) return error;
  const { code, message, details, cause } = error;
  return new OtaError(code, message, {
    hint: hintOf(findings),
    details: { ...details, causes: findings.map((finding) => finding.cause) },
    cause,
  });
}
