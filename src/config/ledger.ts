import type { Sourced } from '../model/project-facts.ts';
import { redactedValue } from '../model/redaction.ts';
import type { Origin } from './types.ts';

type Candidates<T> = readonly (Sourced<T> | undefined)[];

/** Chooses between what several sources say, and writes down what was chosen and why. Candidates stand in order of rank. */
export class Ledger {
  readonly origins: Origin[] = [];

  /** The first that says something, else `fallback`. */
  choose<T>(path: string, candidates: Candidates<T>, fallback: T): T {
    const chosen = candidates.find((each) => each !== undefined) ?? { value: fallback, origin: 'default' };
    this.origins.push({ path, value: redactedValue(chosen.value), origin: chosen.origin });
    return chosen.value;
  }

  /**
   * The same where nothing may be said at all: `note` tells what happens then; without it, nothing is listed.
   *
   * @param outcome what that comes to, where it is known: shown, and not chosen
   */
  chooseOptional<T>(
    path: string,
    candidates: Candidates<T>,
    note?: string,
    outcome?: Sourced<T>,
  ): T | undefined {
    const chosen = candidates.find((each) => each !== undefined);
    const shown = chosen ?? outcome;
    if (shown) this.origins.push({ path, value: redactedValue(shown.value), origin: shown.origin });
    else if (note !== undefined) this.origins.push({ path, value: undefined, origin: 'default', note });
    return chosen?.value;
  }
}
