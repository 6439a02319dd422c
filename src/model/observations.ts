/** What is known when something fails: flat facts, whoever has seen them. Never a secret. */

import { isSameAddress } from './address.ts';
import type { RunningSketch } from './announcement.ts';
import type { ErrorCode, OtaError } from './errors.ts';
import type { Chip, ImageKind, Platform } from './types.ts';
import { toWaitedFor, type WaitedFor } from './waiting.ts';
import { withoutUndefined } from './without-undefined.ts';
import type { Wording } from './wording.ts';
import type { HostFacts } from './host-facts.ts';

export interface Observations {
  /** Absent: nothing has failed. */
  readonly code?: ErrorCode;
  /** The name it has for its user. */
  readonly device: string;
  readonly address?: string;
  /** UDP, of the device. */
  readonly port?: number;
  /** Where the address is from. */
  readonly via?: 'config' | 'mdns' | 'os';
  /** Of the device, as configured or announced. */
  readonly platform?: Platform;
  readonly imagePlatform?: Platform;
  readonly imageChip?: Chip;
  readonly imageKind?: ImageKind;
  readonly imageBytes?: number;
  /** Of the partition table that the image was checked against. */
  readonly slotBytes?: number;
  readonly hostAddress?: string;
  /** TCP, of this host. */
  readonly hostPort?: number;
  readonly invitations?: number;
  readonly datagramsReceived?: number;
  /** System errors that came back for datagrams: `ECONNREFUSED` is ICMP "port unreachable". */
  readonly undeliverable: readonly string[];
  /** Who connected and was turned away. */
  readonly foreignConnections: readonly string[];
  readonly afterChallenge?: boolean;
  /** Of the device's nonce: 32 is MD5, 64 is SHA-256. */
  readonly nonceDigits?: number;
  /** What is configured to prove it with. */
  readonly credential?: 'none' | 'password' | 'password-like-hash' | 'md5-hash' | 'sha256-hash';
  /** Whether the device asks for a password, as it says itself. */
  readonly asksPassword?: boolean;
  /** What the device has said. */
  readonly answer?: string;
  readonly acknowledgedBytes?: number;
  readonly sentBytes?: number;
  readonly silentMs?: number;
  /** This host did nothing for so long meanwhile. */
  readonly suspendedMs?: number;
  /** The longest that the device took to answer. */
  readonly longestAnswerMs?: number;
  /** Where the limit of the push ended it: what had not come by then, and the limit. */
  readonly waitedFor?: WaitedFor;
  readonly limitMs?: number;
  readonly systemCode?: string;
  /** The device ended the connection while it counted, or denied it after a silence that is long enough for a restart. */
  readonly lostBy?: 'closing' | 'restart';
  /**
   * What it announces of itself now; `nothing`: it was listened for, and did not; `several`: more than one have its name.
   * Absent: nobody could tell.
   */
  readonly announced?: Announced | 'nothing' | 'several';
  /** Whether somebody in this computer's own network has its address, as the system has asked (ARP). */
  readonly neighbour?: 'present' | 'absent';
  /** HomeDing is known to run on it. */
  readonly isHomeding?: boolean;
  /** What it runs after a failure in mid-flash. */
  readonly cameBackWith?: 'old-image';
  /** After a failure in mid-flash, before it was heard again; it need not have restarted. */
  readonly awayMs?: number;
  /** Two devices answer to its name. */
  readonly isAmbiguous?: boolean;
  /** Another device has the address that the name led to. */
  readonly isElsewhere?: boolean;
  /** What it is described by, in whose words the cure is told. Absent: `config`. */
  readonly wording?: Wording;
  /** Why it started, as it says itself after it took the image. */
  readonly resetReason?: string;
  /** It starts again and again. */
  readonly restartsEveryMs?: number;
  /** It took the image, and runs on without a restart. */
  readonly isUnrestarted?: true;
  /** A file-system image was broken off while the device wrote it in place. */
  readonly isHalfWritten?: boolean;
  /** All of the image had been handed over. */
  readonly isAllTaken?: boolean;
  readonly host?: HostFacts;
  /** What the device is known to speak, where that is not espota. */
  readonly protocol?: string;
  /** What the place that failed has to say about the cure. */
  readonly ownHint?: string;
}

export interface Announced {
  /** How it calls itself, where it is known by its address alone and that is not the configured name. */
  readonly foreignName?: string;
  readonly address: string;
  readonly port: number;
  readonly platform?: Platform;
  readonly authRequired?: boolean;
  /** What it says of the sketch that it runs. */
  readonly running?: RunningSketch;
  /** What it speaks, where that is not espota. */
  readonly otherProtocol?: string;
}

