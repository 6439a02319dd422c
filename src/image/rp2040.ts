/**
 * RP2040 images carry no mark of their own: 256 bytes of second-stage boot code whose last four are its CRC-32, then a
 * vector table (initial stack pointer, reset vector). An RP2350 starts with the vector table at once. Neither says how
 * long the file is. Two things show that it was cut off: the code that the reset vector names lies beyond its end, or the
 * end that pico-sdk notes in its binary info does.
 *
 * CRC: RP2040 datasheet, "Checksum" in the flash boot sequence: polynomial 0x04C11DB7, no reflection, start
 * 0xFFFFFFFF, no final XOR, stored little endian.
 */

import { thousands } from '../model/numbers.ts';
import { u32, word } from './bytes.ts';
import { crc32Msb } from './crc32.ts';
import {
  corrupt,
  fine,
  incomplete,
  notOta,
  type ImageCheck,
  type ImageFacts,
  type Identification,
} from './facts.ts';
import { notedLength } from './pico-info.ts';

const bootBytes = 256;
const vectorBytes = 8;
/** Where the chip has its flash. */
export const flashBase = 0x1000_0000;
/** arduino-pico's own boot loader for updates comes first; the sketch has its vectors here (its linker scripts). */
const sketchOffset = 0x3000;

/** The boot block with its CRC, and vectors after it: 32 bits that do not match by chance. */
export function isRp2040(bytes: Uint8Array): boolean {
  return bytes.length >= bootBytes + vectorBytes && isBootBlock(bytes) && hasVectors(bytes, bootBytes);
}

/** For a file that is for this platform, by its looks or by what is known. Bounded; throws on nothing. */
export function parseRp2040(bytes: Uint8Array): Identification {
  const facts: ImageFacts = {
    format: 'RP2040 firmware',
    kind: 'firmware',
    platform: 'rp2040',
    segments: [],
    checks: [],
    notes: [],
  };
  if (bytes.length < bootBytes + vectorBytes) return incomplete(facts, 'ends inside its boot block');
  const computed = word(crc32Msb(bytes.subarray(0, bootBytes - 4)));
  const stored = word(u32(bytes, bootBytes - 4));
  if (hasVectors(bytes, bootBytes)) {
    if (isBootBlock(bytes)) {
      const check = { name: 'boot block CRC-32', verdict: 'ok', detail: stored } as const;
      return checkEnd(bytes, [bootBytes, sketchOffset], { ...facts, chip: 'rp2040', checks: [check] });
    }
    const detail = `${stored} stored, ${computed} computed`;
    const check = { name: 'boot block CRC-32', verdict: 'wrong', detail } as const;
    return corrupt({ ...facts, checks: [check] }, 'is damaged: wrong CRC of its boot block');
  }
  if (hasVectors(bytes, 0))
    return checkEnd(bytes, [0, sketchOffset], { ...facts, format: 'RP2350 firmware' });
  const hint = 'Push the `firmware.bin` that the build left beside its .uf2 and .elf.';
  return notOta(
    { ...facts, format: 'no image that is known' },
    'is not an RP2040 image: there is no vector table at its start',
    hint,
  );
}

function checkEnd(bytes: Uint8Array, tables: readonly number[], facts: ImageFacts): Identification {
  for (const offset of tables) {
    if (!hasVectors(bytes, offset)) continue;
    const reset = u32(bytes, offset + 4) - flashBase;
    if (reset >= bytes.length)
      return incomplete(
        facts,
        `ends after ${thousands(bytes.length)} bytes, before the code that starts it (at ${thousands(reset)})`,
      );
  }
  const { leastBytes = 0, endBytes } = notedLength(bytes, flashBase) ?? {};
  // The linker may round the end up; the bytes in between are not in the file.
  const neededBytes = Math.max(leastBytes, (endBytes ?? 0) - endSlackBytes + 1);
  if (bytes.length < neededBytes) {
    const message = `ends after ${thousands(bytes.length)} bytes, and its binary info reaches to ${thousands(endBytes ?? leastBytes)}`;
    return incomplete(facts, message);
  }
  if (endBytes === undefined) {
    const note = 'It does not note its length: a file that was cut off cannot be told from a whole one.';
    return fine({ ...facts, notes: [...facts.notes, note] });
  }
  const check: ImageCheck = { name: 'length in its binary info', verdict: 'ok', detail: thousands(endBytes) };
  return fine({ ...facts, checks: [...facts.checks, check] });
}

/** A page of the flash: no linker script aligns its sections to more. */
const endSlackBytes = 256;

function isBootBlock(bytes: Uint8Array): boolean {
  return crc32Msb(bytes.subarray(0, bootBytes - 4)) === u32(bytes, bootBytes - 4);
}

/** Stack in RAM (264 KiB on the RP2040, 520 on the RP2350), reset vector in the flash and, being Thumb code, odd. */
function hasVectors(bytes: Uint8Array, offset: number): boolean {
  const stack = u32(bytes, offset);
  const reset = u32(bytes, offset + 4);
  return (
    stack > 0x20000000 && stack <= 0x20082000 && reset > flashBase && reset < 0x11000000 && reset % 2 === 1
  );
}
