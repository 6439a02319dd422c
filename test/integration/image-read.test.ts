import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { awaitImage, readImage, readPartitionTable } from '../../src/image/read.ts';
import type { Artifact } from '../../src/model/types.ts';
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
import { tempDir } from '../support/temp-dir.ts';

const never = new AbortController().signal;
const artifactOf = (path: string, more: Partial<Artifact> = {}): Artifact => ({
  path,
  kind: 'firmware',
  tool: 'file',
  ...more,
});

/** Writes the file, by default at a time that is not now, so that the order of two files does not hang on the clock. */
async function put(path: string, bytes: Uint8Array, seconds = 1_700_000_000): Promise<string> {
  await writeFile(path, bytes);
  await utimes(path, seconds, seconds);
  return path;
}

describe('readImage', () => {
  it('gives bytes, digests and what is known, from one read', async () => {
    const bytes = makeEsp32Image({ sizeBytes: 2_500_000, chipId: 5 });
    const path = await put(join(await tempDir(), 'firmware.bin'), bytes);
    const image = await readImage(artifactOf(path), { signal: never });
    expect(image).toMatchObject({
      path,
      sizeBytes: bytes.length,
      md5: createHash('md5').update(bytes).digest('hex'),
      sha256: createHash('sha256').update(bytes).digest('hex'),
      kind: 'firmware',
      platform: 'esp32',
      chip: 'esp32-c3',
    });
    expect(Buffer.compare(image.bytes, bytes)).toBe(0);
  });

  it.each([
    { name: 'littlefs.bin', bytes: makeLittlefsImage(), kind: 'filesystem' },
    { name: 'anything.bin', bytes: makeLittlefsImage(), kind: 'filesystem' },
    // An ESP8266's SPIFFS carries no mark.
    { name: 'spiffs.bin', bytes: noise(65_536, 3), kind: 'filesystem' },
    { name: 'Blink.ino.spiffs.bin', bytes: noise(65_536, 3), kind: 'filesystem' },
    { name: 'firmware.bin', bytes: makeEsp8266Image(), kind: 'firmware' },
    { name: 'littlefs.bin', bytes: makeEsp8266Image(), kind: 'firmware' },
  ])('sees what a file is that nobody has said anything of: $name, $kind', async ({ name, bytes, kind }) => {
    const path = await put(join(await tempDir(), name), bytes);
    expect(await readImage({ path, tool: 'file' }, { signal: never })).toMatchObject({ kind });
  });

  it('takes nothing for a file system only because it is no firmware', async () => {
    const path = await put(join(await tempDir(), 'firmware.bin'), noise(65_536, 3));
    await expect(readImage({ path, tool: 'file' }, { signal: never })).rejects.toMatchObject({
      code: 'IMAGE_NOT_OTA',
    });
  });

  it('takes the artifact’s word, or the caller’s, for an RP2350 image', async () => {
    const path = await put(join(await tempDir(), 'firmware.bin'), makeRp2040Image().subarray(256));
    const said = await readImage(artifactOf(path, { platform: 'rp2040' }), { signal: never });
    const expected = await readImage(artifactOf(path), { expectedPlatform: 'rp2040', signal: never });
    expect([said.platform, expected.platform]).toEqual(['rp2040', 'rp2040']);
    await expect(readImage(artifactOf(path), { signal: never })).rejects.toMatchObject({
      code: 'IMAGE_NOT_OTA',
    });
  });

  it('gives a file-system image the platform of its build', async () => {
    const path = await put(join(await tempDir(), 'littlefs.bin'), makeLittlefsImage());
    const artifact = artifactOf(path, { kind: 'filesystem', platform: 'esp8266' });
    expect(await readImage(artifact, { signal: never })).toMatchObject({
      kind: 'filesystem',
      platform: 'esp8266',
    });
  });

  it('names the file and what to do where it is none for the air', async () => {
    const path = await put(join(await tempDir(), 'partitions.bin'), makePartitionTable());
    await expect(readImage(artifactOf(path), { signal: never })).rejects.toMatchObject({
      code: 'IMAGE_NOT_OTA',
      message: `${path} is a partition table, not an image for the air.`,
      hint: expect.stringContaining('firmware.bin'),
    });
  });

  it('tells what cannot be read apart', async () => {
    const dir = await tempDir();
    await mkdir(join(dir, 'folder'));
    await symlink('loop', join(dir, 'loop'));
    await put(join(dir, 'empty'), new Uint8Array());
    await put(join(dir, 'huge'), new Uint8Array());
    await truncate(join(dir, 'huge'), 32 * 1024 * 1024 + 1);
    const codeOf = async (name: string): Promise<unknown> => {
      const reading = readImage(artifactOf(join(dir, name)), { signal: never });
      return await reading.then(() => 'ok').catch((error: { code: unknown }) => error.code);
    };
    expect(await codeOf('nothing')).toBe('IMAGE_NOT_FOUND');
    expect(await codeOf('empty/nothing')).toBe('IMAGE_NOT_FOUND');
    expect(await codeOf('folder')).toBe('IMAGE_UNREADABLE');
    expect(await codeOf('loop')).toBe('IMAGE_UNREADABLE');
    expect(await codeOf('empty')).toBe('IMAGE_INCOMPLETE');
    expect(await codeOf('huge')).toBe('IMAGE_NOT_OTA');
  });

  it.skipIf(process.platform === 'win32')('does not wait at a pipe', async () => {
    const path = join(await tempDir(), 'pipe');
    execFileSync('/usr/bin/env', ['mkfifo', path]);
    await expect(readImage(artifactOf(path), { signal: never })).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
    });
  });

  it('notices a file that changes while it is read', async () => {
    const path = await put(join(await tempDir(), 'firmware.bin'), new Uint8Array(24 * 1024 * 1024));
    let isDone = false;
    const reading = readImage(artifactOf(path), { signal: never }).finally(() => (isDone = true));
    const grow = (): void => {
      if (isDone) return;
      appendFileSync(path, 'x');
      setImmediate(grow);
    };
    setImmediate(grow);
    await expect(reading).rejects.toMatchObject({ code: 'IMAGE_CHANGED' });
  });

  it('reads nothing once aborted', async () => {
    const path = await put(join(await tempDir(), 'firmware.bin'), makeEsp8266Image());
    const reading = readImage(artifactOf(path), { signal: AbortSignal.abort() });
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a signed image beside the plain one', () => {
  const plain = makeEsp8266Image();
  const signed = signEsp8266Image(plain);

  it.each([
    ['of the same time is taken', 1_700_000_000, true],
    ['that is newer is taken', 1_700_000_001, true],
    ['that is older is left alone', 1_699_999_999, false],
  ])('%s', async (_, seconds, isTaken) => {
    const path = await put(join(await tempDir(), 'firmware.bin'), plain);
    await put(`${path}.signed`, signed, seconds);
    const image = await readImage(artifactOf(path), { signal: never });
    expect(image.path).toBe(isTaken ? `${path}.signed` : path);
    expect(image.sizeBytes).toBe(isTaken ? signed.length : plain.length);
  });

  it('is waited for until its signature is there', async () => {
    const path = await put(join(await tempDir(), 'firmware.bin'), plain);
    await put(`${path}.signed`, plain);
    await expect(readImage(artifactOf(path), { signal: never })).rejects.toMatchObject({
      code: 'IMAGE_INCOMPLETE',
      message: expect.stringContaining('.signed'),
    });
  });

  it('is nothing to an ESP32', async () => {
    const path = await put(join(await tempDir(), 'firmware.bin'), makeEsp32Image());
    await put(`${path}.signed`, signed);
    expect((await readImage(artifactOf(path), { signal: never })).path).toBe(path);
  });
});

