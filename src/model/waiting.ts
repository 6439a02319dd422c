/** What a push was waiting for when its time was over: in the message, and in the details for the diagnosis. Pure. */

import { OtaError } from './errors.ts';

const words = {
  device: 'otarc was looking for the device',
  'other-otarc': 'otarc was waiting for another otarc to end',
  answer: 'otarc was waiting for the answer to its invitation',
  connection: 'the device had agreed, and otarc was waiting for its connection',
  sending: 'otarc was sending the image',
} as const;

export type WaitedFor = keyof typeof words;

/** The same `TIMEOUT`, with what it was waiting for; any other error, and one that says so already, as it is. */
export function withWaitedFor(error: OtaError, waitedFor: WaitedFor | undefined): OtaError {
  const { code, message, hint, details, cause } = error;
  if (code !== 'TIMEOUT' || waitedFor === undefined || details['waitedFor'] !== undefined) return error;
  const text = `${message.replace(/\.$/, '')}: ${words[waitedFor]}.`;
  return new OtaError(code, text, { hint, details: { ...details, waitedFor }, cause });
}

export function toWaitedFor(value: unknown): WaitedFor | undefined {
  return typeof value === 'string' && isWaitedFor(value) ? value : undefined;
}

function isWaitedFor(value: string): value is WaitedFor {
  return Object.hasOwn(words, value);
}
