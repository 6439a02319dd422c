/** The settings as flags of the command line: how commander knows them, and what was given. */

import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readEnvironment } from '../../config/environment.ts';
import { complaint, isOn, readItem, type ItemKind, type SettingKind } from '../../config/kinds.ts';
import { invalid } from '../../config/problem.ts';
import {
  flagOf,
  isConfiguration,
  settings,
  settingsOf,
  variableOf,
  type CommandName,
  type FlagSetting,
  type SettingKey,
  type Values,
  type ValuesOf,
} from '../../config/settings/index.ts';
import type { Flags } from '../../config/types.ts';
import type { DeployProjectOptions } from '../../deploy/deploy-project.ts';
import { colorOf } from '../terminal/color.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { OutputOptions } from './deploy.ts';
import type { Io } from './io.ts';

/** A command with all flags that apply to it. */
export function withFlags(command: Command, name: CommandName): Command {
  for (const [, setting] of settingsOf(name)) command.addOption(optionOf(setting));
  return command;
}

function optionOf({ flag, about, kind }: FlagSetting): Option {
  return withKind(new Option(flag, kind.type === 'list' ? `${about} (repeatable)` : about), kind);
}

/** The option, for values of this kind alone. */
export function withKind(option: Option, kind: SettingKind): Option {
  if (kind.type === 'switch') return option;
  const item = kind.type === 'list' ? kind.of : kind;
  if (item.type === 'choice') option.choices(item.values);
  if (kind.type !== 'list') return option.argParser(parserOf(item));
  const parse = parserOf(item);
  return option.argParser((given: string, before: unknown[] = []) => [...before, parse(given)]);
}

/** Throws as commander expects it of a value that is none of this kind. */
function parserOf(kind: ItemKind): (given: string) => unknown {
  return (given) => {
    const value = readItem(kind, given);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`It ${complaint(kind, given)}.`);
  };
}

/**
 * What flags and variables say to a command. What the configuration reads is left to it, variables and mistakes in them
 * included: it shows where each comes from.
 *
 * @throws {OtaError} `CONFIG_INVALID` for variables
 */
export function valuesFor<C extends CommandName>(
  name: C,
  command: Command,
  env: NodeJS.ProcessEnv,
): ValuesOf<C> {
  const { values: said, problems } = readEnvironment(env, name);
  const isOwn = (key: SettingKey): boolean => !(readsConfiguration(name) && isConfiguration(key));
  if (problems.some(({ key }) => isOwn(key))) throw invalid(problems.map(({ problem }) => problem));
  const given = settingsOf(name).map(([key, setting]): [SettingKey, unknown] => {
    const attribute = attributeOf(setting);
    if (command.getOptionValueSource(attribute) !== 'cli') return [key, isOwn(key) ? said[key] : undefined];
    const typed: unknown = command.getOptionValue(attribute);
    // `--verify 30` and `--no-verify` are one attribute, and two settings: the one that was typed last.
    const isOfKind = (typeof typed === 'boolean') === (setting.kind.type === 'switch');
    return [key, isOfKind ? typed : undefined];
  });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as ValuesOf<C>;
}

/** As commander names it: `hostPort` of `--host-port`, `color` of `--no-color`. */
const attributeOf = (setting: FlagSetting): string =>
  flagOf(setting)
    .replace(/^--(no-)?/, '')
    .replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

const readsConfiguration = (name: CommandName): boolean =>
  settings.config.commands.some((each) => each === name);

/** Whether a switch is on, as far as that shows before the command line is parsed. */
export function isSwitchedOn(
  key: 'json' | 'hook' | 'dryRun',
  { command, argv, env }: { command: string | undefined; argv: readonly string[]; env: NodeJS.ProcessEnv },
): boolean {
  const setting = settings[key];
  const hasVariable = setting.commands.some((each) => each === command);
  return argv.includes(flagOf(setting)) || (hasVariable && isOn(env[variableOf(setting) ?? '']));
}

/** What is left to the configuration. @param cwd the folder that otarc was started in */
export function toFlags(values: Values, cwd: string): Flags {
  const { config, environment, passwordFile, port, platform, hostAddress, hostPort } = values;
  const { interfaces, filesystem } = values;
  return withoutUndefined({
    cwd: folderOf(values, cwd),
    config,
    environment,
    passwordFile,
    port,
    platform,
    hostAddress,
    hostPort,
    interfaces,
    filesystem,
  });
}

/** The folder of `-C`: what the paths in flags and variables are relative to. */
const folderOf = ({ cwd }: Values, startedIn: string): string => resolve(startedIn, cwd ?? '.');

/** A path of a flag, made absolute. */
export function pathFrom(
  path: string | undefined,
  { values, cwd }: { values: Values; cwd: string },
): string | undefined {
  return path === undefined ? undefined : resolve(folderOf(values, cwd), path);
}

/** What flags and variables say to `deploy`, `push` and `watch`. */
export function toCommandOptions(
  values: Partial<ValuesOf<'deploy'> & ValuesOf<'push'>>,
  io: Io,
): Omit<DeployProjectOptions, 'output'> & { output: OutputOptions } {
  const { file, hook, all, dryRun, force, allow, timeout, verify, verifyFor, whenSeen, debugLog } = values;
  const { json, quiet, verbose } = values;
  return {
    flags: toFlags(values, io.cwd),
    file,
    hook: hook === true,
    all: all === true,
    dryRun: dryRun === true,
    allowed: force === true ? 'all' : new Set(allow),
    timeoutMs: toMs(timeout),
    verify: verify === false ? 'none' : verifyFor === undefined ? undefined : { timeoutMs: verifyFor * 1000 },
    whenSeenMs: toMs(whenSeen),
    output: {
      json: json === true,
      verbosity: quiet === true ? 'quiet' : verbose === true ? 'verbose' : 'normal',
      color: colorOf(io.env, values.color),
      debugLog: pathFrom(debugLog, { values, cwd: io.cwd }),
    },
  };
}

export const toMs = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000;
