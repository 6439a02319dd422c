/** A full disk, or a reader that has gone: an update is finished all the same, and a result that is lost is no success. */

import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { imageFile } from '../support/image-file.ts';
import { makeLittlefsImage } from '../support/images.ts';
import { quickDevice, startOtarc, writeOtarc } from '../support/otarc.ts';
import { packed } from '../support/packed.ts';
import { tempDir } from '../support/temp-dir.ts';

const filesystemBytes = 256 * 1024;
const hasFullDisk = process.platform === 'linux';

/** In a shell of its own; the exit status is that of otarc, which `$0` stands for. */
async function shell(script: string, cwd: string) {
  const { bin } = await packed();
  const env = { HOME: cwd, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  return execa('bash', ['-o', 'pipefail', '-c', script, bin], {
    cwd,
    env,
    extendEnv: false,
    reject: false,
    timeout: 60_000,
  });
}

async function project(device: VirtualDevice, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const cwd = await tempDir();
  await imageFile(cwd, { sizeBytes: 200_000 });
  await writeFile(join(cwd, 'littlefs.bin'), makeLittlefsImage({ sizeBytes: filesystemBytes }));
  await writeOtarc(cwd, { lamp: { at: device, platform: 'esp8266' } }, more);
  return cwd;
}

describe.skipIf(!hasFullDisk)('a push whose output cannot be written', () => {
  it.each([
    { where: '> /dev/full', said: /warning: stdout is incomplete.* no space is left/ },
    { where: '--json > /dev/full', said: /warning: stdout is incomplete.* no space is left/ },
    { where: '2> /dev/full', said: /^pushed to lamp[^]*warning: stderr is incomplete/ },
    { where: '--json 2> /dev/full', said: /"done"/ },
    { where: '-v 2> /dev/full', said: /warning: stderr is incomplete/ },
    { where: '--json | head -1', said: /"run-started"[^]*warning: stdout is incomplete.* nobody reads it/ },
    { where: '--json 2>&1 | head -1', said: /"run-started"/ },
    { where: '> /dev/full 2> /dev/full', said: /^$/ },
  ])('is finished: otarc push … $where', async ({ where, said }) => {
    const device = await quickDevice();
    const cwd = await project(device);
    const run = await shell(`"$0" push lamp --file firmware.bin ${where}`, cwd);
    expect(run.stdout + run.stderr).toMatch(said);
    expect(run.exitCode).toBe(0);
    expect(device.updates).toMatchObject([{ result: 'accepted' }]);
  });

  it('has the exit status of the push, also where that failed', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const cwd = await project(device);
    const run = await shell(`"$0" push lamp --file firmware.bin --json > /dev/full`, cwd);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).not.toMatch(/^ +at /m);
  });

  it('is finished by espota too', async () => {
    const device = await quickDevice();
    const cwd = await project(device);
    const run = await shell(
      `"$0" espota -i ${device.address} -p ${device.port} -f firmware.bin -d -r > /dev/full 2> /dev/full`,
      cwd,
    );
    expect(run.exitCode).toBe(0);
    expect(device.updates).toMatchObject([{ result: 'accepted' }]);
  });

  it('is not held up by a build whose output nobody can store', async () => {
    const device = await quickDevice();
    const build = "console.log('x'.repeat(4_000_000)); require('fs').copyFileSync('firmware.bin', 'out.bin')";
    const cwd = await project(device, {
      build: { tool: 'command', command: [process.execPath, '-e', build], image: 'out.bin' },
    });
    const run = await shell(`"$0" deploy lamp 2> /dev/full`, cwd);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/^pushed to lamp/);
  });
});

describe.skipIf(process.platform === 'win32')('a hook that nobody listens to any more', () => {
  it.each([
    { what: 'breaks off a firmware', args: ['--file', 'firmware.bin'], result: 'interrupted', exitCode: 130 },
    {
      what: 'finishes a file system, which would stay half-written',
      args: ['--file', 'littlefs.bin', '--filesystem'],
      result: 'accepted',
      exitCode: 0,
    },
  ])('$what', async ({ args, result, exitCode }) => {
    const device = await quickDevice({ flash: { msPerSector: 40, filesystemBytes } });
    const cwd = await project(device, { hook: { pushOnBuild: true } });
    const begun = device.waitFor((event) => event.type === 'received' && event.receivedBytes > 10_000);
    const ended = device.waitFor('update-ended');
    const running = await startOtarc(['push', '--hook', '-v', '--json', ...args], { cwd });
    await begun;
    running.stopReading();
    expect((await ended).update.result).toBe(result);
    expect((await running.ended).exitCode).toBe(exitCode);
  });
});

describe.skipIf(!hasFullDisk)('a command whose result is its output', () => {
  it.each([
    'config',
    'config --json',
    'config --schema',
    'inspect firmware.bin',
    'inspect firmware.bin --json',
    'devices --timeout 0.2 --interface 127.0.0.1',
    'devices --timeout 0.2 --interface 127.0.0.1 --json',
    'doctor lamp --json',
    'init --yes --no-scan --dry-run --json',
    '--help',
    '--version',
  ])('fails where that cannot be written: otarc %s', async (words) => {
    const cwd = await project(await quickDevice());
    const run = await shell(`"$0" ${words} > /dev/full`, cwd);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).not.toMatch(/^ +at /m);
    if (words !== '--version') expect(run.stderr).toContain('no space is left');
  });

  it('succeeds where only its messages cannot be', async () => {
    const cwd = await project(await quickDevice());
    const run = await shell(`"$0" config 2> /dev/full`, cwd);
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('devices.lamp') });
  });
});
