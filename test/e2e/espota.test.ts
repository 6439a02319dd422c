import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { imageFile } from '../support/image-file.ts';
import { makeLittlefsImage } from '../support/images.ts';
import { isPlain, otarc, quickDevice } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

const password = 'geheim';

/** A device with a password, and `firmware.bin`. */
async function scene() {
  const dir = await tempDir();
  const device = await quickDevice({ password });
  const { bytes } = await imageFile(dir);
  const espota = (...args: string[]) => otarc(['espota', ...args], { cwd: dir });
  return { dir, device, bytes, espota, at: ['-i', device.address, '-p', String(device.port)] };
}

describe('otarc espota in place of espota.py', () => {
  it('pushes with the short flags and with the long ones', async () => {
    const { device, bytes, espota, at } = await scene();

    const short = await espota(...at, '-a', password, '-f', 'firmware.bin', '-d', '-r', '-m', '-t', '5');
    expect(short.exitCode).toBe(0);
    expect(isPlain(short.stdout + short.stderr)).toBe(true);
    expect(short.stdout + short.stderr).not.toContain(password);

    const values = { ip: device.address, port: device.port, auth: password, file: 'firmware.bin' };
    const more = { host_ip: '127.0.0.1', host_port: await freePort(), timeout: 5 };
    const flags = Object.entries({ ...values, ...more }).map(([name, value]) => `--${name}=${value}`);
    const long = await espota(...flags, '--debug', '--progress', '--md5-target');
    expect(long.stderr).not.toMatch(/error/);
    expect(long.exitCode).toBe(0);
    expect(device.updates.map((update) => Buffer.from(update.bytes).equals(bytes))).toEqual([true, true]);
    expect(device.running?.bytes).toEqual(bytes);
  });

  it('pushes a file system with -s', async () => {
    const { dir, device, espota, at } = await scene();
    const image = Buffer.from(makeLittlefsImage({ sizeBytes: 16_384 }));
    await writeFile(join(dir, 'littlefs.bin'), image);
    const run = await espota(...at, '-a', password, '-s', '-f', 'littlefs.bin');
    expect(run.exitCode).toBe(0);
    expect(device.updates).toMatchObject([{ command: 100, result: 'accepted' }]);
    expect(device.filesystem?.subarray(0, image.length)).toEqual(image);
  });

  it('ends with 1 for every failure, as its callers expect', async () => {
    const { device, espota, at } = await scene();
    const file = ['-f', 'firmware.bin'];
    const ends = {
      'a wrong password': await espota(...at, '-a', 'other', ...file),
      'no password': await espota(...at, ...file),
      'no such file': await espota(...at, '-a', password, '-f', 'missing.bin'),
      'no file at all': await espota(...at, '-a', password),
      'no address': await espota(...file),
      'an unknown option': await espota(...at, ...file, '--nonsense'),
      'a port that is none': await espota('-i', device.address, '-p', '99999', ...file),
    };
    expect(Object.entries(ends).map(([what, { exitCode }]) => [what, exitCode])).toEqual(
      Object.keys(ends).map((what) => [what, 1]),
    );
    expect(Object.values(ends).map(({ stderr }) => /^error\b/m.test(stderr))).toEqual(
      Object.keys(ends).map(() => true),
    );
    expect(device.updates).toEqual([]);
  });

  it('takes the password of the environment where its caller hands over none, and says how to hand it over', async () => {
    const { dir, device, at } = await scene();
    const args = ['espota', ...at, '-a', '', '-f', 'firmware.bin'];
    const refused = await otarc(args, { cwd: dir });
    expect(refused.stderr).toContain(
      '→ Hand it over with -a (arduino-cli: -F password=…), or set OTARC_PASSWORD.',
    );
    const run = await otarc(args, { cwd: dir, env: { HOME: dir, OTARC_PASSWORD: password } });
    expect(run.exitCode).toBe(0);
    expect(device.updates).toHaveLength(1);
  });

  it('tells cures by its own flags', async () => {
    const { espota, device, at } = await scene();
    const closedPort = String(await freePort());
    const closed = await espota('-i', device.address, '-p', closedPort, '-t', '1', '-f', 'firmware.bin');
    expect(closed.stderr).toMatch(/DEVICE_SILENT[^]*→ .*listens on another port/);
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const taken = String((holder.address() as AddressInfo).port);
    const refused = await espota(...at, '-P', taken, '-f', 'firmware.bin');
    holder.close();
    expect(refused.stderr).toContain('→ Choose another -P, or leave it out');
    for (const { stderr } of [closed, refused]) expect(stderr).not.toMatch(/\.otarc|--(port|host)/);
  });

  it('reads no configuration', async () => {
    const { dir, device, espota, at } = await scene();
    await writeFile(join(dir, '.otarc'), 'devices: {livingroom: {host: 127.0.0.1, nonsense: 1}}\n');
    const run = await espota(...at, '-a', password, '-f', 'firmware.bin');
    expect(run.exitCode).toBe(0);
    expect(device.updates).toHaveLength(1);
  });
});
