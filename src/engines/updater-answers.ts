/**
 * What the updaters of the three cores answer, and what each answer comes from: one table, from the text to the cause and
 * its cure. Pure.
 *
 * ESP8266 and RP2040 say `ERROR[n]: text` (`Updater.cpp` of each core), an ESP32 the text alone (`Updater.cpp` of its Update
 * library). Where the same text means another thing on another platform, or before the image and after it, there is a row
 * for each; the first that fits counts.
 */

import type { Platform } from '../model/types.ts';
import type { Cause, Finding, Rule } from '../model/finding.ts';
import { seenOf, type Observations } from '../model/observations.ts';
import { numberIn } from './answer-number.ts';
import { usualPlatforms } from './espota/ports.ts';

interface AnswerRow {
  /** Of `ERROR[n]`. */
  readonly number?: number;
  /** In the words of an ESP32, or of an answer without a number. */
  readonly words?: RegExp;
  /** Only from these. */
  readonly platforms?: readonly Platform[];
  /** Only in place of `OK` to the invitation, or only as a verdict on the image. */
  readonly code?: 'DEVICE_REFUSED' | 'IMAGE_REJECTED';
  readonly imageKind?: 'firmware' | 'filesystem';
  readonly cause: Cause;
  readonly likelihood?: number;
  readonly text: string | ((observed: Observations) => string);
  readonly cure: string | ((observed: Observations) => string);
}

const usual = 0.98;
const fileSystemLayout = 'build the file system for the flash layout that the device has.';
const partitionsByCable =
  'flash by cable once, with a partition scheme for OTA that has room for this image.';

const rows: readonly AnswerRow[] = [
  {
    number: 0,
    words: /already running/i,
    cause: 'update-running',
    text: 'an update that was broken off is still running on the device',
    cure: 'wait a minute, or power-cycle the device, then push again.',
  },
  {
    // A Pico writes the image as a file: what fails is the file system, not the flash.
    number: 4,
    platforms: ['rp2040'],
    code: 'IMAGE_REJECTED',
    cause: 'image-too-large',
    text: 'the device could not write the image to its file system: it is full or damaged',
    cure: 'choose a flash layout with a larger file system, flash it by cable once, then push again.',
  },
  {
    number: 4,
    platforms: ['rp2040'],
    cause: 'image-too-large',
    text: 'the image does not fit into the file system of the device, where an RP2040 keeps it',
    cure: 'choose a flash layout with a larger file system, and flash it by cable once; or make the image smaller.',
  },
  {
    words: /no filesystem/i,
    cause: 'no-file-system',
    text: 'the flash layout of the device has no file system, and an RP2040 keeps a new image there',
    cure: 'choose a flash layout with a file system (Tools → Flash Size; PlatformIO: board_build.filesystem_size), and flash by cable once.',
  },
  {
    number: 1,
    words: /flash write failed/i,
    cause: 'power-dip',
    likelihood: 0.9,
    text: 'the flash could not be written',
    cure: 'check the power supply, then push again.',
  },
  {
    number: 2,
    words: /flash erase failed/i,
    cause: 'power-dip',
    likelihood: 0.9,
    text: 'the flash could not be erased',
    cure: 'check the power supply, then push again.',
  },
  {
    // An ESP32 reads back what it has written, and starts it only if that is an image.
    number: 3,
    words: /flash read failed/i,
    cause: 'flash-fault',
    likelihood: 0.95,
    text: 'what was written does not read back as an image',
    cure: 'build for the very chip and flash of the device, check its power supply, and push again.',
  },
  {
    number: 4,
    words: /not enough space/i,
    imageKind: 'filesystem',
    cause: 'filesystem-size',
    text: 'the size does not fit the partition',
    cure: fileSystemLayout,
  },
  {
    number: 4,
    words: /not enough space/i,
    cause: 'image-too-large',
    text: 'the image does not fit beside the running sketch',
    cure: 'make it smaller, or flash a layout with more room by cable once.',
  },
  {
    number: 5,
    words: /bad size/i,
    imageKind: 'filesystem',
    cause: 'filesystem-size',
    text: 'the size does not fit the partition',
    cure: fileSystemLayout,
  },
  {
    number: 5,
    words: /bad size/i,
    cause: 'image-too-large',
    text: ({ imageBytes }) =>
      imageBytes === 0 ? 'the image is empty' : 'the image is of a size that the slot for it does not take',
    cure: 'build again; if it happens again, flash a layout with more room by cable once.',
  },
  {
    number: 6,
    words: /stream read timeout/i,
    cause: 'weak-wifi',
    likelihood: 0.9,
    text: 'the Wi-Fi between here and the device is too weak',
    cure: 'move it nearer to the access point, or check its antenna, then push again.',
  },
  {
    number: 7,
    words: /md5/i,
    cause: 'damaged-on-the-way',
    likelihood: 0.95,
    text: 'the image was damaged on its way',
    cure: 'push again; if it happens again, check the Wi-Fi signal and the power supply.',
  },
  {
    number: 8,
    words: /^flash config wrong/i,
    cause: 'flash-settings',
    text: 'the flash settings on the device are wrong for its chip',
    cure: 'flash once by cable with the right flash size.',
  },
  {
    number: 9,
    words: /new flash config wrong/i,
    cause: 'flash-settings',
    text: 'the image was built for a larger flash than the device has',
    cure: 'choose the right board or flash size, and build again.',
  },
  {
    number: 10,
    words: /magic byte/i,
    cause: 'wrong-chip',
    text: (observed) => `that is no image for this chip${builtFor(observed)}`,
    cure: 'push the application image (firmware.bin) that was built for it.',
  },
  {
    number: 11,
    words: /bootstrapping state/i,
    cause: 'first-after-cable',
    text: 'this is the first update after flashing by cable, which an ESP8266 takes only after a reset',
    cure: 'press reset on the device once, then push again.',
  },
  {
    number: 12,
    words: /signature/i,
    cause: 'signature-refused',
    text: 'the device refuses the signature',
    cure: 'sign the image with the key that the running sketch trusts.',
  },
  {
    number: 13,
    words: /no data/i,
    cause: 'damaged-on-the-way',
    likelihood: 0.95,
    text: 'the device got nothing of the image',
    cure: 'push again; if it happens again, check the Wi-Fi signal and the power supply.',
  },
  {
    number: 14,
    words: /out of memory/i,
    cause: 'out-of-memory',
    text: 'the device is out of memory',
    cure: 'power-cycle it, then push again.',
  },
  {
    number: 16,
    words: /unknown command/i,
    cause: 'not-supported',
    text: ({ imageKind }) =>
      imageKind === 'filesystem'
        ? 'the sketch that runs on the device takes no file-system image'
        : 'the sketch that runs on the device does not know this kind of update',
    cure: 'flash by cable once a sketch that is built with a newer core, then push again.',
  },
  {
    // `esp_ota_set_boot_partition` checks the image once more: its chip, its segments, its own SHA-256.
    words: /could not activate/i,
    cause: 'wrong-chip',
    likelihood: 0.95,
    text: (observed) =>
      `the device holds the image for broken, or for another chip than its own${builtFor(observed)}`,
    cure: 'check the chip of the board that the project builds for; `otarc inspect` shows what the image is and whether it is whole.',
  },
  {
    words: /partition could not be found/i,
    cause: 'no-partition',
    text: ({ imageKind }) =>
      `the partition table of the device has no ${imageKind === 'filesystem' ? 'partition for a file system' : 'second slot for an application'}`,
    cure: partitionsByCable,
  },
  {
    words: /bad argument/i,
    cause: 'no-partition',
    likelihood: 0.9,
    text: 'the device cannot use one of its partitions',
    cure: partitionsByCable,
  },
  {
    words: /decryption/i,
    cause: 'signature-refused',
    text: 'the device expects an encrypted image, and cannot decrypt this one',
    cure: 'encrypt the image with the key that the running sketch has.',
  },
  {
    // `Update.abort()`: the sketch ended the update, or no data had come for a second.
    words: /^aborted/i,
    cause: 'update-aborted',
    likelihood: 0.9,
    text: 'the device ended the update by itself: its sketch did so, or the data came too slowly',
    cure: 'push again; if it happens again, check the Wi-Fi signal, and what the sketch does in its OTA callbacks.',
  },
];

