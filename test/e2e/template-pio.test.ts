import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isPlain, otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { makePioProject, setVersion, type Project } from '../support/projects.ts';
import {
  countOf,
  digestOf,
  installInto,
  runTool,
  startTool,
  templatePath,
  useTemplate,
  withOtarc,
  withoutOtarc,
} from '../support/templates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const env1 = '[env:d1_mini]\nplatform = lx106local\nboard = d1_mini\nupload_protocol = custom\n';
const env2 = '[env:nodemcuv2]\nplatform = lx106local\nboard = nodemcuv2\nupload_protocol = custom\n';
const withScript = '[env]\nextra_scripts = post:otarc.py\n';

const digestOfImage = async ({ dir }: Project, environment = 'd1_mini', name = 'firmware.bin') =>
  digestOf(await readFile(join(dir, '.pio', 'build', environment, name)));

/** A project with the extra script, and otarc on PATH. */
async function scene({ ini = withScript + env1 }: { ini?: string } = {}) {
  const project = await makePioProject(join(await tempDir(), 'mein gärtchen'), { ini });
  await useTemplate('platformio/otarc.py', join(project.dir, 'otarc.py'));
  const env = await withOtarc(project.env);
  const pio = (...args: string[]) => runTool('pio', args, { cwd: project.dir, env });
  return { project, env, pio };
}