describe('awaitImage', () => {
  it('waits through both writes of the packer', async () => {
    const path = join(await tempDir(), 'firmware.bin');
    const unfinished = makeEsp8266Image({ layout: 'unfinished' });
    const whole = makeEsp8266Image();
    const waiting = awaitImage(artifactOf(path), { signal: never });
    // What it may see at each step is not finished.
    for (const bytes of [new Uint8Array(), unfinished.subarray(0, 5000), unfinished]) {
      await writeFile(path, bytes);
      await expect(readImage(artifactOf(path), { signal: never })).rejects.toMatchObject({
        code: 'IMAGE_INCOMPLETE',
      });
    }
    await writeFile(path, whole);
    const image = await waiting;
    expect(Buffer.compare(image.bytes, whole)).toBe(0);
  });

  it('ends with the last error at its limit, and at once where waiting cannot help', async () => {
    const dir = await tempDir();
    const path = await put(join(dir, 'firmware.bin'), makeEsp8266Image({ layout: 'unfinished' }));
    const waiting = awaitImage(artifactOf(path), { timeoutMs: 60, signal: never });
    await expect(waiting).rejects.toMatchObject({ code: 'IMAGE_INCOMPLETE' });
    const missing = awaitImage(artifactOf(join(dir, 'nothing')), { timeoutMs: 0, signal: never });
    await expect(missing).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    const text = await put(join(dir, 'text'), new TextEncoder().encode('no image'));
    // A limit far beyond the test's own: only an end at once passes.
    const useless = awaitImage(artifactOf(text), { timeoutMs: 3_600_000, signal: never });
    await expect(useless).rejects.toMatchObject({ code: 'IMAGE_NOT_OTA' });
  });

  it('ends at once when aborted', async () => {
    const path = join(await tempDir(), 'firmware.bin');
    const abort = new AbortController();
    const waiting = awaitImage(artifactOf(path), { timeoutMs: 3_600_000, signal: abort.signal });
    setImmediate(() => abort.abort());
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('readPartitionTable', () => {
  it('reads both forms', async () => {
    const dir = await tempDir();
    const bin = await put(join(dir, 'partitions.bin'), makePartitionTable());
    const csv = await put(join(dir, 'partitions.csv'), new TextEncoder().encode('a,app,ota_0,0x10000,1M\n'));
    expect((await readPartitionTable(bin, never)).partitions).toEqual(defaultPartitions);
    expect((await readPartitionTable(csv, never)).partitions).toHaveLength(1);
  });

  it('names file and line of a mistake', async () => {
    const path = await put(join(await tempDir(), 'partitions.csv'), new TextEncoder().encode('a,b,c,d,e\n'));
    await expect(readPartitionTable(path, never)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${path} is not a valid partition table: line 1: unknown type "b".`,
    });
  });
});
