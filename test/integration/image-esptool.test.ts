/** The parsers against esptool: on images of its own packer, made from ELF files of a real compiler, and on the tests' own. */

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { word } from '../../src/image/bytes.ts';
import { chipOf, isInFlash } from '../../src/image/chips.ts';
import { identify } from '../../src/image/identify.ts';
import { runningSumsOf } from '../../src/image/running-sums.ts';
import { bootEsp32, md5OfEsp32 } from '../support/flash.ts';
import {
  makeEsp32Image,
  makeEsp8266Image,
  makePartitionTable,
  type Esp32ImageOptions,
} from '../support/images.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools, toolPaths } from '../support/tools.ts';

const noEsptool = requireTools('esptool');

describe.skipIf(noEsptool)('esptool', () => {
  it('agrees on an ESP8266 image of its own', async () => {
    const dir = await tempDir();
    const elf = await compile(dir, programEsp8266, ['-Ttext=0x40100000', '--section-start=.data=0x3ffe8000']);
    await esptool('--chip', 'esp8266', 'elf2image', '--version', '1', '-o', join(dir, 'app-'), elf);
    const path = join(dir, 'app-0x00000.bin');
    const found = identify(await readFile(path), { kind: 'firmware' });
    // One header, as firmware of the SDK has it: no image of the Arduino core.
    expect(found).toMatchObject({ code: 'IMAGE_NOT_OTA', facts: { chip: 'esp8266' } });
    expect(found.facts.checks).toContainEqual(checkOf('checksum', await infoOf(path)));
    expect(segmentsOf(found.facts.segments)).toEqual(segmentsIn(await infoOf(path)));
  });

  it('agrees on an ESP32 application of its own, descriptor and ELF digest included', async () => {
    const dir = await tempDir();
    const elf = await compile(dir, programEsp32, [
      '-Ttext=0x40080000',
      '--section-start=.data=0x3ffb0000',
      '--section-start=.flash.appdesc=0x3f400020',
    ]);
    const path = join(dir, 'app.bin');
    await esptool('--chip', 'esp32', 'elf2image', '--elf-sha256-offset', '0xb0', '-o', path, elf);
    const found = identify(await readFile(path), { kind: 'firmware' });
    const elfSha256 = createHash('sha256')
      .update(await readFile(elf))
      .digest('hex');
    expect(found).toMatchObject({
      ok: true,
      facts: {
        chip: 'esp32',
        identity: elfSha256,
        app: {
          name: 'greenhouse',
          version: '3.2.1-real',
          idfVersion: 'v5.1.4',
          compiledAt: 'Feb  3 2026 01:02:03',
        },
      },
    });
    const info = await infoOf(path);
    for (const line of [
      'App version: 3.2.1-real',
      'Compile time: Feb  3 2026 01:02:03',
      `SHA256: ${elfSha256}`,
    ]) {
      expect(info).toContain(line);
    }
    expect(segmentsOf(found.facts.segments)).toEqual(segmentsIn(info));
    expect(found.facts.checks).toEqual([checkOf('checksum', info), checkOf('SHA-256', info)]);

    const bytes = new Uint8Array(await readFile(path));
    const sums = runningSumsOf({ bytes, kind: 'firmware', platform: 'esp32' });
    expect([...sums]).toEqual([md5OfEsp32(bootEsp32(bytes))]);
  });

  it.each<{
    what: string;
    places: readonly string[];
    flags: readonly string[];
    format: string;
    isDoubted: boolean;
  }>([
    {
      what: 'an application of the time before descriptors',
      places: ['-Ttext=0x400d0020', '--section-start=.data=0x3ffb0000', '--section-start=.rodata=0x3f400020'],
      flags: [],
      format: 'ESP32 application without a descriptor',
      isDoubted: false,
    },
    {
      what: 'what Zephyr makes',
      places: ['-Ttext=0x40080000', '--section-start=.data=0x3ffb0000', '--section-start=.rodata=0x3f400020'],
      flags: ['--ram-only-header'],
      format: 'ESP32 application with a RAM-only header, as Zephyr makes them',
      isDoubted: true,
    },
    {
      what: 'what load-ram takes',
      places: ['-Ttext=0x40080000', '--section-start=.data=0x3ffb0000', '--section-start=.rodata=0x3ffb1000'],
      flags: [],
      format: 'ESP32 image that runs from RAM alone',
      isDoubted: true,
    },
  ])('makes $what, which has its true name', async ({ places, flags, format, isDoubted }) => {
    const dir = await tempDir();
    // esptool looks for a descriptor of 256 bytes, and fails where there are fewer.
    const elf = await compile(dir, programEsp8266.replace('text[]', 'text[300]'), places);
    const path = join(dir, 'app.bin');
    await esptool('--chip', 'esp32', 'elf2image', ...flags, '-o', path, elf);
    const found = identify(await readFile(path), { kind: 'firmware' });
    expect(found).toMatchObject({ ok: true, facts: { chip: 'esp32', kind: 'firmware', format } });
    expect(found.facts.doubts !== undefined).toBe(isDoubted);
    expect(found.facts.checks[0]).toEqual(checkOf('checksum', await infoOf(path)));
  });

  it.each([
    { version: '1', scheme: 'ecdsa256', text: 'version 1' },
    { version: '2', scheme: 'rsa3072', text: 'version 2 (RSA)' },
    { version: '2', scheme: 'ecdsa256', text: 'version 2 (ECDSA)' },
    { version: '2', scheme: 'ecdsa384', text: 'version 2 (ECDSA)' },
  ])(
    'signs with version $version, $scheme: whole it is taken, cut it is not',
    async ({ version, scheme, text }) => {
      const dir = await tempDir();
      const [key, app, signed] = ['key.pem', 'app.bin', 'signed.bin'].map((name) => join(dir, name)) as [
        string,
        string,
        string,
      ];
      const image = makeEsp32Image({ sizeBytes: 20_000 });
      await writeFile(app, image);
      const kind = version === '1' ? [] : ['--scheme', scheme];
      await espsecure('generate-signing-key', '--version', version, ...kind, key);
      await espsecure('sign-data', '--version', version, '--keyfile', key, '--output', signed, app);
      const bytes = await readFile(signed);
      expect(identify(bytes, { kind: 'firmware' })).toMatchObject({
        ok: true,
        facts: { notes: [expect.stringContaining(`a signature of secure boot, ${text}`)] },
      });
      for (const missing of [1, 50, 1000].filter((each) => image.length < bytes.length - each))
        expect(identify(bytes.subarray(0, -missing), { kind: 'firmware' })).toMatchObject({
          code: 'IMAGE_INCOMPLETE',
        });
    },
  );

  it('encrypts an application, which is then called so', async () => {
    const dir = await tempDir();
    const [key, app, encrypted] = ['key.bin', 'app.bin', 'encrypted.bin'].map((name) => join(dir, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(app, makeEsp32Image({ sizeBytes: 65_536 }));
    await espsecure('generate-flash-encryption-key', key);
    await espsecure(
      'encrypt-flash-data',
      '--keyfile',
      key,
      '--address',
      '0x10000',
      '--output',
      encrypted,
      app,
    );
    expect(identify(await readFile(encrypted), { kind: 'firmware' })).toMatchObject({
      code: 'IMAGE_NOT_OTA',
      message: expect.stringContaining('look encrypted'),
    });
  });

  it('knows no chip and no flash address that otarc does not', async () => {
    const script = `
import json
from esptool.targets import CHIP_DEFS
print(json.dumps([[chip.IMAGE_CHIP_ID, chip.CHIP_NAME, [chip.IROM_MAP_START, chip.IROM_MAP_END, chip.DROM_MAP_START, chip.DROM_MAP_END]]
  for chip in CHIP_DEFS.values() if chip.IMAGE_CHIP_ID is not None]))`;
    const { stdout } = await execa(toolPaths().python, ['-c', script]);
    const chips = JSON.parse(stdout) as [number, string, [number, number, number, number]][];
    expect(chips.length).toBeGreaterThan(10);
    for (const [id, name, [codeStart, codeEnd, dataStart, dataEnd]] of chips) {
      const chip = chipOf(id);
      expect([id, chip]).toEqual([id, name.toLowerCase()]);
      for (const address of [codeStart, codeEnd - 1, dataStart, dataEnd - 1])
        expect([name, word(address), isInFlash(chip, address)]).toEqual([name, word(address), true]);
    }
  });

  it.each<[string, Esp32ImageOptions]>([
    ['ESP32', { chipId: 0 }],
    ['ESP32-S3', { chipId: 9, sizeBytes: 100_000 }],
    ['ESP32-C6', { chipId: 13, projectName: 'hall' }],
  ])('calls the tests’ own %s image valid', async (name, options) => {
    const path = join(await tempDir(), 'firmware.bin');
    await writeFile(path, makeEsp32Image(options));
    const info = await infoOf(path);
    expect(info).toContain(`Detected image type: ${name}\n`);
    const { facts } = identify(await readFile(path), {});
    expect(facts.checks).toEqual([checkOf('checksum', info), checkOf('SHA-256', info)]);
  });

  it('calls the boot loader of the tests’ own ESP8266 image valid', async () => {
    const path = join(await tempDir(), 'firmware.bin');
    await writeFile(path, makeEsp8266Image());
    const info = await infoOf(path);
    const { facts } = identify(await readFile(path), {});
    expect(facts.checks).toContainEqual(checkOf('boot loader checksum', info, 'Checksum'));
    expect(segmentsIn(info)).toEqual(segmentsOf(facts.segments.slice(0, 1)));
  });

  it('merges images that are then refused', async () => {
    const dir = await tempDir();
    const put = async (name: string, bytes: Uint8Array): Promise<string> => {
      await writeFile(join(dir, name), bytes);
      return join(dir, name);
    };
    const loader = await put('bootloader.bin', makeEsp32Image({ bootloader: true }));
    const table = await put('partitions.bin', makePartitionTable());
    const app = await put('firmware.bin', makeEsp32Image());
    const parts = ['0x1000', loader, '0x8000', table, '0x10000', app];
    for (const target of ['0x0', '0x1000']) {
      const path = join(dir, `merged-${target}.bin`);
      await esptool('--chip', 'esp32', 'merge-bin', '--target-offset', target, '-o', path, ...parts);
      expect(identify(await readFile(path), { kind: 'firmware' })).toMatchObject({
        code: 'IMAGE_NOT_OTA',
        message: expect.stringContaining('merged'),
      });
    }
  });
});

const programEsp8266 = `
const char text[] = "Hello from a real compiler";
volatile int counter = 5;
void entry(void) { for (;;) counter += text[counter & 7]; }
`;

/** The fields in the order of IDF's structure, so that the compiler lays them out, and esptool reads them. */
const programEsp32 = `
__attribute__((section(".flash.appdesc"))) const struct {
  unsigned magic, secure, reserved[2];
  char version[32], name[32], time[16], date[16], idf[32];
  unsigned char elf[32], rest[80];
} about = {0xABCD5432, 0, {0}, "3.2.1-real", "greenhouse", "01:02:03", "Feb  3 2026", "v5.1.4", {0}, {0}};
volatile int counter = 5;
void entry(void) { for (;;) counter += about.version[counter & 7]; }
`;

async function compile(dir: string, source: string, places: readonly string[]): Promise<string> {
  const elf = join(dir, 'program.elf');
  await writeFile(join(dir, 'program.c'), source);
  const gcc = join(toolPaths().compilerDir, 'xtensa-lx106-elf-gcc');
  const options = ['-nostdlib', '-Os', '-Wl,-e,entry', ...places.map((place) => `-Wl,${place}`)];
  await execa(gcc, [...options, 'program.c', '-o', elf], { cwd: dir });
  return elf;
}

async function esptool(...args: string[]): Promise<string> {
  const { stdout } = await execa(toolPaths().esptool, args);
  return stdout;
}

async function espsecure(...args: string[]): Promise<void> {
  await execa(join(dirname(toolPaths().esptool), 'espsecure'), args);
}

async function infoOf(path: string): Promise<string> {
  return await esptool('image-info', path);
}

/** What `image-info` says of a checksum or digest, as a check. */
function checkOf(
  name: string,
  info: string,
  label = name === 'SHA-256' ? 'Validation hash' : 'Checksum',
): object {
  const [, detail, verdict] = new RegExp(`^${label}: (\\S+) \\((\\w+)`, 'm').exec(info) ?? [];
  return { name, verdict: verdict === 'valid' ? 'ok' : verdict, detail };
}

type Row = [address: string, sizeBytes: number, fileOffset: number];

function segmentsOf(segments: readonly { address: number; sizeBytes: number; fileOffset: number }[]): Row[] {
  return segments.map(({ address, sizeBytes, fileOffset }) => [word(address), sizeBytes, fileOffset]);
}

/** The rows of its table: number, length, address, offset. */
function segmentsIn(info: string): Row[] {
  const rows = info.matchAll(/^ *\d+ +(0x\w+) +(0x\w+) +(0x\w+)/gm);
  return [...rows].map(([, size, address = '', offset]) => [address, Number(size), Number(offset)]);
}
