/** The chips by the number that an image carries, and what the flash byte of the header means on each. */

import type { Chip, Platform } from '../model/types.ts';
import type { FlashSettings } from './facts.ts';

/** Chip ids of the ESP32 family's extended header (IDF: `esp_chip_id_t`). */
const chipById: ReadonlyMap<number, Chip> = new Map<number, Chip>([
  [0, 'esp32'],
  [2, 'esp32-s2'],
  [5, 'esp32-c3'],
  [9, 'esp32-s3'],
  [12, 'esp32-c2'],
  [13, 'esp32-c6'],
  [16, 'esp32-h2'],
  [18, 'esp32-p4'],
  [20, 'esp32-c61'],
  [23, 'esp32-c5'],
]);

export function chipOf(chipId: number): Chip | undefined {
  return chipById.get(chipId);
}

/** As the maker writes it: `ESP32-S3`. */
export function chipName(chip: Chip | Platform): string {
  return chip.toUpperCase();
}

/** Meaning of bytes 2 and 3 of the header. */
export function flashSettings(mode: number, sizeFrequency: number, chip: Chip | undefined): FlashSettings {
  const sizes = chip === 'esp8266' ? sizesEsp8266 : sizesEsp32;
  const frequencies = frequenciesOf(chip);
  return {
    mode: ['QIO', 'QOUT', 'DIO', 'DOUT'][mode] ?? `unknown (${mode})`,
    size: sizes[sizeFrequency >> 4] ?? `unknown (${sizeFrequency >> 4})`,
    frequency: frequencies[sizeFrequency & 0x0f] ?? `unknown (${sizeFrequency & 0x0f})`,
  };
}

type Names = Readonly<Record<number, string>>;

const sizesEsp8266: Names = {
  0: '512 KB',
  1: '256 KB',
  2: '1 MB',
  3: '2 MB',
  4: '4 MB',
  5: '2 MB (c1)',
  6: '4 MB (c1)',
  8: '8 MB',
  9: '16 MB',
};

const sizesEsp32: Names = {
  0: '1 MB',
  1: '2 MB',
  2: '4 MB',
  3: '8 MB',
  4: '16 MB',
  5: '32 MB',
  6: '64 MB',
  7: '128 MB',
};

/** The nibble divides the chip's own flash clock, so its meaning follows the chip. */
function frequenciesOf(chip: Chip | undefined): Names {
  if (chip === 'esp32-c2') return { 15: '60 MHz', 0: '30 MHz', 1: '20 MHz', 2: '15 MHz' };
  if (chip === 'esp32-h2') return { 15: '48 MHz', 0: '24 MHz', 1: '16 MHz', 2: '12 MHz' };
  // The C6 writes the same 0 for both: its ROM divides wrongly, and the packer makes up for it.
  if (chip === 'esp32-c6') return { 0: '40 or 80 MHz', 2: '20 MHz' };
  return { 15: '80 MHz', 0: '40 MHz', 1: '26 MHz', 2: '20 MHz' };
}
