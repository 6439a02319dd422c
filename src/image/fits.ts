/** Whether this image may go to that device: the chip, and the slot. Both throw, for the flow stops there. */

import { OtaError } from '../model/errors.ts';
import type { Image, Platform } from '../model/types.ts';
import { thousands } from '../model/numbers.ts';
import { chipName } from './chips.ts';
import { filesystemPartition, smallestAppSlotBytes, type PartitionTable } from './partition.ts';

/**
 * `IMAGE_WRONG_CHIP` where image and device contradict each other. One of them unknown: nothing to say. An ESP32 image
 * passes every check that an ESP8266 makes, and would then be copied over its boot sector.
 */
export function checkTarget(image: Image, { platform }: { readonly platform: Platform | undefined }): void {
  if (image.platform === undefined || platform === undefined || image.platform === platform) return;
  const built = chipName(image.chip ?? image.platform);
  throw new OtaError(
    'IMAGE_WRONG_CHIP',
    `${image.path} is built for the ${built}, and the device is an ${chipName(platform)}.`,
    { details: { image: image.path, imagePlatform: image.platform, devicePlatform: platform } },
  );
}

/**
 * `IMAGE_TOO_LARGE` where an application is larger than the smallest OTA slot, or a file-system image is not exactly
 * its partition. Only ESP32s have such a table: an image for another platform passes.
 */
export function checkFits(image: Image, table: PartitionTable): void {
  if (image.platform === 'esp8266' || image.platform === 'rp2040') return;
  if (image.kind === 'firmware') checkSlot(image, table);
  else checkFileSystem(image, table);
}

/** What the table has room for; undefined: no such place, or another platform than the table's. */
export function roomFor(
  { kind, platform }: Pick<Image, 'kind' | 'platform'>,
  table: PartitionTable,
): number | undefined {
  if (platform === 'esp8266' || platform === 'rp2040') return undefined;
  return kind === 'firmware' ? smallestAppSlotBytes(table) : filesystemPartition(table)?.sizeBytes;
}

function checkSlot(image: Image, table: PartitionTable): void {
  const slotBytes = smallestAppSlotBytes(table);
  if (slotBytes === undefined) {
    throw new OtaError('IMAGE_TOO_LARGE', `The partition table has no OTA slot for ${image.path}.`, {
      hint: 'Flash a layout with two OTA slots by cable; one without them takes no update over the air.',
      details: { image: image.path, sizeBytes: image.sizeBytes },
    });
  }
  if (image.sizeBytes <= slotBytes) return;
  throw new OtaError(
    'IMAGE_TOO_LARGE',
    `${image.path} has ${thousands(image.sizeBytes)} bytes, ${thousands(image.sizeBytes - slotBytes)} more than the OTA slot of ${thousands(slotBytes)}.`,
    { details: { image: image.path, sizeBytes: image.sizeBytes, slotBytes } },
  );
}

function checkFileSystem(image: Image, table: PartitionTable): void {
  const partition = filesystemPartition(table);
  if (partition === undefined) {
    throw new OtaError('IMAGE_TOO_LARGE', `The partition table has no place for ${image.path}.`, {
      hint: 'Flash a layout with a spiffs or littlefs partition by cable.',
      details: { image: image.path, sizeBytes: image.sizeBytes },
    });
  }
  if (image.sizeBytes === partition.sizeBytes) return;
  throw new OtaError(
    'IMAGE_TOO_LARGE',
    `${image.path} has ${thousands(image.sizeBytes)} bytes, and the partition "${partition.label}" has ${thousands(partition.sizeBytes)}: a file-system image must fill it exactly.`,
    {
      hint: 'Build the file-system image for the partition layout that the device has.',
      details: { image: image.path, sizeBytes: image.sizeBytes, partitionBytes: partition.sizeBytes },
    },
  );
}
