import { cp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coreDir, declareAs, sketchbookDir, type Vendor } from '../support/arduino-core.ts';
import { stateOf } from '../support/folder-state.ts';
import { addressOf, otarc, quickDevice } from '../support/otarc.ts';
import { arduinoFqbn, makeArduinoSketch, setVersion, type Project } from '../support/projects.ts';
import { runTool, withOtarc } from '../support/templates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

async function scene(vendor: Vendor = 'esp8266') {
  const sketch = await makeArduinoSketch(join(await tempDir(), 'gärtchen', 'Blink'));
  await declareAs(vendor, sketch);
  // Only loopback is asked for devices.
  const env = { ...(await withOtarc(sketch.env)), OTARC_INTERFACE: '127.0.0.1' };
  const { dir } = sketch;
  return {
    sketch,
    dir,
    env,
    init: (...args: string[]) => otarc(['init', ...args], { cwd: dir, env }),
    initIn: (other: Project, ...args: string[]) => otarc(['init', ...args], { cwd: other.dir, env }),
    arduinoCli: (...args: string[]) => runTool('arduino-cli', args, { cwd: dir, env }),
    /** Of all that init may touch: the sketch, the boards, the sketchbook. What arduino-cli keeps for itself is in data. */
    state: () => stateOf(dirname(dir), ['tmp', 'home', 'data']),
  };
}

const upload = (address: string, password = ''): string[] => [
  'upload',
  '-b',
  arduinoFqbn,
  '-p',
  address,
  '--discovery-timeout',
  '10s',
  '-F',
  `password=${password}`,
];

