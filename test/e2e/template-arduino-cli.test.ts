import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import {
  coreDir,
  declareAs,
  sketchbookDir,
  stderrOf,
  switchedOn,
  useLocal,
  type Vendor,
} from '../support/arduino-core.ts';
import { isPlain, otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { arduinoFqbn, makeArduinoSketch, setVersion, type Project } from '../support/projects.ts';
import {
  countOf,
  digestOf,
  installInto,
  runTool,
  saidBy,
  startTool,
  templatePath,
  useTemplate,
  withOtarc,
  withoutOtarc,
} from '../support/templates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const onPosix = process.platform !== 'win32';
const optIn = { hook: { pushOnBuild: true } };

async function scene() {
  const sketch = await makeArduinoSketch(join(await tempDir(), 'gärtchen', 'Blink'), {
    sketchYaml: `default_fqbn: ${arduinoFqbn}\n`,
  });
  const env = await withOtarc(sketch.env);
  const arduinoCli = (...args: string[]) => runTool('arduino-cli', args, { cwd: sketch.dir, env });
  return { sketch, env, arduinoCli };
}

/** What arduino-cli built: it tells its folder, the default one. */
async function digestOfImage({ dir, env }: Project): Promise<string> {
  const args = ['compile', '--show-properties=expanded'];
  const { stdout } = await runTool('arduino-cli', args, { cwd: dir, env });
  const [, folder = ''] = /^build\.path=(.*)$/m.exec(stdout) ?? [];
  return digestOf(await readFile(join(folder, 'Blink.ino.bin')));
}

/** The hook of the template as one argument. */
async function hookProperty(): Promise<string> {
  const [, pattern = ''] = /^(recipe\.hooks\..*)$/m.exec(await switchedOn('b')) ?? [];
  return pattern.replace('{otarc.cmd}', '"otarc"');
}

describe.skipIf(requireTools('arduino-cli'))('the hook after a build of arduino-cli', () => {
  it.each(['as a property', 'in platform.local.txt', 'in the sketchbook'])(
    '%s pushes where the sketch asks for it, and nothing anywhere else',
    async (how) => {
      const device = await quickDevice({ password: 'geheim' });
      const { sketch, arduinoCli } = await scene();
      const property = how === 'as a property' ? ['--build-property', await hookProperty()] : [];
      if (how === 'in platform.local.txt') await useLocal(sketch, 'b');
      const forAll = join(sketchbookDir(sketch), 'hardware', 'platform.txt');
      if (how === 'in the sketchbook') await writeFile(forAll, await switchedOn('b'));
      const compile = () => arduinoCli('compile', ...property);
      const devices = { livingroom: { at: device, password: 'geheim' } };

      await writeOtarc(sketch.dir, devices);
      const silent = await compile();
      expect(silent.exitCode).toBe(0);
      expect(stderrOf(silent)).toBe('');
      // What a folder above asks for is not asked for this sketch.
      await rm(join(sketch.dir, '.otarc'));
      await writeOtarc(dirname(sketch.dir), devices, optIn);
      const above = await compile();
      expect(above.exitCode).toBe(0);
      expect(stderrOf(above)).toBe('');
      expect(device.counters.datagrams).toBe(0);

      await writeOtarc(sketch.dir, devices, optIn);
      await setVersion(sketch, '1.0.1');
      const run = await compile();
      expect(run).toMatchObject({ exitCode: 0 });
      expect(run.stderr).toMatch(/^livingroom: accepted /m);
      expect(isPlain(run.stderr)).toBe(true);
      expect(device.updates).toHaveLength(1);
      expect(digestOf(device.running?.bytes)).toBe(await digestOfImage(sketch));
    },
  );

  it.runIf(onPosix)('steps back where the same arduino-cli uploads the image right after', async () => {
    const device = await quickDevice();
    const { sketch, arduinoCli } = await scene();
    await declareAs('esp8266', sketch);
    await useLocal(sketch, 'b', 'c');
    await useTemplate('arduino-cli/hardware', join(sketchbookDir(sketch), 'hardware'));
    const only = { interfaces: ['127.0.0.1'], ...optIn };
    await writeOtarc(sketch.dir, { livingroom: { at: device } }, only);
    const upload = ['compile', '--upload', '-p', device.address, '--discovery-timeout', '10s'];
    // Its upload fails for want of a password, for which `compile` has no flag: whatever arrived came from the hook.
    expect((await arduinoCli(...upload)).exitCode).toBe(7);
    expect(device.updates).toEqual([]);
    expect((await arduinoCli('compile')).exitCode).toBe(0);
    expect(device.updates).toHaveLength(1);
  });

  it('fails the build when the push fails, with one clear paragraph', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { sketch, arduinoCli } = await scene();
    await useLocal(sketch, 'b');
    await writeOtarc(sketch.dir, { livingroom: { at: device, password: 'falsch' } }, optIn);
    const run = await arduinoCli('compile');
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/^error PASSWORD_WRONG: .*livingroom.*\n {2}→ .+\n/m);
    expect(countOf(run.all, 'PASSWORD_WRONG')).toBe(1);
    expect(run.all).not.toMatch(/geheim|falsch/);
    expect(isPlain(run.stderr)).toBe(true);
  });

  it('leaves the image to the otarc that runs the build', async () => {
    const device = await quickDevice();
    const { sketch, env } = await scene();
    await useLocal(sketch, 'b');
    await writeOtarc(sketch.dir, { livingroom: { at: device } }, optIn);
    expect(await otarc(['deploy'], { cwd: sketch.dir, env })).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
  });
});

