/** Which devices are meant. Pure: no datagram leaves for a mistyped name. */

import { OtaError } from '../model/errors.ts';
import { twinOf } from '../model/project-facts.ts';
import { isAddress, reasonAgainst } from '../model/address.ts';
import { type HostAndPort, parseHost } from '../model/endpoint.ts';
import { canonicalHost } from '../model/host-name.ts';
import { nearest } from './nearest.ts';
import { invocationCredentials } from './resolve-credential-source.ts';
import type { Config, DeviceConfig } from './types.ts';

export interface Selection {
  /** As typed. */
  readonly targets: readonly string[];
  /** `--all` */
  readonly all?: boolean;
  /** The environment whose image is at hand or will be. */
  readonly builtEnvironment?: string;
  /**
   * The environment whose image it is, as an upload command or a hook says: a build of several environments must not give
   * the image of each to the only device, or to the default one.
   */
  readonly imageOf?: string;
}

/**
 * The devices to push to, each once, in the order they were named. Port, platform and host address or port given by
 * flag or variable hold for all of them, as `loadConfig` has applied them. A port behind an address is typed like the
 * flag: it goes before the variable and every file, and contradicts another flag.
 *
 * @throws OtaError TARGET_UNKNOWN, NO_TARGET; USAGE for targets together with `--all`, and for two ports
 */
export function selectDevices(config: Config, selection: Selection): DeviceConfig[] {
  const { targets, all, builtEnvironment } = selection;
  if (all === true) {
    if (targets.length > 0)
      throw new OtaError('USAGE', '`--all` means every device: leave the targets out.', {
        hint: 'Give one of the two.',
      });
    if (config.devices.length > 0) return [...config.devices];
    throw new OtaError('NO_TARGET', 'No devices are configured, so `--all` means none.', {
      hint: 'List them under `devices:` in .otarc.',
    });
  }
  if (targets.length === 0) {
    if (isForNobody(config, selection)) throw noTaker(config, selection);
    return withoutTarget({ ...config, devices: takersOf(config, selection) }, builtEnvironment);
  }
  const selected = new Map<string, DeviceConfig>();
  for (const target of targets)
    for (const device of devicesFor(config, target))
      if (!selected.has(device.name)) selected.set(device.name, device);
  return [...selected.values()];
}

/** Devices are configured, and each takes the image of another environment than the one at hand. */
export function isForNobody(config: Config, selection: Selection): boolean {
  const isOpen = selection.targets.length === 0 && selection.all !== true;
  return isOpen && config.devices.length > 0 && takersOf(config, selection).length === 0;
}

/**
 * Why an image that is for nobody may be for somebody after all, and the cure: undefined where each device that could be
 * meant says that it takes another.
 */
export function doubtOf(
  config: Config,
  { imageOf }: Selection,
): { reason: string; cure: string } | undefined {
  const open = undecided(config);
  if (imageOf === undefined || open.length === 0 || !isOneOfSeveral(config, imageOf)) return undefined;
  const [names, verb] = [listOf(open), open.length === 1 ? 'names' : 'name'];
  return {
    reason: `It is not certain whom the image of ${imageOf} is for: the project builds several environments, and ${names} ${verb} none of them.`,
    cure: `Write \`environment: ${imageOf}\` at the device that is to get it, in .otarc.`,
  };
}

/** The devices that name no environment and may be meant where nobody is named: where there is a default, that alone. */
export function undecided({ devices, defaultDevice }: Config): readonly DeviceConfig[] {
  const preset = devices.find(({ name }) => name === defaultDevice);
  const meant = preset === undefined ? devices : [preset];
  return meant.filter(({ environment }) => environment === undefined);
}

function takersOf(config: Config, { imageOf }: Selection): readonly DeviceConfig[] {
  const { devices } = config;
  if (imageOf === undefined) return devices;
  const others = isOneOfSeveral(config, imageOf) ? [] : undecided(config);
  return devices.filter((device) => device.environment === imageOf || others.includes(device));
}

