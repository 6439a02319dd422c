import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect, type InspectOptions } from '../../src/cli/commands/inspect.ts';
import { readImage } from '../../src/image/read.ts';
import { gzipSync } from 'node:zlib';
import {
  defaultPartitions,
  makeEsp32Image,
  makeEsp8266Image,
  makeLittlefsImage,
  makePartitionTable,
  makeRp2040Image,
  noise,
  signEsp8266Image,
} from '../support/images.ts';
import { makeRamImage } from '../support/other-images.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command on a file of that name with those bytes. */
async function run(
  name: string,
  bytes: Uint8Array | string,
  options: Partial<InspectOptions> = {},
  beside: Readonly<Record<string, Uint8Array>> = {},
): Promise<Ran> {
  const cwd = await tempDir();
  for (const [file, content] of Object.entries({ ...beside, [name]: bytes }))
    await writeFile(join(cwd, file), content);
  return runIn(cwd, name, options);
}

async function runIn(cwd: string, name: string, options: Partial<InspectOptions> = {}): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = { stdout, stderr, stdin: new PassThrough(), env: {}, cwd, signal: new AbortController().signal };
  const exitCode = await inspect({ file: name, json: false, ...options }, io);
  stdout.end();
  stderr.end();
  return { exitCode, stdout: await text(stdout), stderr: await text(stderr) };
}

describe('for a person', () => {
  it('an ESP32 application: everything that is known, a line each', async () => {
    const { exitCode, stdout, stderr } = await run(
      'firmware.bin',
      makeEsp32Image({ chipId: 5, projectName: 'hall' }),
    );
    expect([exitCode, stderr]).toEqual([0, '']);
    for (const line of [
      /^file {9}firmware\.bin$/m,
      /^is {11}ESP32-C3 application$/m,
      /^size {9}4,096 bytes \(4 KiB\)$/m,
      /^MD5 {10}[0-9a-f]{32}$/m,
      /^flash {8}DIO, 4 MB, 40 MHz$/m,
      /^app {10}hall 1\.0\.0$/m,
      /^ELF SHA-256 {2}[0-9a-f]{64}$/m,
      /^checks {7}checksum {2}ok {2}0x[0-9a-f]{2}$/m,
      /^ {13}SHA-256 {3}ok {2}[0-9a-f]{64}$/m,
      /^ {13}0x3f400020 {2}3,956 {2}0x00000018$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect(stdout).not.toMatch(/undefined|\[object|[ \t]$/m);
  });

  it('an image with a problem: what is known on stdout, the problem with its cure on stderr', async () => {
    const { exitCode, stdout, stderr } = await run(
      'firmware.bin',
      makeEsp8266Image({ layout: 'unfinished' }),
    );
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^chip {9}ESP8266$/m);
    expect(stdout).toMatch(/CRC-32 {16}not checked/);
    expect(stderr).toMatch(/^error IMAGE_INCOMPLETE: firmware\.bin is not finished: .*\n {2}→ .+\n$/);
  });

  it('a partition table: the slots as a table, and what fits them', async () => {
    const { exitCode, stdout } = await run('partitions.bin', makePartitionTable());
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^application {2}at most 1,310,720 bytes \(1,280 KiB\)$/m);
    expect(stdout).toMatch(/^file system {2}exactly 1,441,792 bytes \(1,408 KiB\), in "spiffs"$/m);
    expect(stdout).toMatch(/^label +type +subtype +offset +bytes +KiB$/m);
    expect(stdout).toMatch(/^app0 +app +ota_0 +0x00010000 +1,310,720 +1,280$/m);
  });

  it('a mistake in a partition table', async () => {
    const { exitCode, stderr } = await run('partitions.csv', 'nvs,data,nvs,0x9000,0x5000\nnext\n');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('error CONFIG_INVALID: partitions.csv is not a valid partition table: line 2:');
  });

  it('an image without a mark, with and without the word for it', async () => {
    const image = makeRp2040Image();
    for (const options of [{}, { platform: 'rp2040' } as const]) {
      const { exitCode, stdout } = await run('firmware.bin', image, options);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^chip {9}RP2040$/m);
    }
  });
});

