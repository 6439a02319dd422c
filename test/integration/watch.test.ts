import { mkdir, readFile, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { DeployEvent } from '../../src/model/events.ts';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { quickDevice, storyOf, writeOtarc } from '../support/otarc.ts';
import { makeScriptProject, startWatch, type Watching } from '../support/watch.ts';

const textOf = (bytes: Uint8Array | undefined): string =>
  /text:([^;]*);/.exec(Buffer.from(bytes ?? []).toString('latin1'))?.[1] ?? '';
const pushed = ({ updates }: VirtualDevice): string[] => updates.map(({ bytes }) => textOf(bytes));
const runs = ({ events }: Watching): number => events.filter(({ type }) => type === 'run-started').length;

type Options = Parameters<typeof startWatch>[1];

/** A project that is watched, and whose first run is over. */
async function scene(
  options: Options & { otarc?: Readonly<Record<string, unknown>>; msPerSector?: number } = {},
) {
  const { otarc, msPerSector = 0, ...watchOptions } = options;
  const device = await quickDevice({ flash: { msPerSector } });
  const project = await makeScriptProject(device, otarc);
  const watch = await startWatch(project.dir, watchOptions);
  await vi.waitFor(() => expect(watch.events.at(-1)?.type).toBe('done'), { timeout: 20_000 });
  return { device, ...project, watch };
}

/** Nothing goes on any more, and nothing follows. */
async function expectRest(watch: Watching): Promise<void> {
  await watch.noticedAll();
  await expect.poll(() => watch.shown.at(-1)?.phase, { timeout: 20_000 }).toBe('watching');
  const before = watch.events.length;
  await watch.noticedAll();
  expect(watch.shown.at(-1)?.phase).toBe('watching');
  expect(watch.events.slice(before).map(({ type }) => type)).toEqual([]);
}

/** Writes that file again and again, until the watch notices it, or does so no more. */
async function writtenUntil(path: string, watch: Watching, wanted: 'noticed' | 'unnoticed'): Promise<void> {
  let count = 0;
  await vi.waitFor(
    async () => {
      await expect.poll(() => watch.shown.at(-1)?.phase, { timeout: 20_000 }).toBe('watching');
      const before = watch.shown.length;
      await writeFile(path, String((count += 1)));
      await watch.noticedAll();
      const isNoticed = watch.shown.slice(before).some(({ phase }) => phase !== 'watching');
      expect(isNoticed).toBe(wanted === 'noticed');
    },
    { timeout: 20_000 },
  );
}

describe('each save', () => {
  it('is on the device, and each run has its events in their order', async () => {
    const { device, save, watch } = await scene();
    for (const version of ['second', 'third', 'fourth']) {
      const done = watch.done();
      await save(version);
      expect(await done).toMatchObject({ ok: true, deployed: ['livingroom'] });
    }
    expect(pushed(device)).toEqual(['first', 'second', 'third', 'fourth']);
    const story = [
      'run-started',
      'change-detected',
      'build-started',
      'build-finished',
      'image-ready',
      'device-located',
      'invited',
      'authenticated',
      'connected',
      'progress',
      'accepted',
      'rebooting',
      'unverified',
      'done',
    ];
    expect(storyOf(watch.events)).toEqual([...story, ...story, ...story, ...story]);
    expect(watch.events.filter(({ type }) => type === 'change-detected')).toMatchObject([
      { paths: [], reason: 'start' },
      ...[1, 2, 3].map(() => ({ paths: [expect.stringMatching(/src.main\.txt$/)], reason: 'changed' })),
    ]);
    expect(await watch.stop()).toBe(130);
  });

  it('that changes nothing in the image is told as skipped', async () => {
    const { device, source, watch } = await scene();
    const skipped = watch.next('skipped');
    await utimes(source, new Date(), new Date());
    expect(await skipped).toMatchObject({ device: 'livingroom' });
    expect(pushed(device)).toEqual(['first']);
  });

  it.each<[string, (source: string, watch: Watching) => Promise<void>]>([
    [
      'through a temporary file that is renamed',
      async (source) => {
        await writeFile(`${source}.tmp`, 'second');
        await rename(`${source}.tmp`, source);
      },
    ],
    [
      'through a backup, as vim writes',
      async (source) => {
        await writeFile(join(source, '..', '4913'), '');
        await unlink(join(source, '..', '4913'));
        await rename(source, `${source}~`);
        await writeFile(source, 'second');
        await unlink(`${source}~`);
      },
    ],
    [
      'deleted, and created anew when that is noticed',
      async (source, watch) => {
        const noticed = watch.nextState(({ phase }) => phase === 'settling');
        await rm(source);
        await noticed;
        await writeFile(source, 'second');
      },
    ],
  ])('%s is one run', async (_, saveSo) => {
    const { device, source, watch } = await scene();
    for (const _round of [1, 2]) {
      await writeFile(source, 'first');
      await expectRest(watch);
      const before = runs(watch);
      const done = watch.done();
      await saveSo(source, watch);
      await done;
      await expectRest(watch);
      expect(runs(watch)).toBe(before + 1);
      expect(pushed(device).at(-1)).toBe('second');
    }
  });
});

describe('many saves', () => {
  it('a hundred, each as soon as the one before is noticed, are one push of the last one', async () => {
    const { device, save, watch } = await scene();
    for (let index = 1; index <= 100; index += 1) {
      const noticed = watch.nextState();
      await save(`save ${index}`);
      await noticed;
    }
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'save 100']);
    expect(runs(watch)).toBe(2);
  });

  it('of thousands of files, as another branch brings them, are one run', async () => {
    const { device, dir, save, watch } = await scene();
    for (let folder = 0; folder < 20; folder += 1) {
      await mkdir(join(dir, 'src', `part${folder}`));
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          writeFile(join(dir, 'src', `part${folder}`, `${index}.cpp`), 'int x;'),
        ),
      );
    }
    await save('branch');
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'branch']);
    expect(runs(watch)).toBe(2);
  });

  it('during a build end that build with its processes, and are one run', async () => {
    const { device, dir, save, watch } = await scene();
    const started = watch.next('build-started');
    await save('slow:5000 second');
    await started;
    const log = join(dir, 'out', 'builds.log');
    await vi.waitFor(async () => expect((await readFile(log, 'utf8')).trim().split('\n')).toHaveLength(2), {
      timeout: 20_000,
    });
    const pids = (await readFile(log, 'utf8')).trim().split('\n').map(Number);
    const again = watch.next('build-started');
    await save('third');
    await again;
    expect(() => process.kill(pids[1] ?? 0, 0)).toThrow();
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'third']);
    expect(runs(watch)).toBe(2);
    const [, second] = runsOf(watch.events);
    expect(second?.map(({ type }) => type).filter((type) => /^(?:change|build)/.test(type))).toEqual([
      'change-detected',
      'build-started',
      'change-detected',
      'build-started',
      'build-finished',
    ]);
  });

  it('during builds, one after the other, end with the last one', async () => {
    const { device, dir, save, watch } = await scene();
    const log = join(dir, 'out', 'builds.log');
    const builds = async () => (await readFile(log, 'utf8')).trim().split('\n').length;
    // No more: what is written again and again as a build begins counts as written by the build (`disturbances.ts`).
    for (let index = 1; index <= 2; index += 1) {
      const before = await builds();
      const started = watch.next('build-started');
      await save(`slow:60000 ${index}`);
      await started;
      // As a person does: now when the build begins, now in the midst of it.
      if (index % 2 === 0) await expect.poll(builds, { timeout: 20_000 }).toBeGreaterThan(before);
    }
    await save('eighth');
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'eighth']);
  });

  it('during a push let it finish, and are one more run', async () => {
    const { device, save, watch } = await scene({ msPerSector: 300 });
    const acknowledged = watch.next(
      'log',
      (event) => event.type === 'log' && /one more push/.test(event.message),
    );
    const halfway = device.waitFor('received');
    await save('second');
    await halfway;
    for (const version of ['third', 'fourth', 'fifth']) {
      const before = watch.shown.length;
      await save(version);
      await expect.poll(() => watch.shown.length, { interval: 5 }).toBeGreaterThan(before);
    }
    expect(watch.shown.at(-1)).toMatchObject({ phase: 'deploying', isQueued: true });
    await acknowledged;
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'second', 'fifth']);
    expect(device.updates.map(({ result }) => result)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(runs(watch)).toBe(3);
  });
});

