/**
 * Devices as arduino-cli's ports. Pure.
 *
 * What a port says is put into the command line of an upload, and taken apart there at quotes and braces. So nothing that
 * a stranger on the network announces gets there with such a character, nor does a name that looks like a flag.
 */

import type { DeviceConfig } from '../../config/types.ts';
import { usualPortOf } from '../../engines/usual-port.ts';
import { pairUp } from '../match.ts';
import type { FoundDevice } from '../../model/announcement.ts';
import { isAddress } from '../../model/address.ts';
import { canonicalHost } from '../../model/host-name.ts';
import type { Platform } from '../../model/types.ts';

export interface Port {
  /** What `arduino-cli upload -p` is called with. */
  readonly address: string;
  readonly label: string;
  readonly protocol: 'network';
  readonly protocolLabel: string;
  readonly properties: Readonly<Record<string, string>>;
}

export type ConfiguredPort = Pick<DeviceConfig, 'name' | 'host' | 'port' | 'platform' | 'engine'> & {
  readonly hasPassword: boolean;
};

export interface Devices {
  readonly configured: readonly ConfiguredPort[];
  readonly found: readonly FoundDevice[];
  /** Of a device of which neither port nor platform is known; undefined: such a device is not a port yet. */
  readonly lastResort: Platform | undefined;
}

/** One for each address; those of the configuration come first, and know best. */
export function portsOf({ configured, found, lastResort }: Devices): Port[] {
  const { pairs, strangers } = pairUp(configured, found);
  const isAlone = aloneAmong(found.map(({ host }) => canonicalHost(host)));
  const ports = [
    ...pairs.map((pair) => portOfConfigured(pair.device, { found: pair.found, lastResort })),
    ...strangers.map((each) => portOfStranger(each, isAlone(canonicalHost(each.host)))),
  ].filter((port) => port !== undefined);
  return [...new Map(ports.toReversed().map((port) => [port.address, port])).values()].toReversed();
}

function portOfConfigured(
  device: ConfiguredPort,
  { found, lastResort }: { found: FoundDevice | undefined; lastResort: Platform | undefined },
): Port | undefined {
  const { name, host, hasPassword } = device;
  const platform = device.platform ?? found?.platform ?? lastResort;
  const port = device.port ?? found?.port ?? usualPortOf({ engine: device.engine, platform });
  const at = isAddress(host) ? host : found?.addresses[0];
  const hostname = !isAddress(host) && !host.includes('.') ? `${host}.local` : host;
  const address = isAddress(host) || isPlainName(hostname.replaceAll(' ', '_')) ? hostname : at;
  if (port === undefined || address === undefined) return undefined;
  return describe({
    name,
    address,
    port,
    at,
    hostname: found?.host ?? hostname,
    board: found?.board,
    hasPassword: found?.authRequired ?? hasPassword,
    isConfigured: true,
  });
}

function portOfStranger(found: FoundDevice, isAlone: boolean): Port | undefined {
  const [at] = found.addresses;
  const address = isAlone && isPlainName(found.host) ? found.host : at;
  if (address === undefined) return undefined;
  return describe({
    name: found.name,
    address,
    port: found.port,
    at,
    hostname: found.host,
    board: found.board,
    hasPassword: found.authRequired === true,
    isConfigured: false,
  });
}

interface Description {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** IP address, where it is known. */
  readonly at: string | undefined;
  readonly hostname: string;
  readonly board: string | undefined;
  readonly hasPassword: boolean;
  readonly isConfigured: boolean;
}

/** Always with the same properties: an upload recipe that names one that is missing fails. */
function describe(device: Description): Port {
  const { address, at, port } = device;
  const name = harmless(device.name);
  return {
    address,
    label: at === undefined ? `${name} (otarc)` : `${name} at ${at} (otarc)`,
    protocol: 'network',
    protocolLabel: 'Network Port',
    properties: {
      name,
      hostname: harmless(device.hostname),
      address: at ?? '',
      port: String(port),
      board: harmless(device.board ?? ''),
      auth_upload: device.hasPassword ? 'yes' : 'no',
      tcp_check: 'no',
      ssh_upload: 'no',
      configured: device.isConfigured ? 'yes' : 'no',
    },
  };
}

function aloneAmong(hosts: readonly string[]): (host: string) => boolean {
  const once = new Set<string>();
  const often = new Set<string>();
  for (const host of hosts) (once.has(host) ? often : once).add(host);
  return (host) => !often.has(host);
}

function isPlainName(host: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u.test(host);
}

function harmless(text: string): string {
  return text.replaceAll(/["'{}\\]/g, '');
}