describe.skipIf(requireTools('arduino-cli') || !onPosix)('compile.sh', () => {
  async function script(sketch: Project) {
    await useTemplate('arduino-cli/compile.sh', join(sketch.dir, 'compile.sh'));
    const path = join(sketch.dir, 'compile.sh');
    // From wherever it is called.
    return (env: NodeJS.ProcessEnv, ...args: string[]) =>
      runTool('sh', [path, ...args], { cwd: dirname(sketch.dir), env });
  }

  it('compiles and pushes, with the otarc of the project or the one on PATH', async () => {
    const device = await quickDevice();
    const { sketch, env } = await scene();
    await writeOtarc(sketch.dir, { livingroom: { at: device } });
    const compile = await script(sketch);

    expect(await compile(env, '--fqbn', 'otarc:esp8266:nodemcuv2')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);

    await installInto(dirname(sketch.dir));
    expect(await compile(withoutOtarc(sketch.env))).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(2);
    expect(digestOf(device.running?.bytes)).toBe(await digestOfImage(sketch));
  });

  it('fails when the push fails, when the sketch does not compile, and where otarc is missing', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { sketch, env } = await scene();
    await writeOtarc(sketch.dir, { livingroom: { at: device } });
    const compile = await script(sketch);
    expect(await compile(env)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error PASSWORD_REQUIRED: /m),
    });
    const { datagrams } = device.counters;
    expect(await compile(withoutOtarc(sketch.env))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^otarc is not installed: npm install --save-dev otarc/),
    });
    await setVersion(sketch, '" nonsense "');
    expect((await compile(env)).exitCode).toBe(1);
    expect(device.counters.datagrams).toBe(datagrams);
  });
});