describe.skipIf(requireTools('pio'))('the extra script for PlatformIO', () => {
  it('adds targets that pio lists', async () => {
    const { pio } = await scene();
    const { stdout } = await pio('run', '--list-targets');
    const names = [...stdout.matchAll(/^d1_mini +Custom +(\w+)/gm)].map(([, name]) => name);
    expect(names).toEqual(['ota', 'otafs', 'otawatch']);
  });

  it('`ota` builds and pushes, with the otarc of the project', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { project } = await scene();
    await writeOtarc(project.dir, { livingroom: { at: device, password: { env: 'LIVINGROOM_PW' } } });
    // In a folder above, as in a repository of several projects.
    await installInto(dirname(project.dir));
    const env = { ...withoutOtarc(project.env), LIVINGROOM_PW: 'geheim' };
    const ota = () => runTool('pio', ['run', '-t', 'ota'], { cwd: project.dir, env });

    const first = await ota();

    expect(first).toMatchObject({ exitCode: 0 });
    expect(first.stdout).toMatch(/^Pushing .*firmware\.bin$/m);
    expect(first.stdout).toMatch(/^pushed to livingroom in /m);
    expect(isPlain(first.all)).toBe(true);
    expect(digestOf(device.updates.at(-1)?.bytes)).toBe(await digestOfImage(project));

    await setVersion(project, '1.0.1');
    expect((await ota()).exitCode).toBe(0);
    expect(device.updates).toHaveLength(2);
    expect(digestOf(device.updates.at(-1)?.bytes)).toBe(await digestOfImage(project));
  });

  it.skipIf(requireTools('littlefs'))('`otafs` builds and pushes the file system', async () => {
    const device = await quickDevice();
    const { project, pio } = await scene({ ini: `${withScript}${env1}board_build.filesystem = littlefs\n` });
    await writeOtarc(project.dir, { livingroom: { at: device } });

    await pio('run');

    const run = await pio('run', '-t', 'otafs');

    expect(run).toMatchObject({ exitCode: 0 });
    // Of two pio in one project, one within the other, neither undoes what the other has built.
    expect(run.stdout).not.toContain('Linking');
    expect((await pio('run')).stdout).not.toMatch(/Compiling|Linking|Building \.pio/);
    expect(device.updates.map(({ command }) => command)).toEqual([100]);
    expect(digestOf(device.filesystem)).toBe(await digestOfImage(project, 'd1_mini', 'littlefs.bin'));
  });

  it.skipIf(requireTools('littlefs'))(
    '`otafs` fails where the image cannot be made, or not pushed',
    async () => {
      const device = await quickDevice({ password: 'geheim' });
      const { project, pio } = await scene({
        ini: `${withScript}${env1}board_build.filesystem = littlefs\n`,
      });
      await writeOtarc(project.dir, { livingroom: { at: device, password: 'falsch' } });
      const refused = await pio('run', '-t', 'otafs');
      expect(refused.exitCode).toBe(1);
      expect(countOf(refused.all, 'PASSWORD_WRONG')).toBe(1);
      expect(isPlain(refused.all)).toBe(true);

      const { datagrams } = device.counters;
      await writeFile(join(project.dir, 'data', 'too large'), Buffer.alloc(2 ** 21));
      expect((await pio('run', '-t', 'otafs')).exitCode).toBe(1);
      expect(device.counters.datagrams).toBe(datagrams);
    },
  );

  it('`otawatch` deploys on each save, until Ctrl-C, and leaves a build that pio need not do again', async () => {
    const device = await quickDevice();
    const { project, env, pio } = await scene();
    await writeOtarc(project.dir, { livingroom: { at: device } }, { hook: { pushOnBuild: true } });
    const watch = startTool('pio', ['run', '-t', 'otawatch'], { cwd: project.dir, env, detached: true });
    await device.waitFor('runs');
    const again = device.waitFor('runs');
    await setVersion(project, '1.0.1');
    await again;
    process.kill(-(watch.pid ?? 0), 'SIGINT');
    expect((await watch).exitCode).not.toBe(0);
    expect(device.updates).toHaveLength(2);

    const build = await pio('run');
    expect(build).toMatchObject({ exitCode: 0 });
    expect(build.stdout).not.toMatch(/Compiling|Linking|Building \.pio/);
    expect(device.updates).toHaveLength(2);
  });

  it('needs no edit of the project, with PLATFORMIO_EXTRA_SCRIPTS', async () => {
    const device = await quickDevice();
    const project = await makePioProject(join(await tempDir(), 'mein gärtchen'));
    await writeOtarc(project.dir, { livingroom: { at: device } }, { hook: { pushOnBuild: true } });
    const before = await readdir(project.dir);
    // What a project has of its own stays in force; the same script twice is one.
    const script = join(dirname(project.dir), 'mein otarc.py');
    await useTemplate('platformio/otarc.py', script);
    const env = {
      ...(await withOtarc(project.env)),
      PLATFORMIO_EXTRA_SCRIPTS: `${script}\n${templatePath('platformio/otarc.py')}`,
    };
    const pio = (...args: string[]) => runTool('pio', ['run', ...args], { cwd: project.dir, env });

    expect(await pio()).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
    expect(await pio('-t', 'ota')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(2);
    expect(digestOf(device.updates.at(-1)?.bytes)).toBe(await digestOfImage(project));
    expect((await readdir(project.dir)).filter((name) => name !== '.pio')).toEqual(before);
  });

  it('pushes after each build that made a new firmware, where .otarc asks for it, and never twice', async () => {
    const device = await quickDevice();
    const { project, env, pio } = await scene({
      ini: `${withScript}${env1}upload_command = echo by cable\n`,
    });
    await writeOtarc(project.dir, { livingroom: { at: device } });

    const silent = await pio('run');
    expect(silent).toMatchObject({ exitCode: 0, stderr: '' });
    expect(silent.all).not.toMatch(/otarc|hook/i);
    expect(device.counters.datagrams).toBe(0);

    await writeOtarc(project.dir, { livingroom: { at: device } }, { hook: { pushOnBuild: true } });
    expect((await pio('run')).exitCode).toBe(0);
    expect(device.counters.datagrams).toBe(0); // nothing was built: nothing is new

    const after = async (version: string, ...args: string[]): Promise<number> => {
      await setVersion(project, version);
      const before = device.updates.length;
      expect(await pio('run', ...args)).toMatchObject({ exitCode: 0 });
      return device.updates.length - before;
    };
    expect(await after('2.0.0')).toBe(1);
    expect(digestOf(device.running?.bytes)).toBe(await digestOfImage(project));
    expect(await after('2.0.0')).toBe(0);
    expect(await after('3.0.0', '-t', 'ota')).toBe(1);
    expect(await after('3.0.0')).toBe(0);
    expect(await after('4.0.0', '-t', 'upload')).toBe(0); // by cable: that is what was asked for
    expect(await after('4.0.0')).toBe(0);

    await setVersion(project, '5.0.0');
    const count = device.updates.length;
    const deploy = await otarc(['deploy'], { cwd: project.dir, env });
    expect(deploy).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(count + 1);
  });

  it('leaves alone what `pio test` builds: that has no ArduinoOTA in it', async () => {
    const device = await quickDevice();
    const { project, pio } = await scene({ ini: `${withScript}${env1}test_framework = custom\n` });
    await mkdir(join(project.dir, 'test', 'test_one'), { recursive: true });
    await copyFile(project.source, join(project.dir, 'test', 'test_one', 'main.cpp'));
    const runner =
      'from platformio.public import TestRunnerBase\nclass CustomTestRunner(TestRunnerBase):\n    pass\n';
    await writeFile(join(project.dir, 'test', 'test_custom_runner.py'), runner);
    await writeOtarc(project.dir, { livingroom: { at: device } }, { hook: { pushOnBuild: true } });
    const test = await pio('test', '--without-uploading', '--without-testing', '-vv');
    expect(test).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/Building .*firmware\.bin/) });
    expect(device.counters.datagrams).toBe(0);
  });

  it('pushes each of several environments to its own device', async () => {
    const [one, two] = [await quickDevice(), await quickDevice()];
    const { project, pio } = await scene({ ini: withScript + env1 + env2 });
    const devices = {
      one: { at: one, environment: 'd1_mini' },
      two: { at: two, environment: 'nodemcuv2' },
    };
    await writeOtarc(project.dir, devices);
    expect(await pio('run', '-t', 'ota')).toMatchObject({ exitCode: 0 });
    await writeOtarc(project.dir, devices, { hook: { pushOnBuild: true } });
    await setVersion(project, '1.0.1');
    expect(await pio('run')).toMatchObject({ exitCode: 0 });
    expect(one.updates).toHaveLength(2);
    expect(two.updates).toHaveLength(2);
    expect(digestOf(one.running?.bytes)).toBe(await digestOfImage(project, 'd1_mini'));
    expect(digestOf(two.running?.bytes)).toBe(await digestOfImage(project, 'nodemcuv2'));
  });

  it.skipIf(requireTools('littlefs'))(
    'gives what is built for an environment to no other device',
    async () => {
      const device = await quickDevice();
      const ini = `${withScript}board_build.filesystem = littlefs\n${env1}${env2}`;
      const { project, pio } = await scene({ ini });
      const devices = { livingroom: { at: device, environment: 'd1_mini' } };
      await writeOtarc(project.dir, devices, { hook: { pushOnBuild: true } });
      expect(await pio('run')).toMatchObject({
        exitCode: 0,
        stderr: expect.not.stringContaining('NO_TARGET'),
      });
      for (const target of ['ota', 'otafs']) {
        const run = await pio('run', '-t', target);
        expect(run.exitCode).toBe(1);
        expect(countOf(run.all, 'NO_TARGET')).toBe(1);
      }
      expect(device.updates.map(({ command }) => command)).toEqual([0, 0, 100]);
      expect(digestOf(device.running?.bytes)).toBe(await digestOfImage(project));
      expect(digestOf(device.filesystem)).toBe(await digestOfImage(project, 'd1_mini', 'littlefs.bin'));
    },
  );

  it('takes an empty OTARC_SESSION for none', async () => {
    const device = await quickDevice();
    const { project, env } = await scene();
    await writeOtarc(project.dir, { livingroom: { at: device } }, { hook: { pushOnBuild: true } });
    const build = (OTARC_SESSION: string) =>
      runTool('pio', ['run'], { cwd: project.dir, env: { ...env, OTARC_SESSION } });
    expect(await build('')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
    await setVersion(project, '1.0.1');
    expect(await build('1')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
  });

  it('fails the build when a push fails, with one clear paragraph, and tries again the next time', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { project, pio } = await scene();
    const write = (password: string) =>
      writeOtarc(project.dir, { livingroom: { at: device, password } }, { hook: { pushOnBuild: true } });
    const expectFailure = async (...args: string[]) => {
      const failed = await pio('run', ...args);
      expect(failed.exitCode).toBe(1);
      expect(countOf(failed.all, 'PASSWORD_WRONG')).toBe(1);
      expect(failed.stderr).toMatch(/^error PASSWORD_WRONG: .*livingroom.*\n {2}→ .+\n/m);
      expect(failed.all).not.toMatch(/Traceback|geheim|falsch/);
      expect(isPlain(failed.all)).toBe(true);
    };

    await write('falsch');
    await expectFailure();
    await write('geheim');
    expect((await pio('run')).exitCode).toBe(0);
    expect(digestOf(device.running?.bytes)).toBe(await digestOfImage(project));
    await write('falsch');
    await expectFailure('-t', 'ota');
  });

  it('says how to install otarc where it is missing and wanted; a build goes on without it', async () => {
    const { project } = await scene();
    const run = (...args: string[]) =>
      runTool('pio', ['run', ...args], { cwd: project.dir, env: withoutOtarc(project.env) });
    const build = async (version: string) => {
      await setVersion(project, version);
      const { exitCode, stderr } = await run('-s');
      expect(exitCode).toBe(0);
      return countOf(stderr, 'npm install --save-dev otarc');
    };
    await writeFile(join(project.dir, '.otarc'), 'devices: { livingroom: 192.0.2.17 }\n');
    expect(await build('1.0.1')).toBe(0);
    await writeFile(join(project.dir, 'package.json'), '{"otarc": {"hook": {"pushOnBuild": true}}}\n');
    expect(await build('1.0.2')).toBe(1);

    const ota = await run('-t', 'ota');
    expect(ota).toMatchObject({ exitCode: 1 });
    expect(ota.stderr).toMatch(/^otarc is not installed: npm install --save-dev otarc .* --global otarc/m);
    expect(countOf(ota.all, 'not installed')).toBe(1);
  });
});

