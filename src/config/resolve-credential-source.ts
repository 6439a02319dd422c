import { dirname, resolve } from 'node:path';
import { Secret } from '../secret.ts';
import { passwordVariable } from '../secret.ts';
import { fromFile, fromInvocation, sourced, type CheckedFile, type Sources } from './sources.ts';
import type { Ledger, Sourced } from './ledger.ts';
import type { PasswordSetting } from './schema.ts';
import type { CredentialSource } from './types.ts';

interface Described {
  /** Key path of the device, for the list of origins. */
  readonly label: string;
  readonly name: string;
  /** What the device's entry in the file says. */
  readonly written: Sourced<CredentialSource> | undefined;
}

/** Where the password of a device comes from. The text of a variable, a file or a command is not fetched here. */
export function resolveCredentialSource(
  sources: Sources,
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

/** What flag and variables say, a device's own variable before the one for all. */
export function invocationCredentials(
  sources: Pick<Sources, 'flags' | 'overrides' | 'passwordVariables' | 'projectDir'>,
  name?: string,
): (Sourced<CredentialSource> | undefined)[] {
  const [flag, variable] = fromInvocation(sources as Sources, 'passwordFile');
  const variables = [...(name === undefined ? [] : [passwordVariable(name)]), 'OTARC_PASSWORD'];
  const set = variables.find((each) => sources.passwordVariables.has(each));
  const file = (path: Sourced<string> | undefined) =>
    path && sourced(fileSource(path.value, sources.projectDir), path.origin);
  return [
    file(flag),
    set === undefined ? undefined : { value: { type: 'env', variable: set }, origin: `environment ${set}` },
    file(variable),
  ];
}

/** What `password:` says. */
export function writtenPassword(
  file: CheckedFile<unknown> | undefined,
  path: readonly PropertyKey[],
  password: PasswordSetting | undefined,
): Sourced<CredentialSource> | undefined {
  if (file === undefined || password === undefined) return undefined;
  return fromFile(file, path, sourceOf(password, dirname(file.file)));
}

function sourceOf(password: PasswordSetting, folder: string): CredentialSource {
  if (typeof password === 'string') return { type: 'text', secret: new Secret(password) };
  if ('env' in password) return { type: 'env', variable: password.env };
  if ('file' in password) return { type: 'file', path: resolve(folder, password.file) };
  return { type: 'command', command: password.command, cwd: folder };
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
      return `(secret, from environment ${source.variable})`;
    case 'file':
      return `(secret, from file ${source.path})`;
    case 'stdin':
      return '(secret, from stdin)';
    case 'command':
      return `(secret, from command ${source.command.join(' ')})`;
  }
}
