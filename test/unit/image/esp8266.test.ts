import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { identify } from '../../../src/image/identify.ts';
import type { Identification } from '../../../src/image/facts.ts';
import { makeFirstHalf, makeFlashDump, makeSdkBootLoader } from '../../support/other-images.ts';
import { espImage, flipped, makeEsp8266Image, noise, signEsp8266Image } from '../../support/images.ts';

const codeOf = (bytes: Uint8Array): string => verdictOf(identify(bytes, { kind: 'firmware' }));
const verdictOf = (found: Identification): string => (found.ok ? 'ok' : found.code);

describe('the core’s layout', () => {
  const image = makeEsp8266Image({ sizeBytes: 4096 + 512, flashMode: 3, sizeFrequency: 0x2f });

  it('is walked, and its CRC is the identity', () => {
    const found = identify(image, { kind: 'firmware' });
    expect(found).toMatchObject({
      ok: true,
      facts: {
        kind: 'firmware',
        platform: 'esp8266',
        chip: 'esp8266',
        flash: { mode: 'DOUT', size: '1 MB', frequency: '80 MHz' },
        notes: [],
      },
    });
    const crc = new DataView(image.buffer).getUint32(4116, true);
    expect(found.facts.identity).toBe(crc.toString(16).padStart(8, '0'));
    expect(found.facts.segments.map(({ address }) => address)).toEqual([0x4010f000, 0x40201010, 0x40100000]);
    expect(found.facts.checks.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['boot loader checksum', 'ok'],
      ['sketch checksum', 'ok'],
      ['length', 'ok'],
      ['CRC-32', 'ok'],
    ]);
  });

  it('is incomplete at every shorter length', () => {
    for (let length = 0; length < image.length; length += 1) {
      expect([length, codeOf(image.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    }
  });

  it('is never fine with one bit flipped, wherever', () => {
    for (let offset = 0; offset < image.length; offset += 1) {
      for (const mask of [0x01, 0x80]) {
        expect([offset, codeOf(flipped(image, offset, mask))]).not.toEqual([offset, 'ok']);
      }
    }
  });

  it('is never fine with any other byte in a word, the header or the padding', () => {
    const anywhere = fc.oneof(
      fc.integer({ min: 4096, max: 4140 }),
      fc.integer({ min: 0, max: image.length - 1 }),
    );
    fc.assert(
      fc.property(anywhere, fc.integer({ min: 1, max: 255 }), (offset, mask) => {
        expect(codeOf(flipped(image, offset, mask))).not.toBe('ok');
      }),
      { numRuns: 500 },
    );
  });

  it('is corrupt, not another core’s, where only the length or only the CRC word is wrong', () => {
    for (let offset = 4112; offset < 4120; offset += 1) {
      expect(codeOf(flipped(image, offset, 0x10))).toBe('IMAGE_CORRUPT');
    }
  });

  it('is not finished after the packer’s first write, at full length and shorter', () => {
    const unfinished = makeEsp8266Image({ layout: 'unfinished', sizeBytes: 4096 + 512 });
    for (let length = 4000; length <= unfinished.length; length += 1) {
      expect([length, codeOf(unfinished.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    }
    expect(identify(unfinished, {})).toMatchObject({ message: expect.stringContaining('length and CRC') });
  });

  it('of a megabyte is read like a small one', () => {
    expect(codeOf(makeEsp8266Image({ sizeBytes: 1024 * 1024 }))).toBe('ok');
  });
});

describe('an older core’s image', () => {
  const legacy = makeEsp8266Image({ layout: 'legacy', sizeBytes: 4096 + 512 });

  it('is fine without a CRC, and says so', () => {
    const found = identify(legacy, { kind: 'firmware' });
    expect(found).toMatchObject({ ok: true, facts: { platform: 'esp8266' } });
    expect(found.facts.identity).toBeUndefined();
    expect(found.facts.checks).toContainEqual({
      name: 'CRC-32',
      verdict: 'absent',
      detail: 'core older than 2.7',
    });
    expect(found.facts.notes[0]).toContain('older than 2.7');
  });

  it('is incomplete at every shorter length', () => {
    for (let length = 0; length < legacy.length; length += 1) {
      expect([length, codeOf(legacy.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    }
  });

  it('is not fine with a flash mode or an entry point that cannot be', () => {
    for (const [offset, why] of [
      [2, 'flash mode 130'],
      [6, 'starts it at'],
      [4096 + 6, 'its header at 4,096 starts it at'],
    ] as const) {
      expect(identify(flipped(legacy, offset, 0x80), {})).toMatchObject({
        code: 'IMAGE_CORRUPT',
        message: expect.stringContaining(why),
      });
    }
    for (const flashMode of [0, 1, 2, 3])
      expect(codeOf(makeEsp8266Image({ layout: 'legacy', flashMode }))).toBe('ok');
  });

  it('is not fine with a bit flipped in what its checksums cover', () => {
    const { segments } = identify(legacy, {}).facts;
    for (const { fileOffset, sizeBytes } of segments) {
      for (let offset = fileOffset + 8; offset < fileOffset + 8 + sizeBytes; offset += 1) {
        expect([offset, codeOf(flipped(legacy, offset))]).toEqual([offset, 'IMAGE_CORRUPT']);
      }
    }
  });
});

describe('a core of 2.7.0 to 2.7.4', () => {
  const image = makeEsp8266Image({ layout: 'core27', sizeBytes: 4096 + 512 });

  it('has length and CRC in the padding before the sketch, and is not called older', () => {
    const found = identify(image, { kind: 'firmware' });
    expect(found).toMatchObject({ ok: true, facts: { platform: 'esp8266', notes: [] } });
    const crc = new DataView(image.buffer).getUint32(4092, true);
    expect(found.facts.identity).toBe(crc.toString(16).padStart(8, '0'));
    expect(found.facts.checks.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  it('is incomplete at every shorter length', () => {
    for (let length = 0; length < image.length; length += 1) {
      expect([length, codeOf(image.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    }
  });

  it('is never fine with one bit flipped, wherever', () => {
    for (let offset = 0; offset < image.length; offset += 1) {
      expect([offset, codeOf(flipped(image, offset, 0x10))]).not.toEqual([offset, 'ok']);
    }
  });

  it('may begin its code with zeros', () => {
    const zeros = makeEsp8266Image({ layout: 'core27', sizeBytes: 4096 + 512, isCodeBlank: true });
    expect(codeOf(zeros)).toBe('ok');
  });
});

describe('one header alone is no image of the Arduino core', () => {
  const plain = makeEsp8266Image({ layout: 'plain', sizeBytes: 512 });

  it('and is incomplete at every shorter length', () => {
    for (let length = 0; length < plain.length; length += 1) {
      expect([length, codeOf(plain.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['of code in RAM', plain, /firmware of the ESP8266 SDK, or the first half/],
    ['of firmware in two files', makeFirstHalf(), /firmware of the ESP8266 SDK, or the first half/],
    ['that boots the SDK’s', makeSdkBootLoader(), /the ESP8266 SDK's boot loader/],
    ['of MicroPython', makeFlashDump('MicroPython'), /dump of a whole flash.*\(MicroPython\)/],
    ['of NodeMCU', makeFlashDump('NodeMCU'), /dump of a whole flash.*\(NodeMCU\)/],
    [
      'of something else',
      makeFlashDump('Mongoose'),
      /dump of a whole flash, or firmware of several parts in one file:/,
    ],
  ])('%s', (_, bytes, message) => {
    for (const file of [bytes, new Uint8Array(gzipSync(bytes))]) {
      expect(identify(file, { kind: 'firmware' })).toMatchObject({
        code: 'IMAGE_NOT_OTA',
        message: expect.stringMatching(message),
        hint: expect.stringContaining('firmware.bin'),
      });
    }
  });

  it('but only the boot loader of the core is half a file', () => {
    const boot = makeEsp8266Image().subarray(0, 8 + 8 + 2048 + 16);
    expect(identify(boot, {})).toMatchObject({ code: 'IMAGE_INCOMPLETE', facts: { kind: 'firmware' } });
  });
});

describe('what follows an image', () => {
  const image = makeEsp8266Image({ sizeBytes: 4096 + 512 });
  const signed = signEsp8266Image(image);

  it('may be a signature', () => {
    expect(identify(signed, {})).toMatchObject({ ok: true, facts: { signatureBytes: 256 } });
    expect(identify(signEsp8266Image(makeEsp8266Image({ layout: 'legacy' })), {})).toMatchObject({
      ok: true,
    });
  });

  it('is incomplete while the signature is being written', () => {
    for (let length = image.length + 1; length < signed.length; length += 1) {
      expect([length, codeOf(signed.subarray(0, length))]).toEqual([length, 'IMAGE_INCOMPLETE']);
    }
  });

  it('is no image for the air where it is more', () => {
    const dump = new Uint8Array(64 * 1024).fill(0xff);
    dump.set(image);
    expect(codeOf(dump)).toBe('IMAGE_NOT_OTA');
  });
});

describe('other content behind 0xE9', () => {
  it('with a segment where the chip has no memory is no image', () => {
    const odd = espImage({
      flashMode: 0,
      sizeFrequency: 0,
      entry: 0x40100000,
      segments: [
        { address: 0x40100000, data: noise(32, 1) },
        { address: 0x50000000, data: noise(32, 2) },
      ],
    });
    expect(identify(odd, {})).toMatchObject({
      code: 'IMAGE_NOT_OTA',
      message: expect.stringContaining('0x50000000'),
    });
  });

  it('claiming no segment, or too many, or a huge one, is no image', () => {
    const plain = makeEsp8266Image({ layout: 'plain', sizeBytes: 512 });
    const changed = (offset: number, value: number): Uint8Array => {
      const copy = plain.slice();
      copy[offset] = value;
      return copy;
    };
    for (const odd of [changed(1, 0), changed(1, 17), changed(15, 0x7f)])
      expect(codeOf(odd)).toBe('IMAGE_NOT_OTA');
  });
});
