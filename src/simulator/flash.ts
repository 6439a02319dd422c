/**
 * The flash of a device, and the sum that a sketch takes of itself. What `ESP.getSketchMD5()` and `otarc.h` cover stands
 * in the cores' `Esp.cpp`; it is read here a second time, from the flash, apart from what otarc computes of an image.
 */

import { createCipheriv, createHash } from 'node:crypto';

import type { Platform } from '../model/types.ts';
import { md5Of } from './firmware.ts';

/** How the flash chip is wired: byte 2 of an image. */
export const flashModes = ['qio', 'qout', 'dio', 'dout'] as const;
export type FlashMode = (typeof flashModes)[number];

const sectorBytes = 4096;
const imageMagic = 0xe9;
/** Where the sketch of an ESP8266 starts: behind the boot loader (`APP_START_OFFSET`). */
const esp8266SketchAt = 0x1000;
const segmentHeaderBytes = 8;

export interface SketchFlash {
  /** Flashes an image: whole sectors are erased, and what lies behind them stays. */
  write(image: Uint8Array, options: { readonly mode: FlashMode | undefined }): void;
  /** MD5 of the running sketch in lower-case hex, as the core sums it. `key`: what is read is encrypted with it. */
  sum(key?: Uint8Array): string;
}

export function createSketchFlash(platform: Platform): SketchFlash {
  let flash = Buffer.alloc(0);
  let imageBytes = 0;

  return {
    write: (image, { mode }) => {
      const erasedBytes = Math.ceil(image.length / sectorBytes) * sectorBytes;
      if (erasedBytes > flash.length)
        flash = Buffer.concat([flash, Buffer.alloc(erasedBytes - flash.length)]);
      flash.fill(0xff, 0, erasedBytes);
      flash.set(image, 0);
      imageBytes = image.length;
      const isImage = platform !== 'rp2040' && image[0] === imageMagic && image.length > 2;
      if (mode !== undefined && isImage) flash[2] = flashModes.indexOf(mode);
    },
    sum: (key) => {
      const bytes = flash.subarray(0, sketchEnd(flash, platform) ?? imageBytes);
      return md5Of(key === undefined ? bytes : encrypted(bytes, key));
    },
  };
}

/** Undefined: there is no header to follow, as in an RP2040, whose linker has the end; all that was written counts. */
function sketchEnd(flash: Buffer, platform: Platform): number | undefined {
  if (platform === 'esp8266') {
    const end = segmentsEnd(flash, { at: esp8266SketchAt, headerBytes: 8 });
    return end === undefined ? undefined : blockAfter(end);
  }
  if (platform !== 'esp32') return undefined;
  const end = segmentsEnd(flash, { at: 0, headerBytes: 24 });
  if (end === undefined) return undefined;
  // Byte 23: a SHA-256 follows the block that the checksum ends.
  return blockAfter(end) + (flash[23] === 1 ? 32 : 0);
}

function segmentsEnd(
  flash: Buffer,
  { at, headerBytes }: { readonly at: number; readonly headerBytes: number },
): number | undefined {
  if (flash.length < at + headerBytes || flash[at] !== imageMagic) return undefined;
  const segments = flash[at + 1] ?? 0;
  let end = at + headerBytes;
  for (let segment = 0; segment < segments; segment += 1) {
    if (end + segmentHeaderBytes > flash.length) return undefined;
    end += segmentHeaderBytes + flash.readUInt32LE(end + 4);
  }
  return end >= flash.length ? undefined : end;
}

/** The checksum is the last byte of its block of 16: there is always one more byte. */
function blockAfter(end: number): number {
  return Math.floor(end / 16) * 16 + 16;
}

/** Anything that no image is; what real hardware does (AES-XTS) makes no difference to who compares sums. */
function encrypted(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  const aesKey = createHash('sha256').update(key).digest();
  return createCipheriv('aes-256-ctr', aesKey, Buffer.alloc(16)).update(bytes);
}
