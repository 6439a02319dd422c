import { isIP } from 'node:net';

/** Serial ports as the systems name them, without `/dev/` too. With a path or a wildcard they are no names anyway. */
const serial = /^(?:com\d+|tty[a-z]\w*|(?:tty|cu)\.[\w.-]+|cua\w+|rfcomm\d+)$/i;
/** Vendor and product, as pio's `hwids` have it. */
const usbId = /^[\da-f]{4}:[\da-f]{4}$/i;

/**
 * Whether an upload port is a device on the network: an address, `name.local` or another dotted name, each also with
 * `:port`. Serial ports, their wildcards and URLs (`tcp:…`, `socket://…`) are none.
 *
 * @param bareWord whether the protocol says that any other word is a name as well
 */
export function isNetworkName(text: string, bareWord: boolean): boolean {
  if (serial.test(text) || usbId.test(text)) return false;
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(text) ?? [];
  if (isIP(bracketed ?? text) !== 0) return true;
  // Letters of any language, as mDNS has them; no slash, no wildcard, no variable.
  const [, name] = /^([\p{L}\p{N}_][\p{L}\p{N}_.-]*)(?::\d{1,5})?$/u.exec(text) ?? [];
  if (name === undefined) return false;
  if (/^[\d.]+$/.test(name)) return isIP(name) === 4;
  return bareWord || /[^.]\.[^.]/.test(name);
}
