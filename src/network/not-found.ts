/** What is said where a name leads nowhere. Pure. */

import { OtaError } from '../model/errors.ts';
import { type HostAddress, listed } from './interfaces.ts';
import type { Question } from './names.ts';
import type { OsAnswer } from './types.ts';

export interface FailedSearch {
  /** As the user calls the device. */
  readonly name: string;
  readonly question: Question;
  /** On which mDNS asked. */
  readonly addresses: readonly HostAddress[];
  /** Of this host, on any interface. */
  readonly all: readonly HostAddress[];
  /** Why some of them could not be asked. */
  readonly problems: readonly string[];
  readonly mdnsImpossible: boolean;
  readonly timeoutMs: number;
  readonly os: OsAnswer;
}

export function notFound(search: FailedSearch): OtaError {
  const { name, question, addresses, problems, os, timeoutMs } = search;
  const reasons = [mdnsReason(search), osReason(search)].filter((reason) => reason !== undefined);
  return new OtaError('NAME_NOT_RESOLVED', `'${name}' was not found: ${reasons.join(', and ')}.`, {
    hint: hintFor(search),
    details: {
      asked: askedNames(question),
      interfaces: interfaceNames(addresses),
      os: os.type === 'failed' ? os.code : os.type,
      timeoutMs,
      ...(problems.length === 0 ? {} : { problems }),
    },
  });
}

/** Where it was waited for. */
export function notSeen(
  name: string,
  { timeoutMs, problems }: { timeoutMs: number; problems: readonly string[] },
): OtaError {
  const because = problems.length === 0 ? '' : ` ${problems.join(' ')}`;
  return new OtaError(
    'NAME_NOT_RESOLVED',
    `'${name}' did not announce itself within ${timeoutMs / 1000} s.${because}`,
    {
      hint:
        'Check that the device wakes up within this time and is on the same network: mDNS reaches neither another ' +
        'subnet nor across a guest Wi-Fi.',
      details: { timeoutMs, ...(problems.length === 0 ? {} : { problems }) },
    },
  );
}

function mdnsReason({ question, addresses, mdnsImpossible, timeoutMs }: FailedSearch): string | undefined {
  if (question.mdnsName === undefined) return undefined;
  const host = `${question.mdnsName}.local`;
  if (addresses.length === 0)
    return `${host} could not be asked for over mDNS, for this host has no network interface`;
  const where = listed(interfaceNames(addresses));
  if (mdnsImpossible) return `${host} could not be asked for over mDNS on ${where}`;
  return `no mDNS answer for ${host} on ${where} within ${seconds(timeoutMs)}`;
}

function osReason({ question, os, timeoutMs }: FailedSearch): string | undefined {
  if (question.osName === undefined) return undefined;
  const asked = `the system's resolver`;
  switch (os.type) {
    case 'failed':
      return unknownCodes.has(os.code)
        ? `${asked} does not know ${question.osName}`
        : `${asked} got no answer for ${question.osName} (${os.code})`;
    case 'waiting':
      return `${asked} gave no answer within ${seconds(timeoutMs)}`;
    case 'answered':
    case 'not-asked':
      return undefined;
  }
}

function hintFor({ question, addresses, all }: FailedSearch): string {
  if (all.every(({ loopback }) => loopback)) {
    return 'This host has no network interface but loopback (a container without a network?): give it one, or run otarc outside.';
  }
  if (question.mdnsName === undefined)
    return 'Check the spelling, or give the address: `host: <address>` in .otarc.';
  if (addresses.every(({ loopback }) => loopback)) {
    return 'Only loopback was asked: name the network of the device as the interface, or leave the interface out.';
  }
  return (
    'Check the spelling (`otarc devices` lists who is heard), and that the device is powered and on the same network: mDNS ' +
    'reaches neither another subnet nor across a guest Wi-Fi, and a firewall may drop it (UDP port 5353). Or give its ' +
    'address: `host: <address>` in .otarc.'
  );
}

const unknownCodes = new Set(['ENOTFOUND', 'ENODATA']);

export function askedNames({ mdnsName, osName }: Question): Record<string, string> {
  return {
    ...(mdnsName === undefined ? {} : { mdns: `${mdnsName}.local` }),
    ...(osName === undefined ? {} : { os: osName }),
  };
}

export function interfaceNames(addresses: readonly HostAddress[]): string[] {
  return [...new Set(addresses.map(({ name }) => name))];
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}
