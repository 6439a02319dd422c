/**
 * Merged images (`firmware.factory.bin`, `*.merged.bin`, dumps of a flash): boot loader, partition table and application
 * in one file for flashing by cable. Over the air they would be written into an application's slot and never boot.
 */

import { startsWith } from './bytes.ts';

/** For whoever took one. */
export const hintMerged =
  'Push the application alone: `firmware.bin` (PlatformIO) or `<sketch>.ino.bin` (arduino-cli), beside it.';

/**
 * Offset of a partition table inside a larger image, at `from` or later. It stands at 0x8000 of the flash by default and may be moved by
 * sectors; a merged file may begin at the boot loader instead of at 0 (0x1000 on ESP32 and S2, 0x2000 on C5 and P4).
 */
export function findPartitionTable(bytes: Uint8Array, from = 0): number | undefined {
  for (let offset = 0x1000; offset <= 0x20000 && offset + 64 <= bytes.length; offset += 0x1000) {
    if (offset < from) continue;
    // Two entries with a type that exists, so that two chance bytes are not enough.
    if (
      isEntry(bytes, offset) &&
      (isEntry(bytes, offset + 32) || startsWith(bytes, [0xeb, 0xeb], offset + 32))
    ) {
      return offset;
    }
  }
  return undefined;
}

function isEntry(bytes: Uint8Array, offset: number): boolean {
  return startsWith(bytes, [0xaa, 0x50], offset) && (bytes[offset + 2] ?? 0xff) <= 3;
}
