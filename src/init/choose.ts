/** What is done where nobody is asked. Pure. */

import { nearest } from '../config/nearest.ts';
import type { FoundDevice } from '../model/announcement.ts';
import { OtaError } from '../model/errors.ts';
import { typedDevice, withOwnNames } from './device-choice.ts';
import { defaultHooks, fittingHooks, hookNames, type HookName } from './hooks.ts';
import type { Kind } from './look.ts';
import { isHookName } from './plan-files.ts';
import type { Choices, ExistingConfiguration, DeviceChoice, PasswordChoice } from './types.ts';

/** As typed. */
export interface Wishes {
  readonly devices: readonly string[];
  readonly hooks: readonly string[];
  readonly environment?: string | undefined;
  readonly fqbn?: string | undefined;
  readonly force: boolean;
}

export interface Seen extends Kind {
  readonly configured: ExistingConfiguration;
  readonly found: readonly FoundDevice[];
}

/**
 * @param password what `--password-file` says, else undefined
 * @throws OtaError USAGE
 */
export function defaultChoices(wishes: Wishes, seen: Seen, password: PasswordChoice | undefined): Choices {
  const tool = defaultTool(wishes, seen);
  const devices = chosenDevices(wishes, seen);
  const hasDevice = devices.length > 0 || seen.configured.devices.length > 0;
  const isAsked = devices.some(({ authRequired }) => authRequired === true);
  return {
    devices: devices.map((device) => ({ authRequired: false, ...device })),
    password: password ?? { type: isAsked ? 'env' : 'none' },
    hooks: chosenHooks(wishes.hooks, seen) ?? defaultHooks(tool, { hasDevice }),
    tool,
    environment: wishes.environment,
    fqbn: wishes.fqbn,
    force: wishes.force,
  };
}

/**
 * Those that were typed. None of those that merely announce themselves: anybody on the network may do so, under any name, and
 * would be sent the image with all that is compiled into it.
 */
export function chosenDevices({ devices }: Wishes, { found }: Pick<Seen, 'found'>): DeviceChoice[] {
  return withOwnNames(devices.map((text) => typed(text, found)));
}

export function typed(text: string, found: readonly FoundDevice[]): DeviceChoice {
  const device = typedDevice(text, found);
  if (device !== undefined) return device;
  throw new OtaError('USAGE', `"${text}" names no device.`, {
    hint: 'Write NAME, ADDRESS or ADDRESS:PORT, each also as livingroom=ADDRESS.',
  });
}

/** Where the folder is of both tools, what was said decides; else PlatformIO, which finds its own files only there. */
export function defaultTool(
  { hooks, fqbn, environment }: Pick<Wishes, 'hooks' | 'fqbn' | 'environment'>,
  { isPio, isSketch, configured }: Seen,
): Choices['tool'] {
  if (!isPio && !isSketch) return undefined;
  if (isPio !== isSketch) return isPio ? 'pio' : 'arduino-cli';
  if (configured.tool === 'pio' || configured.tool === 'arduino-cli') return configured.tool;
  const isArduino = hooks.includes('arduino') || (fqbn !== undefined && environment === undefined);
  return isArduino && !hooks.includes('pio') && !hooks.includes('upload') ? 'arduino-cli' : 'pio';
}

/** undefined: nothing was said. */
export function chosenHooks(names: readonly string[], kind: Kind): readonly HookName[] | undefined {
  if (names.length === 0) return undefined;
  if (names.includes('none')) {
    if (names.length === 1) return [];
    throw new OtaError('USAGE', '`--hook none` leaves no room for another hook.', {
      hint: 'Give one or the other.',
    });
  }
  const hooks = names.map((name) => {
    if (isHookName(name)) return name;
    const meant = nearest(name, hookNames);
    throw new OtaError('USAGE', `There is no hook "${name}".`, {
      hint: meant === undefined ? `There are: ${hookNames.join(', ')}, none.` : `Did you mean "${meant}"?`,
    });
  });
  const fitting = fittingHooks(kind);
  const wrong = hooks.find((hook) => !fitting.includes(hook));
  if (wrong !== undefined) {
    const lacking = wrong === 'arduino' ? 'no sketch' : 'no platformio.ini';
    throw new OtaError('USAGE', `The hook "${wrong}" does not fit: there is ${lacking} in this folder.`, {
      hint: 'Leave it out, or name the project with `-C DIR`.',
    });
  }
  return [...new Set(hooks)];
}
