/** What `OTARC_…` variables say. */

import { complaint, readVariable } from './kinds.ts';
import type { ConfigProblem } from './problem.ts';
import {
  settings,
  settingsOf,
  variableOf,
  type CommandName,
  type SettingKey,
  type Values,
} from './settings/index.ts';
import type { Flags } from './types.ts';

export interface Overrides {
  readonly values: Values;
  readonly problems: readonly { readonly key: SettingKey; readonly problem: ConfigProblem }[];
}

/**
 * The variables that count for this command. An empty one counts as none: it is how a CI hands on a setting that it does
 * not have.
 */
export function readEnvironment(env: NodeJS.ProcessEnv, command: CommandName): Overrides {
  const values: [SettingKey, unknown][] = [];
  const problems: { key: SettingKey; problem: ConfigProblem }[] = [];
  for (const [key, setting] of settingsOf(command)) {
    const variable = variableOf(setting);
    const given = variable === undefined ? undefined : env[variable];
    if (variable === undefined || !given) continue;
    const { kind, flag } = setting;
    const value = readVariable(kind, given);
    if (value === undefined) {
      const message = complaint(kind, given);
      problems.push({ key, problem: { place: `environment ${variable}`, path: '', message } });
    }
    // Of a switch only "on" says something: `--no-x` is then what is on.
    else if (kind.type !== 'switch') values.push([key, value]);
    else if (value === true) values.push([key, !/--no-/.test(flag)]);
  }
  return { values: Object.fromEntries(values) as Values, problems };
}

/** A text that flag or variable says, before the configuration is read. */
export function saidText(
  key: 'config' | 'environment',
  { flags, env }: { readonly flags: Flags | undefined; readonly env: NodeJS.ProcessEnv },
): string | undefined {
  return flags?.[key] ?? (env[variableOf(settings[key]) ?? ''] || undefined);
}

/** The one that looks like the variable of a device called "file". */
export const passwordFileVariable = variableOf(settings.passwordFile) ?? '';

/** Names of the variables that hold a password; their text stays where it is until it is needed. */
export function passwordVariablesIn(env: NodeJS.ProcessEnv): ReadonlySet<string> {
  return new Set(Object.keys(env).filter((name) => isPasswordVariable(name) && Boolean(env[name])));
}

/** `OTARC_PASSWORD` and `OTARC_PASSWORD_<DEVICE>`; not the one that names a file. */
export function isPasswordVariable(name: string): boolean {
  return name !== passwordFileVariable && /^OTARC_PASSWORD(?:_[A-Z0-9_]+)?$/.test(name);
}
