/**
 * What damage is seen. Each kind of image is cut at every 1 KiB, and one bit is flipped in each of its regions: each bit of bytes
 * all over the region. The table says what is caught; what is not cannot be, for the reason that stands beside it.
 */

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { identify } from '../../../src/image/identify.ts';
import {
  flipped,
  makeEsp32Image,
  makeEsp8266Image,
  makeLittlefsImage,
  makeRp2040Image,
  signEsp8266Image,
} from '../../support/images.ts';
import { makeOldEsp32Image, signEsp32Image } from '../../support/other-images.ts';

/** All of it, none of it, or some of it: which, is in the reason. */
type Seen = 'caught' | 'missed' | 'some';

interface Region {
  readonly name: string;
  /** First byte, and the one after the last. */
  readonly from: number;
  readonly to: number;
  readonly seen: Seen;
  /** Why not, where it is not caught. */
  readonly because?: string;
}

interface Kind {
  readonly name: string;
  readonly image: Uint8Array;
  /** Lengths at which a cut is not seen. */
  readonly missedCuts: readonly number[] | 'all';
  readonly because?: string;
  readonly regions: readonly Region[];
}

const esp8266 = makeEsp8266Image({ sizeBytes: 20_480 });
const core27 = makeEsp8266Image({ sizeBytes: 20_480, layout: 'core27' });
const legacy = makeEsp8266Image({ sizeBytes: 20_480, layout: 'legacy' });
const gzip = new Uint8Array(gzipSync(esp8266));
const signed = signEsp8266Image(esp8266);
const esp32 = makeEsp32Image({ sizeBytes: 20_000 });
const bare = makeEsp32Image({ sizeBytes: 20_000, appendDigest: false });
const old = makeOldEsp32Image({ sizeBytes: 20_000, appendDigest: false });
const signed32 = signEsp32Image(esp32);
const rp2040 = makeRp2040Image({ sizeBytes: 20_480, info: true });
const silent = makeRp2040Image({ sizeBytes: 20_480 });
const littlefs = makeLittlefsImage({ sizeBytes: 16_384 });

