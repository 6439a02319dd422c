/**
 * What the flash of a device holds after an update, and what its core sums there: read from the updaters, boot loaders and
 * `getSketchMD5()` of the cores, and written apart from `src/image`. An image goes in as it is sent; the flash is full of
 * something else before.
 */

import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { noise } from './images.ts';

const sectorBytes = 4096;
const flashBytes = 1024 * 1024;
const before = noise(flashBytes, 99);

export interface BootedEsp8266 {
  /** Byte 2 of the flash before the update. */
  readonly flashMode: number;
  /** The device demands a signature, and takes it off. */
  readonly isSigned?: boolean;
}

/** The updater stages the image in the second half of the flash; the boot loader then copies or inflates it to 0. */
export function bootEsp8266(sent: Uint8Array, { flashMode, isSigned = false }: BootedEsp8266): Uint8Array {
  const flash = before.slice();
  const staged = flashBytes / 2;
  for (let at = 0; at < sent.length; at += sectorBytes) {
    const sector = new Uint8Array(sectorBytes).fill(0xff);
    sector.set(sent.subarray(at, at + sectorBytes));
    if (at === 0 && sector[0] !== 0x1f) sector[2] = flashMode;
    flash.set(sector, staged + at);
  }
  const signatureBytes = isSigned ? new DataView(sent.buffer).getUint32(sent.length - 4, true) + 4 : 0;
  const size = sent.length - signatureBytes;
  if (sent[0] === 0x1f) writeSectors(flash, gunzipSync(flash.slice(staged, staged + size)));
  else flash.copyWithin(0, staged, staged + Math.ceil(size / sectorBytes) * sectorBytes);
  return flash;
}

/** From 0 to the end of the sketch: its header at 4096, the segments, rounded up to 16 with at least one byte more. */
export function md5OfEsp8266(flash: Uint8Array): string {
  const view = new DataView(flash.buffer);
  let end = sectorBytes + 8;
  for (let count = view.getUint8(sectorBytes + 1); count > 0; count -= 1)
    end += 8 + view.getUint32(end + 4, true);
  return md5(flash.subarray(0, (end + 16) & ~15));
}

/** The partition that boots next: erased, then written. */
export function bootEsp32(sent: Uint8Array): Uint8Array {
  const partition = new Uint8Array(flashBytes).fill(0xff);
  partition.set(sent);
  return partition;
}

/** As far as IDF's `esp_image_verify` counts; an application that checks its signature counts that too. */
export function md5OfEsp32(partition: Uint8Array, { checksSignature = false } = {}): string {
  const view = new DataView(partition.buffer);
  let length = 24;
  for (let count = view.getUint8(1); count > 0; count -= 1) length += 8 + view.getUint32(length + 4, true);
  length = (length + 1 + 15) & ~15;
  if (view.getUint8(23) !== 0) length += 32;
  if (checksSignature) length = Math.ceil(length / sectorBytes) * sectorBytes + sectorBytes;
  return md5(partition.subarray(0, length));
}

/** The image lies in a file system; the boot loader reads it piece by piece into one buffer, and writes all of the buffer. */
export function bootRp2040(sent: Uint8Array): Uint8Array {
  const flash = before.slice();
  writeSectors(flash, sent[0] === 0x1f && sent[1] === 0x8b ? gunzipSync(sent) : sent);
  return flash;
}

/** `end`: the linker's `__flash_binary_end`, from the start of the flash. */
export function md5OfRp2040(flash: Uint8Array, end: number): string {
  return md5(flash.subarray(0, end));
}

function writeSectors(flash: Uint8Array, image: Uint8Array): void {
  const buffer = new Uint8Array(sectorBytes);
  for (let at = 0; at < image.length; at += sectorBytes) {
    buffer.set(image.subarray(at, at + sectorBytes));
    flash.set(buffer, at);
  }
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
