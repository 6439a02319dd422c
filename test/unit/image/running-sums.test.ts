import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identify } from '../../../src/image/identify.ts';
import { runningSumsOf } from '../../../src/image/running-sums.ts';
import type { Platform } from '../../../src/model/types.ts';
import {
  bootEsp32,
  bootEsp8266,
  bootRp2040,
  md5OfEsp32,
  md5OfEsp8266,
  md5OfRp2040,
} from '../../support/flash.ts';
import {
  makeEsp32Image,
  makeEsp8266Image,
  makeLittlefsImage,
  makeRp2040Image,
  signEsp8266Image,
} from '../../support/images.ts';
import { makeOldEsp32Image, signEsp32Image, signEsp32ImageV1 } from '../../support/other-images.ts';

/** As a push knows the file. */
function sumsOf(bytes: Uint8Array, platform: Platform): ReadonlySet<string> {
  const { ok, facts } = identify(bytes, { expectedPlatform: platform });
  expect(ok).toBe(true);
  expect(facts.platform).toBe(platform);
  return runningSumsOf({ bytes, kind: 'firmware', platform, ...facts });
}

/** Another build of the same length: what must not be taken for the image. */
function expectOnly(sums: ReadonlySet<string>, { runs, other }: { runs: string; other: string }): void {
  expect(sums).toContain(runs);
  expect(sums).not.toContain(other);
}

const sizeBytes = fc.integer({ min: 8192, max: 100_000 });
const mode = fc.integer({ min: 0, max: 3 });
const gzipped = (bytes: Uint8Array): Uint8Array => new Uint8Array(gzipSync(bytes));

describe('the sums that an ESP8266 may report of an image', () => {
  const layout = fc.constantFrom<'vendor' | 'core27' | 'legacy'>('vendor', 'core27', 'legacy');
  const image = fc.record({ sizeBytes, layout, flashMode: mode, seed: fc.nat(1000) });

  it('have the one that it computes, whatever the flash mode of the device and of the image', () => {
    fc.assert(
      fc.property(image, mode, fc.boolean(), (options, flashMode, isSigned) => {
        const sent = (seed: number): Uint8Array => {
          const made = makeEsp8266Image({ ...options, seed });
          return isSigned ? signEsp8266Image(made) : made;
        };
        const report = (bytes: Uint8Array): string =>
          md5OfEsp8266(bootEsp8266(bytes, { flashMode, isSigned }));
        const runs = report(sent(options.seed));
        expectOnly(sumsOf(sent(options.seed), 'esp8266'), { runs, other: report(sent(options.seed + 1)) });
      }),
      { numRuns: 60 },
    );
  });

  it('have the one of the inflated image for a gzip, and none of another flash mode', () => {
    fc.assert(
      fc.property(image, mode, fc.boolean(), (options, flashMode, isSigned) => {
        const made = makeEsp8266Image(options);
        const sent = isSigned ? signEsp8266Image(gzipped(made)) : gzipped(made);
        const sums = sumsOf(sent, 'esp8266');
        expect([...sums]).toEqual([md5OfEsp8266(bootEsp8266(sent, { flashMode, isSigned }))]);
      }),
      { numRuns: 30 },
    );
  });

  it('are one for each flash mode', () => {
    const sums = sumsOf(makeEsp8266Image({ flashMode: 2 }), 'esp8266');
    const modes = [0, 1, 2, 3].map((flashMode) =>
      md5OfEsp8266(bootEsp8266(makeEsp8266Image(), { flashMode })),
    );
    expect([...sums].toSorted()).toEqual(modes.toSorted());
  });
});

