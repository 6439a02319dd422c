import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageFile } from '../support/image-file.ts';
import { addressOf, eventsOf, otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

/** A folder in which `node build.mjs` makes `build/app.bin`, and says so on both of its outputs. */
async function commandProject(build: object) {
  const dir = await tempDir();
  const device = await quickDevice();
  const { path, bytes } = await imageFile(dir);
  await mkdir(join(dir, 'build'));
  await copyFile(path, join(dir, 'made.bin'));
  await writeFile(
    join(dir, 'build.mjs'),
    `import { copyFileSync } from 'node:fs';
     copyFileSync('made.bin', 'build/app.bin');
     console.log('said to stdout');
     console.error('said to stderr');
     if (process.argv[2] === 'fail') process.exit(7);\n`,
  );
  await writeOtarc(dir, { livingroom: { at: device } }, { build });
  return { dir, device, bytes };
}

describe('otarc deploy with a command of the user', () => {
  it('runs `build.command` and pushes `build.image`', async () => {
    const { dir, device, bytes } = await commandProject({
      tool: 'command',
      command: [process.execPath, 'build.mjs'],
      image: 'build/app.bin',
    });

    const run = await otarc(['deploy'], { cwd: dir });

    expect(run).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^pushed to livingroom in .*\n$/),
    });
    expect(run.stderr).toContain('said to stdout\n');
    expect(run.stderr).toContain('said to stderr\n');
    expect(device.running?.bytes).toEqual(bytes);
    expect(await readFile(join(dir, 'build/app.bin'))).toEqual(bytes);
  });

  it('runs what stands behind -- in its place', async () => {
    const { dir, device, bytes } = await commandProject({ command: ['false'], image: 'build/app.bin' });

    const node = await otarc(['deploy', 'livingroom', '--json', '--', process.execPath, 'build.mjs'], {
      cwd: dir,
    });
    expect(node.exitCode).toBe(0);
    expect(eventsOf(node.stdout).find(({ type }) => type === 'build-started')).toMatchObject({
      tool: 'command',
      command: [process.execPath, 'build.mjs'],
    });
    expect(device.running?.bytes).toEqual(bytes);

    const shell = await otarc(['deploy', '--', 'sh', '-c', 'cp made.bin build/app.bin # --json'], {
      cwd: dir,
    });
    expect(shell).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^pushed to livingroom/) });
    expect(device.updates).toHaveLength(2);
  });

  it('that fails pushes nothing and tells the exit status and the last lines', async () => {
    const { dir, device } = await commandProject({
      command: [process.execPath, 'build.mjs', 'fail'],
      image: 'build/app.bin',
    });
    const run = await otarc(['deploy', '--json'], { cwd: dir });
    expect(run.exitCode).toBe(1);
    expect(eventsOf(run.stdout).find(({ type }) => type === 'failed')).toMatchObject({
      code: 'BUILD_FAILED',
      details: { exitCode: 7 },
    });
    expect(run.stdout).toContain('said to stderr');
    expect(device.counters.datagrams).toBe(0);
  });

  it('that does not exist, or leaves no image, is told as that', async () => {
    const { dir, device } = await commandProject({ command: ['no-such-tool-here'], image: 'build/app.bin' });
    const missing = await otarc(['deploy'], { cwd: dir });
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toMatch(/error BUILD_TOOL_MISSING: .*no-such-tool-here/);

    const nothing = await otarc(['deploy', '--', 'true'], { cwd: dir });
    expect(nothing.exitCode).toBe(1);
    expect(nothing.stderr).toMatch(/error IMAGE_NOT_FOUND: .*build.app\.bin/);
    expect(device.counters.datagrams).toBe(0);
  });

  it('sends no datagram with --dry-run, though it builds and checks', async () => {
    const { dir, device } = await commandProject({
      command: [process.execPath, 'build.mjs'],
      image: 'build/app.bin',
    });
    const run = await otarc(['deploy', addressOf(device), '--dry-run', '--json'], { cwd: dir });
    expect(run.exitCode).toBe(0);
    const events = eventsOf(run.stdout);
    expect(events.map(({ type }) => type)).toContain('image-ready');
    expect(events.find(({ type }) => type === 'skipped')).toMatchObject({ device: 'livingroom' });
    expect(events.at(-1)).toMatchObject({ type: 'done', ok: true, skipped: ['livingroom'], deployed: [] });
    expect(device.counters.datagrams).toBe(0);
  });
});
