/** Flags that several commands share: how they are written, checked, and turned into values. */

import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Flags } from '../../config/types.ts';
import { errorCodes, messageOf, OtaError, type ErrorCode } from '../../model/errors.ts';
import type { DeployProjectOptions } from '../../deploy/deploy-project.ts';
import type { ColorChoice } from '../report/writer.ts';
import { platforms, type Platform } from '../../model/types.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { OutputOptions } from './deploy.ts';
import type { Io } from './io.ts';

/** What commander makes of the shared flags. */
export interface SharedOptions {
  config?: string;
  cwd?: string;
  environment?: string;
  passwordFile?: string;
  port?: number;
  platform?: Platform;
  hostAddress?: string;
  hostPort?: number;
  interface?: string[];
  filesystem?: boolean;
  json?: boolean;
}

export interface PushOptions extends SharedOptions {
  all?: boolean;
  file?: string;
  hook?: boolean;
  force?: boolean;
  allow?: ErrorCode[];
  timeout?: number;
  whenSeen?: number;
  dryRun?: boolean;
  verify?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  debugLog?: string;
  color?: boolean;
}

export function withConfigFlags(command: Command): Command {
  return command
    .option('--config <file>', 'the configuration, in place of the one that is found')
    .option('-C, --cwd <dir>', 'work in this folder')
    .option('-e, --environment <name>', 'PlatformIO environment')
    .option('--password-file <file>', 'read the password from this file (-: stdin)')
    .option('--port <number>', 'UDP port of the device', toPort)
    .addOption(new Option('--platform <name>', 'what the device is').choices(platforms))
    .option('--host-address <address>', 'address of this computer that the device connects to')
    .option('--host-port <number>', 'TCP port of this computer that the device connects to', toPort)
    .option('--interface <if>', 'network interface or address to use (repeatable)', collect)
    .option('--filesystem', 'the file-system image, not the firmware')
    .option('--json', 'one JSON document, or one event a line, on stdout');
}

export function withPushFlags(command: Command): Command {
  return withConfigFlags(command)
    .option('--all', 'every configured device')
    .option('--dry-run', 'everything up to, not including, the first datagram')
    .option('--force', 'push although a check fails')
    .option('--allow <code>', 'let this one check fail (repeatable)', collectCodes)
    .option('--timeout <seconds>', 'for the whole push of one device', toSeconds)
    .option('--no-verify', 'do not wait for proof that the image runs')
    .option('-q, --quiet', 'errors only')
    .option('-v, --verbose', 'each step, and the conversation with the device')
    .option('--debug-log <file>', 'add all that is told to this file, for a bug report')
    .option('--no-color', 'no colours (also NO_COLOR)');
}

/** The flags that the configuration knows, without those that were not given. */
export function toFlags(options: SharedOptions, cwd: string): Flags {
  const { interface: interfaces, config, environment, passwordFile, port, platform, filesystem } = options;
  const { hostAddress, hostPort } = options;
  return withoutUndefined({
    cwd: resolve(cwd, options.cwd ?? '.'),
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

/** What `deploy` and `push` are told by their flags. */
export function toCommandOptions(
  options: PushOptions,
  io: Io,
): Omit<DeployProjectOptions, 'output'> & { output: OutputOptions } {
  const { color, quiet, verbose, timeout, whenSeen, json, debugLog } = options;
  return {
    flags: toFlags(options, io.cwd),
    file: options.file,
    hook: options.hook === true,
    all: options.all === true,
    dryRun: options.dryRun === true,
    allowed: options.force === true ? 'all' : new Set(options.allow),
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    whenSeenMs: whenSeen === undefined ? undefined : whenSeen * 1000,
    output: {
      json: json === true,
      verbosity: quiet === true ? 'quiet' : verbose === true ? 'verbose' : 'normal',
      color: color === false ? 'never' : colorOf(io.env),
      debugLog: debugLog === undefined ? undefined : resolve(io.cwd, debugLog),
    },
  };
}

/** As Node itself reads them: FORCE_COLOR outweighs NO_COLOR, which counts only where it is not empty. */
export function colorOf(env: NodeJS.ProcessEnv): ColorChoice {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return /^(0|false)$/.test(forced) ? 'never' : 'always';
  return env['NO_COLOR'] ? 'never' : 'auto';
}

export function toPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port, 1 to 65535.');
}

export function toSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds > 0 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('It must be a number of seconds, at most 86400.');
}

export function toNumber(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text)) return value;
  throw new InvalidArgumentError('It must be a number, not below 0.');
}

export function toWhole(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a whole number, not below 0.');
}

export function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** The checks that look at an image before it goes out; no other failure can be waved through. */
const checks = ['IMAGE_WRONG_CHIP', 'IMAGE_TOO_LARGE'] as const satisfies ErrorCode[];

function collectCodes(text: string, before: ErrorCode[] = []): ErrorCode[] {
  const code = checks.find((each) => each === text);
  if (code !== undefined) return [...before, code];
  const isCode = Object.hasOwn(errorCodes, text);
  throw new InvalidArgumentError(
    `${isCode ? 'That cannot be allowed' : 'There is no such check'}; known are ${checks.join(', ')}.`,
  );
}

/** `0`, `false`, `no` and nothing switch nothing on. */
export function isOn(text: string | undefined): boolean {
  return text !== undefined && !/^(|0|false|no)$/i.test(text);
}

/** Read by the configuration itself, which shows them as an origin; or too dangerous to be left in an environment. */
const notFromVariables = new Set([
  'config',
  'environment',
  'passwordFile',
  'port',
  'platform',
  'hostAddress',
  'hostPort',
  'interface',
  'cwd',
  'all',
  'force',
  'file',
  'hook',
  'remove',
  'yes',
  'device',
  'fqbn',
  'exec',
  'active',
  'watch',
  'waitFor',
  'whenSeen',
  'keep',
  'schema',
]);

/** `OTARC_TIMEOUT`, `OTARC_DRY_RUN`, …: what was not given as a flag. */
export function applyVariables(command: Command, env: NodeJS.ProcessEnv): void {
  for (const option of command.options) {
    const name = option.attributeName();
    const variable = `OTARC_${(option.long ?? '').slice(2).toUpperCase().replaceAll('-', '_')}`;
    const text = env[variable];
    const source = command.getOptionValueSource(name);
    if (text === undefined || notFromVariables.has(name) || source === 'cli') continue;
    if (option.isBoolean()) {
      if (isOn(text)) command.setOptionValueWithSource(name, !option.negate, 'env');
      continue;
    }
    try {
      const value: unknown = option.parseArg === undefined ? text : option.parseArg(text, undefined);
      command.setOptionValueWithSource(name, value, 'env');
    } catch (error) {
      throw new OtaError('USAGE', `${variable} is "${text}". ${messageOf(error)}`, {
        hint: `Correct or unset ${variable}.`,
      });
    }
  }
}
