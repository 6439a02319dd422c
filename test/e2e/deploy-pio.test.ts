import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventsOf, goodStory, isPlain, otarc, quickDevice, storyOf, writeOtarc } from '../support/otarc.ts';
import { makePioProject, setVersion, type Project } from '../support/projects.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const twoEnvironments = ['d1_mini', 'nodemcuv2']
  .map((board) => `[env:${board}]\nplatform = lx106local\nboard = ${board}\nbuild_flags = -DBOARD_${board}\n`)
  .join('\n');

const imageOf = ({ dir }: Project, environment = 'd1_mini', name = 'firmware.bin'): Promise<Buffer> =>
  readFile(join(dir, '.pio', 'build', environment, name));

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('latin1');

describe.skipIf(requireTools('pio'))('otarc deploy in a PlatformIO project', () => {
  it('brings what was built to the device, and after an edit the new one', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const project = await makePioProject(join(await tempDir(), 'mein gärtchen'));
    await writeOtarc(project.dir, { livingroom: { at: device, password: 'geheim' } });

    const first = await otarc(['deploy'], { cwd: project.dir, env: project.env });

    expect(first).toMatchObject({ exitCode: 0 });
    expect(first.stdout).toMatch(/^pushed to livingroom in [\d.]+ m?s\n$/);
    expect(first.stderr).toContain('Compiling .pio/build/d1_mini/src/main.o');
    expect(isPlain(first.stderr)).toBe(true);
    expect(device.updates.at(-1)?.bytes).toEqual(await imageOf(project));
    expect(text(device.running?.bytes)).toContain('fw-version:1.0.0');

    await setVersion(project, '1.0.1');
    const second = await otarc(['deploy', 'livingroom'], { cwd: project.dir, env: project.env });
    expect(second.exitCode).toBe(0);
    expect(device.updates.at(-1)?.bytes).toEqual(await imageOf(project));
    expect(text(device.running?.bytes)).toContain('fw-version:1.0.1');

    const unchanged = await otarc(['deploy'], { cwd: project.dir, env: project.env });
    expect(unchanged.exitCode).toBe(0);
    expect(unchanged.stderr).not.toContain('Compiling');
    expect(device.updates).toHaveLength(3);
    expect(device.updates.at(-1)?.bytes).toEqual(await imageOf(project));

    const push = await otarc(['push'], { cwd: project.dir, env: project.env });
    expect(push.exitCode).toBe(0);
    expect(push.stderr).not.toContain('pio run');
    expect(device.updates).toHaveLength(4);
    expect(device.updates.at(-1)?.bytes).toEqual(await imageOf(project));
  });

  it('tells with --json each step, in the documented order, and nothing else on stdout', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const project = await makePioProject(join(await tempDir(), 'p'));
    await writeOtarc(project.dir, { livingroom: { at: device, password: 'geheim' } });

    const run = await otarc(['deploy', '--json', '-v'], { cwd: project.dir, env: project.env });

    expect(run.exitCode).toBe(0);
    expect(run.stderr).toContain('Compiling');
    const events = eventsOf(run.stdout);
    expect(storyOf(events)).toEqual(goodStory);
    expect(events[0]).toMatchObject({ type: 'run-started', schema: 1 });
    for (const event of events) expect(Number.isNaN(Date.parse(event.at))).toBe(false);
    const image = await imageOf(project);
    expect(events.find(({ type }) => type === 'image-ready')).toMatchObject({
      path: join(project.dir, '.pio/build/d1_mini/firmware.bin'),
      sizeBytes: image.length,
      kind: 'firmware',
      platform: 'esp8266',
      md5: device.running?.md5,
    });
    const progress = events.filter(({ type }) => type === 'progress');
    expect(progress.at(-1)).toMatchObject({ device: 'livingroom', totalBytes: image.length });
    expect(events.at(-1)).toMatchObject({
      ok: true,
      deployed: ['livingroom'],
      skipped: [],
      failed: [],
      exitCode: 0,
    });
  });

  it('pushes nothing when the sketch does not compile, and shows what the compiler said', async () => {
    const device = await quickDevice();
    const project = await makePioProject(join(await tempDir(), 'p'));
    await writeOtarc(project.dir, { livingroom: { at: device } });
    await otarc(['deploy'], { cwd: project.dir, env: project.env });
    const { datagrams } = device.counters;
    expect(datagrams).toBeGreaterThan(0);
    await writeFile(project.source, '#include <Arduino.h>\nvoid setup() { nonsense(); }\nvoid loop() {}\n');

    const plain = await otarc(['deploy'], { cwd: project.dir, env: project.env });
    expect(plain).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^failed on livingroom/) });
    expect(plain.stderr).toMatch(/'nonsense' was not declared/);
    expect(plain.stderr).toContain('error BUILD_FAILED');

    const json = await otarc(['deploy', '--json'], { cwd: project.dir, env: project.env });
    expect(json.exitCode).toBe(1);
    const events = eventsOf(json.stdout);
    expect(storyOf(events)).toEqual(['run-started', 'build-started', 'build-finished', 'failed', 'done']);
    expect(events.find(({ type }) => type === 'failed')).toMatchObject({
      code: 'BUILD_FAILED',
      stage: 'build',
      device: 'livingroom',
      details: { exitCode: 1 },
    });
    expect(JSON.stringify(events)).toContain("'nonsense' was not declared");
    expect(device.counters.datagrams).toBe(datagrams);
  });

  it('asks which environment, takes the one that is named, and gives each device its own', async () => {
    const [first, second] = [await quickDevice(), await quickDevice()];
    const project = await makePioProject(join(await tempDir(), 'p'), { ini: twoEnvironments });
    const run = (...args: string[]) => otarc(args, { cwd: project.dir, env: project.env });
    await writeOtarc(project.dir, { one: { at: first } });

    const ambiguous = await run('deploy');
    expect(ambiguous.exitCode).toBe(1);
    expect(ambiguous.stderr).toMatch(/error ENVIRONMENT_AMBIGUOUS: .*d1_mini.*nodemcuv2/);
    expect(first.counters.datagrams).toBe(0);

    const chosen = await run('deploy', '-e', 'nodemcuv2');
    expect(chosen.exitCode).toBe(0);
    expect(first.updates.at(-1)?.bytes).toEqual(await imageOf(project, 'nodemcuv2'));

    await writeOtarc(project.dir, {
      one: { at: first, environment: 'd1_mini' },
      two: { at: second, environment: 'nodemcuv2' },
    });
    await setVersion(project, '2.0.0');
    const both = await run('deploy', '--all', '--json');
    expect(both.exitCode).toBe(0);
    const events = eventsOf(both.stdout);
    const built = events.flatMap((event) => (event.type === 'build-started' ? [event.environment] : []));
    expect(built).toEqual(['d1_mini', 'nodemcuv2']);
    expect(events.at(-1)).toMatchObject({ type: 'done', deployed: ['one', 'two'] });
    expect(first.updates.at(-1)?.bytes).toEqual(await imageOf(project, 'd1_mini'));
    expect(second.updates.at(-1)?.bytes).toEqual(await imageOf(project, 'nodemcuv2'));
  });

  it('builds once for two devices of one environment, and goes on when one of them fails', async () => {
    const refusing = await quickDevice({ faults: { refusesToBegin: 'ERROR[8]: Flash config wrong' } });
    const device = await quickDevice();
    const project = await makePioProject(join(await tempDir(), 'p'));
    await writeOtarc(project.dir, { one: { at: refusing }, two: { at: device } });

    const run = await otarc(['deploy', '--all', '--json'], { cwd: project.dir, env: project.env });

    expect(run.exitCode).toBe(1);
    const events = eventsOf(run.stdout);
    expect(events.filter(({ type }) => type === 'build-started')).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'done')).toEqual([
      expect.objectContaining({ ok: false, deployed: ['two'], failed: ['one'] }),
    ]);
    expect(device.running?.bytes).toEqual(await imageOf(project));
  });

  it.skipIf(requireTools('littlefs'))('builds and pushes the file system with --filesystem', async () => {
    const device = await quickDevice();
    const project = await makePioProject(join(await tempDir(), 'p'));
    await writeOtarc(project.dir, { livingroom: { at: device } });

    const run = await otarc(['deploy', '--filesystem'], { cwd: project.dir, env: project.env });

    expect(run.exitCode).toBe(0);
    expect(device.updates.map(({ command }) => command)).toEqual([100]);
    expect(Buffer.from(device.filesystem ?? [])).toEqual(await imageOf(project, 'd1_mini', 'littlefs.bin'));
    expect(device.running).toBeUndefined();
  });

  it('works in the folder that -C names, and finds nothing to build in an empty one', async () => {
    const device = await quickDevice();
    const dir = await tempDir();
    const project = await makePioProject(join(dir, 'p'));
    await writeOtarc(project.dir, { livingroom: { at: device } });

    const inside = await otarc(['deploy', '-C', 'p'], { cwd: dir, env: project.env });
    expect(inside.exitCode).toBe(0);
    expect(device.running?.bytes).toEqual(await imageOf(project));

    await mkdir(join(dir, 'empty'));
    const empty = await otarc(['deploy', device.address], { cwd: join(dir, 'empty'), env: project.env });
    expect(empty.exitCode).toBe(2);
    expect(empty.stderr).toMatch(/^error CONFIG_INVALID: Nothing in .*empty says how to build it/);
  });
});