/** What an error carries in its details. */
export function observationsIn({ code, hint, details }: OtaError): Omit<Observations, 'device'> {
  return {
    code: toCode(details['because']) ?? failureWaitedFor(details) ?? code,
    undeliverable: texts(details['undeliverable']),
    foreignConnections: texts(details['foreignConnections']),
    ...withoutUndefined({
      address: text(details['address']),
      port: number(details['port']),
      hostAddress: text(details['hostAddress']),
      hostPort: number(details['hostPort']),
      invitations: number(details['invitations']),
      datagramsReceived: number(details['datagramsReceived']),
      nonceDigits: number(details['nonceDigits']),
      answer: text(details['answer']),
      imageBytes: number(details['totalBytes']) ?? number(details['sizeBytes']),
      slotBytes: number(details['slotBytes']),
      acknowledgedBytes: number(details['acknowledgedBytes']),
      sentBytes: number(details['sentBytes']),
      silentMs: number(details['silentMs']),
      suspendedMs: number(details['suspendedMs']),
      waitedFor: toWaitedFor(details['waitedFor']),
      limitMs: code === 'TIMEOUT' ? number(details['timeoutMs']) : undefined,
      longestAnswerMs: number(details['longestAnswerMs']),
      systemCode: text(details['code']) ?? (details['reason'] === 'no-route' ? 'ENETUNREACH' : undefined),
      lostBy: toLostBy(details['lostBy']),
      afterChallenge: details['afterChallenge'] === true ? true : undefined,
      isAmbiguous: details['ambiguous'] === true ? true : undefined,
      isElsewhere: details['elsewhere'] === true ? true : undefined,
      resetReason: text(details['resetReason']),
      restartsEveryMs: number(details['restartsEveryMs']),
      isUnrestarted: details['hasRestarted'] === false ? (true as const) : undefined,
      isHalfWritten: code === 'FILESYSTEM_HALF_WRITTEN' ? true : undefined,
      isAllTaken: details['isAllTaken'] === true ? true : undefined,
      protocol: text(details['protocol']),
      ownHint: hint,
    }),
  };
}

/** What one device announces of itself, where that could be told. */
export const seenOf = ({ announced }: Observations): Announced | undefined =>
  typeof announced === 'object' ? announced : undefined;

/** No datagram came back at all. */
export const isSilent = ({ code, afterChallenge }: Observations): boolean =>
  code === 'DEVICE_SILENT' && afterChallenge !== true;

/** Something at that address says that nothing listens on that port. */
export const isPortClosed = ({ undeliverable }: Observations): boolean =>
  undeliverable.includes('ECONNREFUSED');

/** What the system said of datagrams and sockets. */
export const systemErrorsOf = ({ undeliverable, systemCode = '' }: Observations): readonly string[] => [
  ...undeliverable,
  systemCode,
];

/** This computer is in no network that leads there, or has lost the address that it sent from. */
export const isCutOff = (observed: Observations): boolean =>
  systemErrorsOf(observed).some((code) => code === 'ENETUNREACH' || code === 'EADDRNOTAVAIL');

/** It is, and nobody there has the address. */
export const isNobodyThere = (observed: Observations): boolean =>
  observed.neighbour === 'absent' ||
  systemErrorsOf(observed).some((code) => code === 'EHOSTUNREACH' || code === 'EHOSTDOWN');

/** The announcement is from the address that was tried. */
export const isSeenThere = (seen: Announced, { address = '' }: Observations): boolean =>
  isSameAddress(seen.address, address);

/** What the device announces to be, where that is not what the image is for. */
export function otherChipOf(observed: Observations): Platform | undefined {
  const { imagePlatform } = observed;
  const platform = seenOf(observed)?.platform;
  return imagePlatform === undefined || platform === imagePlatform ? undefined : platform;
}

type Lost = Pick<Observations, 'lostBy'>;

/** A device that denies the connection after a silence knows of none: it has started anew. */
export const hasForgotten = ({ lostBy }: Lost): boolean => lostBy === 'restart';

/** A device that ends the connection while it counts has decided to. */
export const hasGivenUp = ({ lostBy }: Lost): boolean => lostBy === 'closing';

/** What would have failed, had the limit of the push been longer. */
function failureWaitedFor(details: OtaError['details']): ErrorCode | undefined {
  switch (toWaitedFor(details['waitedFor'])) {
    case 'connection':
      return 'CONNECT_BACK_MISSING';
    case 'answer':
      return details['datagramsReceived'] === 0 ? 'DEVICE_SILENT' : undefined;
    default:
      return undefined;
  }
}

function toCode(value: unknown): ErrorCode | undefined {
  return value === 'CONNECTION_LOST' || value === 'TRANSFER_STALLED' || value === 'TIMEOUT'
    ? value
    : undefined;
}

function toLostBy(value: unknown): Observations['lostBy'] {
  return value === 'closing' || value === 'restart' ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