describe('compile.cmd', () => {
  it('hands arduino-cli the same command as compile.sh, quoted for Windows', async () => {
    const lines = (await readFile(templatePath('arduino-cli/compile.cmd'), 'utf8')).split('\r\n');
    const line = lines.find((each) => each.includes(' do arduino-cli compile')) ?? '';
    const [, argument = ''] = /--build-property "((?:\\"|[^"])*)"$/.exec(line) ?? [];
    const pattern = argument.replaceAll('\\"', '"').replace('%%~O', '/x/cli.js');
    const sh = await readFile(templatePath('arduino-cli/compile.sh'), 'utf8');
    const [, last = ''] = /^ +"(recipe\.hooks.*)"$/m.exec(sh) ?? [];
    expect(pattern).toBe(last.replaceAll('\\"', '"').replace('$otarc', '"node" "/x/cli.js"'));
    expect(lines.filter((each) => each.includes('\n'))).toEqual([]);
  });

  it('has no path outside of quotes, where cmd would split it at an ampersand', async () => {
    const text = await readFile(templatePath('arduino-cli/compile.cmd'), 'utf8');
    const commands = text.split('\r\n').filter((line) => !/^(?:rem\b|:|$)/.test(line));
    // cmd knows no \": every quote ends or begins a quotation.
    const outside = commands.flatMap((line) => line.split('"').filter((_, index) => index % 2 === 0));
    const variables = outside.flatMap((part) => part.replaceAll('%%', '').match(/%(?:\*|~?\w+)/g) ?? []);
    expect(variables).toEqual(['%*']);
    expect(text).not.toMatch(/^rem [&|<>^]/m);
  });
});

describe.skipIf(requireTools('arduino-cli'))('ports and uploads of arduino-cli', () => {
  /** Only loopback is asked for devices. */
  const writeDevice = (sketch: Project, device: VirtualDevice): Promise<void> =>
    writeOtarc(sketch.dir, { livingroom: { at: device } }, { interfaces: ['127.0.0.1'] });
  const upload = (device: VirtualDevice, password: string): string[] => [
    'upload',
    '-p',
    device.address,
    // It ends as soon as the port is found.
    '--discovery-timeout',
    '10s',
    '-F',
    `password=${password}`,
  ];

  it('the folder in the sketchbook brings the devices of .otarc as ports', async () => {
    const device = await quickDevice();
    const { sketch, env } = await scene();
    await useTemplate('arduino-cli/hardware', join(sketchbookDir(sketch), 'hardware'));
    await writeDevice(sketch, device);
    const list = startTool('arduino-cli', ['board', 'list', '--watch'], { cwd: sketch.dir, env });
    const said = await saidBy(list, /^network:\/\/.*$/m);
    list.kill('SIGINT');
    await list;
    expect(said).toMatch(/^network:\/\/127\.0\.0\.1 .* Connected\b/);
    expect(device.counters.datagrams).toBe(0);
  });

  it.each<Vendor>(['esp8266', 'esp32', 'rp2040'])(
    'boards as the %s core declares them are uploaded to over the air',
    async (vendor) => {
      const device = await quickDevice({ password: 'ge heim{}"' });
      const { sketch, arduinoCli } = await scene();
      await declareAs(vendor, sketch);
      await useLocal(sketch, 'c');
      await useTemplate('arduino-cli/hardware', join(sketchbookDir(sketch), 'hardware'));
      await writeDevice(sketch, device);

      expect((await arduinoCli('compile')).exitCode).toBe(0);
      expect(device.counters.datagrams).toBe(0);
      const run = await arduinoCli(...upload(device, 'ge heim{}"'));
      expect(run).toMatchObject({ exitCode: 0 });
      expect(run.all).toMatch(/^pushed to /m);
      expect(digestOf(device.running?.bytes)).toBe(await digestOfImage(sketch));
    },
  );

  it('a wrong password fails the upload, and an open device needs none', async () => {
    const [locked, open] = [await quickDevice({ password: 'geheim' }), await quickDevice()];
    const { sketch, arduinoCli } = await scene();
    await declareAs('esp8266', sketch);
    await useLocal(sketch, 'c');
    await useTemplate('arduino-cli/hardware', join(sketchbookDir(sketch), 'hardware'));
    await arduinoCli('compile');

    await writeDevice(sketch, locked);
    const failed = await arduinoCli(...upload(locked, 'falsch'));
    expect(failed.exitCode).toBe(1);
    expect(countOf(failed.stderr, 'error PASSWORD_WRONG')).toBe(1);
    expect(isPlain(failed.stderr)).toBe(true);

    await writeDevice(sketch, open);
    expect(await arduinoCli(...upload(open, ''))).toMatchObject({ exitCode: 0 });
    expect(open.updates).toHaveLength(1);
  });

  it('all in platform.local.txt, with boards.local.txt, works as well', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const { sketch, arduinoCli } = await scene();
    await declareAs('esp8266', sketch);
    await useLocal(sketch, 'd');
    await useTemplate('arduino-cli/boards.local.txt', join(coreDir(sketch), 'boards.local.txt'));
    await writeDevice(sketch, device);
    await arduinoCli('compile');
    expect(await arduinoCli(...upload(device, 'geheim'))).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
    const cable = await arduinoCli('upload', '-p', '/dev/ttyUSB0', '--discovery-timeout', '100ms');
    expect(cable.stdout).toContain('by cable, /dev/ttyUSB0');
  });
});
