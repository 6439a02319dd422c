/**
 * Every setting: what may be said, by which flag, variable or key of `.otarc`, and to which commands it applies.
 *
 * The options of the command line, the variables, the leaves of the file's schema and the origins that `otarc config` shows
 * are made from this table. A setting is one meaning: two flags of one name that mean different things are two settings,
 * and a variable stands for one of them.
 */

import type { ValueOf } from '../kinds.ts';
import { configuration, written } from './configuration.ts';
import { init, run } from './run.ts';
import type { CommandName, FlagSetting, Setting } from './setting.ts';

export { flagOf, runs, variableOf, type CommandName, type FlagSetting, type Setting } from './setting.ts';

export const settings = { ...configuration, ...run, ...init, ...written };

export type SettingKey = keyof typeof settings;
type Settings = typeof settings;
/** What is said of each setting, by one source. */
export type Values = { readonly [K in SettingKey]?: ValueOf<Settings[K]['kind']> };

type KeyOf<C extends CommandName> = {
  [K in SettingKey]: Settings[K] extends { readonly commands: readonly (infer N)[] }
    ? C extends N
      ? K
      : never
    : never;
}[SettingKey];
/** What may be said to a command by its flags. */
export type ValuesOf<C extends CommandName> = Pick<Values, KeyOf<C>>;

type Row = readonly [SettingKey, FlagSetting];
const rows = new Map<CommandName, readonly Row[]>();

/** The settings that apply to a command, in the order of its help. */
export function settingsOf(command: CommandName): readonly Row[] {
  const known = rows.get(command);
  if (known !== undefined) return known;
  const all = Object.entries<Setting>(settings);
  const applying = all.filter(([, { commands }]) => commands?.includes(command)) as unknown as readonly Row[];
  rows.set(command, applying);
  return applying;
}

/** Whether the configuration reads it, and shows its origin. */
export const isConfiguration = (key: SettingKey): key is keyof typeof configuration =>
  Object.hasOwn(configuration, key);