const kinds: readonly Kind[] = [
  {
    name: 'ESP8266',
    image: esp8266,
    missedCuts: [],
    regions: [{ name: 'all of it', from: 0, to: esp8266.length, seen: 'caught' }],
  },
  {
    name: 'ESP8266, core 2.7',
    image: core27,
    missedCuts: [],
    regions: [{ name: 'all of it', from: 0, to: core27.length, seen: 'caught' }],
  },
  {
    name: 'ESP8266, core before 2.7',
    image: legacy,
    missedCuts: [],
    regions: [
      { name: 'magic byte', from: 0, to: 1, seen: 'caught' },
      { name: 'number of segments', from: 1, to: 2, seen: 'caught' },
      { name: 'flash mode', from: 2, to: 3, seen: 'some', because: 'four modes are possible' },
      { name: 'flash size and frequency', from: 3, to: 4, seen: 'missed', because: 'each is possible' },
      {
        name: 'entry point',
        from: 4,
        to: 8,
        seen: 'some',
        because: 'another place in the same code is possible',
      },
      { name: 'segment address', from: 8, to: 12, seen: 'some', because: 'no checksum covers it' },
      { name: 'boot loader', from: 16, to: 16 + 2048, seen: 'caught' },
      { name: 'padding', from: 2080, to: 4088, seen: 'missed', because: 'nothing reads it' },
      { name: 'end of the padding', from: 4088, to: 4096, seen: 'caught' },
      { name: 'code', from: 4096 + 16, to: legacy.length - 100, seen: 'caught' },
      { name: 'checksum', from: legacy.length - 1, to: legacy.length, seen: 'caught' },
    ],
  },
  {
    name: 'ESP8266, gzip',
    image: gzip,
    missedCuts: [],
    regions: [
      { name: 'header', from: 0, to: 3, seen: 'caught' },
      {
        name: 'time and system of the header',
        from: 4,
        to: 10,
        seen: 'missed',
        because: 'nothing reads them',
      },
      { name: 'deflated', from: 10, to: gzip.length - 8, seen: 'caught' },
      { name: 'CRC and length', from: gzip.length - 8, to: gzip.length, seen: 'caught' },
    ],
  },
  {
    name: 'ESP8266, signed',
    image: signed,
    missedCuts: [20_480],
    because: 'without the signature it is a whole image; the device refuses it',
    regions: [
      { name: 'image', from: 0, to: esp8266.length, seen: 'caught' },
      {
        name: 'signature',
        from: esp8266.length,
        to: signed.length - 4,
        seen: 'missed',
        because: 'the device has the key',
      },
      { name: 'length of the signature', from: signed.length - 4, to: signed.length, seen: 'caught' },
    ],
  },
  {
    name: 'ESP32',
    image: esp32,
    missedCuts: [],
    regions: [{ name: 'all of it', from: 0, to: esp32.length, seen: 'caught' }],
  },
  {
    name: 'ESP32 without a digest',
    image: bare,
    missedCuts: [],
    regions: [
      { name: 'magic byte', from: 0, to: 1, seen: 'caught' },
      { name: 'number of segments', from: 1, to: 2, seen: 'caught' },
      {
        name: 'flash settings and entry point',
        from: 2,
        to: 8,
        seen: 'missed',
        because: 'no checksum covers it',
      },
      {
        name: 'chip',
        from: 12,
        to: 14,
        seen: 'missed',
        because: 'each is possible; preflight compares the platform',
      },
      { name: 'first address', from: 24, to: 28, seen: 'missed', because: 'no checksum covers it' },
      { name: 'data', from: 32, to: 19_000, seen: 'caught' },
      { name: 'checksum', from: bare.length - 1, to: bare.length, seen: 'caught' },
    ],
  },
  {
    name: 'ESP32, core 1.0, without a digest',
    image: old,
    missedCuts: [],
    regions: [
      { name: 'data', from: 32, to: 19_000, seen: 'caught' },
      { name: 'first address', from: 24, to: 28, seen: 'some', because: 'no checksum covers it' },
      { name: 'checksum', from: old.length - 1, to: old.length, seen: 'caught' },
    ],
  },
  {
    name: 'ESP32, signed (version 2)',
    image: signed32,
    missedCuts: [20_480],
    because: 'without the sector it is a whole image; the device refuses it',
    regions: [
      { name: 'image', from: 0, to: esp32.length, seen: 'caught' },
      { name: 'padding', from: esp32.length, to: 20_480, seen: 'caught' },
      {
        name: 'mark of the signature',
        from: 20_480,
        to: 20_481,
        seen: 'missed',
        because: 'nothing else says what it is; the device refuses it',
      },
      { name: 'signature block', from: 20_482, to: 20_480 + 1200, seen: 'caught' },
      {
        name: 'rest of the sector',
        from: 20_480 + 1200,
        to: signed32.length,
        seen: 'missed',
        because: 'nothing reads it',
      },
    ],
  },
  {
    name: 'RP2040',
    image: rp2040,
    missedCuts: [],
    regions: [
      { name: 'boot block', from: 0, to: 256, seen: 'caught' },
      { name: 'vectors', from: 256, to: 264, seen: 'some', because: 'another stack or entry is possible' },
      { name: 'binary info', from: 0x1c0, to: 0x1d4, seen: 'some', because: 'without its marks it is none' },
      { name: 'code', from: 0x200, to: rp2040.length - 32, seen: 'missed', because: 'no checksum covers it' },
    ],
  },
  {
    name: 'RP2040 without binary info',
    image: silent,
    missedCuts: 'all',
    because: 'nothing says how long it is',
    regions: [
      { name: 'boot block', from: 0, to: 256, seen: 'caught' },
      { name: 'code', from: 0x200, to: silent.length, seen: 'missed', because: 'no checksum covers it' },
    ],
  },
  {
    name: 'littlefs',
    image: littlefs,
    missedCuts: 'all',
    because: 'its size is the only guard: preflight compares it with the partition',
    regions: [
      { name: 'contents', from: 0, to: littlefs.length, seen: 'missed', because: 'no device checks them' },
    ],
  },
];

const kibibyte = 1024;
/** Pushed without a question. */
function isFine(bytes: Uint8Array, kind: Kind): boolean {
  const found = identify(bytes, { kind: kind.image === littlefs ? 'filesystem' : 'firmware' });
  return found.ok && found.facts.doubts === undefined;
}

describe.each(kinds)('$name', (kind) => {
  const { image, missedCuts, regions } = kind;

  it('is fine whole, and cut at each 1 KiB as the table says', () => {
    expect(isFine(image, kind)).toBe(true);
    const cuts = Array.from(
      { length: Math.ceil(image.length / kibibyte) - 1 },
      (_, index) => (index + 1) * kibibyte,
    );
    const missed = cuts.filter((length) => isFine(image.subarray(0, length), kind));
    expect(missed).toEqual(missedCuts === 'all' ? cuts : missedCuts);
  });

  it.each(regions)('with a bit flipped in: $name, $seen', ({ from, to, seen, because }) => {
    const step = Math.max(1, Math.floor((to - from) / 61));
    const verdicts = new Set<boolean>();
    for (let offset = from; offset < to; offset += step)
      for (let bit = 0; bit < 8; bit += 1) verdicts.add(isFine(flipped(image, offset, 1 << bit), kind));
    expect([...verdicts].sort()).toEqual({ caught: [false], missed: [true], some: [false, true] }[seen]);
    expect(because === undefined).toBe(seen === 'caught');
  });
});
