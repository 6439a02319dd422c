/** What the device says about an image: before it takes it, and when it has it all. Pure. */

import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

import type { Faults } from './faults.ts';
import type { Flash, ModelFacts } from './models.ts';

/** Sizes that the high nibble of byte 3 of an ESP8266 image stands for, in KiB. */
const flashSizesKiB: Readonly<Record<number, number>> = {
  0: 512,
  1: 256,
  2: 1024,
  3: 2048,
  4: 4096,
  8: 8192,
  9: 16_384,
};

const imageMagic = 0xe9;
const gzipMagic = 0x1f;
/** DOUT. */
const lastFlashMode = 3;

export interface Offer {
  readonly command: 0 | 100;
  readonly sizeBytes: number;
}

/** What decides whether an update can begin. */
export interface BeginFacts {
  readonly platform: ModelFacts['platform'];
  readonly flash: Flash;
  readonly faults: Faults;
  /** What the updater last printed since the device was started. */
  readonly previousError?: string | undefined;
}

/** Why the update cannot begin, as the device prints it; undefined: it can. */
export function refusal(
  offer: Offer,
  { platform, flash, faults, previousError }: BeginFacts,
): string | undefined {
  if (faults.refusesToBegin !== undefined) return faults.refusesToBegin;
  if (faults.error11) return 'ERROR[11]: Invalid bootstrapping state, reset ESP8266 before updating';
  if (faults.error15) {
    // The Updater of arduino-pico sets no error for this: `printError` then repeats the one before.
    if (platform === 'rp2040') return previousError ?? 'ERROR[0]: No Error';
    return 'ERROR[15]: Update already running';
  }
  if (offer.sizeBytes === 0) return 'ERROR[5]: Bad Size Given';
  const roomBytes = offer.command === 0 ? flash.slotBytes : flash.filesystemBytes;
  return offer.sizeBytes > roomBytes ? 'ERROR[4]: Not Enough Space' : undefined;
}

export interface Delivery {
  readonly command: 0 | 100;
  readonly bytes: Uint8Array;
  /** As the invitation had it. */
  readonly md5: string;
}

/** What is wrong with a complete image, as the device prints it; undefined: it is taken. */
export function updaterComplaint(
  delivery: Delivery,
  { facts, flash, failsMd5 }: { facts: ModelFacts; flash: Flash; failsMd5: boolean },
): string | undefined {
  const isChecked = delivery.command === 0 && facts.firstByte === 'checked-at-end';
  const written = isChecked ? asSummedByEsp8266(delivery.bytes) : delivery.bytes;
  const calculated = failsMd5 ? md5Of(Buffer.from('a bit fell over')) : md5Of(written);
  if (calculated !== delivery.md5.toLowerCase()) {
    if (facts.platform === 'esp32') return 'MD5 Check Failed';
    return `ERROR[7]: MD5 Failed: expected:${delivery.md5}, calculated:${calculated}`;
  }
  if (!isChecked) return undefined;
  const [first = 0, , , sizes = 0] = delivery.bytes;
  // A gzip hides the flash size; it is inflated, unchecked, at boot.
  if (facts.gzip && first === gzipMagic) return undefined;
  if (first !== imageMagic) return 'ERROR[10]: Magic byte is not 0xE9';
  const wantedKiB = flashSizesKiB[sizes >> 4] ?? 0;
  if (wantedKiB > (flashSizesKiB[flash.sizeNibble] ?? Number.POSITIVE_INFINITY)) {
    return `ERROR[9]: new Flash config wrong real: ${wantedKiB * 1024}`;
  }
  return undefined;
}

/**
 * The ESP8266 core writes the flash mode of the device over that of the image, and puts the one that it has read back for its
 * MD5. A mode that it does not know comes back as another byte, so that the sum no longer fits. A gzip is left alone.
 */
function asSummedByEsp8266(bytes: Uint8Array): Uint8Array {
  const [first = 0, , mode = 0] = bytes;
  if (first === gzipMagic || mode <= lastFlashMode) return bytes;
  const summed = new Uint8Array(bytes);
  summed[2] = 0xff;
  return summed;
}

/** Whether the updater throws the first sector away (ESP32). */
export function failsAtFirstSector(offer: Offer, firstByte: number, facts: ModelFacts): boolean {
  return facts.firstByte === 'checked-at-first-sector' && offer.command === 0 && firstByte !== imageMagic;
}

/** What runs after the boot loader has copied `bytes`; undefined: it could not be inflated, and the old sketch stays. */
export function bootedFrom(bytes: Uint8Array, facts: ModelFacts): Uint8Array | undefined {
  if (!facts.gzip || bytes[0] !== gzipMagic) return bytes;
  try {
    return gunzipSync(bytes);
  } catch {
    return undefined;
  }
}

export function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