/** What the answer of a device to an invitation or to an image comes from; nothing for a text that no core has. */
export const answered: Rule = (observed): Finding | undefined => {
  const row = rowOf(observed);
  if (row === undefined) return undefined;
  const { cause, likelihood = usual, text, cure } = row;
  return {
    cause,
    likelihood,
    text: typeof text === 'string' ? text : text(observed),
    cure: typeof cure === 'string' ? cure : cure(observed),
  };
};

/**
 * An image of another chip arrives whole, and an ESP8266 refuses it at its end as if it were damaged (7: it has put its own
 * flash mode over byte 2, and the MD5 no longer fits) or for a larger flash (9). For a wrong first byte (10) there is a row.
 */
export const foreignImage: Rule = (observed) => {
  const { code, answer = '', imageKind = 'firmware', imagePlatform } = observed;
  const number = numberIn(answer);
  if (code !== 'IMAGE_REJECTED' || imageKind === 'filesystem' || number === undefined) return undefined;
  if ((number !== 7 && number !== 9) || isForItsChip(observed)) return undefined;
  return {
    cause: 'wrong-chip',
    // Above the row of its number: TCP has checked each part of the image on its way.
    likelihood: 0.99,
    text:
      imagePlatform === undefined
        ? 'the image bears no mark of any chip, and is probably none for this one'
        : `the image is for another chip than that of the device${builtFor(observed)}`,
    cure: 'push the application image (firmware.bin) that was built for it.',
  };
};

/** Whether the image is for the chip of the device, as far as anything says so. */
function isForItsChip(observed: Observations): boolean {
  const { platform, imagePlatform, port } = observed;
  if (imagePlatform === undefined) return false;
  const known = platform ?? seenOf(observed)?.platform;
  if (known !== undefined) return known === imagePlatform;
  // The errors of an ESP32 have no numbers.
  if (imagePlatform === 'esp32') return false;
  const usual = port === undefined ? [] : usualPlatforms(port);
  // An RP2040 looks at nothing but the MD5: what an ESP8266 image meets at a port that says nothing is no other chip.
  return usual.length === 0 ? imagePlatform === 'esp8266' : usual.includes(imagePlatform);
}

function rowOf(observed: Observations): AnswerRow | undefined {
  const { code, answer = '', imageKind = 'firmware' } = observed;
  if (code !== 'DEVICE_REFUSED' && code !== 'IMAGE_REJECTED') return undefined;
  const platform = observed.platform ?? observed.imagePlatform;
  const number = numberIn(answer);
  return rows.find(
    (row) =>
      (number === undefined ? row.words?.test(answer) === true : row.number === number) &&
      (row.code ?? code) === code &&
      (row.imageKind ?? imageKind) === imageKind &&
      (row.platforms === undefined || (platform !== undefined && row.platforms.includes(platform))),
  );
}

/** ` (it was built for an ESP32-S3)` */
function builtFor({ imageChip, imagePlatform }: Observations): string {
  const chip = imageChip ?? imagePlatform;
  return chip === undefined ? '' : ` (it was built for an ${chip.toUpperCase()})`;
}
