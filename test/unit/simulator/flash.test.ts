import { describe, expect, test } from 'vitest';

import { createSketchFlash, flashModes } from '../../../src/simulator/flash.ts';
import { modelFacts } from '../../../src/simulator/models.ts';
import { createStorage } from '../../../src/simulator/storage.ts';
import { gzipSync } from 'node:zlib';
import { makeEsp32Image, makeEsp8266Image, signEsp8266Image } from '../../support/images.ts';
import { md5Of, sketch } from '../../support/raw-client.ts';

const withMode = (image: Uint8Array, mode: number): Buffer => {
  const changed = Buffer.from(image);
  changed[2] = mode;
  return changed;
};

describe('the sum that a sketch takes of itself', () => {
  const esp8266 = makeEsp8266Image({ sizeBytes: 20_000, flashMode: 2 });

  test('an ESP8266 sums up to the end of its sketch, a signature excluded', () => {
    const flash = createSketchFlash('esp8266');
    flash.write(esp8266, { mode: undefined });
    expect(flash.sum()).toBe(md5Of(esp8266));
    flash.write(signEsp8266Image(esp8266), { mode: undefined });
    expect(flash.sum()).toBe(md5Of(esp8266));
  });

  test('what an earlier, larger sketch has left behind does not count', () => {
    const flash = createSketchFlash('esp8266');
    flash.write(makeEsp8266Image({ sizeBytes: 80_000, seed: 9 }), { mode: undefined });
    flash.write(esp8266, { mode: undefined });
    expect(flash.sum()).toBe(md5Of(esp8266));
  });

  test.each(flashModes.map((mode, index) => [mode, index] as const))(
    'the updater of an ESP8266 in mode %s writes byte 2 of a raw image',
    (mode, index) => {
      const storage = createStorage(modelFacts.esp8266, { flashMode: mode });
      storage.stage(esp8266);
      storage.boot();
      expect(storage.sketchSum()).toBe(md5Of(withMode(esp8266, index)));
      expect(storage.running?.md5).toBe(md5Of(esp8266));
    },
  );

  test('the mode of what runs already is that of the device; a gzip keeps its own', () => {
    const runs = makeEsp8266Image({ seed: 4, flashMode: 0 });
    const storage = createStorage(modelFacts.esp8266, { runs });
    expect(storage.sketchSum()).toBe(md5Of(runs));
    storage.stage(esp8266);
    storage.boot();
    expect(storage.sketchSum()).toBe(md5Of(withMode(esp8266, 0)));
    storage.stage(gzipSync(esp8266));
    storage.boot();
    expect(storage.sketchSum()).toBe(md5Of(esp8266));
    expect(storage.pushedMd5).toBe(md5Of(gzipSync(esp8266)));
  });

  test.each([true, false])('an ESP32 sums its image, the appended digest included (%s)', (hasDigest) => {
    const image = makeEsp32Image({ appendDigest: hasDigest });
    const flash = createSketchFlash('esp32');
    flash.write(Buffer.concat([image, Buffer.alloc(4096, 7)]), { mode: undefined });
    expect(flash.sum()).toBe(md5Of(image));
  });

  test('an RP2040 sums all of its image', () => {
    const flash = createSketchFlash('rp2040');
    const image = sketch(5000);
    flash.write(image, { mode: 'dout' });
    expect(flash.sum()).toBe(md5Of(image));
  });

  test('with flash encryption it is the sum of something else, the same for the same image', () => {
    const flash = createSketchFlash('esp32');
    const [image, key] = [makeEsp32Image(), Buffer.from('key')];
    flash.write(image, { mode: undefined });
    const sum = flash.sum(key);
    expect(sum).not.toBe(md5Of(image));
    expect(flash.sum(key)).toBe(sum);
    expect(flash.sum(Buffer.from('another'))).not.toBe(sum);
  });

  test.each(['esp8266', 'esp32'] as const)(
    'bytes without a header to follow count all, on %s',
    (platform) => {
      const flash = createSketchFlash(platform);
      const image = sketch(5000);
      flash.write(image, { mode: undefined });
      expect(flash.sum()).toBe(md5Of(image));
    },
  );
});