describe.skipIf(requireTools('arduino-cli'))('otarc init in a bare sketch folder', () => {
  it.each<Vendor>(['esp8266', 'esp32', 'rp2040'])(
    'lets arduino-cli upload to boards declared as those of %s reach the device, and gives every byte back',
    async (vendor) => {
      const device = await quickDevice();
      const { init, arduinoCli, dir, sketch, state } = await scene(vendor);
      const before = await state();
      const run = await init('--yes', '--no-scan', '--device', addressOf(device));
      expect(run).toMatchObject({ exitCode: 0 });
      expect(run.stdout).toContain(`+++ ${join(coreDir(sketch), 'platform.local.txt')}\n`);

      expect(await arduinoCli('compile', '-b', arduinoFqbn)).toMatchObject({ exitCode: 0 });
      expect(device.counters.datagrams).toBe(0);
      expect(await arduinoCli(...upload(device.address))).toMatchObject({ exitCode: 0 });
      expect(device.updates).toHaveLength(1);
      const cable = await arduinoCli('upload', '-b', arduinoFqbn, '-p', '/dev/ttyUSB0');
      expect(cable.stdout).toContain('by cable, /dev/ttyUSB0');

      const after = await state();
      expect(await init('--yes', '--no-scan', '--device', addressOf(device))).toMatchObject({
        stdout: 'nothing to do\n',
      });
      expect(await state()).toEqual(after);
      expect(await init('--yes', '--remove')).toMatchObject({ exitCode: 0 });
      expect(await state()).toEqual(before);
      expect(dir).toContain('gärtchen');
    },
  );

  it.skipIf(process.platform === 'win32')(
    'leaves builds, ports and the cable as they were when otarc is gone, and says why nothing is pushed',
    async () => {
      const device = await quickDevice();
      const { init, arduinoCli, sketch } = await scene();
      const args = ['--yes', '--no-scan', '--device', addressOf(device), '--fqbn', arduinoFqbn];
      expect(await init(...args)).toMatchObject({ exitCode: 0 });
      const network = join(sketchbookDir(sketch), 'hardware', 'otarc', 'network', 'platform.txt');
      const boardList = ['board', 'list', '--discovery-timeout', '2s'];
      const { stderr, stdout } = await arduinoCli(...boardList);
      expect(stdout).toContain(device.address);
      const texts = await Promise.all(
        [join(coreDir(sketch), 'platform.local.txt'), network].map(async (path) => {
          const text = await readFile(path, 'utf8');
          await writeFile(path, text.replace(/^(otarc\.cmd=.* ")[^"]*"$/m, '$1/gone/otarc/dist/cli.js"'));
          return text;
        }),
      );
      const words =
        'otarc is not installed any more: nothing is pushed (otarc init --remove, or npm install --global otarc)\n';
      const build = await arduinoCli('compile', '-b', arduinoFqbn);
      expect(build).toMatchObject({ exitCode: 0 });
      expect(build.all).toContain(words);
      expect(build.all.split('otarc is not installed')).toHaveLength(2);
      const list = await arduinoCli(...boardList);
      expect(list).toMatchObject({ exitCode: 0, stderr, stdout: expect.stringContaining('No boards found') });
      const cable = await arduinoCli('upload', '-b', arduinoFqbn, '-p', '/dev/ttyUSB0');
      expect(cable.stdout).toContain('by cable, /dev/ttyUSB0');
      // Only a port that something announces is one of the network.
      await writeFile(network, texts[1] ?? '');
      const air = await arduinoCli(...upload(device.address));
      expect(air.exitCode).not.toBe(0);
      expect(air.all).toContain(words);
      expect(device.updates).toHaveLength(0);
      expect(await init(...args)).toMatchObject({ exitCode: 0 });
    },
  );

  it.each([
    ['--fqbn', ` --fqbn ${arduinoFqbn}`],
    ['sketch.yaml', ''],
  ])('names the commands that come next, for the board that %s says', async (place, flag) => {
    const { init, dir, arduinoCli } = await scene();
    const isFlag = place === '--fqbn';
    if (!isFlag) await writeFile(join(dir, place), `default_fqbn: ${arduinoFqbn}\n`);
    const args = isFlag ? ['--fqbn', arduinoFqbn] : [];
    const { stderr } = await init('--yes', '--no-scan', '--device', '192.0.2.7', ...args);
    expect(stderr).toContain(`  arduino-cli compile${flag}, then arduino-cli upload${flag} -p 192.0.2.7 `);
    expect(stderr).not.toContain('board attach');
    const command = ['compile', ...flag.split(' ').filter((word) => word !== '')];
    expect(await arduinoCli(...command)).toMatchObject({ exitCode: 0 });
  });

  it('does not tell of an Upload that it has left alone', async () => {
    const { init } = await scene();
    const { stderr } = await init('--yes', '--no-scan', '--device', '192.0.2.7', '--fqbn', 'no:such:board');
    expect(stderr).toContain('Upload gets no hook');
    expect(stderr).not.toContain('arduino-cli upload');
    expect(stderr).toContain('  otarc deploy\n');
  });

  it('asks for the password that the device wants, and pushes on every build where .otarc is told to', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { init, arduinoCli, dir, sketch } = await scene();
    const file = join(dir, '..', 'password.txt');
    await writeFile(file, 'geheim\n');
    const args = ['--device', addressOf(device), '--password-file', file, '--fqbn', arduinoFqbn];
    expect(await init('--yes', '--no-scan', ...args)).toMatchObject({ exitCode: 0 });
    expect(await arduinoCli('compile', '-b', arduinoFqbn)).toMatchObject({ exitCode: 0 });
    expect(await arduinoCli(...upload(device.address, 'geheim'))).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);

    const text = await readFile(join(dir, '.otarc'), 'utf8');
    expect(text).toContain(`build:\n  fqbn: ${arduinoFqbn}\n`);
    await writeFile(join(dir, '.otarc'), text.replace(/^# (hook:.*?) {3}#.*$/m, '$1'));
    await setVersion(sketch, '1.0.1');
    expect(await arduinoCli('compile', '-b', arduinoFqbn)).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(2);
  });

  it('shares the lines of the boards with other sketches: the last one takes them away', async () => {
    const device = await quickDevice();
    const { init, initIn, dir, sketch, state } = await scene();
    const other = { ...sketch, dir: join(dirname(dir), 'Other') };
    const gone = { ...sketch, dir: join(dirname(dir), 'Gone') };
    for (const { dir: copy } of [other, gone]) {
      await cp(dir, copy, { recursive: true });
      await cp(join(copy, 'Blink.ino'), join(copy, `${copy.endsWith('Other') ? 'Other' : 'Gone'}.ino`));
    }
    const before = await state();
    const args = ['--yes', '--no-scan', '--device', addressOf(device)];
    for (const one of [sketch, other, gone])
      expect(await initIn(one, ...args)).toMatchObject({ exitCode: 0 });
    const local = join(coreDir(sketch), 'platform.local.txt');
    const network = join(sketchbookDir(sketch), 'hardware', 'otarc', 'network', 'platform.txt');
    const users = async (path: string) => (await readFile(path, 'utf8')).match(/^# used by: .*$/gm);
    const all = [dir, other.dir, gone.dir].map((each) => `# used by: ${each}`);
    expect(await users(local)).toEqual(all);
    expect((await users(network))?.toSorted()).toEqual(all.toSorted());

    await init('--yes', '--remove');
    expect(await users(local)).toEqual(all.slice(1));
    // A sketch that was deleted needs nothing any more.
    const { rename } = await import('node:fs/promises');
    await rename(gone.dir, `${gone.dir}.moved`);
    await initIn(other, '--yes', '--remove');
    await rename(`${gone.dir}.moved`, gone.dir);
    await initIn(gone, '--yes', '--remove');
    expect(await state()).toEqual(before);
  });
});

describe.skipIf(requireTools('arduino-cli'))('otarc init in a folder of both tools', () => {
  it('takes PlatformIO, says so, and writes down which one it is', async () => {
    const { init, dir } = await scene();
    await writeFile(join(dir, 'platformio.ini'), '[env:d1]\nboard = d1_mini\n');
    const run = await init('--yes', '--no-scan', '--device', 'livingroom');
    expect(run.exitCode).toBe(0);
    expect(run.stderr).toContain('This folder is a project of both tools: pio is taken.');
    expect(await readFile(join(dir, '.otarc'), 'utf8')).toContain('build:\n  tool: pio\n');
    expect(run.stdout).not.toContain('platform.local.txt');
    expect(await init('--yes', '--no-scan')).toMatchObject({ stdout: 'nothing to do\n' });
  });
});