describe.skipIf(requireTools('littlefs'))('the example platformio.ini', () => {
  /** The template, on the platform that is here. */
  const exampleIni = async (): Promise<string> => {
    const ini = await readFile(templatePath('platformio/platformio.ini'), 'utf8');
    return ini.replace('platform = espressif8266', 'platform = lx106local').replace(/^framework = .*\n/m, '');
  };

  it('uploads firmware and file system through otarc by one upload_command, and keeps the cable', async () => {
    const device = await quickDevice();
    const { project, pio } = await scene({ ini: await exampleIni() });
    await writeOtarc(project.dir, { livingroom: { at: device } });
    const upload = (target: string) => pio('run', '-e', 'd1_mini_ota', '-t', target);

    expect(await upload('upload')).toMatchObject({ exitCode: 0 });
    expect(device.updates.map(({ command }) => command)).toEqual([0]);
    expect(digestOf(device.running?.bytes)).toBe(await digestOfImage(project, 'd1_mini_ota'));

    expect(await upload('uploadfs')).toMatchObject({ exitCode: 0 });
    expect(device.updates.map(({ command }) => command)).toEqual([0, 100]);
    const filesystem = await digestOfImage(project, 'd1_mini_ota', 'littlefs.bin');
    expect(digestOf(device.filesystem)).toBe(filesystem);

    const cable = await pio('run', '-t', 'upload');
    expect(cable.stdout).toContain('upload_protocol = esptool');
    expect(device.updates).toHaveLength(2);
  });

  it('names a device with --upload-port, where $UPLOAD_PORT stands behind the command', async () => {
    const [one, two] = [await quickDevice(), await quickDevice()];
    const ini = (await exampleIni()).replace(/^upload_command = .*$/m, '$& $UPLOAD_PORT');
    const { project, pio } = await scene({ ini });
    await writeOtarc(project.dir, { one: { at: one }, two: { at: two } });
    const run = await pio('run', '-e', 'd1_mini_ota', '-t', 'upload', '--upload-port', 'two');
    expect(run).toMatchObject({ exitCode: 0 });
    expect([one.updates.length, two.updates.length]).toEqual([0, 1]);
  });

  it('fails the upload when the push fails, and says how to install otarc', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { project, pio } = await scene({ ini: await exampleIni() });
    await writeOtarc(project.dir, { livingroom: { at: device } });
    const args = ['run', '-e', 'd1_mini_ota', '-t', 'upload'];
    const failed = await pio(...args);
    expect(failed.exitCode).toBe(1);
    expect(countOf(failed.all, 'PASSWORD_REQUIRED')).toBe(1);
    expect(isPlain(failed.all)).toBe(true);
    const missing = await runTool('pio', args, { cwd: project.dir, env: withoutOtarc(project.env) });
    expect(missing).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('npm install --save-dev otarc'),
    });
  });
});
