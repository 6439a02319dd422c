/** The text of a new `.otarc`, for somebody who has never seen one. Pure. */

import { isIPv4 } from 'node:net';
import { isAddress } from '../model/address.ts';
import { suggestedVariable } from './device-choice.ts';
import type { DeviceChoice, PasswordChoice } from './types.ts';

export interface FileContent {
  readonly devices: readonly DeviceChoice[];
  readonly password: PasswordChoice;
  /** What the build tool's own files leave open. */
  readonly build: Readonly<Record<string, string>>;
  /** The build tool's own files name devices. */
  readonly isSaidElsewhere: boolean;
}

export function otarcText({ devices, password, build, isSaidElsewhere }: FileContent): string {
  const parts = [
    `# Which devices otarc pushes to, and how. \`otarc deploy\` builds and pushes; all keys: otarc config --schema`,
    ...(devices.length > 0 ? [devicesText(devices, password)] : [isSaidElsewhere ? elsewhere : example]),
    ...(devices.length > 1 ? [severalDevices(devices)] : []),
    ...(Object.keys(build).length > 0 ? [buildText(build)] : []),
    options,
  ];
  return `${parts.join('\n')}\n`;
}

/** The lines of one device, as they stand below `devices:`. */
export function deviceLines(device: DeviceChoice, password: PasswordChoice): string[] {
  const { name, host, port, platform } = device;
  const variable = suggestedVariable(name);
  return [
    `  ${key(name)}:${isAddress(name) ? '   # any name of your own will do' : ''}`,
    `    host: ${key(host)}`,
    ...(port === undefined ? [] : [`    port: ${port}`]),
    // An address alone announces nothing: the image would be checked against no chip.
    ...(platform === undefined || host.endsWith('.local') ? [] : [`    platform: ${platform}`]),
    ...(password.type === 'none'
      ? []
      : [
          `    password: { env: ${variable} }${password.type === 'stored' ? '   # its value stands in .otarc.env' : `   # ${variable}=… goes into the environment or into .otarc.env`}`,
        ]),
  ];
}

function devicesText(devices: readonly DeviceChoice[], password: PasswordChoice): string {
  return ['devices:', ...devices.flatMap((device) => deviceLines(device, passwordOf(device, password)))].join(
    '\n',
  );
}

/** Who says that it asks for none gets none. */
export function passwordOf({ authRequired }: DeviceChoice, password: PasswordChoice): PasswordChoice {
  return authRequired === false && password.type === 'env' ? { type: 'none' } : password;
}

const example = `# devices:
#   livingroom:                             # the name that the sketch sets: ArduinoOTA.setHostname("livingroom")
#     host: livingroom.local                # or an address: 192.0.2.7
#     password: { env: LIVINGROOM_PW }      # ArduinoOTA.setPassword(…); LIVINGROOM_PW=… goes into the file .otarc.env`;

const elsewhere = "# The devices are those that the project's own files name: otarc config shows them.";

const severalDevices = (devices: readonly DeviceChoice[]): string =>
  `# device: ${key(devices[0]?.name ?? '')}   # the one that is meant where none is named; without this line: otarc deploy NAME, or --all`;

const options = `# hook: { pushOnBuild: true }   # every build that makes a new firmware pushes it, not only Upload`;

function buildText(build: Readonly<Record<string, string>>): string {
  return ['build:', ...Object.entries(build).map(([name, value]) => `  ${name}: ${key(value)}`)].join('\n');
}

/** A text of YAML, in quotes where it could be read as something else. */
export function key(text: string): string {
  const isWord =
    /^[A-Za-z_][\w.:-]*(?<!:)$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isWord || isIPv4(text) ? text : JSON.stringify(text);
}
