import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../support/folder-state.ts';
import { addressOf, otarc, quickDevice } from '../support/otarc.ts';
import { makePioProject, setVersion } from '../support/projects.ts';
import { runTool, withOtarc } from '../support/templates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

/** As `pio project init` leaves it: not a word about uploads. No line end at the end either. */
const bareIni = '[env:d1_mini]\nplatform = lx106local\nboard = d1_mini\nboard_build.filesystem = littlefs';

async function scene(ini = bareIni) {
  const project = await makePioProject(join(await tempDir(), 'gärtchen'), { ini });
  const env = await withOtarc(project.env);
  const { dir } = project;
  return {
    project,
    dir,
    env,
    init: (...args: string[]) => otarc(['init', ...args], { cwd: dir, env }),
    pio: (...args: string[]) => runTool('pio', ['run', ...args], { cwd: dir, env }),
    state: () => stateOf(dir, ['.pio']),
  };
}

describe.skipIf(requireTools('pio', 'littlefs'))('otarc init in a bare PlatformIO project', () => {
  it("makes the tool's own Upload reach the device, firmware and file system", async () => {
    const device = await quickDevice();
    const { init, pio, dir } = await scene();
    const run = await init('--yes', '--no-scan', '--device', addressOf(device));
    expect(run).toMatchObject({ exitCode: 0 });
    expect(run.stdout).toContain('\nmade .otarc\nmade otarc.py\nchanged platformio.ini\n');

    expect(await pio('-t', 'upload')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
    const image = join(dir, '.pio', 'build', 'd1_mini', 'firmware.bin');
    expect(device.running?.bytes).toEqual(await readFile(image));

    expect(await pio('-t', 'uploadfs')).toMatchObject({ exitCode: 0 });
    expect(device.updates.map(({ command }) => command)).toEqual([0, 100]);
  });

  it('adds the target ota, and pushes on every build where .otarc is told to', async () => {
    const device = await quickDevice();
    const { init, pio, dir, project } = await scene();
    await init('--yes', '--no-scan', '--device', addressOf(device));
    expect(await pio('-t', 'ota')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);

    expect(await pio()).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
    const text = await readFile(join(dir, '.otarc'), 'utf8');
    await writeFile(join(dir, '.otarc'), text.replace(/^# (hook:.*?) {3}#.*$/m, '$1'));
    await setVersion(project, '1.0.1');
    expect(await pio()).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(2);
  });

  it('stores the password where git does not get it, and nobody else reads it', async () => {
    const password = "ge'heim #1 $HOME";
    const device = await quickDevice({ password });
    const { init, pio, dir } = await scene();
    await runTool('git', ['init', '-q'], { cwd: dir, env: { PATH: process.env['PATH'] } });
    const file = join(dir, '..', 'password.txt');
    await writeFile(file, `${password}\n`);
    const run = await init(
      '--yes',
      '--no-scan',
      '--device',
      `livingroom=${addressOf(device)}`,
      '--password-file',
      file,
    );
    expect(run).toMatchObject({ exitCode: 0 });
    expect(run.stdout + run.stderr).not.toContain('heim');
    expect(run.stdout).toContain('+LIVINGROOM_PW=••••\n');
    expect((await stat(join(dir, '.otarc.env'))).mode & 0o777).toBe(0o600);
    const texts = await Promise.all(
      ['.otarc', 'platformio.ini', 'otarc.py'].map((name) => readFile(join(dir, name), 'utf8')),
    );
    expect(texts.join('')).not.toContain('heim');

    expect(await pio('-t', 'upload')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
    const ignored = await runTool('git', ['check-ignore', '.otarc.env'], {
      cwd: dir,
      env: { PATH: process.env['PATH'] },
    });
    expect(ignored).toMatchObject({ exitCode: 0 });
  });

  it('changes nothing a second time, and gives every byte back', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { init, dir, state } = await scene(bareIni.replaceAll('\n', '\r\n'));
    const file = join(dir, 'password.txt');
    await writeFile(file, 'geheim');
    await writeFile(join(dir, '.gitignore'), '.pio');
    const before = await state();
    const args = ['--yes', '--no-scan', '--device', addressOf(device), '--password-file', file];
    expect(
      (
        await init(
          ...args,
          '--hook',
          'pio',
          '--hook',
          'upload',
          '--hook',
          'vscode',
          '--hook',
          'make',
          '--hook',
          'npm',
          '--hook',
          'github',
        )
      ).exitCode,
    ).toBe(0);
    const after = await state();
    expect(Object.keys(after).length - Object.keys(before).length).toBe(10);

    expect(await init(...args)).toMatchObject({ exitCode: 0, stdout: 'nothing to do\n' });
    expect(await state()).toEqual(after);

    expect(await init('--remove', '--yes')).toMatchObject({ exitCode: 0 });
    expect(await state()).toEqual(before);
    expect(await init('--remove', '--yes')).toMatchObject({ exitCode: 0, stdout: 'nothing to do\n' });
    expect(await state()).toEqual(before);
  });

  it('takes its lines out of files that were edited since, and keeps a file of its own that was', async () => {
    const device = await quickDevice();
    const { init, dir, state } = await scene();
    const before = await state();
    await init('--yes', '--no-scan', '--device', addressOf(device));
    const ini = join(dir, 'platformio.ini');
    await writeFile(ini, (await readFile(ini, 'utf8')).replace('board = d1_mini\n', 'board = nodemcuv2\n'));
    await appendFile(join(dir, '.otarc'), 'groups: {}\n');
    const run = await init('--remove', '--yes');
    expect(run.stderr).toContain('.otarc was changed since, and is kept');
    expect(await readFile(ini, 'utf8')).toBe(bareIni.replace('board = d1_mini\n', 'board = nodemcuv2\n'));
    const left = await state();
    expect(Object.keys(left)).toEqual(Object.keys({ '.otarc': '', ...before }).toSorted());
    expect(await init('--remove', '--yes', '--force')).toMatchObject({ exitCode: 0 });
    expect(Object.keys(await state())).toEqual(Object.keys(before));
  });
});

describe.skipIf(requireTools('pio'))('otarc init with a device that announces itself', () => {
  it('needs only its name, sees that it asks for a password, and says where that goes', async () => {
    const name = `otarc-init-${process.pid}`;
    const device = await quickDevice({ name, password: 'geheim', announce: true });
    const { init, pio, dir, env } = await scene();
    // Only loopback is asked for devices.
    env['OTARC_INTERFACE'] = '127.0.0.1';
    const run = await init('--yes', '--device', name);
    expect(run).toMatchObject({ exitCode: 0 });
    const variable = `OTARC_INIT_${process.pid}_PW`;
    expect(run.stderr).toContain(`Put the password into .otarc.env (${variable}=…) or into the environment.`);
    expect(await readFile(join(dir, '.otarc'), 'utf8')).toContain(`host: ${name}.local\n`);

    expect((await pio('-t', 'upload')).all).toContain('SECRET_UNAVAILABLE');
    await writeFile(join(dir, '.otarc.env'), `${variable}=geheim\n`);
    expect(await pio('-t', 'upload')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
  });
});

describe.skipIf(requireTools('pio'))('otarc init in a project that does OTA already', () => {
  it('lets Upload go through otarc, to the device and with the password that the ini has', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const flags = `upload_port = ${device.address}\nupload_flags =\n  --auth=geheim\n  --port=${device.port}\n`;
    const ini = `${bareIni}\n[env:ota]\nextends = env:d1_mini\nupload_protocol = espota\n${flags}`;
    const { init, pio, dir, state } = await scene(ini);
    const before = await state();
    const run = await init('--yes', '--no-scan');
    expect(run).toMatchObject({ exitCode: 0 });
    expect(run.stdout + run.stderr).not.toContain('geheim');
    expect(run.stderr).toContain(
      'd1_mini: its Upload stays as it is, because ota is for uploads over the air',
    );
    expect(await readFile(join(dir, 'platformio.ini'), 'utf8')).toContain(flags);

    expect(await pio('-e', 'ota', '-t', 'upload')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
    await init('--remove', '--yes');
    expect(await state()).toEqual(before);
  });
});
