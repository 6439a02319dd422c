import { dirname, resolve } from 'node:path';
import { passwordVariable, Secret } from '../model/secret.ts';
import { shownCommand, shownVariable } from './shown-source.ts';
import {
  fromFile,
  fromInvocation,
  sourced,
  type CheckedFile,
  type Ledger,
  type ConfigSources,
} from './sources.ts';
import type { Sourced } from '../model/project-facts.ts';
import type { ConfigFile, PasswordSetting } from './schema.ts';
import type { CredentialSource, Invocation, SecretsFile } from './types.ts';

interface Described {
  /** Key path of the device, for the list of origins. */
  readonly label: string;
  readonly name: string;
  /** What files say: the device's entry, then the build tool's own. */
  readonly written: Sourced<CredentialSource> | undefined;
}

/** Where the password of a device comes from. The text of a variable, a file or a command is not fetched here. */
export function resolveCredentialSource(
  sources: ConfigSources,
  ledger: Ledger,
  device: Described,
): CredentialSource {
  const chosen = [...invocationCredentials(sources, device.name), device.written].find(
    (each) => each !== undefined,
  );
  const source = chosen?.value ?? { type: 'none' };
  const path = `${device.label}.${source.type === 'hash' ? 'passwordHash' : 'password'}`;
  if (chosen) ledger.origins.push({ path, value: credentialMark(source), origin: chosen.origin });
  else ledger.origins.push({ path, value: undefined, origin: 'default', note: 'none' });
  return source;
}

/** What flag and variables say, a device's own variable before the one for all; `.otarc.env` after the environment. */
export function invocationCredentials(
  invocation: Invocation,
  name?: string,
): (Sourced<CredentialSource> | undefined)[] {
  const { secretsFile, passwordVariables, projectDir } = invocation;
  const [flag, variable] = fromInvocation(invocation, 'passwordFile');
  const variables = [...(name === undefined ? [] : [passwordVariable(name)]), 'OTARC_PASSWORD'];
  const set = variables.filter((each) => passwordVariables.has(each));
  const isInFile = (each: string): boolean => secretsFile?.secrets.has(each) === true;
  const named = (each: string | undefined): Sourced<CredentialSource> | undefined =>
    each === undefined
      ? undefined
      : { value: variableSource(each, secretsFile), origin: originOf(each, secretsFile) };
  const file = (path: Sourced<string> | undefined) =>
    path && sourced(fileSource(path.value, projectDir), path.origin);
  return [file(flag), named(set.find((each) => !isInFile(each))), file(variable), named(set.find(isInFile))];
}

/** What `password:` says. */
export function writtenPassword(
  { file, secretsFile }: ConfigSources,
  path: readonly PropertyKey[],
  password: PasswordSetting | undefined,
): Sourced<CredentialSource> | undefined {
  if (file === undefined || password === undefined) return undefined;
  if (typeof password === 'object' && 'env' in password)
    return fromFile(file, path, variableSource(password.env, secretsFile));
  return fromFile(file, path, sourceOf(password, file));
}

const known = new WeakMap<ConfigFile, readonly string[]>();

/** All variables that a configuration names as the source of a password. */
export function secretVariablesOf(settings: ConfigFile): readonly string[] {
  const before = known.get(settings);
  if (before !== undefined) return before;
  const variables = Object.values(settings.devices ?? {}).flatMap((device) =>
    typeof device === 'object' && typeof device?.password === 'object' && 'env' in device.password
      ? [device.password.env]
      : [],
  );
  const all = [...new Set(variables)];
  known.set(settings, all);
  return all;
}

/** A variable, which `.otarc.env` may hold in place of the environment. */
function variableSource(variable: string, secretsFile: SecretsFile | undefined): CredentialSource {
  if (secretsFile === undefined) return { type: 'env', variable };
  const { file, secrets } = secretsFile;
  const secret = secrets.get(variable)?.secret;
  return { type: 'env', variable, secretsFile: { file, ...(secret && { secret }) } };
}

function originOf(variable: string, secretsFile: SecretsFile | undefined): string {
  const line = secretsFile?.secrets.get(variable)?.line;
  return line === undefined ? `environment ${variable}` : `${secretsFile?.file ?? ''}:${line}`;
}

type OwnSetting = Exclude<PasswordSetting, { env: string }>;

function sourceOf(
  password: OwnSetting,
  { file, settings }: Pick<CheckedFile<ConfigFile>, 'file' | 'settings'>,
): CredentialSource {
  const folder = dirname(file);
  if (typeof password === 'string') return { type: 'text', secret: new Secret(password) };
  if ('file' in password) return { type: 'file', path: resolve(folder, password.file) };
  const secretVariables = secretVariablesOf(settings);
  return {
    type: 'command',
    command: password.command,
    cwd: folder,
    ...(secretVariables.length > 0 && { secretVariables }),
  };
}

function fileSource(path: string, folder: string): CredentialSource {
  return path === '-' ? { type: 'stdin' } : { type: 'file', path: resolve(folder, path) };
}

/** What may be shown of it. */
function credentialMark(source: CredentialSource): string {
  switch (source.type) {
    case 'none':
      return 'none';
    case 'text':
    case 'hash':
      return '(secret, from the text itself)';
    case 'env':
      return source.secretsFile?.secret === undefined
        ? `(secret, from environment ${shownVariable(source.variable)})`
        : `(secret, ${shownVariable(source.variable)} from ${source.secretsFile.file})`;
    case 'file':
      return `(secret, from file ${source.path})`;
    case 'stdin':
      return '(secret, from stdin)';
    case 'command':
      return `(secret, from command ${shownCommand(source.command)})`;
  }
}
