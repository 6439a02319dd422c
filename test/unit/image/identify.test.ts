import fc from 'fast-check';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { platforms, type ImageKind, type Platform } from '../../../src/model/types.ts';
import { identify } from '../../../src/image/identify.ts';
import {
  makeBootApp0,
  makeEncrypted,
  makeInitData,
  makeSdkBootLoader,
  makeZephyrImage,
  signEsp32Image,
} from '../../support/other-images.ts';
import {
  flipped,
  makeEsp32Image,
  makeEsp8266Image,
  makeLittlefsImage,
  makePartitionTable,
  makeRp2040Image,
  noise,
  signEsp8266Image,
} from '../../support/images.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const firmware = (bytes: Uint8Array, expectedPlatform?: Platform) =>
  identify(bytes, { kind: 'firmware', expectedPlatform });
const codeOf = (bytes: Uint8Array): string => {
  const found = firmware(bytes);
  return found.ok ? 'ok' : found.code;
};

it('an empty file is not finished, whatever it is to be', () => {
  for (const kind of ['firmware', 'filesystem', undefined] as const) {
    expect(identify(new Uint8Array(), { kind })).toMatchObject({ code: 'IMAGE_INCOMPLETE' });
  }
});

describe('a gzip', () => {
  const image = makeEsp8266Image({ sizeBytes: 4096 + 256 });
  const gzip = new Uint8Array(gzipSync(image));

  it('of an ESP8266 image is firmware, with the identity from inside', () => {
    const found = firmware(gzip);
    expect(found).toMatchObject({
      ok: true,
      facts: { platform: 'esp8266', compression: 'gzip', inflatedBytes: image.length },
    });
    expect(found.facts.identity).toBe(firmware(image).facts.identity);
  });

  it('is incomplete at every shorter length', () => {
    for (let length = 0; length < gzip.length; length += 1) {
      const code = codeOf(gzip.subarray(0, length));
      // One byte of it alone is nothing yet.
      expect([length, code]).toEqual([length, length === 1 ? 'IMAGE_NOT_OTA' : 'IMAGE_INCOMPLETE']);
    }
  });

  it('is not fine with a bit flipped that changes what is inside', () => {
    for (let offset = 0; offset < gzip.length; offset += 1) {
      if (offset >= 3 && offset <= 9) continue;
      const damaged = flipped(gzip, offset, 0x04);
      // Bits between two blocks mean nothing to whoever inflates them.
      const isWhole = codeOf(damaged) === 'ok';
      if (isWhole) expect([offset, gunzipSync(damaged).equals(image)]).toEqual([offset, true]);
    }
  });

  it('with a file name in its header is read too', () => {
    const named = new Uint8Array([
      ...gzip.subarray(0, 3),
      0x08,
      ...gzip.subarray(4, 10),
      0x61,
      0,
      ...gzip.subarray(10),
    ]);
    expect(codeOf(named)).toBe('ok');
    expect(codeOf(named.subarray(0, 11))).toBe('IMAGE_INCOMPLETE');
  });

  it('may be signed', () => {
    const signed = signEsp8266Image(gzip);
    expect(firmware(signed)).toMatchObject({ ok: true, facts: { signatureBytes: 256 } });
    expect(codeOf(signed.subarray(0, signed.length - 1))).toBe('IMAGE_INCOMPLETE');
  });

  it('of an unfinished image is unfinished, of a damaged one damaged', () => {
    expect(codeOf(gzipSync(makeEsp8266Image({ layout: 'unfinished' })))).toBe('IMAGE_INCOMPLETE');
    expect(codeOf(gzipSync(flipped(image, 4200)))).toBe('IMAGE_CORRUPT');
  });

  it('is nothing for an ESP32, and fine for an RP2040', () => {
    expect(firmware(gzipSync(makeEsp32Image()))).toMatchObject({ code: 'IMAGE_NOT_OTA' });
    expect(firmware(gzipSync(makeRp2040Image()), 'rp2040')).toMatchObject({
      ok: true,
      facts: { platform: 'rp2040', compression: 'gzip' },
    });
  });

  it('that inflates without end, holds nothing, or another gzip, is no image', () => {
    expect(codeOf(gzipSync(new Uint8Array(17 * 1024 * 1024)))).toBe('IMAGE_NOT_OTA');
    expect(codeOf(gzipSync(new Uint8Array()))).toBe('IMAGE_NOT_OTA');
    expect(codeOf(gzipSync(gzip))).toBe('IMAGE_NOT_OTA');
  });
});

