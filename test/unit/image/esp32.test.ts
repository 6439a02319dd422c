import { describe, expect, it } from 'vitest';
import type { Chip } from '../../../src/model/types.ts';
import { identify } from '../../../src/image/identify.ts';
import { hex } from '../../../src/image/bytes.ts';
import { flipped, makeEsp32Image, makeMergedEsp32Image, noise } from '../../support/images.ts';

const codeOf = (bytes: Uint8Array): string => {
  const found = identify(bytes, { kind: 'firmware' });
  return found.ok ? 'ok' : found.code;
};

describe('an application', () => {
  const image = makeEsp32Image({ sizeBytes: 1024, projectName: 'livingroom', version: '2.1.0-rc1' });

  it('tells what it is', () => {
    const elfSha256 = noise(32, 9);
    const found = identify(makeEsp32Image({ chipId: 9, projectName: 'hall', version: '1.2', elfSha256 }), {});
    expect(found).toMatchObject({
      ok: true,
      facts: {
        kind: 'firmware',
        platform: 'esp32',
        chip: 'esp32-s3',
        identity: hex(elfSha256),
        flash: { mode: 'DIO', size: '4 MB', frequency: '40 MHz' },
        app: {
          name: 'hall',
          version: '1.2',
          idfVersion: 'v5.5.1',
          compiledAt: 'Jan  2 2026 12:34:56',
          elfSha256: hex(elfSha256),
        },
        notes: [],
      },
    });
    expect(found.facts.checks.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['checksum', 'ok'],
      ['SHA-256', 'ok'],
    ]);
  });

  it.each<[number, Chip]>([
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
  ])('of chip id %i is for the %s', (chipId, chip) => {
    expect(identify(makeEsp32Image({ chipId }), {})).toMatchObject({
      ok: true,
      facts: { chip, platform: 'esp32' },
    });
  });

  it('of a chip that came later is fine, and says so', () => {
    const found = identify(makeEsp32Image({ chipId: 999 }), {});
    expect(found).toMatchObject({
      ok: true,
      facts: { platform: 'esp32', notes: [expect.stringContaining('999')] },
    });
    expect(found.facts.chip).toBeUndefined();
  });

  it('is incomplete at every shorter length', () => {
    for (let length = 0; length < image.length; length += 1) {
      expect([length, codeOf(image.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    }
  });

  it('is never fine with one byte changed, wherever: even the one that switches the digest off', () => {
    for (let offset = 0; offset < image.length; offset += 1) {
      for (const mask of [0x01, 0x80, 0xff]) {
        expect([offset, codeOf(flipped(image, offset, mask))]).not.toEqual([offset, 'ok']);
      }
    }
    expect(codeOf(flipped(image, 23))).toBe('IMAGE_CORRUPT');
  });

  it('is not changed by being read, though a Buffer’s slices share its bytes', () => {
    const bytes = Buffer.from(flipped(image, 23));
    identify(bytes, {});
    expect(bytes[23]).toBe(0);
  });

  it('without a digest has its checksum alone: headers, addresses and padding are unchecked', () => {
    const bare = makeEsp32Image({ sizeBytes: 1024, appendDigest: false });
    expect(identify(bare, {}).facts.checks).toContainEqual({ name: 'SHA-256', verdict: 'absent' });
    expect(codeOf(bare)).toBe('ok');
    for (let length = 0; length < bare.length; length += 1) {
      expect([length, codeOf(bare.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    }
    for (const { fileOffset, sizeBytes } of identify(bare, {}).facts.segments) {
      for (let offset = fileOffset + 8; offset < fileOffset + 8 + sizeBytes; offset += 1) {
        expect([offset, codeOf(flipped(bare, offset))]).not.toEqual([offset, 'ok']);
      }
    }
  });

  it('may be followed by a signature sector, and says so', () => {
    const signed = new Uint8Array(8192).fill(0xff);
    signed.set(image);
    signed.set([0xe7, 0x02], 4096);
    expect(identify(signed, {})).toMatchObject({
      ok: true,
      facts: { notes: ['7,168 bytes follow the image: a secure-boot signature.'] },
    });
  });

  it('that does not name its ELF has no identity', () => {
    const found = identify(makeEsp32Image({ elfSha256: new Uint8Array(32) }), {});
    expect(found.ok).toBe(true);
    expect(found.facts.identity).toBeUndefined();
  });

  it('cannot put control characters on a terminal', () => {
    const found = identify(makeEsp32Image({ projectName: 'a\u001B[31mb\r\n', version: '\u009B1' }), {});
    expect(found.facts.app).toMatchObject({ name: 'a[31mb', version: '1' });
  });
});

describe('what is no application', () => {
  it('is a boot loader', () => {
    const found = identify(makeEsp32Image({ bootloader: true, chipId: 5 }), { kind: 'firmware' });
    expect(found).toMatchObject({
      code: 'IMAGE_NOT_OTA',
      message: expect.stringContaining('boot loader of the ESP32-C3'),
      hint: expect.stringContaining('firmware.bin'),
    });
  });

  it.each([0, 0x1000, 0x2000])('is a merged image with the boot loader at %i', (bootloaderOffset) => {
    const whole = makeMergedEsp32Image({ bootloaderOffset, chipId: 13 });
    // Merged files may also begin at the boot loader.
    for (const merged of [whole, whole.subarray(bootloaderOffset)]) {
      expect(identify(merged, { kind: 'firmware' })).toMatchObject({
        code: 'IMAGE_NOT_OTA',
        message: expect.stringContaining('merged'),
        hint: expect.stringContaining('firmware.bin'),
      });
    }
  });
});
