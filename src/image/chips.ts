/** The chips by the number that an image carries, and what the flash byte of the header means on each. */

import type { Chip, Platform } from '../model/types.ts';
import type { FlashSettings } from './facts.ts';

type Range = readonly [start: number, end: number];

interface Esp32Chip {
  readonly chip: Chip;
  /** Of the extended header (IDF: `esp_chip_id_t`). */
  readonly id: number;
  /** Where it maps the flash, for code and for data. */
  readonly flash: readonly Range[];
}

/** The ESP32 family. The test compares both columns with what esptool knows. */
const esp32Chips: readonly Esp32Chip[] = [
  {
    chip: 'esp32',
    id: 0,
    flash: [
      [0x400d0000, 0x40400000],
      [0x3f400000, 0x3f800000],
    ],
  },
  {
    chip: 'esp32-s2',
    id: 2,
    flash: [
      [0x40080000, 0x40b80000],
      [0x3f000000, 0x3f3f0000],
    ],
  },
  {
    chip: 'esp32-c3',
    id: 5,
    flash: [
      [0x42000000, 0x42800000],
      [0x3c000000, 0x3c800000],
    ],
  },
  {
    chip: 'esp32-s3',
    id: 9,
    flash: [
      [0x42000000, 0x44000000],
      [0x3c000000, 0x3e000000],
    ],
  },
  {
    chip: 'esp32-c2',
    id: 12,
    flash: [
      [0x42000000, 0x42400000],
      [0x3c000000, 0x3c400000],
    ],
  },
  { chip: 'esp32-c6', id: 13, flash: [[0x42000000, 0x43000000]] },
  { chip: 'esp32-h2', id: 16, flash: [[0x42000000, 0x43000000]] },
  { chip: 'esp32-p4', id: 18, flash: [[0x40000000, 0x4c000000]] },
  { chip: 'esp32-c61', id: 20, flash: [[0x42000000, 0x44000000]] },
  { chip: 'esp32-c5', id: 23, flash: [[0x42000000, 0x44000000]] },
  { chip: 'esp32-h21', id: 25, flash: [[0x42000000, 0x43000000]] },
  { chip: 'esp32-h4', id: 28, flash: [[0x42000000, 0x44000000]] },
  { chip: 'esp32-e22', id: 31, flash: [[0x3c000000, 0x40000000]] },
  { chip: 'esp32-s31', id: 32, flash: [[0x40000000, 0x54000000]] },
];

export function chipOf(chipId: number): Chip | undefined {
  return esp32Chips.find(({ id }) => id === chipId)?.chip;
}

/** Whether a chip of the ESP32 family maps its flash at this address. Undefined: an unknown chip. */
export function isInFlash(chip: Chip | undefined, address: number): boolean | undefined {
  const known = esp32Chips.find((each) => each.chip === chip);
  return known?.flash.some(([start, end]) => address >= start && address < end);
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