describe('what a push comes to', () => {
  it.each<[string, string, Uint8Array, RegExp, number]>([
    [
      'an image that says what it is for',
      'firmware.bin',
      makeEsp8266Image(),
      /^push {9}to ESP8266: accepted as firmware$/m,
      0,
    ],
    [
      'a gzip of an RP2040 image',
      'firmware.bin.gz',
      gzipSync(makeRp2040Image()),
      /^push {9}to RP2040: accepted as firmware$/m,
      0,
    ],
    [
      'an RP2350 image, which carries no mark',
      'firmware.bin',
      makeRp2040Image().subarray(256),
      /^push {9}to ESP8266, ESP32: refused: IMAGE_NOT_OTA\n {13}to RP2040: accepted as firmware$/m,
      0,
    ],
    [
      'a file system',
      'littlefs.bin',
      makeLittlefsImage(),
      /^push {9}to any device: accepted as the file system$/m,
      0,
    ],
    [
      'one that its name alone shows',
      'spiffs.bin',
      noise(65_536, 3),
      /^push {9}to any device: accepted as the file system$/m,
      0,
    ],
    [
      'an application of RAM alone',
      'firmware.bin',
      makeRamImage(),
      /^push {9}to ESP32: refused: IMAGE_NOT_OTA$/m,
      1,
    ],
    ['noise', 'firmware.bin', noise(5000, 99), /^push {9}to any device: refused: IMAGE_NOT_OTA$/m, 1],
  ])('is said for each platform that is possible: %s', async (_, name, bytes, line, exitCode) => {
    const run1 = await run(name, bytes);
    expect(run1.stdout).toMatch(line);
    expect([run1.exitCode, run1.stderr === '']).toEqual([exitCode, exitCode === 0]);
  });

  it('is said for the platform and the kind that are asked for', async () => {
    const wrong = await run('firmware.bin', makeEsp8266Image(), { platform: 'esp32' });
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--allow IMAGE_WRONG_CHIP') });
    const odd = await run('data.bin', noise(65_536, 3), { kind: 'filesystem' });
    expect(odd).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('accepted as the file system'),
    });
  });

  it('counts the partition table beside it, as a push does', async () => {
    const table = makePartitionTable(
      defaultPartitions.map((each) => (each.label === 'app1' ? { ...each, sizeBytes: 0x1000 } : each)),
    );
    const beside = { 'partitions.bin': table };
    const { exitCode, stdout } = await run('firmware.bin', makeEsp32Image({ sizeBytes: 8192 }), {}, beside);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ {15}IMAGE_TOO_LARGE: firmware\.bin has 8,192 bytes and fits the slot "app0"/m);
  });

  it('is that of the signed image beside it, which a push takes', async () => {
    const plain = makeEsp8266Image();
    const signed = signEsp8266Image(plain);
    const cwd = await tempDir();
    await writeFile(join(cwd, 's.bin'), plain);
    await writeFile(join(cwd, 's.bin.signed'), signed);
    await utimes(join(cwd, 's.bin'), 1_700_000_000, 1_700_000_000);
    const { signal } = new AbortController();
    const pushed = await readImage({ path: join(cwd, 's.bin'), tool: 'file' }, { signal });
    expect(pushed.path).toBe(join(cwd, 's.bin.signed'));
    const seen = await runIn(cwd, 's.bin', { json: true });
    expect(JSON.parse(seen.stdout)).toMatchObject({
      file: 's.bin.signed',
      md5: pushed.md5,
      signatureBytes: 256,
      notes: ['A push of s.bin takes s.bin.signed, which lies beside it and is not older.'],
    });
    await writeFile(join(cwd, 's.bin.signed'), plain);
    const why = /s\.bin\.signed has no signature at its end/;
    await expect(readImage({ path: join(cwd, 's.bin'), tool: 'file' }, { signal })).rejects.toMatchObject({
      code: 'IMAGE_INCOMPLETE',
      message: expect.stringMatching(
        /no signature at its end\. A push of s\.bin takes s\.bin\.signed, which lies/,
      ),
    });
    for (const file of ['s.bin', 's.bin.signed']) {
      const { exitCode, stderr } = await runIn(cwd, file);
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(why)]);
    }
    await utimes(join(cwd, 's.bin.signed'), 1_600_000_000, 1_600_000_000);
    const older = await runIn(cwd, 's.bin');
    expect([older.exitCode, older.stdout]).toEqual([0, expect.not.stringContaining('signed')]);
  });

  it('lists what of a partition table is left out', async () => {
    const text = 'new,data,quantum,0x9000,4K\na,app,ota_0,,1M\nb,app,ota_1,,2M\n';
    const { stdout } = await run('partitions.csv', text);
    expect(stdout).toMatch(/^left out {5}new \(unknown subtype "quantum"\)$/m);
    // As of an image: what a push of it comes to.
    expect(stdout).toMatch(/^push {9}to any device: refused: IMAGE_NOT_OTA$/m);
    expect(stdout).toMatch(
      /^application {2}at most 1,048,576 bytes .* in "a"\n {13}up to 2,097,152 bytes .* "b"$/m,
    );
  });
});

describe('--json', () => {
  it('is one document', async () => {
    const { exitCode, stdout, stderr } = await run('firmware.bin', makeEsp8266Image(), { json: true });
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'image',
      file: 'firmware.bin',
      sizeBytes: 8192,
      md5: expect.stringMatching(/^[0-9a-f]{32}$/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      kind: 'firmware',
      platform: 'esp8266',
      chip: 'esp8266',
      identity: expect.stringMatching(/^[0-9a-f]{8}$/),
      segments: expect.arrayContaining([{ address: 0x40201010, sizeBytes: 4004, fileOffset: 4104 }]),
      push: [{ platforms: ['esp8266'], kind: 'firmware', verdict: 'accepted', findings: [] }],
      problems: [],
    });
  });

  it('has the problems in it', async () => {
    const { exitCode, stdout, stderr } = await run('notes.txt', 'just a text', { json: true });
    expect([exitCode, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      problems: [
        { code: 'IMAGE_NOT_OTA', message: 'notes.txt is a text, not an image', hint: expect.any(String) },
      ],
    });
  });

  it('has the partitions by name', async () => {
    const { stdout } = await run('partitions.csv', 'one,app,ota_0,,1M\nfs,data,spiffs,,64K\n', {
      json: true,
    });
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'partition-table',
      smallestAppSlotBytes: 1024 * 1024,
      filesystemBytes: 65536,
      partitions: [
        { label: 'one', type: 'app', subtype: 'ota_0', offset: 0x10000 },
        { label: 'fs', type: 'data', subtype: 'spiffs' },
      ],
    });
  });
});

it('throws where nothing can be read', async () => {
  await expect(run('firmware.bin', 'x', { file: 'other.bin' })).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
  });
});
