import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageFile } from '../support/image-file.ts';
import { eventsOf, otarc, startOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

const quick = ['--ms-per-sector', '0', '--reboot-ms', '0', '--port', '0'];

/** `otarc simulate` in a process of its own, and the address it says it is ready at. */
async function simulate(dir: string, ...args: string[]) {
  const running = await startOtarc(['simulate', ...quick, ...args], { cwd: dir });
  const said = await running.said(/ready at \S+,.*\n/);
  return { running, at: /ready at (\S+),/.exec(said)?.[1] ?? '', said };
}

describe('otarc simulate', () => {
  it('takes a push by address, writes what arrived, and ends after it with --once', async () => {
    const dir = await tempDir();
    const { bytes } = await imageFile(dir);
    const { running, at, said } = await simulate(dir, '--no-announce', '--once', '--out', 'got.bin');
    expect(said).toContain(`otarc push ${at} --file firmware.bin`);

    const push = await otarc(['push', at, '--file', 'firmware.bin'], { cwd: dir });

    expect(push).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`pushed to ${at} in `) });
    expect((await running.ended).exitCode).toBe(0);
    expect(await readFile(join(dir, 'got.bin'))).toEqual(bytes);
  });

  it('is found by the name that it announces, on loopback only', async () => {
    const dir = await tempDir();
    const name = `otarc-e2e-${process.pid}`;
    await imageFile(dir);
    await writeFile(join(dir, 'ota.txt'), 'geheim\n');
    const { running } = await simulate(dir, '--name', name, '--once', '--password-file', 'ota.txt');

    const flags = ['--interface', '127.0.0.1', '--password-file', 'ota.txt', '--json'];
    const push = await otarc(['push', `${name}.local`, '--file', 'firmware.bin', ...flags], { cwd: dir });

    expect(push.exitCode).toBe(0);
    expect(eventsOf(push.stdout).find(({ type }) => type === 'device-located')).toMatchObject({
      address: '127.0.0.1',
      via: 'mdns',
    });
    expect((await running.ended).exitCode).toBe(0);
  });

  it('is the device of a HomeDing file, which .otarc names as well', async () => {
    const dir = await tempDir();
    const { bytes } = await imageFile(dir);
    const homeding = {
      device: { 0: { name: 'livingroom' } },
      ota: { 0: { port: 48_266, passwd: 'geheim' } },
    };
    await writeFile(join(dir, 'env.json'), JSON.stringify(homeding));
    const flags = ['--no-announce', '--once', '--homeding', 'env.json', '--out', 'got.bin'];
    const { running, at } = await simulate(dir, ...flags);
    const port = at.split(':')[1] ?? '';
    await writeFile(
      join(dir, '.otarc'),
      'devices: { livingroom: { host: 127.0.0.1, homeding: env.json } }\n',
    );

    const push = await otarc(['push', '--file', 'firmware.bin', '--port', port], { cwd: dir });

    expect(push.exitCode).toBe(0);
    await running.ended;
    expect(await readFile(join(dir, 'got.bin'))).toEqual(bytes);
  });

  it('says what it runs, and boots what was pushed, with the faults of a boot', async () => {
    const dir = await tempDir();
    await imageFile(dir);
    const proof = ['--proof', '--sketch-version', '1.2', '--runs', 'firmware.bin', '--flash-mode', 'qout'];
    const ports = ['--http-port', '0', '--sysinfo', 'Nov  3 2026', '--log-port', '0', '--log-every-ms', '50'];
    const faults = ['--fault', 'bootReason=panic'];
    const { running, at, said } = await simulate(dir, '--no-announce', ...proof, ...ports, ...faults);
    expect(said).toMatch(/^virtual: announces md5=[0-9a-f]{32} run=[0-9a-f]{8} boot=power-on$/m);
    const web = /serves (http:\S+\/)$/m.exec(said)?.[1] ?? '';
    expect(await (await fetch(`${web}version`)).text()).toMatch(/^version=1\.2\nmd5=/);
    expect(await (await fetch(`${web}api/sysinfo`)).json()).toMatchObject({ build: 'Nov  3 2026' });

    const push = await otarc(['push', at, '--file', 'firmware.bin'], { cwd: dir });

    expect(push.exitCode).toBe(0);
    await running.said(/announces md5=[0-9a-f]{32} run=[0-9a-f]{8} boot=panic\n/);
    running.kill('SIGINT');
    expect((await running.ended).stderr).toBe('');
  });

  it('has faults to switch on, and otarc says what they look like', async () => {
    const dir = await tempDir();
    await imageFile(dir);
    const { running, at } = await simulate(dir, '--no-announce', '--fault', 'refusesToBegin');
    const push = await otarc(['push', at, '--file', 'firmware.bin'], { cwd: dir });
    expect(push.exitCode).toBe(1);
    expect(push.stderr).toMatch(/^error DEVICE_REFUSED: .*Flash config wrong/m);
    running.kill('SIGINT');
    expect((await running.ended).stderr).toBe('');
  });
});
