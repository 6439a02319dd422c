import { describe, expect, it } from 'vitest';
import { settings } from '../../../src/config/settings/index.ts';
import type { PartitionTable } from '../../../src/image/partition.ts';
import { imagePreflight, refuseByFirst, type PreflightTarget } from '../../../src/image/preflight.ts';
import type { Image } from '../../../src/model/types.ts';
import { defaultPartitions } from '../../support/images.ts';

function imageOf(facts: Partial<Image>): Image {
  const bytes = new Uint8Array();
  return { path: '/p/firmware.bin', bytes, sizeBytes: 1000, md5: '', sha256: '', kind: 'firmware', ...facts };
}

const codesOf = (image: Image, target: PreflightTarget, partitions?: PartitionTable): string[] =>
  imagePreflight(image, target, { partitions }).map(({ code, level }) => `${code} ${level}`);

describe('an image for another device', () => {
  it('is refused, with both chips by name', () => {
    const image = imageOf({ platform: 'esp32', chip: 'esp32-c3' });
    const [finding] = imagePreflight(image, { platform: 'esp8266' }, {});
    expect(finding).toMatchObject({
      code: 'IMAGE_WRONG_CHIP',
      level: 'error',
      message: '/p/firmware.bin is built for the ESP32-C3, and the device is an ESP8266.',
    });
  });

  it.each([
    [{ platform: 'esp32', chip: 'esp32-s3' }, { platform: 'esp32' }, []],
    [{}, { platform: 'esp8266' }, []],
    [{ platform: 'esp32' }, {}, []],
    [{ platform: 'esp32' }, { port: 3232, usualPlatforms: ['esp32'] }, []],
    [{ platform: 'esp32' }, { port: 4000 }, ['IMAGE_WRONG_CHIP error']],
    // Only an RP2040 takes it unseen: a warning, as most devices at a port of their own are ESP8266.
    [{ platform: 'esp8266' }, { port: 4000 }, ['IMAGE_WRONG_CHIP warning']],
    [{ platform: 'esp8266', compression: 'gzip' }, { port: 4000 }, ['IMAGE_WRONG_CHIP warning']],
    [{ platform: 'esp8266' }, { port: 4000, platform: 'esp8266' }, []],
    [{ platform: 'esp8266' }, { port: 8266, usualPlatforms: ['esp8266'] }, []],
    [{ platform: 'esp8266' }, { port: 2040, usualPlatforms: ['rp2040'] }, ['IMAGE_WRONG_CHIP error']],
    [{ platform: 'esp8266' }, {}, []],
    [{ platform: 'esp8266' }, { port: 3232, usualPlatforms: ['esp32'] }, ['IMAGE_WRONG_CHIP error']],
    [{ platform: 'rp2040' }, { port: 8266, usualPlatforms: ['esp8266'] }, ['IMAGE_WRONG_CHIP error']],
    [{ platform: 'rp2040' }, { port: 4000 }, []],
    [{ platform: 'rp2040', compression: 'gzip' }, { port: 4000 }, ['IMAGE_WRONG_CHIP error']],
    [{ platform: 'rp2040', compression: 'gzip' }, { port: 2040, usualPlatforms: ['rp2040'] }, []],
  ] as const)('is seen as far as anything is known: %j to %j', (image, target, codes) => {
    expect(codesOf(imageOf(image), target)).toEqual(codes);
  });
});

it('says, where an RP2040 would not survive, what to do about the warning', () => {
  const image = imageOf({ platform: 'esp8266' });
  const said: string[] = [];
  refuseByFirst(imagePreflight(image, { name: 'hall', port: 4000 }, {}), {
    allowed: new Set(),
    onPassed: (message) => said.push(message),
  });
  expect(said).toEqual([
    'The image is for an ESP8266, and otarc cannot tell whether hall at port 4000 is one. If it is, say --platform esp8266, or `platform: esp8266` in .otarc. An RP2040 takes it unchecked, and does not start again.',
  ]);
});

