/** Which devices are meant. Pure: no datagram leaves for a mistyped name. */

import { OtaError } from '../errors.ts';
import { canonicalHost, parseHost, type HostAndPort } from './address.ts';
import { passwordVariable } from '../secret.ts';
import { nearest } from './nearest.ts';
import type { Config, DeviceConfig } from './types.ts';

export interface Selection {
  /** As typed. */
  readonly targets: readonly string[];
  /** `--all` */
  readonly all?: boolean;
  /** The environment whose image is at hand or will be. */
  readonly builtEnvironment?: string;
}

/**
 * The devices to push to, each once, in the order they were named. Port, platform and host address or port given by
 * flag or variable hold for all of them, as `loadConfig` has applied them.
 *
 * @throws OtaError TARGET_UNKNOWN, NO_TARGET; USAGE for targets together with `--all`
 */
export function selectDevices(config: Config, { targets, all, builtEnvironment }: Selection): DeviceConfig[] {
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
  if (targets.length === 0) return withoutTarget(config, builtEnvironment);
  const selected = new Map<string, DeviceConfig>();
  for (const target of targets)
    for (const device of devicesFor(config, target))
      if (!selected.has(device.name)) selected.set(device.name, device);
  return [...selected.values()];
}

function withoutTarget(config: Config, builtEnvironment: string | undefined): DeviceConfig[] {
  const { devices, defaultDevice } = config;
  const preset = devices.find(({ name }) => name === defaultDevice);
  if (preset) return [preset];
  if (devices.length === 1) return [...devices];
  const built = devices.filter(
    ({ environment }) => environment !== undefined && environment === builtEnvironment,
  );
  if (built.length > 0) return built;
  if (devices.length === 0)
    throw new OtaError(
      'NO_TARGET',
      `No target was given, and ${config.file ?? 'no .otarc'} ${config.file === undefined ? `was found from ${config.projectDir} upward` : 'lists no device'}.`,
      {
        hint: 'Name a device on the command line (address or NAME.local), or list one under `devices:` in .otarc.',
      },
    );
  const names = devices.map(({ name }) => name);
  throw new OtaError(
    'NO_TARGET',
    `No target was given, and several devices are configured: ${names.join(', ')}.`,
    {
      hint: 'Name one, set `device:` in .otarc, or give `--all` for every one of them.',
      details: { devices: names },
    },
  );
}

function devicesFor(config: Config, target: string): DeviceConfig[] {
  const named = config.devices.find(({ name }) => name === target);
  if (named) return [named];
  if (Object.hasOwn(config.groups, target)) {
    const members = config.groups[target] ?? [];
    return members.flatMap((member) => config.devices.filter(({ name }) => name === member));
  }
  const address = looksLikeFile(target) ? undefined : parseHost(target);
  if (address === undefined) throw unknown(config, target);
  const configured = deviceAt(config.devices, address);
  if (configured) return [configured];
  if (config.devices.length > 0 && isBareWord(address.host)) throw unknown(config, target);
  return [adHoc(config, target, address)];
}

/** The configured device that an address or name means. A port that is known to be another's means another device. */
function deviceAt(devices: readonly DeviceConfig[], { host, port }: HostAndPort): DeviceConfig | undefined {
  const wanted = canonicalHost(host);
  const there = devices.filter((device) =>
    [device.name, device.host].some((each) => canonicalHost(each) === wanted),
  );
  if (port === undefined && there.length > 1) {
    const names = there.map(({ name }) => name).join(', ');
    throw new OtaError('TARGET_UNKNOWN', `"${host}" is the address of several devices: ${names}.`, {
      hint: 'Name one of them, or add its port.',
    });
  }
  if (port === undefined) return there[0];
  const same = there.find((device) => device.port === port);
  if (same) return same;
  const open = there.find((device) => device.port === undefined);
  return open && { ...open, port };
}

function adHoc(config: Config, target: string, { host, port }: HostAndPort): DeviceConfig {
  const { device, passwordVariables } = config.adHoc;
  const variable = passwordVariable(target);
  const hasOwn = device.credentialSource.type !== 'file' && device.credentialSource.type !== 'stdin';
  return {
    ...device,
    name: target,
    host,
    ...(port !== undefined && { port }),
    ...(hasOwn && passwordVariables.has(variable) && { credentialSource: { type: 'env', variable } }),
  };
}

function unknown(config: Config, target: string): OtaError {
  if (looksLikeFile(target))
    return new OtaError('TARGET_UNKNOWN', `"${target}" is not a device; it looks like an image.`, {
      hint: 'Name the image with `--file`.',
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
