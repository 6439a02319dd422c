/** Devices as they are typed or found → as the configuration will have them. Pure. */

import { passwordFileVariable } from '../config/environment.ts';
import { isSerialPort } from '../builders/network-name.ts';
import { parseHost } from '../model/endpoint.ts';
import { isAddress } from '../model/address.ts';
import { canonicalHost, withoutLocal } from '../model/host-name.ts';
import { usualPortOf } from '../engines/usual-port.ts';
import { matchesOf, refOf } from '../network/match.ts';
import type { FoundDevice } from '../model/announcement.ts';
import { passwordVariable } from '../model/secret.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { DeviceChoice } from './types.ts';

/** `NAME`, `ADDRESS[:PORT]`, `NAME.local`, each also with `KEY=` before it; undefined: none of them. */
export function typedDevice(text: string, found: readonly FoundDevice[]): DeviceChoice | undefined {
  const [, key, rest = ''] = /^(?:([^=]*)=)?(.*)$/s.exec(text) ?? [];
  if (key !== undefined && !/^[\p{L}\p{N}_][\p{L}\p{N}_. -]*$/u.test(key)) return undefined;
  const address = parseHost(rest);
  if (address === undefined || isSerialPort(address.host.replace(/\.$/, ''))) return undefined;
  const { host, port } = address;
  const [seen] = matchesOf(refOf({ name: host, host, port }), found).filter(
    (device) => (port ?? device.port) === device.port,
  );
  const isBareWord = !isAddress(host) && !host.includes('.');
  return withoutUndefined({
    name: key ?? (isAddress(host) ? (seen?.name ?? host) : withoutLocal(host)),
    host: isBareWord ? (seen?.host ?? `${host}.local`) : host,
    port: port ?? (!isAddress(host) || seen === undefined ? undefined : portOf(seen)),
    authRequired: seen?.authRequired,
    platform: seen?.platform,
  });
}

/** Everything that was found, one key each. */
export function foundDevices(found: readonly FoundDevice[]): DeviceChoice[] {
  return withOwnNames(
    found.map((device) => {
      const twins = found.filter(({ host }) => canonicalHost(host) === canonicalHost(device.host));
      const isClear = twins.length === 1 && parseHost(device.host)?.port === undefined;
      const isName = isClear && parseHost(device.host) !== undefined;
      return withoutUndefined({
        name: device.name,
        host: isName ? device.host : (device.addresses[0] ?? device.host),
        port: isName ? portOf(device) : device.port,
        authRequired: device.authRequired,
        platform: device.platform,
      });
    }),
  );
}

/** Devices of one name, or of one password variable, are numbered. */
export function withOwnNames(devices: readonly DeviceChoice[]): DeviceChoice[] {
  // The variable of a device called "file" would be the one of the flag `--password-file`.
  const taken = new Set([passwordFileVariable]);
  return devices.map((device) => {
    let { name } = device;
    for (let number = 2; taken.has(passwordVariable(name)); number++) name = `${device.name}-${number}`;
    taken.add(passwordVariable(name));
    return { ...device, name };
  });
}

/** Whether two mean one device. A port that only one of them knows makes no difference. */
export function isSameDevice(
  a: { name: string; host: string; port?: number | undefined },
  b: { name: string; host: string; port?: number | undefined },
): boolean {
  const isSameHost = [a.host, a.name].some((one) =>
    [b.host, b.name].some((other) => canonicalHost(one) === canonicalHost(other)),
  );
  return isSameHost && (a.port === undefined || b.port === undefined || a.port === b.port);
}

/** The variable that its password is to come from. */
export function suggestedVariable(name: string): string {
  const plain = name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replace(/^_/, '');
  const word = plain.replace(/_$/, '');
  return `${/^[A-Z]/.test(word) ? word : `DEVICE_${word}`.replace(/_$/, '')}_PW`;
}

/** Needed only where it is not the one that every sketch for that platform has. */
function portOf({ port, platform }: FoundDevice): number | undefined {
  // What announces `_arduino._tcp` is pushed to over espota, which is also the default of `engine:`.
  return port === usualPortOf({ engine: 'espota', platform }) ? undefined : port;
}
