import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runningSumsOf } from '../../src/image/running-sums.ts';
import { platforms } from '../../src/model/types.ts';
import { bootRp2040, md5OfRp2040 } from '../support/flash.ts';
import { makeRp2040Image, noise, signEsp8266Image } from '../support/images.ts';
import { buildHeader, compileHeader, someMd5, vendor } from '../support/otarc-header.ts';
import { requireTools } from '../support/tools.ts';

const version = 'OTARC_VERSION="1.4.0"';
const service = { esp8266: 'arduino', esp32: 'arduino', rp2040: 'otarc' } as const;
const standards = ['gnu++11', 'gnu++17', 'gnu++20'];

describe.skipIf(requireTools('compilers'))('otarc.h', () => {
  describe.each(platforms)('on the %s', (platform) => {
    it.each(standards)('compiles without a warning as %s, with and without a version', async (standard) => {
      for (const defines of [[], [version]]) {
        const compiled = await compileHeader({ platform, standard, defines });
        expect(compiled).toEqual({ exitCode: 0, stderr: '' });
      }
    });

    it('announces sum, reason and version, and the mark of this start last', async () => {
      const run = await buildHeader({ platform, defines: [version] });
      const { lines } = await run({ reason: 3 });
      const items = [
        `md5=${someMd5}`,
        `boot=${platform === 'esp8266' ? 'watchdog' : 'software'}`,
        `version=1.4.0`,
        `run=00c0ffee`,
      ].map((item) => `${service[platform]} ${item}`);
      expect(lines.slice(0, 5)).toEqual([...items, 'announced yes']);
    });

    it('keeps its mark, and adds nothing new, when it is called again', async () => {
      const run = await buildHeader({ platform });
      const { lines } = await run();
      const first = lines.slice(0, lines.indexOf('announced yes'));
      const second = lines.slice(lines.indexOf('announced yes') + 1);
      expect(first).toHaveLength(3);
      // The RP2040's library would have the items twice.
      expect(second).toEqual([...(platform === 'rp2040' ? [] : first), 'again yes']);
    });

    it('says so, and does not crash, where mDNS is switched off', async () => {
      const run = await buildHeader({ platform, defines: [version] });
      const { lines } = await run({ hasMdns: false });
      expect(lines).toEqual(['announced no', 'again no']);
    });

    it('announces no sum that is none', async () => {
      const run = await buildHeader({ platform });
      const almost = 'd41d8cd98f00b204e9800998ecf8427f';
      for (const [md5, items] of [
        ['', 2],
        ['d41d8cd98f00b204e9800998ecf8427e', 2], // of no bytes at all
        [almost, 3],
      ] as const) {
        const { lines } = await run({ md5 });
        expect(lines.indexOf('announced yes')).toBe(items);
        expect(lines.some((line) => line.includes('md5='))).toBe(md5 === almost);
      }
    });

    it('refuses a version that is too long for the responder', async () => {
      const of = (length: number) =>
        compileHeader({ platform, defines: [`OTARC_VERSION="${'x'.repeat(length)}"`] });
      expect(await of(55)).toEqual({ exitCode: 0, stderr: '' });
      const { exitCode, stderr } = await of(56);
      expect(exitCode).toBe(1);
      expect(stderr).toContain('OTARC_VERSION has more than 55 characters');
    });
  });

  it.each([
    ['esp8266', 'power-on watchdog exception watchdog software deep-sleep external unknown'],
    [
      'esp32',
      'unknown power-on external software exception watchdog watchdog watchdog deep-sleep brownout unknown',
    ],
    ['rp2040', 'unknown power-on external software watchdog debugger brownout brownout unknown'],
  ] as const)('names each reason for which an %s starts', async (platform, words) => {
    const run = await buildHeader({ platform });
    const boots: (string | undefined)[] = [];
    for (const reason of words.split(' ').keys()) {
      const { lines } = await run({ reason });
      boots.push(lines.find((line) => line.includes('boot='))?.split('=')[1]);
    }
    expect(boots.join(' ')).toBe(words);
  });

  it('takes the larger responder of the RP2040 where the sketch brings it', async () => {
    const responder = join(vendor, 'esp8266', 'libraries', 'ESP8266mDNS', 'ESP8266mDNS.h');
    const edit = (header: string): string => `#include "${responder}"\n#define __LEAMDNS_H\n${header}`;
    const { lines } = await (await buildHeader({ platform: 'rp2040', edit }))();
    expect(lines[0]).toBe(`arduino md5=${someMd5}`);
  });

  it('says which devices it is for on any other core', async () => {
    const other = await compileHeader({ platform: 'rp2040', defines: ['ARDUINO_ARCH_MBED'] });
    expect(other.exitCode).toBe(1);
    expect(other.stderr).toContain('otarc.h is for ESP8266, ESP32, and RP2040/RP2350');
  });

  it.each([
    [
      'esp8266',
      'MDNS.addServiceTxt("arduino", "tcp", key, value)',
      'MDNS.addServiceTxt("arduino", key, value, 1)',
    ],
    ['esp8266', 'ESP.getSketchMD5()', 'ESP.getSketchMd5()'],
    ['esp8266', 'ESP.getResetInfoPtr()->reason', 'ESP.getResetInfoPtr().reason'],
    ['esp32', 'const_cast<char *>("tcp"), ', ''],
    // That one says nothing of whether it worked.
    ['esp32', /const_cast<char \*>\((\w+|"\w+")\)/g, '$1'],
    ['esp32', 'esp_reset_reason()', 'esp_reset_reason'],
    ['rp2040', 'MDNS.addService("otarc", "tcp", 2040)', 'MDNS.addService("otarc", 2040)'],
    ['rp2040', 'MDNS.addServiceTxt(service, key, value)', 'MDNS.addServiceTxt("otarc", "tcp", key, value)'],
    ['rp2040', 'rp2040.hwrand32()', 'rp2040.random()'],
    ['rp2040', 'sum.add(reinterpret_cast<const uint8_t *>(at), length)', 'sum.add(at, length)'],
  ] as const)('would not compile for the %s with %s as %s', async (platform, right, wrong) => {
    const edit = (header: string): string => header.replace(right, wrong);
    const { exitCode, stderr } = await compileHeader({ platform, edit });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/ error: /);
  });

  describe('sums on an RP2040 what otarc expects of an image', () => {
    const images = [
      ['shorter than a sector', makeRp2040Image({ sizeBytes: 3001 })],
      ['of whole sectors', makeRp2040Image({ sizeBytes: 5 * 4096 })],
      ['that ends inside a sector', makeRp2040Image({ sizeBytes: 70_000, seed: 3 })],
      ['that notes its end', makeRp2040Image({ sizeBytes: 40_961, info: true })],
      ['longer than the sum takes at once', makeRp2040Image({ sizeBytes: 4097 })],
    ] as const;

    it.each(images)('%s', async (_, image) => {
      const run = await buildHeader({ platform: 'rp2040', flashEnd: image.length });
      for (const bytes of [image, signEsp8266Image(image)]) {
        const { summed } = await run({ flash: bootRp2040(bytes) });
        const md5 = createHash('md5').update(summed).digest('hex');
        expect(md5).toBe(md5OfRp2040(bootRp2040(bytes), image.length));
        expect(runningSumsOf({ bytes, kind: 'firmware', platform: 'rp2040' })).toContain(md5);
      }
    });

    it('and of no other', async () => {
      const image = makeRp2040Image({ sizeBytes: 9000 });
      const run = await buildHeader({ platform: 'rp2040', flashEnd: image.length });
      const { summed } = await run({ flash: noise(20_000, 8) });
      const md5 = createHash('md5').update(summed).digest('hex');
      expect(runningSumsOf({ bytes: image, kind: 'firmware', platform: 'rp2040' })).not.toContain(md5);
    });
  });
});
