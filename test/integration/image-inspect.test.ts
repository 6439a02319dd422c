import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect, type InspectOptions } from '../../src/cli/commands/inspect.ts';
import { makeEsp32Image, makeEsp8266Image, makePartitionTable, makeRp2040Image } from '../support/images.ts';
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
): Promise<Ran> {
  const cwd = await tempDir();
  await writeFile(join(cwd, name), bytes);
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
