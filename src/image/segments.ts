/**
 * The part that all of Espressif's images share: a header, then segments of an 8-byte head (address, size) and their
 * bytes, then zeros up to the checksum byte, which is the last of a block of 16. The checksum is the XOR of all segment
 * bytes, starting from 0xEF.
 */

import { u32, word } from './bytes.ts';
import { thousands } from '../model/numbers.ts';
import type { Segment } from './facts.ts';

/** 0xE9: the first byte of every image that a chip of Espressif's boots. */
export const imageMagic = 0xe9;

export type Walk =
  | {
      readonly type: 'whole';
      readonly segments: readonly Segment[];
      /** First byte after the checksum. */
      readonly end: number;
      readonly storedChecksum: number;
      readonly computedChecksum: number;
    }
  | { readonly type: 'truncated'; readonly segments: readonly Segment[]; readonly message: string }
  | { readonly type: 'absurd'; readonly segments: readonly Segment[]; readonly message: string };

export interface WalkOptions {
  /** Where the 0xE9 is. */
  readonly at: number;
  /** Of the header: 8 on the ESP8266, 24 on the ESP32 family. */
  readonly headerBytes: number;
  /** Whether this chip has memory there. */
  readonly isAddress: (address: number) => boolean;
}

/**
 * Walks the segments that start at `at`. Truncated: everything so far is right, and the file ends. Absurd: no packer
 * writes this.
 */
export function walkSegments(bytes: Uint8Array, { at, headerBytes, isAddress }: WalkOptions): Walk {
  const segments: Segment[] = [];
  if (bytes.length < at + headerBytes) {
    return { type: 'truncated', segments, message: 'ends inside the header' };
  }
  const expected = bytes[at + 1] ?? 0;
  if (expected === 0 || expected > maxSegments) {
    return {
      type: 'absurd',
      segments,
      message: `claims ${expected} segments (1 to ${maxSegments} are possible)`,
    };
  }
  let offset = at + headerBytes;
  let checksum = 0xef;
  for (let index = 0; index < expected; index += 1) {
    if (bytes.length < offset + 8) {
      const message = `ends after ${thousands(bytes.length)} bytes, before segment ${index + 1} of ${expected}`;
      return { type: 'truncated', segments, message };
    }
    const segment = { address: u32(bytes, offset), sizeBytes: u32(bytes, offset + 4), fileOffset: offset };
    if (!isAddress(segment.address)) {
      const message = `has a segment for address ${word(segment.address)}, where its chip has no memory`;
      return { type: 'absurd', segments, message };
    }
    if (segment.sizeBytes > maxSegmentBytes) {
      return { type: 'absurd', segments, message: `has a segment of ${thousands(segment.sizeBytes)} bytes` };
    }
    segments.push(segment);
    offset += 8 + segment.sizeBytes;
    if (bytes.length < offset) {
      const message = `ends after ${thousands(bytes.length)} bytes, inside segment ${index + 1} of ${expected}, which ends at ${thousands(offset)}`;
      return { type: 'truncated', segments, message };
    }
    checksum ^= xorOf(bytes.subarray(offset - segment.sizeBytes, offset));
  }
  // Blocks are counted from the start of this image; the sketch's 4096 is a multiple of 16, so it makes no difference.
  const end = offset + 16 - (offset % 16);
  if (bytes.length < end) {
    return {
      type: 'truncated',
      segments,
      message: `ends after ${thousands(bytes.length)} bytes, before its checksum`,
    };
  }
  const storedChecksum = bytes[end - 1] ?? 0;
  return { type: 'whole', segments, end, storedChecksum, computedChecksum: checksum };
}

export function xorOf(bytes: Uint8Array): number {
  // Four at a time: a push reads each image once, in code that no compiler has warmed up for.
  const toWord = (4 - (bytes.byteOffset % 4)) % 4;
  const words = Math.max(0, (bytes.length - toWord) >> 2);
  if (words === 0) return xorOfEach(bytes);
  const view = new Uint32Array(bytes.buffer, bytes.byteOffset + toWord, words);
  let xor = 0;
  for (let index = 0; index < words; index += 1) xor ^= view[index] ?? 0;
  xor ^= xor >>> 16;
  xor ^= xor >>> 8;
  return (xor & 0xff) ^ xorOfEach(bytes.subarray(0, toWord)) ^ xorOfEach(bytes.subarray(toWord + words * 4));
}

function xorOfEach(bytes: Uint8Array): number {
  let xor = 0;
  for (const byte of bytes) xor ^= byte;
  return xor;
}

/** The boot loaders and esptool refuse more. */
const maxSegments = 16;
/** The largest flash that any of these chips maps at once; beyond it the size is noise, not a missing rest. */
const maxSegmentBytes = 16 * 1024 * 1024;
