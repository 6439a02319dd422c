import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageFile } from '../support/image-file.ts';
import { addressOf, otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

const password = 'Zwölf-Boxkämpfer';
const sources = {
  environment: { env: 'LIVINGROOM_PW' },
  file: { file: 'ota.txt' },
  command: { command: [process.execPath, 'print-password.mjs'] },
  text: password,
};
const outputs = [[], ['-v'], ['--json'], ['--json', '-v'], ['-q']];

async function projectWith(source: unknown, more: object = {}) {
  const dir = await tempDir();
  const device = await quickDevice({ password });
  await imageFile(dir);
  await writeFile(join(dir, 'ota.txt'), `${password}\n`);
  await writeFile(join(dir, 'print-password.mjs'), `console.log(${JSON.stringify(password)});\n`);
  await writeOtarc(dir, { livingroom: { at: device, password: source, ...more } });
  return { dir, device, env: { HOME: dir, LIVINGROOM_PW: password } };
}

describe('a password', () => {
  it.each(Object.entries(sources))('from %s opens the device and is never printed', async (_, source) => {
    const { dir, device, env } = await projectWith(source);
    for (const output of outputs) {
      const run = await otarc(['push', '--file', 'firmware.bin', ...output], { cwd: dir, env });
      expect(run.exitCode).toBe(0);
      expect(run.stdout + run.stderr).not.toContain(password);
    }
    expect(device.updates.filter(({ result }) => result === 'accepted')).toHaveLength(outputs.length);
    for (const args of [['config'], ['config', '--json']]) {
      const run = await otarc(args, { cwd: dir, env });
      expect(run.exitCode).toBe(0);
      expect(run.stdout + run.stderr).not.toContain(password);
    }
  });

  it('that is wrong is said to be wrong, and is not printed either', async () => {
    const { dir, device, env } = await projectWith(`${password}?`);
    for (const output of outputs) {
      const run = await otarc(['push', '--file', 'firmware.bin', ...output], { cwd: dir, env });
      expect(run.exitCode).toBe(1);
      expect(run.stdout + run.stderr).toContain('PASSWORD_WRONG');
      expect(run.stdout + run.stderr).not.toContain(password);
    }
    expect(device.counters.connections).toBe(0);
  });

  it('in a configuration with mistakes is not shown with the line of the mistake', async () => {
    const { dir, env } = await projectWith(password, { pasword: password, port: 'x' });
    const run = await otarc(['push', '--file', 'firmware.bin'], { cwd: dir, env });
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('CONFIG_INVALID');
    expect(run.stdout + run.stderr).not.toContain(password);
  });

  it('comes from stdin or a file by flag, or from OTARC_PASSWORD, for a device that is not configured', async () => {
    const dir = await tempDir();
    const device = await quickDevice({ password });
    await imageFile(dir);
    await writeFile(join(dir, 'ota.txt'), password);
    const push = ['push', addressOf(device), '--file', 'firmware.bin'];

    const none = await otarc(push, { cwd: dir });
    expect(none.exitCode).toBe(1);
    expect(none.stderr).toContain('PASSWORD_REQUIRED');
    const ends = [
      await otarc([...push, '--password-file', '-'], { cwd: dir, input: `${password}\nmore\n` }),
      await otarc([...push, '--password-file', 'ota.txt'], { cwd: dir }),
      await otarc(push, { cwd: dir, env: { HOME: dir, OTARC_PASSWORD: password } }),
    ];
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(device.updates).toHaveLength(3);
  });

  it('that cannot be had ends the run before the build starts', async () => {
    const dir = await tempDir();
    const device = await quickDevice({ password });
    await writeOtarc(
      dir,
      { livingroom: { at: device, password: { file: 'missing.txt' } } },
      { build: { command: ['touch', 'built'], image: 'built' } },
    );
    const run = await otarc(['deploy'], { cwd: dir });
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toMatch(/^error SECRET_UNAVAILABLE: .*missing\.txt does not exist/);
    expect(run.stderr).not.toContain('building');
    expect(device.counters.datagrams).toBe(0);
  });
});
