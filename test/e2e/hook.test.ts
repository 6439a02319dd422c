import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { imageFile } from '../support/image-file.ts';
import { isPlain, otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { packed } from '../support/packed.ts';
import { tempDir } from '../support/temp-dir.ts';

const hook = ['push', '--hook', '--file', 'firmware.bin'];
const silent = { exitCode: 0, stdout: '', stderr: '' };

async function scene(more: Readonly<Record<string, unknown>> = {}) {
  const dir = await tempDir();
  const device = await quickDevice();
  await imageFile(dir);
  await writeOtarc(dir, { lamp: { at: device } }, more);
  return { dir, device };
}

describe('push --hook', () => {
  it('pushes where .otarc of this folder asks for it', async () => {
    const { dir, device } = await scene({ hook: { pushOnBuild: true } });
    const run = await otarc(hook, { cwd: dir });
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^pushed to lamp in /) });
    expect(device.updates).toHaveLength(1);
  });

  it.each([
    { what: 'says nothing of hooks', more: {} },
    { what: 'switches them off', more: { hook: { pushOnBuild: false } } },
  ])('does nothing, and says nothing, where .otarc $what', async ({ more }) => {
    const { dir, device } = await scene(more);
    expect(await otarc(hook, { cwd: dir })).toEqual(silent);
    expect(device.updates).toEqual([]);
  });

  it('does nothing for an environment whose image no device takes', async () => {
    const { dir, device } = await scene({ hook: { pushOnBuild: true } });
    await writeOtarc(dir, { lamp: { at: device, environment: 'd1' } }, { hook: { pushOnBuild: true } });
    expect(await otarc([...hook, '-e', 'other'], { cwd: dir })).toEqual(silent);
    expect(await otarc([...hook, '-e', 'd1'], { cwd: dir })).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
  });

  it('gives the image of another environment to nobody, whatever the default device is', async () => {
    const { dir, device } = await scene();
    const devices = { lamp: { at: device, environment: 'd1' }, hall: { at: device, environment: 'd2' } };
    await writeOtarc(dir, devices, { device: 'lamp', hook: { pushOnBuild: true } });
    expect(await otarc([...hook, '-e', 'd3'], { cwd: dir })).toEqual(silent);
    const hall = await otarc([...hook, '-e', 'd2'], { cwd: dir });
    expect(hall.stdout).toMatch(/^pushed to hall in /);
    // The same image, pushed by an upload command, is an error that says who takes what.
    const upload = await otarc(['push', '-e', 'd3', '--file', 'firmware.bin'], { cwd: dir });
    expect(upload.exitCode).toBe(2);
    expect(upload.stderr).toContain(
      'NO_TARGET: No device takes the image of d3: lamp takes d1, hall takes d2.',
    );
  });

  it('gives none of several images to a device that does not say which it takes', async () => {
    const { dir, device } = await scene({ hook: { pushOnBuild: true } });
    const ini = join(dir, 'platformio.ini');
    await writeFile(ini, '[env:d1]\nplatform = none\n[env:d2]\nplatform = none\n');
    const several = await otarc([...hook, '-e', 'd2'], { cwd: dir });
    expect(several).toMatchObject({ exitCode: 0, stdout: '' });
    expect(several.stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/Nothing is pushed\. .*the image of d2 .*lamp names none.* `environment: d2`/),
    ]);
    const upload = await otarc(['push', '-e', 'd2', '--file', 'firmware.bin'], { cwd: dir });
    expect(upload.exitCode).toBe(2);
    expect(upload.stderr).toContain('NO_TARGET: It is not certain whom the image of d2 is for');
    expect(upload.stderr).toContain('Write `environment: d2` at the device');
    expect(device.updates).toEqual([]);
    expect(await otarc([...hook, 'lamp', '-e', 'd2'], { cwd: dir })).toMatchObject({ exitCode: 0 });

    await writeFile(ini, '[env:d2]\nplatform = none\n');
    const only = await otarc([...hook, '-e', 'd2'], { cwd: dir });
    expect(only).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^pushed to lamp in /) });
    expect(device.updates).toHaveLength(2);
  });

  it.skipIf(process.platform === 'win32')('ends when the build tool that started it has ended', async () => {
    const { dir, device } = await scene({ hook: { pushOnBuild: true } });
    const slow = await quickDevice({ flash: { msPerSector: 200 } });
    await imageFile(dir, { sizeBytes: 400_000 });
    await writeOtarc(dir, { lamp: { at: slow } }, { hook: { pushOnBuild: true } });
    const connected = slow.waitFor('connected');
    const ended = slow.waitFor('update-ended');
    // A tool that is killed by a signal that it cannot hand on.
    const { bin } = await packed();
    const tool = execa('sh', ['-c', '"$0" push --hook --file firmware.bin; true', bin], {
      cwd: dir,
      reject: false,
    });
    await connected;
    tool.kill('SIGKILL');
    expect((await ended).update.result).toBe('interrupted');
    expect(device.updates).toEqual([]);
  });

  it('does nothing where nothing is configured, whatever the flags say', async () => {
    const dir = await tempDir();
    expect(await otarc(['push', '192.0.2.1', '--hook', '--file', 'none.bin'], { cwd: dir })).toEqual(silent);
  });

  it('is not asked for by a folder above, nor by the user’s own file', async () => {
    const { dir, device } = await scene({ hook: { pushOnBuild: true } });
    const sketch = join(dir, 'Blink');
    await mkdir(sketch);
    await imageFile(sketch);
    expect(await otarc(hook, { cwd: sketch })).toEqual(silent);

    const home = await tempDir();
    await mkdir(join(home, '.config', 'otarc'), { recursive: true });
    const config = `devices: { lamp: { host: ${device.address}, port: ${device.port} } }\nhook: { pushOnBuild: true }\n`;
    await writeFile(join(home, '.config', 'otarc', 'config.yaml'), config);
    const plain = await tempDir();
    await imageFile(plain);
    expect(await otarc(hook, { cwd: plain, env: { HOME: home } })).toEqual(silent);
    expect(device.updates).toEqual([]);
  });

  it('fails with one clear paragraph and the exit status of a push', async () => {
    const { dir, device } = await scene({ hook: { pushOnBuild: true } });
    await device.close();
    await writeFile(join(dir, 'firmware.bin'), 'not an image');
    const run = await otarc(hook, { cwd: dir });
    expect(run.exitCode).toBe(1);
    expect(run.stderr.match(/^error /gm)).toHaveLength(1);
    expect(isPlain(run.stdout + run.stderr)).toBe(true);
  });

  it('tells a mistake in the configuration that it had to load', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, '.otarc'), 'hook: { pushOnBuild: yes please }\n');
    const run = await otarc(hook, { cwd: dir });
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('CONFIG_INVALID');
  });
});
