/** How a host with a port is written, and read. */

import { isIPv4 } from 'node:net';
import { isAddress, isDeviceAddress } from './address.ts';
import { isHostName } from './host-name.ts';
import { portFrom } from './port.ts';

export interface HostAndPort {
  readonly host: string;
  readonly port?: number;
}

/** `192.0.2.7:8266`, `[::1]:8266`. */
export function endpointText({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * `address`, `name.local`, `name`, each also with `:port`; IPv6 as `::1`, `[::1]` or `[::1]:port`.
 *
 * @returns undefined for what is none of them: a path, an URL, an impossible port, an address that no device has
 */
export function parseHost(text: string): HostAndPort | undefined {
  if (isAddress(text)) return isDeviceAddress(text) ? { host: text } : undefined;
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) return undefined;
  const isKnown = bracketed === undefined ? isDeviceAddress(host) || isHostName(host) : isDeviceIPv6(host);
  if (!isKnown) return undefined;
  if (digits === undefined) return { host };
  const port = portFrom(digits);
  return port === undefined ? undefined : { host, port };
}

const isDeviceIPv6 = (text: string): boolean => isDeviceAddress(text) && !isIPv4(text);
