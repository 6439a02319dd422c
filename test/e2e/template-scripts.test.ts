import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { imageFile } from '../support/image-file.ts';
import { addressOf, otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { packed } from '../support/packed.ts';
import { arduinoFqbn, makeArduinoSketch, makePioProject, setVersion } from '../support/projects.ts';
import {
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

const pioProject = async () => makePioProject(join(await tempDir(), 'mein gärtchen'));
const noMake = (await runTool('make', ['--version'], { cwd: '/', env: process.env })).exitCode !== 0;

describe.skipIf(requireTools('pio', 'arduino-cli') || noMake)('the Makefile', () => {
  it('builds and deploys a PlatformIO project', async () => {
    const [one, two] = [await quickDevice(), await quickDevice()];
    const project = await pioProject();
    await useTemplate('make/Makefile', join(project.dir, 'Makefile'));
    await writeOtarc(project.dir, { one: { at: one }, two: { at: two } }, { device: 'one' });
    const make = async (args: string[], env = withOtarc(project.env)) =>
      runTool('make', args, { cwd: project.dir, env: await env });

    expect(await make([])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Linking') });
    expect(one.counters.datagrams).toBe(0);
    expect(await make(['ota'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^pushed to one/m),
    });

    const alone = Promise.resolve(withoutOtarc(project.env));
    const missing = await make(['ota'], alone);
    expect(missing).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('npm install --save-dev otarc'),
    });
    expect((await make(['build'], alone)).exitCode).toBe(0);
    await installInto(dirname(project.dir));
    expect(await make(['ota', 'DEVICE=two'], alone)).toMatchObject({ exitCode: 0 });
    expect([one.updates.length, two.updates.length]).toEqual([1, 1]);
  });

  it('builds and deploys a sketch', async () => {
    const device = await quickDevice();
    const sketchYaml = `default_fqbn: ${arduinoFqbn}\n`;
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'), { sketchYaml });
    await useTemplate('make/Makefile', join(sketch.dir, 'Makefile'));
    await writeOtarc(sketch.dir, { livingroom: { at: device } });
    const make = async (...args: string[]) =>
      runTool('make', args, { cwd: sketch.dir, env: await withOtarc(sketch.env) });
    expect(await make()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Sketch uses') });
    expect(await make('ota')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
  });
});

describe.skipIf(requireTools('pio') || noMake)('watch', () => {
  it.each([
    { how: 'make watch', template: 'make/Makefile', command: ['make', 'watch'] },
    { how: 'npm run watch', template: 'npm/package.json', command: ['npm', 'run', 'watch'] },
  ])(
    'as `$how` deploys, and again on save, until Ctrl-C',
    async ({ template, command: [file = '', ...args] }) => {
      const device = await quickDevice();
      const project = await pioProject();
      await useTemplate(template, join(project.dir, basename(template)));
      await installInto(project.dir);
      await writeOtarc(project.dir, { livingroom: { at: device } });
      const env = withoutOtarc(project.env);
      const watch = startTool(file, args, { cwd: project.dir, env, detached: true });
      await device.waitFor('runs');
      const again = device.waitFor('runs');
      await setVersion(project, '1.0.1');
      await again;
      process.kill(-(watch.pid ?? 0), 'SIGINT');
      expect((await watch).exitCode).not.toBe(0);
      expect(device.updates).toHaveLength(2);
    },
  );
});

describe.skipIf(requireTools('pio'))('the npm scripts', () => {
  it('build, deploy and push with the otarc that they name as a dependency', async () => {
    const device = await quickDevice();
    const project = await pioProject();
    await useTemplate('npm/package.json', join(project.dir, 'package.json'));
    await installInto(project.dir);
    await writeOtarc(project.dir, { livingroom: { at: device } });
    const npm = (...args: string[]) =>
      runTool('npm', ['run', ...args], { cwd: project.dir, env: withoutOtarc(project.env) });

    expect(await npm('build')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Linking') });
    expect(device.counters.datagrams).toBe(0);
    expect(await npm('push')).toMatchObject({ exitCode: 0 });
    expect(await npm('deploy', '--', 'livingroom')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(2);
    const failed = await npm('deploy', '--', 'kitchen');
    expect(failed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('TARGET_UNKNOWN') });
  });

  it('ask for a version that this one is', async () => {
    const text = await readFile(templatePath('npm/package.json'), 'utf8');
    const { devDependencies } = JSON.parse(text) as { devDependencies: { otarc: string } };
    // Below 1.0 a caret holds the minor version fast.
    const [, wanted] = /^\^(0\.\d+|[1-9]\d*)\./.exec(devDependencies.otarc) ?? [];
    expect(`${packageJson.version}.`.startsWith(`${wanted}.`)).toBe(true);
  });
});

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly jobs: Readonly<Record<string, { 'runs-on': string; steps: readonly Step[] }>>;
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

// `littlefs`: pio is in a Python environment of the tests' own, where `pip install` finds it.
describe.skipIf(requireTools('pio', 'littlefs'))('the GitHub workflow', () => {
  it("runs on a computer of one's own, and never for a pull request", async () => {
    const text = await readFile(templatePath('github/deploy.yml'), 'utf8');
    const { on, jobs } = parse(text) as Workflow;
    expect(Object.keys(on).toSorted()).toEqual(['push', 'workflow_dispatch']);
    expect(Object.values(jobs).map((job) => job['runs-on'])).toEqual(['self-hosted']);
  });

  it('has steps that build and deploy', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const project = await pioProject();
    await writeOtarc(project.dir, { livingroom: { at: device } });
    // What `actions/checkout` brings: a project that has otarc as a dependency, and nothing installed.
    const { dir: installed } = await packed();
    const tarball = join(dirname(installed), `otarc-${packageJson.version}.tgz`);
    await writeFile(join(project.dir, 'package.json'), JSON.stringify({ private: true }));
    const offline = { npm_config_offline: 'true', npm_config_audit: 'false', PIP_NO_INDEX: '1' };
    const env = { ...withoutOtarc(project.env), ...offline };
    const shell = (line: string, more: NodeJS.ProcessEnv = {}) =>
      runTool('bash', ['-e', '-c', line], { cwd: project.dir, env: { ...env, ...more } });
    const lock = await shell(`npm install --save-dev --package-lock-only "${tarball}"`);
    expect(lock).toMatchObject({ exitCode: 0 });

    const { jobs } = parse(await readFile(templatePath('github/deploy.yml'), 'utf8')) as Workflow;
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    const secrets = Object.fromEntries(
      steps.flatMap((step) =>
        Object.entries(step.env ?? {}).map(([name, value]) => {
          expect(value).toMatch(/^\$\{\{ secrets\.\w+ \}\}$/);
          return [name, 'geheim'];
        }),
      ),
    );
    for (const step of steps) {
      if (step.run === undefined) continue;
      const run = await shell(step.run, step.env === undefined ? {} : secrets);
      expect(run, step.run).toMatchObject({ exitCode: 0 });
      expect(run.all).not.toContain('geheim');
    }
    expect(device.updates).toHaveLength(1);
  });
});

describe('the HomeDing batch file', () => {
  it('is one line of otarc, run in its own folder, which pushes to the device that it is given', async () => {
    const lines = (await readFile(templatePath('homeding/update.bat'), 'utf8')).split('\r\n');
    const commands = lines.filter((line) => !/^(@echo off|rem\b.*|)$/.test(line));
    const [line = '', ...before] = commands.toReversed();
    expect(before).toEqual(['cd /d "%~dp0"', 'setlocal']);
    expect(line).toMatch(/^call otarc [\w%.\\ -]+$/);

    const dir = await tempDir();
    const device = await quickDevice({ password: '123' });
    await imageFile(dir);
    const [, , ...words] = line.split(' ');
    const args = words.map((word) => (word === '%1' ? addressOf(device) : word));
    const image = args.findIndex((word) => word.endsWith('.bin'));
    expect(args[image]).toBe('..\\..\\_temp\\Standard.ino.bin');
    args[image] = 'firmware.bin';
    const run = await otarc(args, { cwd: dir, env: { HOME: dir, OTARC_PASSWORD: '123' } });
    expect(run).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
  });
});
