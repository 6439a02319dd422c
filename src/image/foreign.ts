/** Files that are no image at all, or not one for the air: named, and answered with the file to take instead. */

import { isAllOf, startsWith } from './bytes.ts';
import { findPartitionTable, hintMerged } from './merged.ts';

interface Foreign {
  readonly format: string;
  /** A predicate whose subject is the file. */
  readonly message: string;
  readonly hint: string;
}

/** What a file is that none of the image parsers claims. */
export function nameForeign(bytes: Uint8Array): Foreign {
  const known = signatures.find(({ starts }) => startsWith(bytes, starts));
  if (known !== undefined) {
    return { format: known.format, message: `is ${known.what}, not an image for the air`, hint: known.hint };
  }
  if (findPartitionTable(bytes) !== undefined) {
    const message = 'is a merged image or a dump of a flash: it holds a partition table';
    return { format: 'merged image', message, hint: hintMerged };
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
  return { format: 'unknown', message: 'is no image that otarc knows', hint: hintUnknown };
}

const hintFirmware = 'Push the `firmware.bin` that the build left.';
const hintBeside = 'Push the `firmware.bin` (PlatformIO) or `<sketch>.ino.bin` (arduino-cli) beside it.';
const hintUnknown =
  'Push the `firmware.bin` that the build left. An RP2040 image has no mark: say `--platform rp2040`. ' +
  'A file-system image: say `--filesystem`.';

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