/** Whether the project builds images of other environments as well, as far as that is known. Twins count as one. */
function isOneOfSeveral({ project, devices }: Config, imageOf: string): boolean {
  const known = project?.environments ?? devices.flatMap(({ environment }) => environment ?? []);
  const names = [...known, imageOf];
  return new Set(names.map((name) => twinOf(name, names) ?? name)).size > 1;
}

function noTaker(config: Config, selection: Selection): OtaError {
  const { devices } = config;
  const environment = selection.imageOf ?? '';
  const doubt = doubtOf(config, selection);
  if (doubt !== undefined)
    return new OtaError('NO_TARGET', doubt.reason, {
      hint: `${doubt.cure} Or name the device on the command line.`,
      details: { environment, devices: undecided(config).map(({ name }) => name) },
    });
  const takes = devices
    .map(
      (device) =>
        `${device.name} ${device.environment === undefined ? 'names none' : `takes ${device.environment}`}`,
    )
    .join(', ');
  return new OtaError('NO_TARGET', `No device takes the image of ${environment}: ${takes}.`, {
    hint: `Name the device that is to get it all the same, or give one \`environment: ${environment}\` in .otarc.`,
    details: { environment },
  });
}

function withoutTarget(config: Config, builtEnvironment: string | undefined): DeviceConfig[] {
  const { defaultDevice } = config;
  const preset = config.devices.find(({ name }) => name === defaultDevice);
  if (preset) return [preset];
  const devices = config.devices.filter(({ onlyByName }) => onlyByName !== true);
  if (devices.length === 1) return devices;
  const built = devices.filter(
    ({ environment }) => environment !== undefined && environment === builtEnvironment,
  );
  if (built.length > 0) return built;
  if (devices.length === 0) {
    if (config.devices.length > 0) throw noneForBuild(config);
    throw new OtaError(
      'NO_TARGET',
      `No target was given, and ${config.file ?? 'no .otarc'} ${config.file === undefined ? `was found from ${config.projectDir} upward` : 'lists no device'}.`,
      {
        hint: 'Name a device on the command line (address or NAME.local), or list one under `devices:` in .otarc.',
      },
    );
  }
  throw severalDevices(devices);
}

/** Some of the project's own upload targets, and none of what is built. */
function noneForBuild({ devices, build }: Config): OtaError {
  const environment = build.environment ?? 'that is built by default';
  return new OtaError(
    'NO_TARGET',
    `No target was given, and the project names none for the environment ${environment}; it names ${listOf(devices)}.`,
    {
      hint: 'Choose the environment with `-e NAME`, or name the device on the command line.',
      details: { devices: devices.map(({ name }) => name) },
    },
  );
}

function severalDevices(devices: readonly DeviceConfig[]): OtaError {
  const environments = new Set(devices.map(({ environment }) => environment));
  const first = [...environments].find((each) => each !== undefined);
  const byEnvironment = environments.size > 1 && first !== undefined ? `choose one by \`-e ${first}\`, ` : '';
  return new OtaError(
    'NO_TARGET',
    `No target was given, and several devices are configured: ${listOf(devices)}.`,
    {
      hint: `Name one, ${byEnvironment}set \`device:\` in .otarc, or give \`--all\` (deploy, push, watch, logs) for every one of them.`,
      details: { devices: devices.map(({ name }) => name) },
    },
  );
}

const listOf = (devices: readonly DeviceConfig[]): string => devices.map(({ name }) => name).join(', ');

