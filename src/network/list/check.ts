/** What can be said of a configured device that says nothing itself. It is sent no packet: an invitation would disturb it. */

import { hostAddressFor } from '../host-address.ts';
import { hostAddresses, isOnLink } from '../interfaces.ts';
import { lookUpInSystem } from '../os-resolver.ts';
import type { LookUp, OsAnswer } from '../types.ts';
import { isAddress } from '../../model/address.ts';
import { OtaError } from '../../model/errors.ts';

export interface AddressCheck {
  /** Whether mDNS would reach it: only on a link of this host. */
  readonly isNear: boolean;
  /** Of its host, where it is known. */
  readonly addresses: readonly string[];
  /** Fit for a terminal. */
  readonly notes: readonly string[];
}

export interface CheckOptions {
  readonly interfaces: readonly string[];
  readonly signal: AbortSignal;
  /** In place of the system's resolver. */
  readonly lookUp?: LookUp;
}

/** Whether its host has an address, and this host a route to it. */
export async function checkDevice(host: string, options: CheckOptions): Promise<AddressCheck> {
  if (isAddress(host))
    return { isNear: isNear(host), addresses: [host], notes: [await routeNote(host, options)] };
  const { lookUp = lookUpInSystem, signal } = options;
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  const answer = await lookUp(name, signal);
  const [address] = answer.type === 'answered' ? answer.addresses : [];
  if (answer.type !== 'answered' || address === undefined) {
    // Most systems know no such name by anything but mDNS, which was asked.
    const notes = isOfMdns(name) ? [] : [whyNot(answer)];
    return { isNear: true, addresses: [], notes };
  }
  return {
    isNear: isNear(address),
    addresses: answer.addresses,
    notes: [`by the system's resolver; ${await routeNote(address, options)}`],
  };
}

async function routeNote(address: string, { interfaces }: CheckOptions): Promise<string> {
  try {
    const from = `this host would send from ${await hostAddressFor(address, { interfaces })}`;
    return isNear(address) ? from : `mDNS does not reach it; ${from}`;
  } catch (error) {
    if (!(error instanceof OtaError)) throw error;
    return error.code === 'DEVICE_SILENT' ? 'this host has no route to it' : error.message;
  }
}

function isNear(address: string): boolean {
  return hostAddresses().some((own) => isOnLink(own, address));
}

const isOfMdns = (name: string): boolean => /\.local$/i.test(name);

function whyNot(answer: OsAnswer): string {
  const isUnknown = answer.type === 'failed' && ['ENOTFOUND', 'ENODATA'].includes(answer.code);
  return isUnknown ? "the system's resolver does not know it" : "the system's resolver gives no answer";
}
