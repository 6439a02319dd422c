/**
 * What the device writes on the TCP connection: decimal counts without any delimiter, then one verdict. Pure.
 *
 *     counting ── a byte that is no digit ──▶ judging ── "OK" | end of line | end of stream | silence ──▶ a verdict
 *
 * Counts are of two sorts and cannot be told apart with certainty. ESP32 prints one for each read, at most 1,460;
 * ESP8266 and RP2040 print one sum when their input runs dry. So one TCP read is taken as one number where that is
 * possible at all (not more than what is outstanding), else it is split greedily into numbers of at most 1,460: such
 * a reading ends a little low, never over. It must therefore never decide the end: the verdict does.
 */

import { printable } from './messages.ts';

/** The largest count of a device that prints one for each read: the TCP payload of one Ethernet frame. */
const largestReadBytes = 1460;
/** More than any device says; what follows is not kept. */
const longestVerdict = 512;

export interface Replies {
  /** Of the verdict, as far as it was read; empty while the device counts. */
  readonly verdict: Uint8Array;
  /** Bytes that the device is certain to have taken, by its own counts. */
  readonly acknowledgedBytes: number;
}

export const noReplies: Replies = { verdict: new Uint8Array(), acknowledgedBytes: 0 };

/** Takes one TCP read. `sentBytes`: what was handed to the connection so far; no more can have been acknowledged. */
export function takeReply(replies: Replies, read: Uint8Array, sentBytes: number): Replies {
  if (replies.verdict.length > 0) return { ...replies, verdict: join(replies.verdict, read) };
  const digits = countDigits(read);
  const outstanding = Math.max(0, sentBytes - replies.acknowledgedBytes);
  const counted = Math.min(outstanding, sumOfCounts(read.subarray(0, digits), outstanding));
  return {
    verdict: join(replies.verdict, read.subarray(digits)),
    acknowledgedBytes: replies.acknowledgedBytes + counted,
  };
}

export type Verdict =
  | { readonly type: 'accepted' }
  /** The device says why not; the text is fit for a terminal. */
  | { readonly type: 'rejected'; readonly text: string }
  /** Bytes that are no text: whatever answers there, it is not this protocol. */
  | { readonly type: 'garbage'; readonly text: string };

/**
 * The verdict, where it can be told already. `ended`: nothing will follow any more (the stream ended, or silence
 * lasted long enough). An error text is whole only at its line's end or then; `OK` at once.
 */
export function verdictOf(replies: Replies, ended: boolean): Verdict | undefined {
  const { verdict } = replies;
  if (verdict.length === 0) return undefined;
  if (verdict[0] === 0x4f && verdict[1] === 0x4b) return { type: 'accepted' };
  const isText = verdict.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0d || byte === 0x0a);
  if (!isText) return { type: 'garbage', text: printable(verdict) };
  const text = printable(verdict);
  // Half an `OK` before the end of the stream is no refusal, and no acceptance either.
  if (text === '' || text === 'O') return undefined;
  return ended || verdict.includes(0x0a) ? { type: 'rejected', text } : undefined;
}

function sumOfCounts(digits: Uint8Array, outstanding: number): number {
  if (digits.length === 0) return 0;
  const whole = Number(Buffer.from(digits).toString('latin1'));
  if (whole <= outstanding) return whole;
  let sum = 0;
  let number = 0;
  for (const byte of digits) {
    const longer = number * 10 + (byte - 0x30);
    if (longer > largestReadBytes) {
      sum += number;
      number = byte - 0x30;
    } else {
      number = longer;
    }
  }
  return sum + number;
}

function countDigits(bytes: Uint8Array): number {
  const end = bytes.findIndex((byte) => byte < 0x30 || byte > 0x39);
  return end === -1 ? bytes.length : end;
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  return Buffer.concat([first, second]).subarray(0, longestVerdict);
}
