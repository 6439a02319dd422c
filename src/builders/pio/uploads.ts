/** What a platformio.ini says about pushing over the network: one upload for each environment that does. Pure. */

import { redacted } from '../../model/redaction.ts';
import { Secret } from '../../model/secret.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { isNetworkName } from '../network-name.ts';
import { twinOf, type ProjectUpload, type Sourced } from '../../model/project-facts.ts';
import type { PioEnvironment, PioProject } from './query.ts';
import { serving } from './twins.ts';
import { readUploadFlags, type UploadFlags } from './upload-flags.ts';

const portVariable = 'PLATFORMIO_UPLOAD_PORT';
const flagsVariable = 'PLATFORMIO_UPLOAD_FLAGS';

/** Whether a text (platformio.ini) and the variables can say anything about uploads at all. */
export function mentionsUploads(ini: string, env: NodeJS.ProcessEnv): boolean {
  return (
    [portVariable, flagsVariable].some((name) => Boolean(env[name])) ||
    /upload_port|upload_flags|extra_configs/i.test(ini)
  );
}

/** The environments that a platformio.ini names itself; more may stand in its `extra_configs`. */
export function environmentsIn(ini: string): string[] {
  return [...ini.matchAll(/^[ \t]*\[env:([^\]\n]+)\]/gm)].map(([, name = '']) => name.trim());
}

/** `env`: the variables that pio reads as well, for the origins. */
export function uploadsOf({ environments }: PioProject, env: NodeJS.ProcessEnv): ProjectUpload[] {
  const names = environments.map(({ name }) => name);
  const said = environments.map((environment) => ({ environment, upload: uploadOf(environment, env) }));
  const served = serving(
    said.map(({ environment: { name }, upload }) => ({
      name,
      isUpload: upload !== undefined,
      ...(upload?.host !== undefined && { host: upload.host.value.toLowerCase() }),
    })),
  );
  return said.flatMap(({ environment: { name }, upload }) => {
    if (upload === undefined) return [];
    const others = names.filter((each) => each !== name && served.get(each) === name);
    const serves = served.get(name) === name ? [name, ...others] : others;
    return [withoutUndefined({ ...upload, environment: name, serves, twinOf: twinOf(name, names) })];
  });
}

/** What could not be read, one sentence for all environments with the same trouble. */
export function problemsOf({ environments }: PioProject): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, upload } of environments)
    for (const reason of upload?.problems ?? [])
      byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  return [...byReason].map(
    ([reason, names]) =>
      `platformio.ini: the upload settings of ${names.join(', ')} cannot be read: ${redacted(reason)}.`,
  );
}

type Spoken = Pick<ProjectUpload, 'origin' | 'host' | 'port' | 'password' | 'hostAddress' | 'hostPort'>;

function uploadOf({ name, upload }: PioEnvironment, env: NodeJS.ProcessEnv): Spoken | undefined {
  if (upload === undefined) return undefined;
  const section = `[env:${name}]`;
  const { protocol, port = '', portAt = `platformio.ini ${section}`, flagsAt = portAt } = upload;
  const isEspota = protocol === 'espota';
  const written = readUploadFlags(upload.flags ?? []);
  // pio appends the variable's flags to the others; the last one counts.
  const byVariable = readUploadFlags([new Secret(env[flagsVariable] ?? '')]);
  const flag = <K extends keyof UploadFlags>(key: K): Sourced<NonNullable<UploadFlags[K]>> | undefined => {
    const value = written[key];
    if (value === undefined) return undefined;
    const isVariables = byVariable[key] !== undefined;
    return { value, origin: isVariables ? `environment ${flagsVariable}` : `${flagsAt} upload_flags` };
  };
  const unquoted = port.trim().replace(/^"(.*)"$/, '$1');
  const ip = flag('ip');
  const host = isNetworkName(unquoted, isEspota)
    ? { value: unquoted, origin: env[portVariable] ? `environment ${portVariable}` : `${portAt} upload_port` }
    : isEspota && ip !== undefined && isNetworkName(ip.value, true)
      ? ip
      : undefined;
  // Flags for another uploader (esptool, over a cable) mean something else by the same names.
  if (host === undefined && !isEspota) return undefined;
  return withoutUndefined({
    origin: `platformio.ini ${section}`,
    host,
    port: flag('port'),
    password: flag('auth'),
    hostAddress: flag('hostAddress'),
    hostPort: flag('hostPort'),
  });
}