describe('an RP2040 image', () => {
  const image = makeRp2040Image({ sizeBytes: 1024 });

  it('is known by its boot block and its vectors, whatever the device is said to be', () => {
    for (const platform of [undefined, ...platforms]) {
      expect(firmware(image, platform)).toMatchObject({
        ok: true,
        facts: { platform: 'rp2040', chip: 'rp2040', notes: [expect.stringContaining('length')] },
      });
    }
    expect(identify(gzipSync(image), {})).toMatchObject({ ok: true, facts: { platform: 'rp2040' } });
  });

  it('is incomplete without the code that its reset vector names', () => {
    expect(firmware(image.subarray(0, 0x1f7))).toMatchObject({ code: 'IMAGE_INCOMPLETE' });
    const later = image.slice();
    new DataView(later.buffer).setUint32(260, 0x10000801, true);
    expect(firmware(later)).toMatchObject({
      message: expect.stringContaining('before the code that starts it'),
    });
  });

  it('is incomplete before the end that its binary info notes', () => {
    const noted = makeRp2040Image({ sizeBytes: 40_000, info: true });
    expect(firmware(noted)).toMatchObject({ ok: true, facts: { notes: [] } });
    for (let length = 512; length <= noted.length - 256; length += 64)
      expect([length, codeOf(noted.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    // Whatever follows the end, and the few bytes that the linker rounds it up by, are no fault.
    expect(codeOf(noted.subarray(0, noted.length - 4))).toBe('ok');
    expect(codeOf(new Uint8Array([...noted, ...noise(5000, 2)]))).toBe('ok');
  });

  it('is corrupt with a bit of its boot block flipped, incomplete without its vectors', () => {
    for (let offset = 0; offset < 256; offset += 1) {
      expect([offset, firmware(flipped(image, offset), 'rp2040')]).toMatchObject([offset, { ok: false }]);
    }
    expect(firmware(image.subarray(0, 263), 'rp2040')).toMatchObject({ code: 'IMAGE_INCOMPLETE' });
  });

  it('of an RP2350 begins with its vectors', () => {
    const found = firmware(image.subarray(256), 'rp2040');
    expect(found).toMatchObject({ ok: true, facts: { platform: 'rp2040', format: 'RP2350 firmware' } });
    expect(found.facts.chip).toBeUndefined();
  });

  it('that is something else is called by its name', () => {
    expect(firmware(makeEsp8266Image(), 'rp2040')).toMatchObject({
      ok: true,
      facts: { platform: 'esp8266' },
    });
    expect(firmware(text('UF2\n....'), 'rp2040')).toMatchObject({ message: expect.stringContaining('UF2') });
    expect(firmware(noise(4096, 3), 'rp2040')).toMatchObject({ code: 'IMAGE_NOT_OTA' });
  });
});

describe('what is never pushed as firmware', () => {
  it.each<[string, Uint8Array, string]>([
    ['partition table', makePartitionTable(), 'partition table'],
    ['ELF', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]), 'ELF'],
    ['UF2', text('UF2\n\u0057'), 'UF2'],
    ['zip', text('PK\u0003\u0004'), 'zip'],
    ['Intel HEX', text(':10000000000102030405060708090A0B0C0D0E0F78\n'), 'Intel HEX'],
    ['HTML', text('<!DOCTYPE html><html></html>'), 'web page'],
    ['text', text('404: not found\n'), 'text'],
    ['blank flash', new Uint8Array(4096).fill(0xff), '0xFF'],
    ['SDK image', new Uint8Array([0xea, 0x04, 0, 0]), 'SDK'],
    ['littlefs', makeLittlefsImage(), 'littlefs'],
    ['noise', noise(5000, 99), 'no image'],
    ['encrypted application', makeEncrypted(), 'look encrypted or compressed'],
    ['boot_app0.bin', makeBootApp0(), 'boot_app0.bin'],
    ['esp_init_data_default.bin', makeInitData(), 'radio settings of the ESP8266'],
    ['MCUboot', new Uint8Array([0x3d, 0xb8, 0xf3, 0x96, 0, 0]), 'MCUboot'],
    ['esp_encrypted_img', new Uint8Array([0xcf, 0xb6, 0x88, 0x07, 1, 2]), 'an encrypted image'],
  ])('%s', (_, bytes, name) => {
    const found = firmware(bytes);
    expect(found).toMatchObject({
      code: 'IMAGE_NOT_OTA',
      message: expect.stringContaining(name),
      hint: expect.stringMatching(/push|Push|Build/),
    });
  });
});

describe('a file-system image', () => {
  it.each([
    ['littlefs', makeLittlefsImage()],
    ['not recognised', noise(8192, 5)],
  ])('is taken as it is: %s', (name, bytes) => {
    expect(identify(bytes, { kind: 'filesystem' })).toMatchObject({
      ok: true,
      facts: { kind: 'filesystem', format: expect.stringContaining(name) },
    });
  });

  it('is recognised as SPIFFS', () => {
    const image = new Uint8Array(65536).fill(0xff);
    new DataView(image.buffer).setUint16(252, (0x0529 ^ 256 ^ 16) & 0xffff, true);
    expect(identify(image, { kind: 'filesystem' }).facts.format).toContain('SPIFFS');
  });

  it('is never firmware', () => {
    for (const bytes of [makeEsp8266Image(), makeEsp32Image(), gzipSync(makeEsp8266Image())]) {
      expect(identify(bytes, { kind: 'filesystem' })).toMatchObject({
        code: 'IMAGE_NOT_OTA',
        hint: expect.stringContaining('--filesystem'),
      });
    }
    expect(identify(makeRp2040Image(), { kind: 'filesystem', expectedPlatform: 'rp2040' }).ok).toBe(false);
  });

  const esp8266 = makeEsp8266Image();
  const esp32 = makeEsp32Image();
  it.each<[string, Uint8Array]>([
    ['cut ESP8266 firmware', esp8266.subarray(0, 5000)],
    ['ESP8266 firmware with a bit flipped', flipped(esp8266, 6000)],
    ['cut ESP32 firmware', esp32.subarray(0, 2048)],
    ['ESP32 firmware with a bit flipped', flipped(esp32, 3000)],
    ['an ESP32 boot loader', makeEsp32Image({ bootloader: true })],
    ['a cut RP2040 image', makeRp2040Image({ sizeBytes: 40_000, info: true }).subarray(0, 8192)],
    ['a gzip of cut firmware', gzipSync(esp8266.subarray(0, 5000))],
    ['a gzip of a text', gzipSync('just a text')],
    ['a partition table', makePartitionTable()],
    ['boot_app0.bin', makeBootApp0()],
    ['radio settings', makeInitData()],
    ['ELF', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1])],
    ['UF2', text('UF2\n\u0057')],
    ['zip', text('PK\u0003\u0004')],
    ['Intel HEX', text(':10000000000102030405060708090A0B0C0D0E0F78\n')],
    ['text', text('404: not found\n')],
    ['HTML', text('<!DOCTYPE html><html></html>')],
    ['blank flash', new Uint8Array(4096).fill(0xff)],
  ])('is no file that is known to be something else: %s', (_, bytes) => {
    const refused = {
      ok: false,
      code: 'IMAGE_NOT_OTA',
      message: expect.stringMatching(/^is not a file-system image \(.+\): it /),
      hint: expect.stringContaining('--filesystem'),
    };
    for (const expectedPlatform of [undefined, ...platforms])
      expect(identify(bytes, { kind: 'filesystem', expectedPlatform })).toMatchObject(refused);
    // Nor is it one by its name.
    expect(identify(bytes, { name: 'littlefs.bin' }).ok).toBe(false);
  });

  it('is not cut firmware at any length', () => {
    fc.assert(
      fc.property(fc.constantFrom(esp8266, esp32), fc.nat(), (image, at) => {
        const bytes = image.subarray(0, 1 + (at % image.length));
        expect(identify(bytes, { kind: 'filesystem' }).ok).toBe(false);
      }),
    );
  });

  it('may be a gzip, which an ESP8266 inflates; a cut one is incomplete', () => {
    const gzip = new Uint8Array(gzipSync(makeLittlefsImage()));
    const found = identify(gzip, { kind: 'filesystem' });
    expect(found).toMatchObject({ ok: true, facts: { kind: 'filesystem', compression: 'gzip' } });
    const cut = identify(gzip.subarray(0, 50), { kind: 'filesystem' });
    expect(cut).toMatchObject({ ok: false, code: 'IMAGE_INCOMPLETE' });
  });

  it('of unknown kind is taken for every device', () => {
    for (const expectedPlatform of [undefined, ...platforms])
      expect(identify(noise(8192, 5), { kind: 'filesystem', expectedPlatform }).ok).toBe(true);
  });

  it('is found out where nobody says what it is', () => {
    expect(identify(makeLittlefsImage(), {})).toMatchObject({ ok: true, facts: { kind: 'filesystem' } });
  });
});

