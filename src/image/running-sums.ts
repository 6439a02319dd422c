/**
 * What a device says of the sketch that it runs: `md5=` of its announcement (templates/sketches/otarc.h). Each core sums
 * another part of its flash, and the flash does not always hold what was sent:
 *
 *   ESP8266  `ESP.getSketchMD5()`: flash from 0 to the end of the sketch, which is found by the headers at 4096 and rounded up to
 *            the 16 bytes of the checksum; so without a signature. Of a raw image the updater replaces byte 2 (flash mode) by the
 *            mode of the device; a gzip is inflated by the boot loader as it is.
 *   ESP32    `ESP.getSketchMD5()`: `image_len` bytes of the running partition (IDF's esp_image_verify): header, segments, checksum
 *            and the appended SHA-256. Padding and the signature of secure boot come after it.
 *   RP2040   otarc.h itself: the flash from its start to `__flash_binary_end`, which pico-sdk notes in the image.
 */

import { createHash } from 'node:crypto';
import type { Image } from '../model/types.ts';
import { u32 } from './bytes.ts';
import { signatureLength } from './esp8266-signature.ts';
import { inflateGzip } from './gzip.ts';
import { notedLength } from './pico-info.ts';
import { walkSegments } from './segments.ts';

/**
 * The MD5 sums (lower-case hex) that a device may report while this very image runs on it. Empty where no sum is known: a file
 * system, an image of an unknown platform. With flash encryption an ESP32 reports a sum that is not among them.
 *
 * Costs up to five MD5s of the image (some 10 ms for 1 MB), each time: ask once, and only where a device reported a sum.
 */
export function runningSumsOf(
  image: Pick<Image, 'bytes' | 'kind' | 'platform' | 'compression'>,
): ReadonlySet<string> {
  if (image.kind !== 'firmware' || image.platform === undefined) return new Set();
  const { platform, compression } = image;
  const bytes = compression === 'gzip' ? inflated(image.bytes) : image.bytes;
  if (bytes === undefined) return new Set();
  return new Set(flashes[platform](bytes, { isInflated: compression === 'gzip' }).map(md5Of));
}

/** What may stand in the part of the flash that the device sums; each a list of pieces. */
type Flash = (bytes: Uint8Array, how: { readonly isInflated: boolean }) => readonly (readonly Uint8Array[])[];

const flashes: Readonly<Record<NonNullable<Image['platform']>, Flash>> = {
  esp8266: (bytes, { isInflated }) => {
    const end = endOfSegments(bytes, { at: 4096, headerBytes: 8 });
    if (end === undefined) return [];
    const original = [bytes.subarray(0, end)];
    if (isInflated) return [original];
    const modes = [0, 1, 2, 3].map((mode) => [
      bytes.subarray(0, 2),
      Uint8Array.of(mode),
      bytes.subarray(3, end),
    ]);
    return [original, ...modes];
  },
  esp32: (bytes) => {
    const end = endOfSegments(bytes, { at: 0, headerBytes: 24 });
    if (end === undefined) return [];
    return [[bytes.subarray(0, end + (bytes[23] === 0 ? 0 : 32))]];
  },
  rp2040: (bytes) => {
    const noted = notedLength(bytes, 0x1000_0000)?.endBytes;
    if (noted === undefined) return [[bytes], [withoutSignature(bytes)]];
    if (noted <= bytes.length) return [[bytes.subarray(0, noted)]];
    // The linker rounded the end up. The boot loader of arduino-pico writes whole sectors out of one buffer: behind the end
    // of the file follows what that buffer held before, the same place of the sector before. By cable it is padded.
    const missing = noted - bytes.length;
    const before = bytes.subarray(bytes.length - sectorBytes, bytes.length - sectorBytes + missing);
    const fills = [before, new Uint8Array(missing), new Uint8Array(missing).fill(0xff)];
    return fills.map((fill) => [bytes, fill]);
  },
};

const sectorBytes = 4096;

function inflated(bytes: Uint8Array): Uint8Array | undefined {
  const result = inflateGzip(bytes, inflateLimitBytes);
  return result.type === 'whole' ? result.bytes : undefined;
}

/** The largest flash of an ESP8266 and of the usual RP2040 boards. */
const inflateLimitBytes = 16 * 1024 * 1024;

function endOfSegments(
  bytes: Uint8Array,
  { at, headerBytes }: { readonly at: number; readonly headerBytes: number },
): number | undefined {
  const walk = walkSegments(bytes, { at, headerBytes, isAddress: () => true });
  return walk.type === 'whole' ? walk.end : undefined;
}

/** Where nothing notes the end: a signature of the core's updates says its own length in the last four bytes. */
function withoutSignature(bytes: Uint8Array): Uint8Array {
  const signatureBytes = u32(bytes, bytes.length - 4);
  const rest = bytes.subarray(Math.max(0, bytes.length - 4 - signatureBytes));
  return signatureLength(rest) === undefined ? bytes : bytes.subarray(0, bytes.length - rest.length);
}

function md5Of(pieces: readonly Uint8Array[]): string {
  const hash = createHash('md5');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
