/** What the end of a run means for a watch. Pure. */

import type { Outcome } from '../deploy/push-types.ts';
import { errorCodes } from '../model/errors.ts';
import type { RunResult } from '../deploy/run.ts';

export interface Outcomes {
  readonly deployed: readonly string[];
  /** They have the image, or will not get it by trying again. */
  readonly settled: readonly string[];
  /** They may get it as soon as they are back. */
  readonly missed: readonly string[];
  /** Whether a device was tried, or no save can change what is in the way: `--once` ends with it. */
  readonly isFinal: boolean;
}

const stagesOfDevice: readonly string[] = ['locate', 'push', 'verify'];

export function outcomesOf({ outcomes, exitCode }: RunResult): Outcomes {
  const named = (is: (outcome: Outcome) => boolean): string[] =>
    [...outcomes].filter(([, outcome]) => is(outcome)).map(([name]) => name);
  const missed = named(isMissed);
  const isTried = (outcome: Outcome): boolean =>
    outcome.type !== 'failed' || stagesOfDevice.includes(outcome.stage);
  const isToolMissing = (outcome: Outcome): boolean =>
    outcome.type === 'failed' && outcome.error.code === 'BUILD_TOOL_MISSING';
  return {
    deployed: named(({ type }) => type === 'deployed'),
    settled: named((outcome) => isTried(outcome) && !isMissed(outcome) && !isCancelled(outcome)),
    missed,
    isFinal: exitCode === 2 || named((outcome) => isTried(outcome) || isToolMissing(outcome)).length > 0,
  };
}

function isMissed(outcome: Outcome): boolean {
  return (
    outcome.type === 'failed' &&
    stagesOfDevice.includes(outcome.stage) &&
    // It has taken the image: a sketch that crashes would be pushed again and again, to whatever it went back to.
    outcome.verification === undefined &&
    errorCodes[outcome.error.code].transient
  );
}

function isCancelled(outcome: Outcome): boolean {
  return outcome.type === 'failed' && outcome.error.code === 'CANCELLED';
}
