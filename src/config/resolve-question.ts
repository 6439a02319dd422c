/** Whether the build tool has to be asked what its own files say about uploads: asking costs 0.1 s. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isAddress } from '../model/address.ts';
import { OtaError } from '../model/errors.ts';
import { pathText } from './problem.ts';
import { selectDevices, undecided } from './select.ts';
import type { Config, DeviceConfig } from './types.ts';

/** What is going to be pushed, and where to. */
export interface WantedTargets {
  /** As typed. */
  readonly targets: readonly string[];
  readonly all: boolean;
  /** The image is a file that is named: no build tool has a part in it. */
  readonly isFile: boolean;
  /** The environment whose image it is, where that is said. */
  readonly imageOf?: string | undefined;
}

const toolFiles = ['platformio.ini', 'sketch.yaml', 'sketch.yml'];

/** @param config as it is without the build tool's own files */
export function needsProject(config: Config, wanted: WantedTargets): boolean {
  const { tool, sketch } = config.build;
  const isOpen = meant(config, wanted).some((device) => {
    const isConfigured = config.devices.some(({ name }) => name === device.name);
    return isConfigured ? saysTooLittle(config, device) : !(wanted.isFile && isAddress(device.host));
  });
  const isAsked = isOpen || needsEnvironments(config, wanted);
  return isAsked && tool !== 'command' && toolFiles.some((name) => existsSync(join(sketch, name)));
}

/** Whether it counts how many environments the project has: a device that names none takes the image of the only one. */
export function needsEnvironments(config: Config, { targets, all, imageOf }: WantedTargets): boolean {
  return imageOf !== undefined && targets.length === 0 && !all && undecided(config).length > 0;
}

/** The configured devices in question, as far as the configuration says it; what they may say themselves is left open. */
export function meantAmong(config: Config, wanted: WantedTargets): readonly DeviceConfig[] {
  const { targets, all, imageOf } = wanted;
  const isOpen = targets.length === 0 && !all && imageOf !== undefined;
  const isTaker = ({ environment }: DeviceConfig): boolean =>
    !isOpen || environment === undefined || environment === imageOf;
  return meant(config, wanted).filter(isTaker);
}

/** The devices in question; where none is configured, a stand-in for those that the project may name. */
function meant(config: Config, { targets, all }: WantedTargets): readonly DeviceConfig[] {
  try {
    return selectDevices(config, { targets, all });
  } catch (error) {
    if (!(error instanceof OtaError)) throw error;
    if (targets.length > 0) return []; // a mistake, whatever the project says
    return config.devices.length > 0 ? config.devices : [{ ...config.adHoc.device, name: '', host: '' }];
  }
}

/** Whether something is left open that an upload may say. */
function saysTooLittle({ origins }: Config, { name }: DeviceConfig): boolean {
  const label = pathText(['devices', name]);
  const paths = ['host', 'port', 'password', 'hostAddress', 'hostPort'].map((key) => `${label}.${key}`);
  return origins.some(({ path, origin }) => paths.includes(path) && origin === 'default');
}
