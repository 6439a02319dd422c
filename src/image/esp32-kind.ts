/**
 * What an image of the ESP32 family is that has no application descriptor. The descriptor is optional (IDF before 3.3 and
 * all of the Arduino core 1.0.x and older wrote none), so that its absence proves nothing; the segments show what it is. An
 * application has code and data in the flash that the chip maps; a boot loader runs from RAM alone, at the end of it.
 */

import type { Chip } from '../model/types.ts';
import { u32 } from './bytes.ts';
import { isInFlash } from './chips.ts';
import type { Segment } from './facts.ts';

export type Esp32Kind =
  | 'application'
  | 'boot-loader'
  /** Its header counts the segments in RAM alone; code and data in the flash follow (esptool `--ram-only-header`). */
  | 'ram-header'
  | 'ram-only'
  /** A chip that is not known here. */
  | 'unknown';

/** `end`: the first byte after the segments that the header counts. */
export function esp32KindOf(
  bytes: Uint8Array,
  {
    chip,
    segments,
    end,
  }: { readonly chip: Chip | undefined; readonly segments: readonly Segment[]; readonly end: number },
): Esp32Kind {
  if (segments.some(({ address }) => isInFlash(chip, address) === true)) return 'application';
  if (isLoader(bytes, chip, segments)) return 'boot-loader';
  if (chip === undefined) return 'unknown';
  return hasFlashSegment(bytes, chip, end) ? 'ram-header' : 'ram-only';
}

/** Segments behind the checksum: each a head of address and size; padding has the address 0. */
function hasFlashSegment(bytes: Uint8Array, chip: Chip, end: number): boolean {
  let offset = end;
  for (let count = 0; count < 16 && offset + 8 <= bytes.length; count += 1) {
    const address = u32(bytes, offset);
    if (isInFlash(chip, address) === true) return true;
    if (address !== 0) return false;
    offset += 8 + u32(bytes, offset + 4);
  }
  return false;
}

function isLoader(bytes: Uint8Array, chip: Chip | undefined, segments: readonly Segment[]): boolean {
  // IDF >= 5.2 begins a boot loader's data with a descriptor of its own: 0x50, three zeros …, its version at 8 ("v5.4").
  const described =
    bytes[32] === 0x50 && bytes[33] === 0 && bytes[34] === 0 && /^v\d\.\d/.test(textAt(bytes, 40));
  const [start, end] = (chip && loaderMemory[chip]) ?? [0, 0];
  return described || segments.some(({ address }) => address >= start && address < end);
}

function textAt(bytes: Uint8Array, offset: number): string {
  return String.fromCodePoint(...bytes.subarray(offset, offset + 4));
}

/** Where IDF links the code of its boot loaders, in memory that no application is loaded to. */
const loaderMemory: Readonly<Partial<Record<Chip, readonly [start: number, end: number]>>> = {
  esp32: [0x40078000, 0x40080000],
  'esp32-s2': [0x40048000, 0x40050000],
  'esp32-s3': [0x403c8000, 0x403d0000],
  'esp32-c3': [0x403cc000, 0x403d4000],
  'esp32-c2': [0x403aa000, 0x403b4000],
  'esp32-c6': [0x4086c000, 0x40880000],
  'esp32-h2': [0x4083c000, 0x40850000],
};