describe('the size', () => {
  const table: PartitionTable = { partitions: defaultPartitions };
  const slotBytes = 0x140000;

  it('of an application may fill the slot, and no byte more', () => {
    const of = (sizeBytes: number): string[] => codesOf(imageOf({ platform: 'esp32', sizeBytes }), {}, table);
    expect([of(1), of(slotBytes), of(slotBytes + 1)]).toEqual([[], [], ['IMAGE_TOO_LARGE error']]);
    const image = imageOf({ platform: 'esp32', sizeBytes: slotBytes + 5 });
    expect(imagePreflight(image, {}, { partitions: table })[0]).toMatchObject({
      message: expect.stringContaining('5 more than the OTA slot of 1,310,720'),
      details: { slotBytes },
    });
  });

  it('between that of two unequal slots is a warning: the device refuses it itself where it must', () => {
    const unequal: PartitionTable = {
      partitions: [
        { label: 'big', type: 0, subtype: 0x10, offset: 0x10000, sizeBytes: 0x200000 },
        { label: 'small', type: 0, subtype: 0x11, offset: 0x210000, sizeBytes: 0x100000 },
      ],
    };
    const of = (sizeBytes: number): string[] =>
      codesOf(imageOf({ platform: 'esp32', sizeBytes }), {}, unequal);
    expect([of(0x100000), of(0x100001), of(0x200000), of(0x200001)]).toEqual([
      [],
      ['IMAGE_TOO_LARGE warning'],
      ['IMAGE_TOO_LARGE warning'],
      ['IMAGE_TOO_LARGE error'],
    ]);
    const image = imageOf({ platform: 'esp32', sizeBytes: 0x180000 });
    expect(imagePreflight(image, {}, { partitions: unequal })[0]?.message).toMatch(/"big".*not "small"/);
  });

  it('of a file-system image is exactly that of its partition', () => {
    const of = (sizeBytes: number): string[] =>
      codesOf(imageOf({ kind: 'filesystem', sizeBytes }), {}, table);
    const refused = ['IMAGE_TOO_LARGE error'];
    expect([of(0x160000), of(0x160000 - 1), of(0x160000 + 1)]).toEqual([[], refused, refused]);
  });

  it('does not matter where the table has no slot and no file system', () => {
    const factory: PartitionTable = {
      partitions: [{ label: 'factory', type: 0, subtype: 0, offset: 0x10000, sizeBytes: 0x100000 }],
    };
    for (const image of [imageOf({ platform: 'esp32' }), imageOf({ kind: 'filesystem' })])
      expect(imagePreflight(image, {}, { partitions: factory })[0]?.hint).toContain('by cable');
  });

  it('is no matter of chips without a partition table', () => {
    const sizeBytes = 16 * 1024 * 1024;
    expect(codesOf(imageOf({ platform: 'esp8266', sizeBytes }), {}, table)).toEqual([]);
    expect(codesOf(imageOf({ kind: 'filesystem', sizeBytes }), { platform: 'esp8266' }, table)).toEqual([]);
  });
});

describe('all findings', () => {
  const doubts = [{ code: 'IMAGE_NOT_OTA', message: 'runs from RAM alone', hint: 'Push another.' }] as const;
  const image = imageOf({ platform: 'esp32', sizeBytes: 0x200000, doubts });
  const findings = imagePreflight(
    image,
    { platform: 'esp8266' },
    { partitions: { partitions: defaultPartitions } },
  );

  it('come at once, and each error names the flag that lets it pass', () => {
    expect(findings.map(({ code }) => code)).toEqual([
      'IMAGE_NOT_OTA',
      'IMAGE_TOO_LARGE',
      'IMAGE_WRONG_CHIP',
    ]);
    for (const { code, hint } of findings) expect(hint).toContain(`--allow ${code}`);
  });

  it('have codes that `--allow` takes, and between them all that it takes', () => {
    const { values } = settings.allow.kind.of;
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(values));
  });

  it('refuse by the first that is not allowed', () => {
    const passed: string[] = [];
    const refuse = (...allowed: ('IMAGE_NOT_OTA' | 'IMAGE_WRONG_CHIP' | 'IMAGE_TOO_LARGE')[]): void =>
      refuseByFirst(findings, { allowed: new Set(allowed), onPassed: (message) => passed.push(message) });
    expect(() => refuse()).toThrow('runs from RAM alone');
    expect(() => refuse('IMAGE_NOT_OTA')).toThrow('more than the OTA slot');
    expect(() => refuse('IMAGE_NOT_OTA', 'IMAGE_TOO_LARGE')).toThrow('built for the ESP32');
    expect(passed).toHaveLength(3);
    refuseByFirst(findings, { allowed: 'all', onPassed: (message) => passed.push(message) });
    expect(passed.at(-1)).toMatch(/^IMAGE_WRONG_CHIP was allowed: /);
  });
});