function devicesFor(config: Config, target: string): DeviceConfig[] {
  const address = looksLikeFile(target) ? undefined : parseHost(target);
  const flag = config.adHoc.invocation.flags.port;
  if (address?.port !== undefined && flag !== undefined && address.port !== flag)
    throw new OtaError('USAGE', `"${target}" and \`--port ${flag}\` name two ports.`, {
      hint: 'Leave one of the two out.',
      details: { target, port: flag },
    });
  const named = config.devices.find(({ name }) => name === target);
  if (named) return [withPort(named, address?.port)];
  if (Object.hasOwn(config.groups, target)) {
    const members = config.groups[target] ?? [];
    return members.flatMap((member) => config.devices.filter(({ name }) => name === member));
  }
  if (address === undefined) throw atNoAddress(target) ?? unknown(config, target);
  const configured = deviceAt(config.devices, address, flag);
  if (configured) return [configured];
  const known = isBareWord(address.host) ? undefined : deviceAt(config.adHoc.known ?? [], address, flag);
  if (known) return [known];
  if (config.devices.length > 0 && isBareWord(address.host)) throw unknown(config, target);
  return [adHoc(config, target, address)];
}

/** Nothing is sent to many at once, or to nobody. */
function atNoAddress(target: string): OtaError | undefined {
  const [, bracketed, plain = target] = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/.exec(target) ?? [];
  const host = bracketed ?? plain;
  const reason = isAddress(host) ? reasonAgainst(host) : undefined;
  if (reason === undefined) return undefined;
  return new OtaError('TARGET_UNKNOWN', `${host} is ${reason}: no device is there.`, {
    hint: 'Name the address of one device.',
  });
}

/**
 * The configured device that an address or name means. A port behind it that is known to be another's means another
 * device; the flag is for the device, whatever its own port, and tells which of several is meant.
 */
function deviceAt(
  devices: readonly DeviceConfig[],
  { host, port }: HostAndPort,
  flag: number | undefined,
): DeviceConfig | undefined {
  const wanted = canonicalHost(host);
  const there = devices.filter((device) =>
    [device.name, device.host].some((each) => canonicalHost(each) === wanted),
  );
  const own = there.find(({ ownPort }) => ownPort !== undefined && ownPort === (port ?? flag));
  if (port === undefined && own === undefined && there.length > 1) {
    const names = there.map(({ name }) => name).join(', ');
    throw new OtaError('TARGET_UNKNOWN', `"${host}" is the address of several devices: ${names}.`, {
      hint: 'Name one of them, or add its port.',
    });
  }
  const meant = own ?? (port === undefined ? there[0] : there.find(({ ownPort }) => ownPort === undefined));
  return meant && withPort(meant, port);
}

const withPort = (device: DeviceConfig, port: number | undefined): DeviceConfig =>
  port === undefined || port === device.port ? device : { ...device, port };

function adHoc(config: Config, target: string, { host, port }: HostAndPort): DeviceConfig {
  const { device, invocation } = config.adHoc;
  const said = invocationCredentials(invocation, target).find((each) => each !== undefined);
  return {
    ...device,
    name: target,
    host,
    ...(port !== undefined && { port }),
    ...(said && { credentialSource: said.value }),
  };
}

function unknown(config: Config, target: string): OtaError {
  if (looksLikeFile(target))
    return new OtaError('TARGET_UNKNOWN', `"${target}" is not a device; it looks like an image.`, {
      hint: 'Targets are devices. An image is named with `otarc push --file`, another folder with `-C`.',
      details: { target },
    });
  const names = [...config.devices.map(({ name }) => name), ...Object.keys(config.groups)];
  const meant = nearest(target, names);
  if (meant !== undefined)
    return new OtaError('TARGET_UNKNOWN', `"${target}" is not a configured device or group.`, {
      hint: `Did you mean "${meant}"?`,
      details: { target, nearest: meant },
    });
  if (names.length === 0)
    return new OtaError('TARGET_UNKNOWN', `"${target}" is neither a host name nor an address.`, {
      hint: 'Name the device by address, as NAME.local, or with a port: ADDRESS:PORT.',
      details: { target },
    });
  return new OtaError('TARGET_UNKNOWN', `"${target}" is not a configured device or group.`, {
    hint: `Configured are: ${names.join(', ')}. Another device is named by address or as NAME.local.`,
    details: { target },
  });
}

const isBareWord = (host: string): boolean => !/[.:]/.test(host);
const looksLikeFile = (target: string): boolean => /[\\/]|\.(?:bin|elf|hex|uf2|gz)$/i.test(target);
