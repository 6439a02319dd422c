/** What went wrong, in words: one function from what was observed to the error that a person reads. Pure. */

import { endpointText } from '../endpoint.ts';
import { OtaError } from '../errors.ts';
import { passwordVariable } from '../secret.ts';
import type { Image, ImageKind, Target } from '../types.ts';
import { advise } from './advice.ts';

/** Counted while the exchange ran; goes into `details` of every failure. */
export interface Observed {
  hostAddress: string;
  hostPort: number;
  invitations: number;
  datagramsReceived: number;
  /** ICMP errors, newest last, each once. */
  undeliverable: string[];
  /** Addresses that connected and were turned away. */
  foreignConnections: string[];
}

export interface Where {
  readonly target: Target;
  readonly observed: Observed;
}

/** `livingroom (192.0.2.7:8266)` */
export function deviceText({ name, address, port }: Target): string {
  const endpoint = endpointText({ address, port });
  // What was typed may be the address itself.
  return name === address || name === endpoint ? endpoint : `${name} (${endpoint})`;
}

export function silent(
  { target, observed }: Where,
  silence: { afterChallenge: boolean; waitedMs: number },
): OtaError {
  const details = { ...observed, port: target.port };
  const device = deviceText(target);
  if (silence.afterChallenge) {
    return new OtaError('DEVICE_SILENT', `${device} asked for the password and then answered no more.`, {
      hint: 'Power-cycle the device, then push again; if it happens again, look at its serial output.',
      details,
    });
  }
  const tried = `${observed.invitations} invitations in ${Math.round(silence.waitedMs / 1000)} s`;
  if (observed.undeliverable.includes('ECONNREFUSED')) {
    return new OtaError(
      'DEVICE_SILENT',
      `${device} is there, but nothing listens on its UDP port ${target.port} (${tried}).`,
      {
        hint: `Check the port (ESP8266 8266, ESP32 3232, RP2040 2040, HomeDing 8266 on every chip), and that the sketch calls ArduinoOTA.begin().`,
        details,
      },
    );
  }
  const noRoute = observed.undeliverable.find((code) => code === 'EHOSTUNREACH' || code === 'ENETUNREACH');
  if (noRoute !== undefined) {
    return new OtaError('DEVICE_SILENT', `No way to ${device}: ${noRoute} (${tried}).`, {
      hint: 'Check that the device is powered and that this computer is in the same network.',
      details,
    });
  }
  return new OtaError('DEVICE_SILENT', `${device} did not answer: ${tried}, no datagram came back.`, {
    hint: 'Check that the device is powered, in this network, and runs a sketch that calls ArduinoOTA.handle() in loop().',
    details,
  });
}

export function passwordRequired({ target, observed }: Where): OtaError {
  return new OtaError(
    'PASSWORD_REQUIRED',
    `${deviceText(target)} asks for a password, and none is configured.`,
    {
      hint: `Set ${passwordVariable(target.name)}, or \`password:\` of this device in .otarc, or use --password-file.`,
      details: { ...observed },
    },
  );
}

export function passwordWrong({ target, observed }: Where, why: 'refused' | 'hash-unfit'): OtaError {
  if (why === 'hash-unfit') {
    return new OtaError(
      'PASSWORD_WRONG',
      `${deviceText(target)} uses MD5, and only a SHA-256 hash of its password is configured.`,
      {
        hint: 'Configure the password itself, or the 32 hex digits of its MD5 as `passwordHash:`.',
        details: { ...observed },
      },
    );
  }
  return new OtaError('PASSWORD_WRONG', `${deviceText(target)} refused the configured password.`, {
    hint: 'Compare it with ArduinoOTA.setPassword(…) of the sketch that runs on the device now, not of the new one.',
    details: { ...observed },
  });
}

export function refused(
  { target, observed }: Where,
  answer: { text: string; number?: number },
  kind: ImageKind,
): OtaError {
  const details = { ...observed, answer: answer.text };
  if (answer.number === 15) {
    return new OtaError('DEVICE_BUSY', `${deviceText(target)} is busy with another update.`, { details });
  }
  const hint = advise(answer.number, kind);
  return new OtaError(
    'DEVICE_REFUSED',
    `${deviceText(target)} refused to begin: ${answer.text || '(no reason given)'}`,
    {
      ...(hint === undefined ? {} : { hint }),
      details,
    },
  );
}

export function noProtocol({ target, observed }: Where, text: string): OtaError {
  return new OtaError(
    'PROTOCOL_ERROR',
    `${deviceText(target)} answers, but not in the espota protocol: "${text}"`,
    {
      details: { ...observed, answer: text },
    },
  );
}

export function connectBackMissing({ target, observed }: Where, image: Image, waitedMs: number): OtaError {
  const { hostAddress, hostPort } = observed;
  const firewall = `let TCP from ${target.address} to port ${hostPort} of this computer in (a fixed --host-port helps with that)`;
  const others = observed.foreignConnections.length;
  const fromElsewhere = `A connection came from ${observed.foreignConnections.join(', ')} instead: behind NAT or a port proxy set \`acceptFrom: any\`.`;
  const weighed =
    others > 0
      ? fromElsewhere
      : target.platform === 'esp32' && image.kind === 'firmware'
        ? `Either a firewall is in the way: ${firewall}. Or the image (${image.sizeBytes} bytes) does not fit the slot: an ESP32 then says OK and never connects.`
        : `Most likely a firewall is in the way: ${firewall}. In WSL 2, a container or a VPN the device cannot reach ${hostAddress} at all.`;
  return new OtaError(
    'CONNECT_BACK_MISSING',
    `${deviceText(target)} said OK and then did not connect to ${hostAddress} port ${hostPort} within ${Math.round(waitedMs / 1000)} s.`,
    { hint: weighed, details: { ...observed, waitedMs } },
  );
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
        { ...options, hint: 'Choose a --host-port above 1023, or leave it out and let otarc choose.' },
      );
    case 'EADDRNOTAVAIL':
    // An address of the other family.
    case 'EINVAL':
      if (hostAddress === undefined && /^fe80:/i.test(address) && !address.includes('%')) {
        return noDevice(target, 'is link-local: add the interface, as in fe80::1%eth0', options);
      }
      return new OtaError(
        'CONFIG_INVALID',
        `${hostAddress ?? 'The address to send from'} is no address of this computer from which ${device} can be reached.`,
        {
          ...options,
          hint: 'Correct `hostAddress` (--host-address), or leave it out: otarc takes the route to the device.',
        },
      );
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return new OtaError('DEVICE_SILENT', `This computer has no route to ${device} (${code}).`, {
        ...options,
        hint: 'Connect to the network of the device, or check its address.',
      });
    default:
      return error;
  }
}

/** An address at which no one device can be. */
export function noDevice(
  target: Target,
  why: string,
  options: { cause?: unknown; details?: object } = {},
): OtaError {
  return new OtaError('CONFIG_INVALID', `${deviceText(target)}: this address ${why}.`, {
    hint: 'Give the address of the device itself.',
    cause: options.cause,
    details: { ...options.details, address: target.address },
  });
}
