/** What `OTARC_…` variables say, in the shape of the flags that they stand for. */

import { isIP } from 'node:net';
import { platforms } from '../model/types.ts';
import { isPort } from './address.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import type { Flags } from './types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

export interface Overrides {
  readonly flags: Flags;
  /** Names of the variables that hold a password; their text stays where it is until it is needed. */
  readonly passwordVariables: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** An empty variable counts as none: it is how a CI hands on a setting that it does not have. */
export function readEnvironment(env: NodeJS.ProcessEnv): Overrides {
  const problems: Problem[] = [];
  const text = (variable: string): string | undefined => env[variable] || undefined;
  const checked = <T>(
    variable: string,
    read: (value: string) => T | undefined,
    must: string,
  ): T | undefined => {
    const value = text(variable);
    const result = value === undefined ? undefined : read(value);
    if (value !== undefined && result === undefined)
      problems.push({ place: `environment ${variable}`, path: '', message: `must be ${must}` });
    return result;
  };
  const port = (variable: string) => checked(variable, portOf, 'a port, 1 to 65535');
  const platform = checked(
    'OTARC_PLATFORM',
    (value) => platforms.find((each) => each === value),
    `${platforms.join(', ')}${didYouMean(text('OTARC_PLATFORM'))}`,
  );
  const hostAddress = checked(
    'OTARC_HOST_ADDRESS',
    (value) => (isIP(value) ? value : undefined),
    'an IP address',
  );
  const interfaces = text('OTARC_INTERFACE')
    ?.split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  const flags = {
    config: text('OTARC_CONFIG'),
    environment: text('OTARC_ENVIRONMENT'),
    passwordFile: text('OTARC_PASSWORD_FILE'),
    port: port('OTARC_PORT'),
    platform,
    hostAddress,
    hostPort: port('OTARC_HOST_PORT'),
    interfaces,
  };
  const passwordVariables = Object.keys(env).filter((name) => isPasswordVariable(name) && Boolean(env[name]));
  return { flags: withoutUndefined(flags), passwordVariables: new Set(passwordVariables), problems };
}

/** `OTARC_PASSWORD` and `OTARC_PASSWORD_<DEVICE>`; not the one that names a file. */
export function isPasswordVariable(name: string): boolean {
  return /^OTARC_PASSWORD(?:_(?!FILE$)[A-Z0-9_]+)?$/.test(name);
}

function portOf(text: string): number | undefined {
  return /^\d+$/.test(text) && isPort(Number(text)) ? Number(text) : undefined;
}

function didYouMean(value: string | undefined): string {
  const meant = value === undefined ? undefined : nearest(value, platforms);
  return meant === undefined ? '' : `; did you mean "${meant}"?`;
}
