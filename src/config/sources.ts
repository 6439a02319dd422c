/** Where a value can come from, in order of rank, each with the words for its origin. */

import { dirname, resolve } from 'node:path';
import type { ProjectFacts, Sourced } from '../model/project-facts.ts';
import { redactedValue } from '../model/redaction.ts';
import type { ConfigFile, HomedingFile } from './schema.ts';
import { flagOf, settings, variableOf, type SettingKey } from './settings/index.ts';
import type { Flags, Invocation, Origin } from './types.ts';

/** A checked file: its settings, and where each of its keys stands. */
export interface CheckedFile<T> {
  readonly file: string;
  readonly settings: T;
  placeOf(path: readonly PropertyKey[]): string;
}

export interface ConfigSources extends Invocation {
  /** Absolute folder that is built where nothing says which. */
  readonly defaultSketch: Sourced<string>;
  readonly file: CheckedFile<ConfigFile> | undefined;
  /** Absolute folder of the project that the file describes. */
  readonly folder?: string | undefined;
  /** What the devices' `homeding:` files say, by the device's name. */
  readonly homeding: ReadonlyMap<string, CheckedFile<HomedingFile>>;
  /** What the build tool's own files say, once they were asked. */
  readonly project?: ProjectFacts | undefined;
  /** The image is at hand as a file: what the project builds by default says nothing about it. */
  readonly isFile?: boolean | undefined;
}

/** What flag and variable say: the two that outrank every file. */
export function fromInvocation<K extends keyof Flags & SettingKey>(
  { flags, overrides }: Invocation,
  key: K,
): (Sourced<NonNullable<Flags[K]>> | undefined)[] {
  const setting = settings[key];
  return [
    sourced(flags[key], `flag ${flagOf(setting)}`),
    sourced(overrides[key], `environment ${variableOf(setting)}`),
  ];
}

/** What the configuration file says at `path`. */
export function fromFile<T>(file: CheckedFile<unknown> | undefined, path: readonly PropertyKey[], value: T) {
  return file === undefined ? undefined : sourced(value, file.placeOf(path));
}

/** A path as it stands in `file`, made absolute. */
export function besideFile(
  file: CheckedFile<unknown> | undefined,
  path: string | undefined,
): string | undefined {
  return file === undefined || path === undefined ? undefined : resolve(dirname(file.file), path);
}

export function sourced<T>(value: T, origin: string): Sourced<NonNullable<T>> | undefined {
  return value === undefined || value === null ? undefined : { value, origin };
}

type Candidates<T> = readonly (Sourced<T> | undefined)[];

/** Chooses between what several sources say, and writes down what was chosen and why. Candidates stand in order of rank. */
export class Ledger {
  readonly origins: Origin[] = [];

  /** The first that says something, else `fallback`. */
  choose<T>(path: string, candidates: Candidates<T>, fallback: T): T {
    const chosen = candidates.find((each) => each !== undefined) ?? { value: fallback, origin: 'default' };
    this.origins.push(originOf(path, chosen));
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
    if (shown) this.origins.push(originOf(path, shown));
    else if (note !== undefined) this.origins.push({ path, value: undefined, origin: 'default', note });
    return chosen?.value;
  }
}

function originOf(path: string, { value, origin }: Sourced<unknown>): Origin {
  return {
    path,
    // Redacted for who asks: a push shows none of it.
    get value() {
      return redactedValue(value);
    },
    origin,
  };
}
