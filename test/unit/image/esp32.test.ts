import { describe, expect, it } from 'vitest';
import type { Chip } from '../../../src/model/types.ts';
import { identify } from '../../../src/image/identify.ts';
import { hex } from '../../../src/image/bytes.ts';
import {
  makeOldEsp32Image,
  makeRamImage,
  makeZephyrImage,
  signEsp32Image,
  signEsp32ImageV1,
} from '../../support/other-images.ts';
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
    [25, 'esp32-h21'],
    [28, 'esp32-h4'],
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

  it.each(['rsa', 'ecdsa'] as const)('may be followed by a signature sector (%s), and says so', (scheme) => {
    const signed = signEsp32Image(image, scheme);
    expect(identify(signed, {})).toMatchObject({
      ok: true,
      facts: {
        notes: [
          `4,096 bytes follow the image: a signature of secure boot, version 2 (${scheme.toUpperCase()}).`,
        ],
      },
    });
    expect(identify(signed, {}).facts.checks.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok']);
    for (let length = 4097; length < signed.length; length += 1)
      expect([length, codeOf(signed.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    // Without its first byte nothing says that it is a signature: the device refuses it then.
    for (let offset = 0; offset < 4096 + 1200; offset += 1)
      if (offset !== 4096) expect([offset, codeOf(flipped(signed, offset))]).not.toEqual([offset, 'ok']);
  });

  it('may be followed by a signature of version 1, whole or not at all', () => {
    const signed = signEsp32ImageV1(image);
    expect(identify(signed, {})).toMatchObject({
      ok: true,
      facts: { notes: ['68 bytes follow the image: a signature of secure boot, version 1.'] },
    });
    for (let length = image.length + 5; length < signed.length; length += 1)
      expect([length, codeOf(signed.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
  });

  it('may be followed by padding, or by bytes that nobody reads', () => {
    for (const [rest, what] of [
      [new Uint8Array(3072).fill(0xff), 'padding'],
      [new Uint8Array(16), 'padding'],
      [noise(100, 1), 'unknown content'],
    ] as const) {
      const followed = new Uint8Array([...image, ...rest]);
      expect(identify(followed, {})).toMatchObject({
        ok: true,
        facts: { notes: [expect.stringContaining(what)] },
      });
    }
  });

  it('that does not name its ELF has no identity', () => {
    const found = identify(makeEsp32Image({ elfSha256: new Uint8Array(32) }), {});
    expect(found.ok).toBe(true);
    expect(found.facts.identity).toBeUndefined();
  });

  it('cannot put control characters on a terminal', () => {
    const found = identify(makeEsp32Image({ projectName: 'a\u001B[31mb\r\n', version: '\u009B1' }), {});
    expect(found.facts.app).toMatchObject({
      name: String.raw`a\u001b[31mb`,
      version: String.raw`\u009b1`,
    });
  });
});

describe('an application without a descriptor', () => {
  const old = makeOldEsp32Image({ sizeBytes: 1024 });

  it('is known by its data in flash, and pushed', () => {
    expect(identify(old, { kind: 'firmware' })).toMatchObject({
      ok: true,
      facts: {
        kind: 'firmware',
        chip: 'esp32',
        format: 'ESP32 application without a descriptor',
        notes: [expect.stringContaining('1.0.x')],
      },
    });
    expect(identify(old, {}).facts.doubts).toBeUndefined();
  });

  it('is incomplete at every shorter length, and never fine with a byte changed', () => {
    for (let length = 0; length < old.length; length += 1)
      expect([length, codeOf(old.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    for (let offset = 0; offset < old.length; offset += 1)
      expect([offset, codeOf(flipped(old, offset))]).not.toEqual([offset, 'ok']);
  });

  it('of older ones still has a checksum alone', () => {
    expect(codeOf(makeOldEsp32Image({ appendDigest: false }))).toBe('ok');
  });

  it.each<[string, Uint8Array, string]>([
    ['Zephyr', makeZephyrImage(), 'ESP32 application with a RAM-only header, as Zephyr makes them'],
    ['RAM alone', makeRamImage(), 'ESP32 image that runs from RAM alone'],
    [
      'a chip that came later',
      makeOldEsp32Image({ chipId: 999 }),
      'ESP32 family, unknown chip 999 image without an application descriptor',
    ],
  ])(
    'that is none of a sketch has its name, and a doubt that the user may overrule: %s',
    (_, bytes, format) => {
      expect(identify(bytes, { kind: 'firmware' })).toMatchObject({
        ok: true,
        facts: { kind: 'firmware', format, doubts: [{ code: 'IMAGE_NOT_OTA' }] },
      });
    },
  );
});

describe('what is no application', () => {
  it('is a boot loader of a chip that came later, by the descriptor that IDF gives it', () => {
    const loader = makeEsp32Image({ bootloader: true, chipId: 999, appendDigest: false });
    loader.set([0x50, 0, 0, 0, 1, 0, 0, 0, ...new TextEncoder().encode('v6.0.1')], 32);
    expect(identify(loader, {})).toMatchObject({
      message: expect.stringContaining('boot loader of the ESP32 family'),
    });
  });

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
