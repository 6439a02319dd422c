import { isAddress } from '../model/address.ts';
import { parseHost } from '../model/endpoint.ts';

/** Serial ports as the systems name them, without `/dev/` too. With a path or a wildcard they are no names anyway. */
const serial = /^(?:com\d+|tty[a-z]\w*|(?:tty|cu)\.[\w.-]+|cua\w+|rfcomm\d+)$/i;
/** Vendor and product, as pio's `hwids` have it. */
const usbId = /^[\da-f]{4}:[\da-f]{4}$/i;

export const isSerialPort = (text: string): boolean => serial.test(text);

/**
 * Whether an upload port is a device on the network: an address, `name.local` or another dotted name, each also with
 * `:port`. Serial ports, their wildcards, variables and URLs (`tcp:…`, `socket://…`) are none; nor is what has blanks.
 *
 * @param bareWord whether the protocol says that any other word is a name as well
 */
export function isNetworkName(text: string, bareWord: boolean): boolean {
  if (isSerialPort(text) || usbId.test(text) || /[\s*?${}]/.test(text)) return false;
  const host = parseHost(text)?.host;
  return host !== undefined && (bareWord || isAddress(host) || /[^.]\.[^.]/.test(host));
}
