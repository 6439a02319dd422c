/** What a sketch.yaml says about the board and about pushing over the network. Pure. */

import type { ProjectFacts, Sourced } from '../../model/project-facts.ts';
import { isNetworkName } from '../network-name.ts';
import type { PortSetting, SketchFile } from './sketch-file.ts';

/**
 * The port of the profile that is built goes before `default_port`. `port_config` is for the monitor, and says nothing
 * about uploads.
 *
 * @param profile the one that is asked for; without it, `default_profile`
 */
export function sketchFacts(
  sketch: SketchFile,
  profile?: string,
): Pick<ProjectFacts, 'fqbn' | 'profile' | 'uploads'> {
  const chosen = profile ?? sketch.profile?.value ?? '';
  const host = networkPort(sketch.profiles.get(chosen) ?? {}) ?? networkPort(sketch);
  return {
    ...(sketch.fqbn && { fqbn: sketch.fqbn }),
    ...(sketch.profile && { profile: sketch.profile }),
    uploads: host === undefined ? [] : [{ origin: host.origin, serves: [], host }],
  };
}

/** arduino-cli itself does not heed the protocol: where none is written, what looks like an address is one. */
function networkPort({ port, protocol }: PortSetting): Sourced<string> | undefined {
  const isNetwork = protocol === 'network';
  if (port === undefined || (protocol !== undefined && !isNetwork)) return undefined;
  return isNetworkName(port.value, isNetwork) ? port : undefined;
}

/** Of the monitor: the port by cable, where it is one. */
export function serialPort(setting: PortSetting): string | undefined {
  const { port, protocol = 'serial' } = setting;
  return protocol === 'serial' && networkPort(setting) === undefined ? port?.value : undefined;
}
