/** Files that are no image at all, or not one for the air: named, and answered with the file to take instead. */

import { isAllOf, startsWith, u32 } from './bytes.ts';
import { madeBy } from './made-by.ts';
import { findPartitionTable, hintMerged } from './merged.ts';

interface Foreign {
  readonly format: string;
  /** A predicate whose subject is the file. */
  readonly message: string;
  readonly hint: string;
  /** Nothing speaks for any kind of file. */
  readonly isUnknown?: true;
}

/** What a file is that none of the image parsers claims. */
export function nameForeign(bytes: Uint8Array): Foreign {
  const known = signatures.find(({ starts }) => startsWith(bytes, starts));
  if (known !== undefined) {
    return { format: known.format, message: `is ${known.what}, not an image for the air`, hint: known.hint };
  }
  if (findPartitionTable(bytes) !== undefined) {
    const message = `is a merged image or a dump of a flash${madeBy(bytes)}: it holds a partition table`;
    return { format: 'merged image', message, hint: hintMerged };
  }
  if (isOtaData(bytes)) {
    const message = 'is not an image: it says which slot starts (`boot_app0.bin`, `ota_data_initial.bin`)';
    return { format: 'OTA data', message, hint: hintBeside };
  }
  if (bytes.length === initDataBytes && startsWith(bytes, [0x05]) && (bytes[1] ?? 0xff) <= 0x08) {
    const message = 'is not an image: it holds radio settings of the ESP8266 (`esp_init_data_default.bin`)';
    return { format: 'ESP8266 radio settings', message, hint: hintFirmware };
  }
  if (isAllOf(bytes, 0xff) || isAllOf(bytes, 0)) {
    return {
      format: 'blank',
      message: `holds nothing but 0x${bytes[0] === 0 ? '00' : 'FF'}`,
      hint: hintFirmware,
    };
  }
  if (/^:[0-9A-Fa-f]{10}/.test(startOf(bytes))) {
    return { format: 'Intel HEX', message: 'is Intel HEX, not an image for the air', hint: hintBeside };
  }
  if (isText(bytes)) {
    const isHtml = /^\s*<(?:!doctype|html|\?xml)/i.test(startOf(bytes));
    const what = isHtml ? 'a web page' : 'a text';
    return { format: isHtml ? 'HTML' : 'text', message: `is ${what}, not an image`, hint: hintFirmware };
  }
  if (looksRandom(bytes)) {
    const message = 'is no image that otarc knows: its bytes look encrypted or compressed';
    return { format: 'encrypted or compressed', message, hint: hintEncrypted, isUnknown: true };
  }
  return { format: 'unknown', message: 'is no image that otarc knows', hint: hintUnknown, isUnknown: true };
}

const hintFirmware = 'Push the `firmware.bin` that the build left.';
const hintBeside = 'Push the `firmware.bin` (PlatformIO) or `<sketch>.ino.bin` (arduino-cli) beside it.';
const hintUnknown =
  'Push the `firmware.bin` that the build left. An RP2350 image has no mark: say `--platform rp2040`. ' +
  'A file-system image: say `--filesystem`.';

const hintEncrypted =
  'Push the image from before its encryption: a device with flash encryption encrypts it itself. ' +
  'A file-system image: say `--filesystem`.';

/** Each of two sectors holds a sequence number, a state, and a CRC of the number; the first update starts with 1. */
function isOtaData(bytes: Uint8Array): boolean {
  const isBlank = (from: number, to: number): boolean => isAllOf(bytes.subarray(from, to), 0xff);
  if (bytes.length !== 8192 || !isBlank(32, 4096) || !isBlank(4128, 8192)) return false;
  // The CRC of 1 and of 2.
  return [0x4743989a, 0x55f63774].includes(u32(bytes, 28)) || (isBlank(0, 32) && isBlank(4096, 4128));
}

const initDataBytes = 128;

/** Every byte value about as often as any other, in a file large enough to show it. Text and code never do. */
function looksRandom(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, 65_536);
  if (sample.length < 4096) return false;
  const counts = new Uint32Array(256);
  for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1;
  const mean = sample.length / 256;
  const chiSquared = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
  // Its mean is 255 and its deviation 22.6 where each value is as probable as the others.
  return chiSquared < 400;
}

interface Signature {
  readonly starts: readonly number[];
  readonly format: string;
  readonly what: string;
  readonly hint: string;
}

const signatures: readonly Signature[] = [
  {
    starts: [0x7f, 0x45, 0x4c, 0x46],
    format: 'ELF',
    what: 'an ELF file (for the debugger)',
    hint: hintBeside,
  },
  {
    starts: [0x55, 0x46, 0x32, 0x0a],
    format: 'UF2',
    what: 'a UF2 file (for the USB drive)',
    hint: hintBeside,
  },
  {
    starts: [0x50, 0x4b, 0x03, 0x04],
    format: 'zip',
    what: 'a zip archive',
    hint: 'Unpack it and push the `firmware.bin` inside.',
  },
  {
    starts: [0x3d, 0xb8, 0xf3, 0x96],
    format: 'MCUboot image',
    what: 'an image for the boot loader MCUboot',
    hint: 'Build it with the Arduino core.',
  },
  {
    // IDF's component esp_encrypted_img.
    starts: [0xcf, 0xb6, 0x88, 0x07],
    format: 'encrypted image',
    what: 'an encrypted image (of IDF’s `esp_encrypted_img`)',
    hint: 'Push the image from before its encryption.',
  },
  {
    // Made for the vendor SDK's own boot loader; the Arduino core's does not boot it.
    starts: [0xea, 0x04],
    format: 'ESP8266 firmware, version 2',
    what: "an image for the ESP8266 SDK's own boot loader",
    hint: 'Build it with the Arduino core.',
  },
];

/** No control characters but blanks, and UTF-8, over the first kilobyte. */
function isText(bytes: Uint8Array): boolean {
  const start = bytes.subarray(0, 1024);
  if (start.some((byte) => byte < 32 && byte !== 9 && byte !== 10 && byte !== 13)) return false;
  // Three bytes may be the first ones of a character that the cut divides.
  return !/\uFFFD(?!\uFFFD{0,2}$)/.test(startOf(start));
}

function startOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, 1024));
}
