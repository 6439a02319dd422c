import { appendFile, mkdir, open, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { makeEsp8266Image, makeLittlefsImage, signEsp8266Image } from '../support/images.ts';
import { quickDevice, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';
import { makeScriptProject, startWatch, type Watching } from '../support/watch.ts';

const image = (seed: number, more: Parameters<typeof makeEsp8266Image>[0] = {}): Buffer =>
  Buffer.from(makeEsp8266Image({ sizeBytes: 60_000, seed, ...more }));

async function scene(options: Parameters<typeof startWatch>[1] = {}, before?: Buffer) {
  const device = await quickDevice();
  const project = await makeScriptProject(device);
  if (before !== undefined) await put(project.image, before);
  // What was there before has a time before: kernels count in steps.
  const past = new Date(Date.now() - 1_000);
  if (before !== undefined && options.sinceMs === undefined) await utimes(project.image, past, past);
  const watch = await startWatch(project.dir, { build: false, ...options });
  return { device, ...project, watch };
}

async function put(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

/** The device has got exactly these, in this order, and nothing follows. */
async function expectPushed(
  device: VirtualDevice,
  watch: Watching,
  images: readonly Buffer[],
): Promise<void> {
  const indexOf = (bytes: Uint8Array): number => images.findIndex((each) => each.equals(bytes));
  await expect
    .poll(() => device.updates.map(({ bytes }) => indexOf(bytes)), { timeout: 20_000 })
    .toEqual(images.map((_, index) => index));
  expect(watch.events.map(({ type }) => type)).not.toContain('build-started');
  await expect.poll(() => watch.shown.at(-1)?.phase).toBe('watching');
  // Whatever was still to be noticed has had its time.
  await watch.noticedAll();
  expect(watch.shown.at(-1)?.phase).toBe('watching');
  expect(device.updates).toHaveLength(images.length);
}

describe('the image alone', () => {
  it('is pushed once when it comes, wherever its folder was', async () => {
    const { device, image: path, watch } = await scene();
    await put(path, image(1));
    await expectPushed(device, watch, [image(1)]);
    expect(watch.events.filter(({ type }) => type === 'run-started')).toHaveLength(1);
    expect(watch.events.find(({ type }) => type === 'change-detected')).toMatchObject({
      reason: 'new image',
    });
    expect(watch.events[0]).toMatchObject({
      message: `watching ${join('out', 'firmware.bin')} (not there yet)`,
    });
  });

  it('is never built, also when it comes in the moment of the start', async () => {
    const { device, watch } = await scene({ sinceMs: Date.now() - 1_000 }, image(1));
    await expectPushed(device, watch, [image(1)]);
  });

  it('is pushed when it is there at the start', async () => {
    const { device, watch } = await scene({}, image(1));
    await expectPushed(device, watch, [image(1)]);
  });

  it('is not pushed again when the same bytes are written, or it is touched', async () => {
    const { device, image: path, watch } = await scene({}, image(1));
    await expectPushed(device, watch, [image(1)]);
    const skipped = watch.next('skipped');
    await put(path, image(1));
    await skipped;
    const again = watch.next('skipped');
    await utimes(path, new Date(), new Date());
    await again;
    await expectPushed(device, watch, [image(1)]);
  });

  it('is taken when it is whole: a packer writes it twice', async () => {
    const { device, image: path, watch } = await scene({}, image(1));
    await expectPushed(device, watch, [image(1)]);
    await put(path, image(2, { layout: 'unfinished' }));
    await expect.poll(() => watch.shown.at(-1)?.phase).toBe('building');
    await put(path, image(2));
    await expectPushed(device, watch, [image(1), image(2)]);
  });

  it('is taken signed, where the signer follows at once', async () => {
    const { device, image: path, watch } = await scene({}, image(1));
    await expectPushed(device, watch, [image(1)]);
    const signed = Buffer.from(signEsp8266Image(image(2)));
    await put(path, image(2, { layout: 'unfinished' }));
    await put(path, image(2));
    await put(path, signed);
    await expectPushed(device, watch, [image(1), signed]);
  });

  it('is taken when it grows piece by piece, each of them noticed, and when it is cut off and written anew', async () => {
    const { device, image: path, watch } = await scene({}, image(1));
    await expectPushed(device, watch, [image(1)]);
    const slow = image(2);
    await writeFile(path, '');
    for (let at = 0; at < slow.length; at += 6_000) {
      await appendFile(path, slow.subarray(at, at + 6_000));
      await watch.noticedAll();
    }
    await expectPushed(device, watch, [image(1), slow]);
    await truncate(path, 5_000);
    await expect.poll(() => watch.shown.at(-1)?.phase).toBe('building');
    const file = await open(path, 'r+');
    await file.truncate(0);
    await file.write(image(3).subarray(0, 30_000), 0, 30_000, 0);
    await watch.noticedAll();
    await file.write(image(3).subarray(30_000), 0, image(3).length - 30_000, 30_000);
    await file.close();
    await expectPushed(device, watch, [image(1), slow, image(3)]);
  });

  it('is taken when another file is renamed to it, and when it was deleted first', async () => {
    const { device, image: path, watch } = await scene({}, image(1));
    await expectPushed(device, watch, [image(1)]);
    await put(`${path}.new`, image(2));
    await rename(`${path}.new`, path);
    await expectPushed(device, watch, [image(1), image(2)]);
    await rm(path);
    await watch.noticedAll();
    await put(path, image(3));
    await expectPushed(device, watch, [image(1), image(2), image(3)]);
  });

  it('is taken when its whole folder was removed and made anew, again and again', async () => {
    const { device, image: path, watch } = await scene({}, image(1));
    const images = [image(1)];
    await expectPushed(device, watch, images);
    for (const seed of [2, 3, 4]) {
      await rm(dirname(path), { recursive: true });
      // Noticed before it is back, or not.
      if (seed !== 3) await watch.noticedAll();
      await put(path, image(seed));
      images.push(image(seed));
      await expectPushed(device, watch, images);
    }
  });

  it('that stays half is said, and the next whole one is pushed', async () => {
    const { device, image: path, watch } = await scene({}, image(1));
    await expectPushed(device, watch, [image(1)]);
    const failed = watch.next('failed');
    await put(path, image(2).subarray(0, 20_000));
    expect(await failed).toMatchObject({ code: 'IMAGE_INCOMPLETE', stage: 'image' });
    await put(path, image(3));
    await expectPushed(device, watch, [image(1), image(3)]);
  });

  it('that a killed build has left half is passed over for the one of the next build', async () => {
    const { device, image: path, watch } = await scene({}, image(1));
    await expectPushed(device, watch, [image(1)]);
    const half = image(2).subarray(0, 30_000).toString('base64');
    const writes = `require('fs').writeFileSync(process.argv[1], Buffer.from(process.argv[2], 'base64'));`;
    const build = execa(process.execPath, ['-e', `${writes} setInterval(() => {}, 1000)`, path, half], {
      reject: false,
    });
    await expect.poll(async () => (await stat(path)).size).toBe(30_000);
    build.kill('SIGKILL');
    await build;
    await put(path, image(3));
    await expectPushed(device, watch, [image(1), image(3)]);
    expect(watch.events.map(({ type }) => type)).not.toContain('failed');
  });

  it('that changes during a push is pushed after it, once', async () => {
    const device = await quickDevice({ flash: { msPerSector: 60 } });
    const project = await makeScriptProject(device);
    await put(project.image, image(1));
    const halfway = device.waitFor((event) => event.type === 'received' && event.receivedBytes > 20_000);
    const watch = await startWatch(project.dir, { build: false });
    await halfway;
    for (const seed of [2, 3, 4]) {
      const before = watch.shown.length;
      await put(project.image, image(seed));
      await expect.poll(() => watch.shown.length, { interval: 5 }).toBeGreaterThan(before);
    }
    await expectPushed(device, watch, [image(1), image(4)]);
    expect(watch.events.filter(({ type }) => type === 'run-started')).toHaveLength(2);
  });

  it('is found by polling, too', async () => {
    const { device, image: path, watch } = await scene({ poll: true });
    await put(path, image(1));
    await expectPushed(device, watch, [image(1)]);
    await rm(dirname(path), { recursive: true });
    await put(path, image(2));
    await expectPushed(device, watch, [image(1), image(2)]);
  });

  it('needs no project and no tool beside it', async () => {
    const device = await quickDevice();
    const dir = await tempDir();
    await writeOtarc(dir, { livingroom: { at: device } }, { build: { image: 'made/elsewhere.bin' } });
    const watch = await startWatch(dir, { build: false });
    await put(join(dir, 'made', 'elsewhere.bin'), image(1));
    await expectPushed(device, watch, [image(1)]);
  });

  it('of a file system has to be at rest, as nothing else tells its end', async () => {
    const device = await quickDevice();
    const project = await makeScriptProject(device, {
      build: { command: [process.execPath, 'build.mjs'], filesystemImage: 'out/littlefs.bin' },
    });
    const watch = await startWatch(project.dir, {
      build: false,
      flags: { cwd: project.dir, filesystem: true },
    });
    const whole = Buffer.from(makeLittlefsImage());
    const path = join(project.dir, 'out', 'littlefs.bin');
    await put(path, whole.subarray(0, 10_000));
    await watch.noticedAll();
    await appendFile(path, whole.subarray(10_000));
    await expectPushed(device, watch, [whole]);
    expect(device.updates[0]?.command).toBe(100);
  });
});

describe('once', () => {
  it('waits for the next image, not for the one that is there', async () => {
    const { device, image: path, watch } = await scene({ once: true }, image(1));
    await watch.noticedAll();
    expect(device.counters.datagrams).toBe(0);
    await put(path, image(2));
    expect(await watch.ended).toBe(0);
    expect(device.updates.map(({ bytes }) => image(2).equals(bytes))).toEqual([true]);
  });

  it('takes the same bytes written anew for the next image', async () => {
    const { device, image: path, watch } = await scene({ once: true }, image(1));
    await put(path, image(1));
    expect(await watch.ended).toBe(0);
    expect(device.updates).toHaveLength(1);
  });

  it('takes the image of a build that was faster than the start of otarc', async () => {
    const sinceMs = Date.now() - 50;
    const { device, watch } = await scene({ once: true, sinceMs }, image(1));
    expect(await watch.ended).toBe(0);
    expect(device.updates).toHaveLength(1);
  });

  it('ends with the status of that push, and does not end before one was tried', async () => {
    const { device, image: path, watch } = await scene({ once: true });
    device.faults.failsMd5 = true;
    const failed = watch.next('failed');
    await put(path, image(1).subarray(0, 20_000));
    expect(await failed).toMatchObject({ code: 'IMAGE_INCOMPLETE' });
    await put(path, image(1));
    expect(await watch.ended).toBe(1);
  });
});
