/** What is asked for a host as it stands in the configuration. Pure. */

import { domainToASCII } from 'node:url';
import { OtaError } from '../errors.ts';

/** Where a name is looked for. At least one of the two is there. */
export interface Question {
  /** As it was written. */
  readonly host: string;
  /** `livingroom`, where mDNS is asked: for the host `livingroom.local` and the service instance of that name. */
  readonly mdnsName?: string;
  /** What the system's resolver is asked. */
  readonly osName?: string;
}

/**
 * `name.local` goes to mDNS and to the system, a bare word to mDNS as `word.local` and to the system as it is, any other
 * dotted name to the system alone.
 */
export function questionFor(host: string): Question {
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  if (name === '' || name.split('.').includes('')) {
    throw new OtaError('CONFIG_INVALID', `'${host}' is neither an address nor a name.`);
  }
  const local = /^(.+)\.local$/i.exec(name)?.[1];
  const mdnsName = local ?? (name.includes('.') || isLocalhost(name) ? undefined : name);
  if (mdnsName === undefined && endsInNumber(name)) {
    throw new OtaError('CONFIG_INVALID', `'${host}' is not a complete IPv4 address.`, {
      hint: 'Write all four numbers, such as 192.0.2.7.',
    });
  }
  const askable = mdnsName !== undefined && fitsInLabels(mdnsName);
  const osName = endsInNumber(name) || domainToASCII(name) === '' ? undefined : name;
  if (!askable && osName === undefined) {
    throw new OtaError('CONFIG_INVALID', `'${host}' is too long or not a valid name.`);
  }
  return { host, ...(askable ? { mdnsName } : {}), ...(osName === undefined ? {} : { osName }) };
}

/**
 * For comparing names: DNS ignores the case of ASCII letters and of no others (RFC 6762, section 16); an accented letter
 * may arrive composed or decomposed.
 */
export function folded(name: string): string {
  return name.normalize('NFC').replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isLocalhost(name: string): boolean {
  return folded(name) === 'localhost';
}

/** The C library reads `192.168.1` as 192.168.0.1 and `7` as 0.0.0.7: a slip of the pen would reach another device. */
function endsInNumber(name: string): boolean {
  return /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i.test(name);
}

/** Whether a question can carry it. */
export function fitsInLabels(name: string): boolean {
  const labels = name.normalize('NFC').split('.');
  return name.length <= 200 && labels.every((label) => label !== '' && Buffer.byteLength(label) <= 63);
}