describe('a build', () => {
  it('that fails shows the first error, and the next save tries again', async () => {
    const { device, save, source, watch } = await scene();
    const failed = watch.next('failed');
    await save('broken');
    expect(await failed).toMatchObject({
      code: 'BUILD_FAILED',
      stage: 'build',
      message: expect.stringMatching(/src.main\.txt:1:7: 'broken' was not declared in this scope$/),
      details: { file: source, line: 1, column: 7, exitCode: 1 },
    });
    await save('mended');
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'mended']);
  });

  it('that somebody kills is a failed one, and the next save tries again', async () => {
    const { device, dir, save, watch } = await scene();
    const failed = watch.next('failed');
    await save('slow:20000');
    const log = join(dir, 'out', 'builds.log');
    await vi.waitFor(async () => expect((await readFile(log, 'utf8')).trim().split('\n')).toHaveLength(2), {
      timeout: 20_000,
    });
    process.kill(Number((await readFile(log, 'utf8')).trim().split('\n')[1]), 'SIGKILL');
    expect(await failed).toMatchObject({ code: 'BUILD_FAILED' });
    await save('second');
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'second']);
  });

  it('whose folder is removed while it runs is on the device with the next save, and not before', async () => {
    const { device, image, save, watch } = await scene();
    const log = join(dirname(image), 'builds.log');
    await save('slow:800 second');
    await vi.waitFor(async () => expect((await readFile(log, 'utf8')).trim().split('\n')).toHaveLength(2), {
      timeout: 20_000,
    });
    await rm(dirname(image), { recursive: true });
    await expectRest(watch);
    await save('third');
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'third']);
  });

  it('whose folder is removed between builds is made again by the next save', async () => {
    const { device, dir, save, watch } = await scene();
    await rm(join(dir, 'out'), { recursive: true });
    await save('second');
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'second']);
  });

  it('that writes among its sources is not stopped by that for ever', async () => {
    const device = await quickDevice();
    const { dir } = await makeScriptProject(device);
    const build = await readFile(join(dir, 'build.mjs'), 'utf8');
    await writeFile(join(dir, 'build.mjs'), `${build}\nwriteFileSync('src/version.h', String(Date.now()));`);
    const watch = await startWatch(dir);
    await watch.next('log', (event) => event.type === 'log' && event.message.includes('version.h'));
    await expectRest(watch);
    const before = runs(watch);
    await writeFile(join(dir, 'src', 'main.txt'), 'second');
    await expectRest(watch);
    expect(pushed(device).at(-1)).toBe('second');
    expect(runs(watch)).toBe(before + 1);
  });
});

