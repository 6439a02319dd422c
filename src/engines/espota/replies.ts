/**
 * What the device writes on the TCP connection: decimal counts without any delimiter, then one verdict. Pure.
 *
 *     counting ── a byte that is no digit ──▶ judging ── "OK" | end of line | end of stream | silence ──▶ a verdict
 *
 * Counts are of two sorts and cannot be told apart with certainty. ESP32 prints one for each read, at most 1,460;
 * ESP8266 and RP2040 print one sum when their input runs dry. So one TCP read is taken as one number where that is
 * possible at all (not more than what is outstanding), else as the fewest numbers that are, and of those the smallest
 * sum: such a reading may be wrong a little, either way. It must therefore never decide the end: the verdict does.
 */

import { printableAnswer } from './messages.ts';

/** The largest count of a device that prints one for each read: the buffer that the ESP32's ArduinoOTA reads into. */
export const largestReadBytes = 1460;
/** More than any device says; what follows is not kept. */
const longestVerdict = 512;
/** The digit. */
const zero = 0x30;

export interface Replies {
  /** Of the verdict, as far as it was read; empty while the device counts. */
  readonly verdict: Uint8Array;
  /** Bytes that the device is certain to have taken, by its own counts. */
  readonly acknowledgedBytes: number;
}

export const noReplies: Replies = { verdict: new Uint8Array(), acknowledgedBytes: 0 };

export interface ReplyLimits {
  /** What was handed to the connection so far; no more can have been acknowledged. */
  readonly sentBytes: number;
  /** Where the device is known to print no larger number. */
  readonly largestCountBytes?: number | undefined;
}

/** Takes one TCP read. */
export function takeReply(replies: Replies, read: Uint8Array, limits: ReplyLimits): Replies {
  if (replies.verdict.length > 0) return { ...replies, verdict: join(replies.verdict, read) };
  const { sentBytes, largestCountBytes = Infinity } = limits;
  const digits = countDigits(read);
  const outstanding = Math.max(0, sentBytes - replies.acknowledgedBytes);
  const largest = Math.min(outstanding, largestCountBytes);
  const counted = Math.min(outstanding, sumOfCounts(read.subarray(0, digits), largest));
  return {
    verdict: join(replies.verdict, read.subarray(digits)),
    acknowledgedBytes: replies.acknowledgedBytes + counted,
  };
}

export type DeviceVerdict =
  | { readonly type: 'accepted' }
  /** The device says why not; the text is fit for a terminal. */
  | { readonly type: 'rejected'; readonly text: string }
  /** Bytes that are no text: whatever answers there, it is not this protocol. */
  | { readonly type: 'garbage'; readonly text: string };

/**
 * The verdict, where it can be told already. `ended`: nothing will follow any more (the stream ended, or silence
 * lasted long enough). An error text is whole only at its line's end or then; `OK` at once.
 */
export function verdictOf(replies: Replies, ended: boolean): DeviceVerdict | undefined {
  const { verdict } = replies;
  if (verdict.length === 0) return undefined;
  if (verdict[0] === 0x4f && verdict[1] === 0x4b) return { type: 'accepted' };
  const isText = verdict.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0d || byte === 0x0a);
  if (!isText) return { type: 'garbage', text: printableAnswer(verdict) };
  const text = printableAnswer(verdict);
  // Half an `OK` before the end of the stream is no refusal, and no acceptance either.
  if (text === '' || text === 'O') return undefined;
  return ended || verdict.includes(0x0a) ? { type: 'rejected', text } : undefined;
}

/**
 * The sum of the fewest numbers up to `largest` that these digits can be cut into, none of which starts with a zero; of
 * several such cuts the smallest. 0 where there is none.
 */
function sumOfCounts(digits: Uint8Array, largest: number): number {
  // What a cut inside a number has left of it may well start with zeros.
  const first = digits.findIndex((digit) => digit !== zero);
  if (first === -1) return 0;
  const rest = digits.subarray(first);
  // For each length the fewest numbers that make it up, and their smallest sum.
  const numbers = [0];
  const sums = [0];
  for (let end = 1; end <= rest.length; end += 1) {
    let fewest = Infinity;
    let smallest = 0;
    let number = 0;
    let place = 1;
    for (let start = end - 1; start >= 0; start -= 1) {
      const digit = (rest[start] ?? zero) - zero;
      number += digit * place;
      place *= 10;
      if (number > largest || place > 1e12) break;
      const count = (numbers[start] ?? Infinity) + 1;
      const sum = (sums[start] ?? 0) + number;
      if (digit === 0 || count > fewest || (count === fewest && sum >= smallest)) continue;
      fewest = count;
      smallest = sum;
    }
    numbers.push(fewest);
    sums.push(smallest);
  }
  return sums.at(-1) ?? 0;
}

function countDigits(bytes: Uint8Array): number {
  const end = bytes.findIndex((byte) => byte < 0x30 || byte > 0x39);
  return end === -1 ? bytes.length : end;
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  return Buffer.concat([first, second]).subarray(0, longestVerdict);
}
