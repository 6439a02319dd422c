/** What went wrong, in words: one function from what was observed to the error that a person reads. Pure. */

import { OtaError } from '../errors.ts';
import type { Image, Target } from '../types.ts';
import { silenceLimitMs } from './handshake.ts';
import { numberIn } from './messages.ts';
import type { TransferEnd } from './transfer.ts';

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
  const host = address.includes(':') ? `[${address}]` : address;
  return name === address ? `${host}:${port}` : `${name} (${host}:${port})`;
}

export function silent({ target, observed }: Where, afterChallenge: boolean): OtaError {
  const details = { ...observed, port: target.port };
  const device = deviceText(target);
  if (afterChallenge) {
    return new OtaError('DEVICE_SILENT', `${device} asked for the password and then answered no more.`, {
      hint: 'Power-cycle the device, then push again; if it happens again, look at its serial output.',
      details,
    });
  }
  const tried = `${observed.invitations} invitations in ${silenceLimitMs / 1000} s`;
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
  const variable = `OTARC_PASSWORD_${target.name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
  return new OtaError(
    'PASSWORD_REQUIRED',
    `${deviceText(target)} asks for a password, and none is configured.`,
    {
      hint: `Set ${variable}, or \`password:\` of this device in .otarc, or use --password-file.`,
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

/** Advice for the numbers of the ESP8266 and RP2040 cores' updater; the texts beside them differ by version. */
const adviceFor: Readonly<Record<number, string>> = {
  1: 'The flash could not be written: check the power supply, then push again.',
  2: 'The flash could not be erased: check the power supply, then push again.',
  4: 'The image does not fit beside the running sketch: make it smaller, or choose a flash layout with more room and flash by cable once.',
  5: 'The size does not fit the partition: build the file system for the flash layout that the device has.',
  7: 'The image was damaged on its way: push again; if it happens again, check the Wi-Fi signal.',
  8: 'The flash settings on the device are wrong for its chip: flash once by cable with the right flash size.',
  9: 'The image was built for a larger flash than the device has: choose the right board or flash size.',
  10: 'That is no image for this chip: push the application image (firmware.bin).',
  11: 'This is the first update after flashing by cable: press reset on the device once, then push again.',
  12: 'The signature was refused: sign the image with the key that the running sketch trusts.',
  14: 'The device is out of memory: power-cycle it, then push again.',
};

export function refused({ target, observed }: Where, answer: { text: string; number?: number }): OtaError {
  const details = { ...observed, answer: answer.text };
  if (answer.number === 15) {
    return new OtaError('DEVICE_BUSY', `${deviceText(target)} is busy with another update.`, { details });
  }
  const hint = answer.number === undefined ? undefined : adviceFor[answer.number];
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

/** The error for every end of a transfer but `accepted`. */
export function transferFailed(
  { target, observed }: Where,
  image: Image,
  end: TransferEnd & { type: Exclude<TransferEnd['type'], 'accepted'> },
): OtaError {
  const device = deviceText(target);
  const details = { ...observed, ...end, totalBytes: image.sizeBytes };
  const taken = `${end.acknowledgedBytes} of ${image.sizeBytes} bytes`;
  // A file-system image is written in place: what was there is gone, what should be there is not whole.
  if (image.kind === 'filesystem' && (end.type === 'lost' || end.type === 'stalled')) {
    const because = end.type === 'lost' ? 'CONNECTION_LOST' : 'TRANSFER_STALLED';
    return new OtaError(
      'FILESYSTEM_HALF_WRITTEN',
      `${device} took ${taken} of its file system, then no more.`,
      {
        details: { ...details, because },
      },
    );
  }
  switch (end.type) {
    case 'rejected': {
      const { number } = numberIn(end.answer ?? '');
      const hint = rejectionHint(number, end.answer ?? '', image);
      return new OtaError('IMAGE_REJECTED', `${device} rejected the image: ${end.answer}`, {
        ...(hint === undefined ? {} : { hint }),
        details,
      });
    }
    case 'garbage':
      return new OtaError('PROTOCOL_ERROR', `${device} answered with something unreadable: "${end.answer}"`, {
        details,
      });
    case 'early-ok':
      return new OtaError(
        'PROTOCOL_ERROR',
        `${device} said OK after ${end.sentBytes} of ${image.sizeBytes} bytes.`,
        {
          hint: 'It took another image than this one: push again, and look at what it runs.',
          details,
        },
      );
    case 'lost':
      return new OtaError('CONNECTION_LOST', `${device} closed the connection after it had taken ${taken}.`, {
        hint: 'It restarted or lost the Wi-Fi: check its power supply and signal, then push again.',
        details,
      });
    case 'stalled':
      return new OtaError(
        'TRANSFER_STALLED',
        `${device} took ${taken} and then nothing more for ${Math.round(end.silentMs / 1000)} s.`,
        { details },
      );
    case 'no-verdict':
      return new OtaError(
        'NO_VERDICT',
        `${device} took all ${image.sizeBytes} bytes but never said whether it accepts them.`,
        {
          hint: 'It may well have taken the image: look whether the new sketch runs before you push again.',
          details,
        },
      );
  }
}

function rejectionHint(number: number | undefined, answer: string, image: Image): string | undefined {
  if (image.kind === 'filesystem') {
    return 'The file system on the device may be half written: push the file-system image again before it restarts.';
  }
  if (number !== undefined) return adviceFor[number];
  return /md5/i.test(answer) ? adviceFor[7] : undefined;
}