describe('what is watched', () => {
  it('is not what git ignores, what editors leave, nor what is built; a new .gitignore counts at once', async () => {
    const { dir, save, watch } = await scene({ otarc: { watch: { ignore: ['*.md', '!src/keep.md'] } } });
    await writeFile(join(dir, '.gitignore'), 'secret/\n*.log\n');
    await writtenUntil(join(dir, 'src', 'before.log'), watch, 'unnoticed');
    await expectRest(watch);
    const before = runs(watch);
    await mkdir(join(dir, 'secret'));
    await mkdir(join(dir, '.git'));
    for (const name of [
      'secret/a.h',
      'src/x.log',
      'src/.main.txt.swp',
      'src/main.txt~',
      '.git/index',
      'NOTES.md',
    ]) {
      await writeFile(join(dir, name), 'x');
    }
    await expectRest(watch);
    expect(runs(watch)).toBe(before);
    await writeFile(join(dir, 'src', 'keep.md'), 'x');
    await expectRest(watch);
    expect(runs(watch)).toBe(before + 1);
    await writeFile(join(dir, '.gitignore'), '');
    await writtenUntil(join(dir, 'src', 'after.log'), watch, 'noticed');
    await writeFile(join(dir, 'src', 'x.log'), 'y');
    await save('second');
    await expectRest(watch);
    expect(watch.events.findLast(({ type }) => type === 'change-detected')).toMatchObject({
      paths: expect.arrayContaining([join(dir, 'src', 'x.log')]),
    });
  });

  it('is what is named, too, even where git ignores it', async () => {
    const device = await quickDevice();
    const project = await makeScriptProject(device, { watch: { paths: ['secret/wifi.h', '../shared'] } });
    await writeFile(join(project.dir, '.gitignore'), 'secret/\n');
    const shared = join(project.dir, '..', 'shared');
    const watch = await startWatch(project.dir);
    await watch.done();
    await expectRest(watch);
    await mkdir(join(project.dir, 'secret'));
    const done = watch.done();
    await writeFile(join(project.dir, 'secret', 'wifi.h'), 'x');
    await done;
    await expectRest(watch);
    await rm(shared, { recursive: true, force: true });
    await mkdir(shared);
    try {
      const again = watch.done();
      await writeFile(join(shared, 'a.h'), 'x');
      await again;
    } finally {
      await rm(shared, { recursive: true, force: true });
    }
  });

  it('is what is moved in as well, with the time it had elsewhere', async () => {
    const { dir, watch } = await scene();
    const old = join(dir, 'out', 'old.txt');
    await writeFile(old, 'old');
    await utimes(old, new Date(2020, 1), new Date(2020, 1));
    const run = watch.next('change-detected');
    await rename(old, join(dir, 'src', 'old.txt'));
    expect(await run).toMatchObject({ paths: [expect.stringMatching(/old\.txt$/)] });
  });

  it('is watched again when its folder was deleted and comes back', async () => {
    const { device, dir, save, watch } = await scene();
    for (const version of ['second', 'third']) {
      await rm(join(dir, 'src'), { recursive: true });
      await watch.noticedAll();
      await mkdir(join(dir, 'src'));
      await save(version);
      await expect.poll(() => pushed(device).at(-1), { timeout: 20_000 }).toBe(version);
      await expectRest(watch);
    }
    await save('fourth');
    await expect.poll(() => pushed(device).at(-1), { timeout: 20_000 }).toBe('fourth');
  });

  it('is found by polling, too', async () => {
    const { device, save, watch } = await scene({ poll: true });
    const done = watch.done();
    await save('second');
    await done;
    expect(pushed(device)).toEqual(['first', 'second']);
  });
});