describe('the sums that an ESP32 may report of an image', () => {
  const image = fc.record({
    sizeBytes,
    seed: fc.nat(1000),
    chipId: fc.constantFrom(0, 2, 5, 9, 13),
    appendDigest: fc.boolean(),
  });
  const finish = fc.constantFrom<(bytes: Uint8Array) => Uint8Array>(
    (bytes) => bytes,
    (bytes) => padded(bytes, 0xff),
    (bytes) => padded(bytes, 0),
    signEsp32ImageV1,
    (bytes) => signEsp32Image(bytes, 'rsa'),
    (bytes) => signEsp32Image(bytes, 'ecdsa'),
  );

  it('have the one that it computes, whatever follows the image', () => {
    fc.assert(
      fc.property(image, finish, (options, finished) => {
        const sent = (seed: number): Uint8Array => finished(makeEsp32Image({ ...options, seed }));
        const report = (seed: number): string => md5OfEsp32(bootEsp32(sent(seed)));
        const { seed } = options;
        expectOnly(sumsOf(sent(seed), 'esp32'), { runs: report(seed), other: report(seed + 1) });
      }),
      { numRuns: 60 },
    );
  });

  it('have the one of an application that checks its own signature', () => {
    fc.assert(
      fc.property(image, (options) => {
        const sent = (seed: number): Uint8Array => signEsp32Image(makeEsp32Image({ ...options, seed }));
        const report = (seed: number): string => md5OfEsp32(bootEsp32(sent(seed)), { checksSignature: true });
        const { seed } = options;
        expectOnly(sumsOf(sent(seed), 'esp32'), { runs: report(seed), other: report(seed + 1) });
      }),
      { numRuns: 20 },
    );
  });

  it('have that of an application without a descriptor', () => {
    const sent = makeOldEsp32Image();
    expect([...sumsOf(sent, 'esp32')]).toEqual([md5OfEsp32(bootEsp32(sent))]);
  });

  function padded(bytes: Uint8Array, fill: number): Uint8Array {
    const whole = new Uint8Array(Math.ceil((bytes.length + 1) / 4096) * 4096).fill(fill);
    whole.set(bytes);
    return whole;
  }
});

describe('the sums that an RP2040 may report of an image', () => {
  const image = fc.record({
    sizeBytes: fc.integer({ min: 1024, max: 100_000 }),
    seed: fc.nat(1000),
    info: fc.boolean(),
  });
  const sent = fc.constantFrom<(bytes: Uint8Array) => Uint8Array>(
    (bytes) => bytes,
    gzipped,
    signEsp8266Image,
  );

  it('have the one from the start of the flash to the end that the linker knows', () => {
    fc.assert(
      fc.property(image, sent, (options, send) => {
        const make = (seed: number): Uint8Array => makeRp2040Image({ ...options, seed });
        const report = (seed: number): string => md5OfRp2040(bootRp2040(send(make(seed))), make(seed).length);
        const { seed } = options;
        expectOnly(sumsOf(send(make(seed)), 'rp2040'), { runs: report(seed), other: report(seed + 1) });
      }),
      { numRuns: 60 },
    );
  });

  it('have the one of an image whose end the linker rounded up', () => {
    const rounded = fc
      .record({
        sizeBytes: fc.integer({ min: 1024, max: 60_000 }),
        missing: fc.integer({ min: 1, max: 255 }),
      })
      // What lies in a sector that the update did not write is not known.
      .filter(({ sizeBytes: size, missing }) => (size + missing) % 4096 >= missing);
    fc.assert(
      fc.property(rounded, ({ sizeBytes: size, missing }) => {
        const made = makeRp2040Image({ sizeBytes: size, info: true });
        const end = made.length + missing;
        new DataView(made.buffer).setUint32(made.length - 20, 0x1000_0000 + end, true);
        expect(sumsOf(made, 'rp2040')).toContain(md5OfRp2040(bootRp2040(made), end));
      }),
    );
  });
});

describe('no sum', () => {
  it('is known of a file system, which a device does not sum', () => {
    const bytes = makeLittlefsImage();
    expect(runningSumsOf({ bytes, kind: 'filesystem', platform: 'esp8266' }).size).toBe(0);
  });

  it('is known of an image for an unknown platform', () => {
    expect(runningSumsOf({ bytes: makeEsp32Image(), kind: 'firmware' }).size).toBe(0);
  });

  it.each(['esp8266', 'esp32', 'rp2040'] as const)('breaks %s bytes that are no image', (platform) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), fc.boolean(), (bytes, isGzip) => {
        const image = {
          bytes,
          kind: 'firmware',
          platform,
          ...(isGzip ? ({ compression: 'gzip' } as const) : {}),
        };
        for (const sum of runningSumsOf({ ...image, kind: 'firmware' }))
          expect(sum).toMatch(/^[0-9a-f]{32}$/);
      }),
    );
  });
});
