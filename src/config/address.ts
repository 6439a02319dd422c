import { isIPv4, isIPv6 } from 'node:net';
import { mayBeIPv6 } from '../model/endpoint.ts';

export { canonicalHost } from '../model/endpoint.ts';

export interface HostAndPort {
  readonly host: string;
  readonly port?: number;
}

/**
 * `address`, `name.local`, `name`, each also with `:port`; IPv6 as `::1`, `[::1]` or `[::1]:port`.
 *
 * @returns undefined for what is none of them (a path, an URL, an impossible address or port)
 */
export function parseHost(text: string): HostAndPort | undefined {
  if (isIPv4(text) || (mayBeIPv6(text) && isIPv6(text))) return { host: text };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || !(bracketed === undefined ? isHostName(host) : isIPv6(host))) return undefined;
  if (digits === undefined) return { host };
  const port = Number(digits);
  return isPort(port) ? { host, port } : undefined;
}

export const isPort = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 65_535;

/** Also what no DNS knows: over mDNS a device may be called `Living Room` or `My Lamp v1.2`. A path is no name. */
function isHostName(text: string): boolean {
  if (isIPv4(text)) return true;
  const looksNumeric = /^[\d.]+$/.test(text);
  return (
    !looksNumeric && !text.includes('..') && text.length <= 253 && (/^\w[\w.-]*$/.test(text) || isText(text))
  );
}

/** Compiled where a name has more than letters of ASCII, digits, dots and hyphens. */
const isText = (text: string): boolean =>
  new RegExp(String.raw`^[\p{L}\p{N}\p{So}_(](?:[\p{L}\p{M}\p{N}\p{S}\p{P} ]*[^\s])?$`, 'u').test(text) &&
  !/[/\\]/.test(text);
