/**
 * File-system images. No device checks them: whatever arrives is written. What they are is looked up for a person to
 * read, and to notice a file that was taken for the other kind.
 */

import { startsWith, u16 } from './bytes.ts';
import { imageMagic } from './segments.ts';

/** The name of the file system, where the image shows it. */
export function fileSystemName(bytes: Uint8Array): 'littlefs' | 'SPIFFS' | 'FAT' | undefined {
  // The superblock's name tag is the first of the first block; its content starts at 8.
  if (startsWith(bytes, littlefsMagic, 8)) return 'littlefs';
  if (isSpiffs(bytes)) return 'SPIFFS';
  return isFat(bytes) ? 'FAT' : undefined;
}

/** The boot sector: a jump at 0, the bytes of a sector at 11, the mark at 510. Firmware of the ESPs begins with 0xE9, too. */
function isFat(bytes: Uint8Array): boolean {
  const isJump = bytes[0] === 0xeb || bytes[0] === 0xe9;
  return isJump && startsWith(bytes, [0x55, 0xaa], 510) && [512, 1024, 2048, 4096].includes(u16(bytes, 11));
}

const littlefsMagic = [...new TextEncoder().encode('littlefs')];

/**
 * Built with a mark and its length (the ESP32's default; the ESP8266's has none), each block's lookup page of 256
 * bytes ends in 0x20140529 XOR page size XOR the number of blocks left, of which 16 bits are stored, two places from
 * the end.
 */
function isSpiffs(bytes: Uint8Array): boolean {
  // 16 bits are few: cut firmware would have them by chance. Object 0xE9 is never the first in the first block.
  if (bytes[0] === imageMagic) return false;
  return [4096, 8192].some((blockBytes) => {
    const blocks = bytes.length / blockBytes;
    return Number.isInteger(blocks) && blocks > 0 && u16(bytes, 252) === ((0x0529 ^ 256 ^ blocks) & 0xffff);
  });
}