describe('the configuration', () => {
  it('that is gone leaves the last good one: a name alone may mean another device', async () => {
    const { device, dir, save, watch } = await scene();
    const good = await readFile(join(dir, '.otarc'), 'utf8');
    const warned = watch.next('log', (event) => event.type === 'log' && event.level === 'warn');
    await rm(join(dir, '.otarc'));
    expect(await warned).toMatchObject({
      message: expect.stringMatching(/last good configuration stays\.$/),
    });
    await save('second');
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'second']);

    const told = watch.next('log', (event) => event.type === 'log' && /good again/.test(event.message));
    await writeFile(join(dir, '.otarc'), good);
    expect(await told).toMatchObject({ message: 'The configuration is good again.' });
  });

  it('is taken over at once, and a broken one leaves the last good one', async () => {
    const { device, dir, save, watch } = await scene();
    const other = await quickDevice();
    const good = await readFile(join(dir, '.otarc'), 'utf8');
    const warned = watch.next('log', (event) => event.type === 'log' && event.level === 'warn');
    await writeFile(join(dir, '.otarc'), `${good}\ndevises: {}\n`);
    expect(await warned).toMatchObject({
      message: expect.stringMatching(/devises[^]*last good configuration stays/),
    });
    await save('second');
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first', 'second']);

    const done = watch.done();
    await writeFile(join(dir, '.otarc'), good.replace(String(device.port), String(other.port)));
    expect(await done).toMatchObject({ ok: true });
    expect(pushed(other)).toEqual(['second']);
    await save('third');
    await expectRest(watch);
    expect(pushed(other)).toEqual(['second', 'third']);
    expect(pushed(device)).toEqual(['first', 'second']);
  });

  it('that changes during a build gives that build up', async () => {
    const { device, dir, save, watch } = await scene();
    const other = await quickDevice();
    const started = watch.next('build-started');
    await save('slow:3000 second');
    await started;
    const text = await readFile(join(dir, '.otarc'), 'utf8');
    const givenUp = watch.done();
    await writeFile(join(dir, '.otarc'), text.replace(String(device.port), String(other.port)));
    await givenUp;
    await save('third');
    await expectRest(watch);
    expect(pushed(device)).toEqual(['first']);
    expect(pushed(other)).toEqual(['third']);
  });

  it('that cannot be used at the start ends it, told as any run', async () => {
    const device = await quickDevice();
    const { dir } = await makeScriptProject(device);
    await writeFile(join(dir, '.otarc'), 'devises: {}\n');
    await expect(startWatch(dir)).rejects.toThrow(/ended with 2.*run-started.*CONFIG_INVALID.*done/);
  });

  it('is asked for a password once', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { dir, save } = await makeScriptProject(device);
    const asks = [process.execPath, '-e', "fs.appendFileSync('out/asked', 'x'); console.log('geheim')"];
    await mkdir(join(dir, 'out'));
    await writeOtarc(
      dir,
      { livingroom: { at: device, password: { command: asks } } },
      { build: { command: [process.execPath, 'build.mjs'], image: 'out/firmware.bin' } },
    );
    const watch = await startWatch(dir);
    await watch.done();
    for (const version of ['second', 'third']) {
      const done = watch.done();
      await save(version);
      expect(await done).toMatchObject({ ok: true });
    }
    expect(await readFile(join(dir, 'out', 'asked'), 'utf8')).toBe('x');
  });
});

