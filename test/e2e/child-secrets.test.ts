/** What the programs that otarc starts see of the devices' passwords in the environment: no more than their own words name. */

import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { otarc, quickDevice, startOtarc, writeOtarc } from '../support/otarc.ts';
import { imageFile } from '../support/image-file.ts';
import { tempDir } from '../support/temp-dir.ts';

const secrets = {
  LAMP_PW: 'pw-of-lamp',
  HALL_PW: 'pw-of-hall',
  OTARC_PASSWORD_DEN: 'pw-of-den',
  OTARC_PASSWORD: 'pw-of-all',
};

/** A project whose build, password command and monitor each write their environment into a file. */
async function scene() {
  const cwd = await tempDir();
  await imageFile(cwd);
  const at = await quickDevice();
  const writer = (name: string, more = ''): string =>
    `require('fs').writeFileSync(${JSON.stringify(join(cwd, name))}, JSON.stringify(process.env)); ${more}`;
  await writeFile(
    join(cwd, 'build.cjs'),
    writer('build.json', "require('fs').copyFileSync('firmware.bin', 'out.bin')"),
  );
  const outside = await tempDir();
  await writeFile(join(outside, 'pw.cjs'), writer('password.json', "console.log('geheim')"));
  await writeFile(join(outside, 'monitor.cjs'), writer('monitor.json'));
  await writeOtarc(
    cwd,
    {
      lamp: { at, password: { env: 'LAMP_PW' } },
      hall: { at, password: { env: 'HALL_PW' } },
      den: { at, password: { command: [process.execPath, join(outside, 'pw.cjs')] } },
    },
    { build: { tool: 'command', command: [process.execPath, 'build.cjs'], image: 'out.bin' } },
  );
  const seenBy = async (name: string): Promise<string> => readFile(join(cwd, `${name}.json`), 'utf8');
  return { cwd, outside, seenBy };
}

describe('the passwords of devices in the environment', () => {
  it.each([
    { by: 'their variables', env: {}, args: [] },
    { by: 'OTARC_PASSWORD_LAMP', env: { OTARC_PASSWORD_LAMP: 'pw-of-lamp' }, args: [] },
    { by: '--password-file', env: {}, args: ['--password-file', 'pw.txt'] },
  ])('are not seen by a build, however they are given: $by', async ({ env, args }) => {
    const { cwd, seenBy } = await scene();
    await writeFile(join(cwd, 'pw.txt'), 'pw-of-lamp\n');
    const run = await otarc(['deploy', 'lamp', ...args], { cwd, env: { HOME: cwd, ...secrets, ...env } });
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await seenBy('build')).not.toContain('pw-of');
    expect(await seenBy('build')).toContain(`"HOME":`);
  });

  it('are not seen by the command that prints the password of another device', async () => {
    const { cwd, seenBy } = await scene();
    const run = await otarc(['deploy', 'den'], {
      cwd,
      env: { HOME: cwd, LAMP_PW: 'pw-of-lamp', HALL_PW: 'pw-of-hall' },
    });
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await seenBy('password')).not.toContain('pw-of');
    expect(await seenBy('password')).toContain(`"HOME":`);
  });

  it('are not seen by the command after a deploy, unless it names one', async () => {
    const { cwd, outside, seenBy } = await scene();
    await chmod(join(outside, 'monitor.cjs'), 0o755);
    const env = { HOME: cwd, ...secrets, OTARC_PASSWORD_LAMP: 'pw-of-lamp' };
    const exec = `${process.execPath} ${JSON.stringify(join(outside, 'monitor.cjs'))}`;
    for (const [words, sees] of [
      ['', false],
      [' LAMP_PW', true],
    ] as const) {
      const running = await startOtarc(['watch', 'lamp', '--once', '--exec', exec + words], { cwd, env });
      await running.said(/watching|waiting/i);
      await writeFile(join(cwd, 'build.cjs'), `${await readFile(join(cwd, 'build.cjs'), 'utf8')}\n`);
      expect((await running.ended).exitCode).toBe(0);
      expect(await seenBy('monitor')).not.toMatch(/pw-of-(?:hall|den|all)/);
      expect((await seenBy('monitor')).includes('pw-of-lamp')).toBe(sees);
    }
  });
});
