/**
 * RP2040 images carry no mark of their own: 256 bytes of second-stage boot code whose last four are its CRC-32, then a
 * vector table (initial stack pointer, reset vector). An RP2350 starts with the vector table at once. Neither says how
 * long the file ought to be, so a file that was cut off cannot be told from a whole one; only what stands at its start
 * is checked.
 *
 * CRC: RP2040 datasheet, "Checksum" in the flash boot sequence: polynomial 0x04C11DB7, no reflection, start
 * 0xFFFFFFFF, no final XOR, stored little endian.
 */

import { u32, word } from './bytes.ts';
import { crc32Msb } from './crc32.ts';
import { corrupt, fine, incomplete, notOta, type Facts, type Identification } from './facts.ts';

const bootBytes = 256;

/** The boot block with its CRC, and vectors after it: 32 bits that do not match by chance. */
export function isRp2040(bytes: Uint8Array): boolean {
  return bytes.length >= bootBytes + 8 && isBootBlock(bytes) && hasVectors(bytes, bootBytes);
}

/** For a file that is known to be for this platform. Bounded; throws on nothing. */
export function parseRp2040(bytes: Uint8Array): Identification {
  const facts: Facts = {
    format: 'RP2040 firmware',
    kind: 'firmware',
    platform: 'rp2040',
    segments: [],
    checks: [],
    notes: ['It carries neither length nor digest: a file that was cut off cannot be told from a whole one.'],
  };
  if (bytes.length < bootBytes + 8) return incomplete(facts, 'ends inside its boot block');
  const computed = word(crc32Msb(bytes.subarray(0, bootBytes - 4)));
  const stored = word(u32(bytes, bootBytes - 4));
  if (hasVectors(bytes, bootBytes)) {
    if (isBootBlock(bytes)) {
      const check = { name: 'boot block CRC-32', verdict: 'ok', detail: stored } as const;
      return fine({ ...facts, chip: 'rp2040', checks: [check] });
    }
    const detail = `${stored} stored, ${computed} computed`;
    const check = { name: 'boot block CRC-32', verdict: 'wrong', detail } as const;
    return corrupt({ ...facts, checks: [check] }, 'is damaged: wrong CRC of its boot block');
  }
  if (hasVectors(bytes, 0)) return fine({ ...facts, format: 'RP2350 firmware' });
  const hint = 'Push the `firmware.bin` that the build left beside its .uf2 and .elf.';
  return notOta(
    { ...facts, format: 'no image that is known' },
    'is no RP2040 image: there is no vector table at its start',
    hint,
  );
}

function isBootBlock(bytes: Uint8Array): boolean {
  return crc32Msb(bytes.subarray(0, bootBytes - 4)) === u32(bytes, bootBytes - 4);
}

/** Stack in RAM (264 KiB on the RP2040, 520 on the RP2350), reset vector in the flash and, being Thumb code, odd. */
function hasVectors(bytes: Uint8Array, offset: number): boolean {
  const stack = u32(bytes, offset);
  const reset = u32(bytes, offset + 4);
  return (
    stack > 0x20000000 && stack <= 0x20082000 && reset > 0x10000000 && reset < 0x11000000 && reset % 2 === 1
  );
}
