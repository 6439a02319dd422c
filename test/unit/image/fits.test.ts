import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/model/errors.ts';
import { checkFits, checkTarget } from '../../../src/image/fits.ts';
import type { PartitionTable } from '../../../src/image/partition.ts';
import type { Image } from '../../../src/model/types.ts';
import { defaultPartitions } from '../../support/images.ts';

function imageOf(facts: Partial<Image>): Image {
  const bytes = new Uint8Array();
  return { path: '/p/firmware.bin', bytes, sizeBytes: 1000, md5: '', sha256: '', kind: 'firmware', ...facts };
}

function errorOf(run: () => void): OtaError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof OtaError) return error;
    throw error;
  }
}

describe('checkTarget', () => {
  it('names both where image and device contradict each other', () => {
    const image = imageOf({ platform: 'esp32', chip: 'esp32-c3' });
    const error = errorOf(() => checkTarget(image, { platform: 'esp8266' }));
    expect(error).toMatchObject({ code: 'IMAGE_WRONG_CHIP' });
    expect(error?.message).toBe('/p/firmware.bin is built for the ESP32-C3, and the device is an ESP8266.');
  });

  it('has nothing to say where they agree, or one is not known', () => {
    for (const [image, platform] of [
      [imageOf({ platform: 'esp32', chip: 'esp32-s3' }), 'esp32'],
      [imageOf({ platform: 'esp32' }), undefined],
      [imageOf({}), 'esp8266'],
    ] as const) {
      expect(errorOf(() => checkTarget(image, { platform }))).toBeUndefined();
    }
  });
});

describe('checkFits', () => {
  const table: PartitionTable = { partitions: defaultPartitions };
  const slotBytes = 0x140000;

  it('lets an application fill the slot, and no byte more', () => {
    const of = (sizeBytes: number): string | undefined =>
      errorOf(() => checkFits(imageOf({ platform: 'esp32', sizeBytes }), table))?.code;
    expect([of(1), of(slotBytes), of(slotBytes + 1)]).toEqual([undefined, undefined, 'IMAGE_TOO_LARGE']);
    const error = errorOf(() => checkFits(imageOf({ platform: 'esp32', sizeBytes: slotBytes + 5 }), table));
    expect(error?.message).toContain('5 more than the OTA slot of 1,310,720');
    expect(error?.details).toMatchObject({ slotBytes });
  });

  it('wants a file-system image that is exactly its partition', () => {
    const of = (sizeBytes: number): string | undefined =>
      errorOf(() => checkFits(imageOf({ kind: 'filesystem', sizeBytes }), table))?.code;
    expect([of(0x160000), of(0x160000 - 1), of(0x160000 + 1)]).toEqual([
      undefined,
      'IMAGE_TOO_LARGE',
      'IMAGE_TOO_LARGE',
    ]);
  });

  it('says where the table has no slot and no file system', () => {
    const factory: PartitionTable = {
      partitions: [{ label: 'factory', type: 0, subtype: 0, offset: 0x10000, sizeBytes: 0x100000 }],
    };
    for (const image of [imageOf({ platform: 'esp32' }), imageOf({ kind: 'filesystem' })]) {
      expect(errorOf(() => checkFits(image, factory))?.hint).toContain('by cable');
    }
  });

  it('is no matter of chips without a partition table', () => {
    const huge = imageOf({ platform: 'esp8266', sizeBytes: 16 * 1024 * 1024 });
    expect(errorOf(() => checkFits(huge, table))).toBeUndefined();
  });
});
