/**
 * pico-sdk's binary info (its `binary_info` headers): a marker near a vector table, the addresses of a list's start and end,
 * the address of a table for copied data, the closing marker. The list has addresses of entries; one of them, written by the
 * linker, is the end of the image in flash:
 *
 *   u16 type (5: an id and an integer), u16 tag (0x5052: "RP"), u32 id (0x68F465DE: end of the binary), u32 value
 */

import { u16, u32 } from './bytes.ts';

const markerStart = 0x7188ebf2;
const markerEnd = 0xe71aa390;
const binaryEnd = { type: 5, tag: 0x5052, id: 0x68f465de } as const;
/** The sketch of arduino-pico follows a boot loader of 12 KiB, and each of them may have its own list. */
const searchBytes = 64 * 1024;
/** Far more than any program lists. */
const maxEntries = 4096;

export interface NotedLength {
  /** The list and its entries lie inside of this. */
  readonly leastBytes: number;
  /** Where the linker ended the image. */
  readonly endBytes?: number;
}

/** What the binary info says of the image's length. Undefined: there is none. Bounded; throws on nothing. */
export function notedLength(bytes: Uint8Array, flashBase: number): NotedLength | undefined {
  let noted: NotedLength | undefined;
  for (let offset = 0; offset < searchBytes && offset + 20 <= bytes.length; offset += 4) {
    if (u32(bytes, offset) !== markerStart || u32(bytes, offset + 16) !== markerEnd) continue;
    const list = { start: u32(bytes, offset + 4) - flashBase, end: u32(bytes, offset + 8) - flashBase };
    // Elsewhere than in the flash it is a copy, which says nothing of the file.
    if (list.start < 0 || list.end < list.start || list.end > largestBytes) continue;
    const found = notedIn(bytes, flashBase, list);
    noted = found.leastBytes > (noted?.leastBytes ?? -1) ? found : noted;
  }
  return noted;
}

function notedIn(
  bytes: Uint8Array,
  flashBase: number,
  { start, end }: { readonly start: number; readonly end: number },
): NotedLength {
  let leastBytes = end;
  let endBytes: number | undefined;
  const last = Math.min(end, start + maxEntries * 4, bytes.length);
  for (let offset = start; offset < last; offset += 4) {
    const entry = u32(bytes, offset) - flashBase;
    if (entry < 0 || entry > largestBytes) continue;
    leastBytes = Math.max(leastBytes, entry + 4);
    const isEnd =
      u16(bytes, entry) === binaryEnd.type &&
      u16(bytes, entry + 2) === binaryEnd.tag &&
      u32(bytes, entry + 4) === binaryEnd.id;
    const value = u32(bytes, entry + 8) - flashBase;
    if (isEnd && value > 0 && value <= largestBytes) endBytes = value;
  }
  return { leastBytes, ...(endBytes === undefined ? {} : { endBytes }) };
}

/** The flash that the chip maps. */
const largestBytes = 16 * 1024 * 1024;