describe('any bytes', () => {
  const kinds = fc.constantFrom<ImageKind | undefined>('firmware', 'filesystem', undefined);
  const expectations = fc.constantFrom<Platform | undefined>(...platforms, undefined);
  const starts = fc.constantFrom([], [0xe9], [0xe9, 1, 2, 0x40], [0x1f, 0x8b, 8, 0], [0xaa, 0x50], [0x7f]);
  const input = fc
    .tuple(starts, fc.uint8Array({ maxLength: 6000 }))
    .map(([start, rest]) => new Uint8Array([...start, ...rest]));

  it('make no parser throw, and none of them is firmware', () => {
    fc.assert(
      fc.property(input, kinds, expectations, (bytes, kind, expectedPlatform) => {
        const found = identify(bytes, { kind, expectedPlatform });
        expect(found.ok && found.facts.kind === 'firmware').toBe(false);
        if (!found.ok) expect(found.message).not.toBe('');
      }),
      { numRuns: 500 },
    );
  });

  it('laid over a real image make no parser throw', () => {
    const images = [
      makeEsp8266Image({ sizeBytes: 4096 + 256 }),
      makeEsp32Image({ sizeBytes: 1024 }),
      makeEsp8266Image({ layout: 'plain', sizeBytes: 512 }),
      makeEsp8266Image({ layout: 'core27', sizeBytes: 4096 + 256 }),
      makeRp2040Image({ sizeBytes: 1024, info: true }),
      signEsp32Image(makeEsp32Image({ sizeBytes: 1024 })),
      makeZephyrImage(),
      makeSdkBootLoader(),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...images),
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.nat(),
        (image, patch, at) => {
          const bytes = image.slice();
          const offset = at % (bytes.length - patch.length);
          bytes.set(patch, offset);
          const found = identify(bytes, { kind: 'firmware' });
          expect(found.ok || found.message.length > 0).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
