/** The datagrams of the protocol, as values. Pure. */

import { numberIn } from '../answer-number.ts';
import { printable } from '../../model/printable.ts';
import type { ImageKind } from '../../model/types.ts';

export interface Invitation {
  readonly kind: ImageKind;
  /** TCP port of this host that the device is asked to connect to. */
  readonly hostPort: number;
  readonly sizeBytes: number;
  /** 32 hex digits. Of another length, devices answer nothing at all. */
  readonly md5: string;
}

const commands = { firmware: 0, filesystem: 100 } as const satisfies Record<ImageKind, number>;
const authenticate = 200;

export function formatInvitation({ kind, hostPort, sizeBytes, md5 }: Invitation): string {
  return `${commands[kind]} ${hostPort} ${sizeBytes} ${md5}\n`;
}

export function formatAuthentication({ cnonce, response }: { cnonce: string; response: string }): string {
  return `${authenticate} ${cnonce} ${response}\n`;
}

/**
 * A command that no device knows. One that waits for an authentication falls back to idle on it, any other one ignores
 * it; none answers.
 */
export const resetDatagram = '255\n';

export type DeviceAnswer =
  | { readonly type: 'ok' }
  | { readonly type: 'challenge'; readonly nonce: string }
  | { readonly type: 'authentication-failed' }
  | { readonly type: 'refused'; readonly text: string; readonly number?: number }
  | { readonly type: 'unknown'; readonly text: string };

/** Reads one datagram of the device. Never throws; what is none of the protocol's answers is `unknown`. */
export function parseAnswer(datagram: Uint8Array): DeviceAnswer {
  const text = printableAnswer(datagram);
  if (text === 'OK') return { type: 'ok' };
  const nonce = /^AUTH ([0-9a-fA-F]{32}|[0-9a-fA-F]{64})$/.exec(text)?.[1];
  if (nonce !== undefined) return { type: 'challenge', nonce };
  if (text === 'Authentication Failed') return { type: 'authentication-failed' };
  const refusal = /^(?:ERR\b:? ?)?(.*)$/s.exec(text)?.[1];
  if (refusal !== undefined && /^ERR\b|^ERROR\[/.test(text))
    return { type: 'refused', text: refusal, ...numbered(refusal) };
  return { type: 'unknown', text };
}

function numbered(text: string): { number?: number } {
  const number = numberIn(text);
  return number === undefined ? {} : { number };
}

/** What a device sent, as one line that is safe to print, of at most 200 characters. Devices speak ASCII. */
export function printableAnswer(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 200))
    .toString('latin1')
    .replaceAll(/[\x80-\xff]/g, '?');
  return printable(text.replaceAll(/\s+/g, ' ').trim()).slice(0, 200);
}
