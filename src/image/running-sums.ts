/**
 * What a device says of the sketch that it runs: `md5=` of its announcement (templates/sketches/otarc.h). Each core sums
 * another part of its flash, and the flash does not always hold what was sent:
 *
 *   ESP8266  `ESP.getSketchMD5()`: flash from 0 to the end of the sketch, as the headers at 4096 have it, rounded up to the
 *            16 bytes that the checksum ends; so without a signature. Of a raw image the updater replaces byte 2 (flash
 *            mode) by the mode of the device; a gzip is inflated by the boot loader as it is.
 *   ESP32    `ESP.getSketchMD5()`: `image_len` bytes of the running partition (IDF's esp_image_verify): header, segments,
 *            checksum and the appended SHA-256, without padding. An application that checks signatures of secure boot,
 *            version 2, itself (CONFIG_SECURE_SIGNED_ON_UPDATE) counts padding and the signature sector as well.
 *   RP2040   otarc.h itself: the flash from its start to `__flash_binary_end`, which pico-sdk notes in the image.
 */

import { createHash } from 'node:crypto';
import type { Image, Platform } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import { u32 } from './bytes.ts';
import { signatureLength } from './esp8266-signature.ts';
import { inflateGzip, inflateLimitBytes } from './gzip.ts';
import { notedLength } from './pico-info.ts';
import { flashBase } from './rp2040.ts';
import { signatureEnd } from './secure-boot.ts';
import { walkSegments } from './segments.ts';

/**
 * The MD5 sums (lower-case hex) that a device may report while this very image runs on it. Empty where no sum is known: a
 * file system, an image of an unknown platform. With flash encryption an ESP32 reports a sum that is not among them.
 *
 * Each call computes up to five MD5s of the image (some 20 ms for 1 MB): ask once an image, and only where a device reports
 * a sum.
 */
export function runningSumsOf(
  image: Pick<Image, 'bytes' | 'kind' | 'platform' | 'compression'>,
): ReadonlySet<string> {
  const { kind, platform, compression } = image;
  if (kind !== 'firmware' || platform === undefined) return new Set();
  if (compression === undefined)
    return new Set(contents[platform](image.bytes, { mayChangeMode: true }).map(md5Of));
  const inflated = inflateGzip(image.bytes, inflateLimitBytes);
  if (inflated.type !== 'whole') return new Set();
  return new Set(contents[platform](inflated.bytes, { mayChangeMode: false }).map(md5Of));
}

/**
 * The same on a device of this platform, for images that carry no mark of theirs; with the sum of the file itself, which a
 * device with another way of summing is most likely to report.
 */
export function sumsOfImage(
  image: Pick<Image, 'md5' | 'bytes' | 'kind' | 'platform' | 'compression'>,
  platform: Platform | undefined,
): ReadonlySet<string> {
  const marked = withoutUndefined({ ...image, platform: image.platform ?? platform });
  return new Set([image.md5, ...runningSumsOf(marked)]);
}

/** What the flash may hold in the part that the device sums; each content in pieces. */
type Contents = (
  bytes: Uint8Array,
  options: { readonly mayChangeMode: boolean },
) => readonly (readonly Uint8Array[])[];

const contents: Readonly<Record<Platform, Contents>> = {
  esp8266: (bytes, { mayChangeMode }) => {
    const end = endOfSegments(bytes, { at: 4096, headerBytes: 8 });
    if (end === undefined) return [];
    const sketch = bytes.subarray(0, end);
    const modes = mayChangeMode ? [0, 1, 2, 3] : [];
    return [
      [sketch],
      ...modes.map((mode) => [sketch.subarray(0, 2), Uint8Array.of(mode), sketch.subarray(3)]),
    ];
  },

  esp32: (bytes) => {
    const checked = endOfSegments(bytes, { at: 0, headerBytes: 24 });
    if (checked === undefined) return [];
    const end = checked + (bytes[23] === 0 ? 0 : 32);
    const ends = [end, signatureEnd(bytes, end)].filter((each) => each !== undefined);
    return ends.map((each) => [bytes.subarray(0, each)]);
  },

  rp2040: (bytes) => {
    const end = notedLength(bytes, flashBase)?.endBytes;
    if (end === undefined) return [[bytes], [withoutSignature(bytes)]];
    if (end <= bytes.length) return [[bytes.subarray(0, end)]];
    // The linker rounded the end up. The core's boot loader writes whole sectors of 4 KiB out of one buffer: behind the end
    // of the file it still holds the sector before. An upload by cable pads with zeros.
    const missing = end - bytes.length;
    const before = new Uint8Array(missing);
    const at = bytes.length - 4096;
    if (at >= 0) before.set(bytes.subarray(at, at + missing));
    return [
      [bytes, before],
      [bytes, new Uint8Array(missing)],
    ];
  },
};

function endOfSegments(
  bytes: Uint8Array,
  start: { readonly at: number; readonly headerBytes: number },
): number | undefined {
  const walk = walkSegments(bytes, { ...start, isAddress: () => true });
  return walk.type === 'whole' ? walk.end : undefined;
}

/** For an image that does not note its end: a signature of the core's updates names its own length in the last four bytes. */
function withoutSignature(bytes: Uint8Array): Uint8Array {
  const at = bytes.length - 4 - u32(bytes, bytes.length - 4);
  const isSigned = at > 0 && signatureLength(bytes.subarray(at)) !== undefined;
  return isSigned ? bytes.subarray(0, at) : bytes;
}

function md5Of(pieces: readonly Uint8Array[]): string {
  const hash = createHash('md5');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
