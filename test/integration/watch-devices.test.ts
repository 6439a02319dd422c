/** A watch, and devices that are of other kinds, missing, several, or changed in its midst. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { match, refOf } from '../../src/network/match.ts';
import type { BrowseOptions } from '../../src/network/types.ts';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { makeEsp32Image, makeLittlefsImage, makePartitionTable } from '../support/images.ts';
import { quickDevice, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';
import { makeScriptProject, scriptBuild, startWatch, type Watching } from '../support/watch.ts';

const textOf = (device: VirtualDevice): string | undefined =>
  /text:(.*?);/.exec(Buffer.from(device.running?.bytes ?? []).toString('latin1'))?.[1];
const failuresOf = ({ events }: Watching) => events.filter(({ type }) => type === 'failed');

describe('an image of an ESP32', () => {
  it.each(['beside no table', 'partitions.bin', 'firmware.partitions.bin'])(
    'is built and deployed, with its partition table (%s)',
    async (table) => {
      const device = await quickDevice({ model: 'esp32' });
      const dir = await tempDir();
      await mkdir(join(dir, 'src'));
      await mkdir(join(dir, 'out'));
      const image = makeEsp32Image({ sizeBytes: 20_000 });
      await writeFile(join(dir, 'src', 'image'), image);
      if (table.endsWith('.bin')) await writeFile(join(dir, 'out', table), makePartitionTable());
      const build = { command: ['cp', 'src/image', 'out/firmware.bin'], image: 'out/firmware.bin' };
      await writeOtarc(dir, { livingroom: { at: device, platform: 'esp32' } }, { build });
      const watch = await startWatch(dir);
      expect(await watch.done()).toMatchObject({ ok: true, deployed: ['livingroom'] });
      expect(device.updates.map(({ bytes }) => Buffer.from(bytes).equals(image))).toEqual([true]);
    },
  );
});

describe('a file system that a command makes', () => {
  it('is made and pushed at each save, where it alone is meant', async () => {
    const device = await quickDevice();
    const dir = await tempDir();
    await mkdir(join(dir, 'web'));
    await writeFile(join(dir, 'web', 'image'), makeLittlefsImage({ sizeBytes: 65_536 }));
    const build = { command: ['cp', 'web/image', 'fs.bin'], filesystemImage: 'fs.bin' };
    await writeOtarc(dir, { livingroom: { at: device } }, { build });
    const watch = await startWatch(dir, { flags: { cwd: dir, filesystem: true } });
    await watch.done();
    const done = watch.done();
    await writeFile(join(dir, 'web', 'image'), makeLittlefsImage({ sizeBytes: 65_536, seed: 2 }));
    expect(await done).toMatchObject({ ok: true, deployed: ['livingroom'] });
    expect(device.updates.map(({ command }) => command)).toEqual([100, 100]);
  });
});

describe('what a device may have taken although its push failed', () => {
  it('is not taken for what it was given before', async () => {
    const device = await quickDevice();
    const { dir, save } = await makeScriptProject(device);
    const watch = await startWatch(dir);
    await watch.done();
    device.faults.lostVerdict = true;
    const failed = watch.done();
    await save('second');
    expect(await failed).toMatchObject({ failed: ['livingroom'] });
    await expect.poll(() => textOf(device)).toBe('second');
    device.faults.lostVerdict = undefined;
    const done = watch.done();
    await save('first');
    expect(await done).toMatchObject({ deployed: ['livingroom'] });
    await expect.poll(() => textOf(device)).toBe('first');
  });
});

describe('a device that was missed', () => {
  it('is waited for over builds that fail, or are made for their own sake', async () => {
    let browsing: BrowseOptions | undefined;
    const device = await quickDevice();
    const { dir, save } = await makeScriptProject(device);
    const watch = await startWatch(dir, {
      browse: (options) =>
        new Promise((resolve) => {
          browsing = options;
          options.signal.addEventListener('abort', () => resolve());
        }),
    });
    await watch.done();
    device.faults.closesAtBytes = 4096;
    let done = watch.done();
    await save('second');
    expect(await done).toMatchObject({ failed: ['livingroom'] });
    device.faults.closesAtBytes = undefined;
    done = watch.done();
    await save('broken');
    await done;
    done = watch.done();
    watch.controls.buildOnly();
    await done;
    watch.controls.setPaused(true);
    await save('third, and nobody builds it');
    const found = {
      name: 'livingroom',
      host: 'livingroom.local',
      addresses: ['127.0.0.1'],
      port: device.port,
    };
    expect(match(refOf({ name: 'livingroom', host: device.address }), found)).toBe('name');
    expect(browsing?.signal.aborted).toBe(false);
    watch.controls.setPaused(false);
    browsing?.onChange([found]);
    await expect.poll(() => textOf(device), { timeout: 10_000 }).toMatch(/^third/);
  });
});

describe('a configuration that names another device', () => {
  it('saved together with a source is one run, and it goes to that device alone', async () => {
    const [before, after] = [await quickDevice(), await quickDevice()];
    const { dir, save } = await makeScriptProject(before);
    const watch = await startWatch(dir);
    await watch.done();
    const text = await readFile(join(dir, '.otarc'), 'utf8');
    const done = watch.done();
    await Promise.all([
      save('second'),
      writeFile(join(dir, '.otarc'), text.replace(String(before.port), String(after.port))),
    ]);
    expect(await done).toMatchObject({ ok: true, deployed: ['livingroom'] });
    expect(failuresOf(watch)).toEqual([]);
    expect([before.updates.length, after.updates.length]).toEqual([1, 1]);
    await expect.poll(() => textOf(after)).toBe('second');
  });

  it('counts also while a save is stopping the build', async () => {
    const [before, after] = [await quickDevice(), await quickDevice()];
    const { dir, save } = await makeScriptProject(before);
    const watch = await startWatch(dir);
    await watch.done();
    const started = watch.next('build-started');
    // A build that takes its time to end.
    await save('slow:20000 stubborn');
    await started;
    await expect.poll(() => readFile(join(dir, 'out', 'builds.log'), 'utf8')).toMatch(/\n\d+\n$/);
    const text = await readFile(join(dir, '.otarc'), 'utf8');
    await save('third');
    await writeFile(join(dir, '.otarc'), text.replace(String(before.port), String(after.port)));
    await expect.poll(() => textOf(after), { timeout: 15_000 }).toBe('third');
    expect(before.updates).toHaveLength(1);
    expect(after.updates).toHaveLength(1);
  });
});

describe('while a build runs', () => {
  it('the device is located and its connection listened for, and no datagram leaves', async () => {
    const device = await quickDevice();
    const { dir, save } = await makeScriptProject(device);
    const listeners = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
    const before = listeners();
    const watch = await startWatch(dir);
    await watch.done();
    await expect.poll(listeners).toBe(before);
    const { datagrams } = device.counters;
    const done = watch.done();
    const started = watch.next('build-started');
    await save('slow:1500 second');
    await started;
    await expect.poll(listeners).toBe(before + 1);
    expect(watch.events.at(-1)?.type).toBe('build-started');
    expect(device.counters.datagrams).toBe(datagrams);
    expect(await done).toMatchObject({ ok: true });
    await expect.poll(listeners).toBe(before);
  });
});

describe('--once', () => {
  it('ends where no save can help', async () => {
    const device = await quickDevice();
    const { dir } = await makeScriptProject(device);
    const password = { env: 'LIVINGROOM_PW' };
    await writeOtarc(dir, { livingroom: { at: device, password } }, { build: scriptBuild });
    const watch = await startWatch(dir, { once: true });
    expect(await watch.ended).toBe(2);
    expect(failuresOf(watch)).toMatchObject([{ code: 'SECRET_UNAVAILABLE' }]);

    const build = { command: ['no-such-tool'], image: 'out/firmware.bin' };
    await writeOtarc(dir, { livingroom: { at: device } }, { build });
    const without = await startWatch(dir, { once: true });
    expect(await without.ended).toBe(1);
    expect(failuresOf(without)).toMatchObject([{ code: 'BUILD_TOOL_MISSING' }]);
  });
});
