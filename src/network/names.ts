/** What is asked for a host as it stands in the configuration. Pure. */

import { domainToASCII } from 'node:url';
import { folded } from '../model/host-name.ts';
import { isAddress } from '../model/address.ts';
import { OtaError } from '../model/errors.ts';

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
 * dotted name to the system alone; what can be no name of the DNS (`My Lamp v1.2`), to mDNS alone.
 */
export function questionFor(host: string): Question {
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  if (name === '' || name.split('.').includes('')) {
    throw new OtaError('CONFIG_INVALID', `'${host}' is neither an address nor a name.`);
  }
  if (name.includes('.') && isNumeric(name)) {
    throw new OtaError('CONFIG_INVALID', `'${host}' is not a complete IPv4 address.`, {
      hint: 'Write all four numbers, such as 192.0.2.7.',
    });
  }
  const osName = endsInNumber(name) || domainToASCII(name) === '' ? undefined : name;
  const local = /^(.+)\.local$/i.exec(name)?.[1];
  const isForDns = isLocalhost(name) || (name.includes('.') && osName !== undefined);
  const mdnsName = local ?? (isForDns ? undefined : name);
  const askable = mdnsName !== undefined && (fitsInLabel(mdnsName) || fitsInLabels(mdnsName));
  if (!askable && osName === undefined) {
    throw new OtaError('CONFIG_INVALID', `'${host}' is too long or not a valid name.`);
  }
  return { host, ...(askable ? { mdnsName } : {}), ...(osName === undefined ? {} : { osName }) };
}

/** Undefined where mDNS cannot be asked: an address, a name of the DNS, what is no name. */
export function mdnsNameOf(host: string): string | undefined {
  try {
    return isAddress(host) ? undefined : questionFor(host).mdnsName;
  } catch {
    return undefined;
  }
}

/**
 * Whether devices could write this name otherwise than it is written here, and yet mean it: they compare the letters of
 * ASCII alone without their case.
 */
export function hasOtherSpellings(name: string): boolean {
  const others = name.normalize('NFC').replaceAll(/\p{ASCII}/gu, '');
  return others.toLowerCase() !== others.toUpperCase();
}

/** Whether a question can carry it as the name of a service instance: one label, dots and all (RFC 6763, section 4.1.1). */
export function fitsInLabel(instance: string): boolean {
  return isWritable(instance) && isLabel(instance.normalize('NFC'));
}

/** Whether a question can carry it as the name of a host, which is cut at its dots. */
export function fitsInLabels(host: string): boolean {
  return isWritable(host) && host.normalize('NFC').split('.').every(isLabel);
}

const isLabel = (label: string): boolean => label !== '' && Buffer.byteLength(label) <= 63;

/** What was no UTF-8 was lost when it was read: a question for it would be one for another name. */
const isWritable = (name: string): boolean => Buffer.byteLength(name) <= 200 && !name.includes('\uFFFD');

function isLocalhost(name: string): boolean {
  return folded(name) === 'localhost';
}

/** The C library reads `192.168.1` as 192.168.0.1: a slip of the pen would reach another device. */
function isNumeric(name: string): boolean {
  return name.split('.').every((label) => /^(?:\d+|0x[0-9a-f]*)$/i.test(label));
}

/** No name of the DNS does; the C library reads `7` as 0.0.0.7. */
function endsInNumber(name: string): boolean {
  return /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i.test(name);
}