describe('a device that is not there', () => {
  it('is said, and gets the image with the next save', async () => {
    const { device, save, watch } = await scene();
    device.faults.refusesToBegin = 'ERROR[8]: Flash config wrong';
    const failed = watch.next('failed');
    await save('second');
    expect(await failed).toMatchObject({ code: 'DEVICE_REFUSED', device: 'livingroom' });
    await expectRest(watch);
    device.faults.refusesToBegin = undefined;
    await save('third');
    await expectRest(watch);
    expect(device.running && textOf(device.running.bytes)).toBe('third');
  });

  it('gets the image when it announces itself', async () => {
    let announce = (): void => {};
    const found = { name: 'livingroom', host: 'livingroom.local', addresses: ['127.0.0.1'], port: 8266 };
    const browses: AbortSignal[] = [];
    const { device, save, watch } = await scene({
      browse: ({ onChange, signal }) =>
        new Promise((resolve) => {
          browses.push(signal);
          announce = () => onChange([found]);
          signal.addEventListener('abort', () => resolve());
        }),
    });
    device.faults.closesAtBytes = 4096;
    await save('second');
    await vi.waitFor(() => expect(browses).toHaveLength(1), { timeout: 20_000 });
    expect(watch.events.findLast(({ type }) => type === 'log')).toMatchObject({
      message: 'livingroom gets it as soon as it announces itself over mDNS, or with the next save',
    });
    device.faults.closesAtBytes = undefined;
    announce();
    await expect.poll(() => textOf(device.running?.bytes), { timeout: 20_000 }).toBe('second');
    await expectRest(watch);
    expect(watch.events.findLast(({ type }) => type === 'change-detected')).toMatchObject({
      reason: 'the device is back',
    });
    expect(browses[0]?.aborted).toBe(true);
  });
});

describe('several devices', () => {
  it('get the image of one build, and one that fails does not keep it from the other', async () => {
    const [one, two] = [await quickDevice(), await quickDevice()];
    const { dir, save } = await makeScriptProject(one);
    const build = { command: [process.execPath, 'build.mjs'], image: 'out/firmware.bin' };
    await writeOtarc(dir, { one: { at: one }, two: { at: two } }, { build });
    const watch = await startWatch(dir, { all: true });
    await watch.done();
    one.faults.failsMd5 = true;
    const done = watch.done();
    await save('second');
    expect(await done).toMatchObject({ deployed: ['two'], failed: ['one'] });
    one.faults.failsMd5 = undefined;
    const again = watch.done();
    await utimes(join(dir, 'src', 'main.txt'), new Date(), new Date());
    expect(await again).toMatchObject({ deployed: ['one'], skipped: ['two'] });
    await expect.poll(() => textOf(one.running?.bytes)).toBe('second');
  });
});

describe('a person at the keyboard', () => {
  it('deploys again what is there, builds only, pauses, ends', async () => {
    const { device, save, watch } = await scene();
    const again = watch.done();
    watch.controls.redeploy();
    expect(await again).toMatchObject({ deployed: ['livingroom'] });
    expect(pushed(device)).toEqual(['first', 'first']);
    await expectRest(watch);

    watch.controls.setPaused(true);
    await save('second');
    await expect.poll(() => watch.shown.at(-1)).toMatchObject({ isPaused: true, changed: 1 });
    await watch.noticedAll();
    expect(runs(watch)).toBe(2);
    const built = watch.done();
    watch.controls.buildOnly();
    expect(await built).toMatchObject({ ok: true, deployed: [] });
    expect(pushed(device)).toHaveLength(2);
    expect(watch.controls.lastOutput()).toContain('building second');
    watch.controls.setPaused(false);
    await expectRest(watch);
    watch.controls.quit();
    expect(await watch.ended).toBe(0);
  });
});

describe('once', () => {
  it('goes on after a failed build, and ends with the first push', async () => {
    const device = await quickDevice();
    const { dir, save } = await makeScriptProject(device);
    await save('broken');
    const watch = await startWatch(dir, { once: true });
    await watch.next('failed');
    await save('mended');
    expect(await watch.ended).toBe(0);
    expect(pushed(device)).toEqual(['mended']);
  });

  it('ends with the status of that push', async () => {
    const device = await quickDevice({ faults: { failsMd5: true } });
    const { dir } = await makeScriptProject(device);
    const watch = await startWatch(dir, { once: true });
    expect(await watch.ended).toBe(1);
  });
});

/** The events, run by run. */
function runsOf(events: readonly DeployEvent[]): DeployEvent[][] {
  const all: DeployEvent[][] = [];
  for (const event of events) {
    if (event.type === 'run-started') all.push([]);
    all.at(-1)?.push(event);
  }
  return all;
}
