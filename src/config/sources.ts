/** Where a value can come from, in order of rank, each with the words for its origin. */

import { dirname, resolve } from 'node:path';
import type { ProjectFacts, Sourced } from '../model/project-facts.ts';
import type { ConfigFile, HomedingFile } from './schema.ts';
import type { Flags, Invocation } from './types.ts';

/** A checked file: its settings, and where each of its keys stands. */
export interface CheckedFile<T> {
  readonly file: string;
  readonly settings: T;
  placeOf(path: readonly PropertyKey[]): string;
}

export interface Sources extends Invocation {
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

const flagNames = {
  environment: 'environment',
  passwordFile: 'password-file',
  port: 'port',
  platform: 'platform',
  hostAddress: 'host-address',
  hostPort: 'host-port',
  interfaces: 'interface',
} as const;

/** What flag and variable say: the two that outrank every file. */
export function fromInvocation<K extends keyof typeof flagNames>(
  { flags, overrides }: Invocation,
  key: K,
): (Sourced<NonNullable<Flags[K]>> | undefined)[] {
  const name = flagNames[key];
  const variable = `OTARC_${name.toUpperCase().replaceAll('-', '_')}`;
  return [sourced(flags[key], `flag --${name}`), sourced(overrides[key], `environment ${variable}`)];
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
