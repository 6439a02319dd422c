/** What a setting is: one row of the table. */

import type { SettingKind } from '../kinds.ts';

export type CommandName =
  | 'deploy'
  | 'push'
  | 'watch'
  | 'history'
  | 'rollback'
  | 'devices'
  | 'doctor'
  | 'inspect'
  | 'config'
  | 'init'
  | 'discovery'
  | 'demo'
  | 'logs';

export interface Setting {
  readonly kind: SettingKind;
  /** For help and schema: what it is, without a full stop. */
  readonly about: string;
  /** As `--help` shows it: `-e, --environment <name>`. Absent: only a file says it. */
  readonly flag?: string;
  /** Whose flag it is; with `flag`, and never without. */
  readonly commands?: readonly CommandName[];
  /** False: the flag has to be typed. */
  readonly hasVariable?: false;
  /** Its key in `.otarc`; `*` is any name. */
  readonly file?: string;
  /** What holds where nothing is said: words for a person. */
  readonly unsaid?: string;
}

export interface FlagSetting extends Setting {
  readonly flag: string;
  readonly commands: readonly CommandName[];
}

/** The commands that send an image. */
export const runs = ['deploy', 'push', 'watch'] as const;
/** Those and the ones that show what they would do. */
export const pushes = [...runs, 'doctor', 'config'] as const;

/** The commands that read what was pushed earlier. */
export const ofHistory = ['history', 'rollback'] as const;

/** `--port` of `--port <number>`. */
export function flagOf({ flag }: Pick<FlagSetting, 'flag'>): string {
  return /--[a-z-]+/.exec(flag)?.[0] ?? flag;
}

/** `OTARC_PORT` of `--port`; undefined: no variable counts. */
export function variableOf(setting: Pick<Setting, 'flag' | 'hasVariable'>): string | undefined {
  const { flag, hasVariable } = setting;
  if (flag === undefined || hasVariable === false) return undefined;
  return `OTARC_${flagOf({ flag }).slice(2).toUpperCase().replaceAll('-', '_')}`;
}
