/**
 * What went wrong, in words: one function from what was observed to the error that a person reads. Pure. What it comes
 * from and what to do is the diagnosis's to say (`explain.ts`), which reads the observations in the details.
 */

import { isAlreadyRunning } from '../answer-number.ts';
import { endpointText } from '../../model/endpoint.ts';
import { OtaError, type OtaErrorOptions } from '../../model/errors.ts';
import type { Target } from '../../model/types.ts';

/** Counted while the exchange ran; goes into `details` of every failure. */
export interface Observed {
  hostAddress: string;
  hostPort: number;
  /** Until anything came back. */
  invitations: number;
  datagramsReceived: number;
  /** ICMP errors, newest last, each once. */
  undeliverable: string[];
  /** Addresses that connected and were turned away, each once, at most a handful. */
  foreignConnections: string[];
  /** Of the device's last nonce. */
  nonceDigits?: number;
  /** The longest that an answer took, where one came. */
  longestAnswerMs?: number;
  /** The longest time that this host did nothing at all. */
  suspendedMs?: number;
}

export interface Where {
  readonly target: Target;
  readonly observed: Observed;
}

/** The same error, of an exchange that somebody else ended, with what had been observed by then. */
export function withObserved(
  { code, message, hint, details, cause }: OtaError,
  observed: Observed,
): OtaError {
  return new OtaError(code, message, { hint, details: { ...observed, ...details }, cause });
}

/** `livingroom (192.0.2.7:8266)` */
export function deviceText({ name, address, port }: Target): string {
  const endpoint = endpointText({ address, port });
  // What was typed may be the address itself.
  return name === address || name === endpoint ? endpoint : `${name} (${endpoint})`;
}

/** The system does not send: no route, a firewall of its own, or the address that it sent from is gone. */
const noWayCodes = ['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EPERM'];

export function silent(
  where: Where,
  { afterChallenge, waitedMs }: { afterChallenge: boolean; waitedMs: number },
): OtaError {
  const { target, observed } = where;
  const device = deviceText(target);
  const tried = `${observed.invitations} invitations in ${Math.round(waitedMs / 1000)} s`;
  const noRoute = observed.undeliverable.find((code) => noWayCodes.includes(code));
  const message = afterChallenge
    ? `${device} asked for the password and then stopped answering.`
    : observed.undeliverable.includes('ECONNREFUSED')
      ? `${device} is there, but nothing listens on its UDP port ${target.port} (${tried}).`
      : noRoute === undefined
        ? `${device} did not answer: ${tried}, no datagram came back.`
        : `No way to ${device}: ${noRoute} (${tried}).`;
  const details = { ...observed, port: target.port, ...(afterChallenge ? { afterChallenge } : {}) };
  return new OtaError('DEVICE_SILENT', message, { details });
}

export function passwordRequired(where: Where): OtaError {
  const message = `${deviceText(where.target)} asks for a password, and none is configured.`;
  return new OtaError('PASSWORD_REQUIRED', message, { details: { ...where.observed } });
}

export function passwordWrong(where: Where, why: 'refused' | 'hash-unfit'): OtaError {
  const device = deviceText(where.target);
  const message =
    why === 'hash-unfit'
      ? `${device} uses MD5, and only a SHA-256 hash of its password is configured.`
      : `${device} refused the configured password.`;
  return new OtaError('PASSWORD_WRONG', message, { details: { ...where.observed } });
}

export function refused({ target, observed }: Where, answer: { text: string; number?: number }): OtaError {
  const device = deviceText(target);
  const details = { ...observed, answer: answer.text };
  if (isAlreadyRunning(answer.text)) {
    return new OtaError('DEVICE_BUSY', `${device} is busy with another update.`, { details });
  }
  const message = `${device} refused to begin: ${answer.text || '(no reason given)'}`;
  return new OtaError('DEVICE_REFUSED', message, { details });
}

export function noProtocol(where: Where, text: string): OtaError {
  const message = `${deviceText(where.target)} answers, but not in the espota protocol: "${text}"`;
  return new OtaError('PROTOCOL_ERROR', message, { details: { ...where.observed, answer: text } });
}

export function connectBackMissing({ target, observed }: Where, waitedMs: number): OtaError {
  const { hostAddress, hostPort } = observed;
  const message = `${deviceText(target)} said OK and then did not connect to ${hostAddress} port ${hostPort} within ${Math.round(waitedMs / 1000)} s.`;
  return new OtaError('CONNECT_BACK_MISSING', message, { details: { ...observed, waitedMs } });
}

/** Why the sockets could not be opened; what is no network error is given back as it is. */
export function notPrepared(error: unknown, target: Target): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const { address, hostAddress, hostPort } = target;
  const options = { cause: error, details: { address, hostAddress, hostPort, code } };
  const device = deviceText(target);
  switch (code) {
    case 'EADDRINUSE':
      return new OtaError(
        'HOST_PORT_IN_USE',
        `TCP port ${hostPort} of this computer, which ${device} should connect to, is taken.`,
        options,
      );
    case 'EACCES':
      // Without a port of its own that needs rights, it is the route: a broadcast address takes no connected socket.
      if (hostPort === undefined) return noDevice(target, 'is a broadcast address', options);
      return new OtaError(
        'HOST_PORT_IN_USE',
        `TCP port ${hostPort} of this computer, which ${device} should connect to, needs more rights.`,
        options,
      );
    case 'EADDRNOTAVAIL':
    // An address of the other family.
    case 'EINVAL':
      if (hostAddress === undefined && /^fe80:/i.test(address) && !address.includes('%')) {
        const hint = `Add the interface that leads to it, as in ${address}%eth0.`;
        return noDevice(target, 'is link-local, which every interface has', { ...options, hint });
      }
      return new OtaError(
        'CONFIG_INVALID',
        `${hostAddress ?? 'The address to send from'} is no address of this computer from which ${device} can be reached.`,
        {
          ...options,
          hint: 'Correct it (`hostAddress:`, --host-address; of espota: -I), or leave it out: otarc takes the route to the device.',
        },
      );
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return new OtaError('DEVICE_SILENT', `This computer has no route to ${device} (${code}).`, options);
    default:
      return error;
  }
}

/** An address at which no one device can be. */
export function noDevice(
  target: Target,
  why: string,
  { cause, details, hint = 'Give the address of the device itself.' }: OtaErrorOptions = {},
): OtaError {
  return new OtaError('CONFIG_INVALID', `${deviceText(target)}: this address ${why}.`, {
    hint,
    cause,
    details: { ...details, address: target.address },
  });
}
