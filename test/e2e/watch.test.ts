import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { DeployEvent } from '../../src/model/events.ts';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { packed } from '../support/packed.ts';
import { nodeVersions } from '../tools/nodes.ts';
import { eventsOf, quickDevice, startOtarc, writeOtarc } from '../support/otarc.ts';
import { processesOf } from '../support/processes.ts';
import {
  arduinoFqbn,
  makeArduinoSketch,
  makePioProject,
  setVersion,
  type Project,
} from '../support/projects.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { slowSource } from '../support/slow-source.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools, toolPaths } from '../support/tools.ts';
import { makeScriptProject } from '../support/watch.ts';

type Running = Awaited<ReturnType<typeof startOtarc>>;

const versionOf = (bytes: Uint8Array | undefined): string | undefined =>
  /fw-version:([\d.]+)/.exec(Buffer.from(bytes ?? []).toString('latin1'))?.[1];

/** All versions that were pushed, in their order. */
const versions = ({ updates }: VirtualDevice): (string | undefined)[] =>
  updates.map(({ bytes }) => versionOf(bytes));

const tools = [
  {
    tool: 'pio' as const,
    make: async () => {
      const project = await makePioProject(join(await tempDir(), 'mein gärtchen'));
      return { project, build: [toolPaths().pio, 'run'] };
    },
  },
  {
    tool: 'arduino-cli' as const,
    make: async () => {
      const project = await makeArduinoSketch(join(await tempDir(), 'Blink'), {
        sketchYaml: `default_fqbn: ${arduinoFqbn}\n`,
      });
      return { project, build: [toolPaths().arduinoCli, 'compile'] };
    },
  },
];

async function start(project: Project, device: VirtualDevice, args: string[] = []): Promise<Running> {
  const more = project.source.endsWith('.ino') ? { build: { fqbn: arduinoFqbn } } : {};
  await writeOtarc(project.dir, { livingroom: { at: device } }, more);
  const running = await startOtarc(['watch', '--json', ...args], { cwd: project.dir, env: project.env });
  onTestFinished(async () => {
    running.kill('SIGTERM');
    await running.ended;
  });
  return running;
}

const doneAfter = (events: readonly DeployEvent[]): DeployEvent[] =>
  events.filter(({ type }) => type === 'done');

describe.each(tools)('otarc watch with $tool', ({ tool, make }) => {
  describe.skipIf(requireTools(tool))('and its real compiler', () => {
    it('brings each save to the device, a compile error to the terminal, and its repair to the device', async () => {
      const device = await quickDevice();
      const { project } = await make();
      const running = await start(project, device);
      const dones = (count: number) =>
        running.said(new RegExp(`(?:"type":"done"[^]*){${count}}`)).then(eventsOfText);
      await dones(1);
      expect(versions(device)).toEqual(['1.0.0']);

      for (const [index, version] of ['1.0.1', '1.0.2', '1.0.3'].entries()) {
        await setVersion(project, version);
        await dones(index + 2);
      }
      expect(versions(device)).toEqual(['1.0.0', '1.0.1', '1.0.2', '1.0.3']);

      const good = await readFile(project.source, 'utf8');
      await writeFile(
        project.source,
        good.replace('digitalWrite(LED_BUILTIN, LOW)', 'digitalRite(LED_BUILTIN, LOW)'),
      );
      const failed = (await dones(5)).findLast(({ type }) => type === 'failed');
      expect(failed).toMatchObject({ code: 'BUILD_FAILED', stage: 'build' });
      const line = good.split('\n').findIndex((text) => text.includes('LED_BUILTIN, LOW')) + 1;
      expect(failed?.type === 'failed' ? failed.message : '').toMatch(
        new RegExp(`(?:main\\.cpp|Blink\\.ino):${line}:\\d+: .*'digitalRite' was not declared`),
      );
      expect(device.updates).toHaveLength(4);

      await writeFile(project.source, good.replace('1.0.3', '1.0.4'));
      const events = await dones(6);
      expect(versions(device).at(-1)).toBe('1.0.4');
      expect(device.updates).toHaveLength(5);
      expect(doneAfter(events).at(-1)).toMatchObject({ ok: true, deployed: ['livingroom'] });
      running.kill('SIGINT');
      expect((await running.ended).exitCode).toBe(130);
      expect(processesOf(project.env['HOME'] ?? '')).toEqual([]);
    });

    it('--no-build --once beside a real build takes what that build completes', async () => {
      const device = await quickDevice();
      const { project, build } = await make();
      const [file = '', ...args] = build;
      const run = (...more: string[]) =>
        execa(file, [...args, ...more], {
          cwd: project.dir,
          env: project.env,
          extendEnv: false,
          reject: false,
        });
      expect((await run()).exitCode).toBe(0);
      await setVersion(project, '1.0.1');

      const once = await start(project, device, ['--no-build', '--once']);
      const built = await run();
      expect(built.exitCode).toBe(0);
      expect((await once.ended).exitCode).toBe(0);
      expect(versions(device)).toEqual(['1.0.1']);

      // Nothing to do for the build: the image that is there is the one that it completes.
      const again = await start(project, device, ['--no-build', '--once']);
      expect((await run()).exitCode).toBe(0);
      expect((await again.ended).exitCode).toBe(0);
      expect(versions(device)).toEqual(['1.0.1', '1.0.1']);
    });

    it('--no-build pushes what a clean build makes, and nothing of one that fails', async () => {
      const device = await quickDevice();
      const { project, build } = await make();
      const [file = '', ...args] = build;
      const run = (...more: string[]) =>
        execa(file, [...args, ...more], {
          cwd: project.dir,
          env: project.env,
          extendEnv: false,
          reject: false,
        });
      const running = await start(project, device, ['--no-build']);
      await running.said(/watching .*\(not there yet\)/);
      expect((await run()).exitCode).toBe(0);
      await expect.poll(() => versions(device), { timeout: 20_000 }).toEqual(['1.0.0']);

      await setVersion(project, '1.0.1');
      await (tool === 'pio' ? rm(join(project.dir, '.pio'), { recursive: true }) : run('--clean'));
      await run();
      await expect.poll(() => versions(device), { timeout: 20_000 }).toEqual(['1.0.0', '1.0.1']);

      const good = await readFile(project.source, 'utf8');
      await writeFile(project.source, 'void setup() { nonsense(); }\nvoid loop() {}\n');
      expect((await run()).exitCode).toBe(1);
      await writeFile(project.source, good.replace('1.0.1', '1.0.2'));
      expect((await run()).exitCode).toBe(0);
      await expect.poll(() => versions(device), { timeout: 20_000 }).toEqual(['1.0.0', '1.0.1', '1.0.2']);
    });
  });
});

describe.skipIf(requireTools('pio') || process.platform !== 'linux')('a save while pio compiles', () => {
  it('ends the compiler, and the next build starts when it has gone', async () => {
    const device = await quickDevice();
    const project = await makePioProject(join(await tempDir(), 'p'));
    const home = project.env['HOME'] ?? '';
    const slow = join(project.dir, 'src', 'slow.cpp');
    await writeFile(slow, slowSource);
    const running = await start(project, device);
    await vi.waitFor(() => expect(processesOf(home)).toContain('cc1plus'), { timeout: 20_000, interval: 20 });
    await setVersion(project, '1.0.1');
    await running.said(/"reason":"changed"/);
    expect(processesOf(home)).not.toContain('cc1plus');
    await vi.waitFor(() => expect(processesOf(home)).toContain('cc1plus'), { timeout: 20_000, interval: 20 });
    await writeFile(slow, '');
    await expect.poll(() => versions(device), { timeout: 20_000 }).toEqual(['1.0.1']);
    running.kill('SIGINT');
    const { stdout } = await running.ended;
    expect(eventsOf(stdout).filter(({ type }) => type === 'run-started')).toHaveLength(1);
    expect(processesOf(home)).toEqual([]);
  });
});

describe.skipIf(requireTools('nodes'))('the packed command', () => {
  it.each(nodeVersions)('watches with Node %s', async (version) => {
    const device = await quickDevice();
    const { dir, save } = await makeScriptProject(device);
    const { bin } = await packed();
    const env = { PATH: process.env['PATH'], HOME: dir };
    const options = { cwd: dir, env, extendEnv: false, reject: false, all: true, timeout: 25_000 } as const;
    const running = execa(toolPaths().nodes[version] ?? '', [bin, 'watch'], options);
    await expect.poll(() => device.updates.length, { timeout: 20_000 }).toBe(1);
    await save('second');
    await expect.poll(() => device.updates.length, { timeout: 20_000 }).toBe(2);
    running.kill('SIGINT');
    const { exitCode, all } = await running;
    expect(exitCode).toBe(130);
    expect(all).not.toMatch(/deprecat|experimental|\(node:\d+\)/i);
  });
});

describe('an interruption', () => {
  it('of a push ends it in order: the device is idle, and the run has its last word', async () => {
    const device = await quickDevice({ flash: { msPerSector: 200 } });
    const { dir } = await makeScriptProject(device);
    const received = device.waitFor('received');
    const ended = device.waitFor('update-ended');
    const running = await startOtarc(['watch', '--json'], { cwd: dir });
    await received;
    running.kill('SIGINT');
    const { exitCode, stdout } = await running.ended;
    expect(exitCode).toBe(130);
    const events = eventsOf(stdout).filter(({ type }) => type !== 'log');
    expect(events.slice(-2)).toMatchObject([
      { type: 'failed', code: 'CANCELLED', device: 'livingroom' },
      { type: 'done', ok: false, exitCode: 130 },
    ]);
    expect((await ended).update.result).toBe('interrupted');
    await expect.poll(() => device.state).toBe('idle');
  });
});

describe.skipIf(requireTools('pio'))('otarc watch --no-build of two environments', () => {
  it('pushes the whole image of one, whatever becomes of the other', async () => {
    const [one, two] = [await quickDevice(), await quickDevice()];
    const env = 'platform = lx106local\nboard = d1_mini\n';
    const ini = `[env:one]\n${env}[env:two]\n${env}`;
    const project = await makePioProject(join(await tempDir(), 'p'), { ini });
    const devices = { one: { at: one, environment: 'one' }, two: { at: two, environment: 'two' } };
    await writeOtarc(project.dir, devices);
    const put = async (environment: string, bytes: Uint8Array): Promise<void> => {
      const folder = join(project.dir, '.pio', 'build', environment);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'firmware.bin'), bytes);
    };
    const running = await startOtarc(['watch', '--no-build', '--all', '--json'], {
      cwd: project.dir,
      env: project.env,
    });
    onTestFinished(async () => {
      running.kill('SIGTERM');
      await running.ended;
    });
    await running.said(/not there yet/);
    await put('one', makeEsp8266Image({ sizeBytes: 60_000 }).subarray(0, 20_000));
    await running.said(/"type":"run-started"/);
    const whole = makeEsp8266Image({ sizeBytes: 60_000, seed: 2 });
    await put('two', whole);
    await running.said(/IMAGE_INCOMPLETE/);
    await expect.poll(() => two.updates.length, { timeout: 20_000 }).toBe(1);
    expect(Buffer.from(two.updates[0]?.bytes ?? []).equals(whole)).toBe(true);
    expect(one.updates).toEqual([]);
  });
});

describe.skipIf(requireTools('pio', 'littlefs'))('otarc watch and the data of a device', () => {
  const scene = async (more: Readonly<Record<string, unknown>>) => {
    const device = await quickDevice();
    const project = await makePioProject(join(await tempDir(), 'p'));
    await writeOtarc(project.dir, { livingroom: { at: device } }, more);
    const running = await startOtarc(['watch'], { cwd: project.dir, env: project.env });
    onTestFinished(async () => {
      running.kill('SIGTERM');
      await running.ended;
    });
    await expect.poll(() => device.updates.length, { timeout: 20_000 }).toBe(1);
    const data = join(project.dir, 'data', 'index.htm');
    return { device, project, running, data, commands: () => device.updates.map(({ command }) => command) };
  };

  it('pushes it where it is told to, and before the firmware when both have changed', async () => {
    const { project, running, data, commands } = await scene({ push: { filesystem: 'on-change' } });
    await running.said(/watching data, .*platformio\.ini, src/);
    await writeFile(data, '<h1>second</h1>');
    await expect.poll(commands, { timeout: 20_000 }).toEqual([0, 100]);
    await running.said(/image .*littlefs\.bin: ESP8266 file system/);
    await Promise.all([setVersion(project, '1.0.1'), writeFile(data, '<h1>third</h1>')]);
    await expect.poll(commands, { timeout: 20_000 }).toEqual([0, 100, 100, 0]);
  });

  it('leaves it alone where its folder is gone: an empty one would wipe what the device has', async () => {
    const { project, running, data, commands } = await scene({ push: { filesystem: 'on-change' } });
    const text = await readFile(data, 'utf8');
    await rm(dirname(data), { recursive: true });
    await running.said(/Left alone: .*index\.htm\. .*data is gone/);
    await setVersion(project, '1.0.1');
    await expect.poll(commands, { timeout: 20_000 }).toEqual([0, 0]);
    await mkdir(dirname(data));
    await writeFile(data, `${text} `);
    await expect.poll(commands, { timeout: 20_000 }).toEqual([0, 0, 100]);
  });

  it('leaves it alone otherwise, and says so once', async () => {
    const { project, running, data, commands } = await scene({});
    await writeFile(data, '<h1>second</h1>');
    await running.said(/Left alone: .*index\.htm\. .*push: \{ filesystem: on-change \}/);
    await setVersion(project, '1.0.1');
    await expect.poll(commands, { timeout: 20_000 }).toEqual([0, 0]);
  });
});

describe.skipIf(requireTools('pio'))('otarc watch and the project file of pio', () => {
  it('takes over a .gitignore beside its platformio.ini', { timeout: 90_000 }, async () => {
    const device = await quickDevice();
    const project = await makePioProject(join(await tempDir(), 'p'));
    await mkdir(join(project.dir, '.git'));
    const running = await start(project, device);
    await expect.poll(() => device.updates.length, { timeout: 20_000 }).toBe(1);
    const made = join(dirname(project.source), 'made.h');
    const pathsOf = (text: string) =>
      eventsOfText(text).flatMap((event) => (event.type === 'change-detected' ? event.paths : []));
    await writeFile(made, '// 1');
    const before = await running.said(/"changed"[^]*"type":"done"/);
    expect(pathsOf(before)).toContain(made);
    await writeFile(join(project.dir, '.gitignore'), 'made.h\n');
    // Nobody says that it was taken over: saves of both files show it, each followed until the device has it.
    let count = 0;
    let seen = before.length;
    await vi.waitFor(
      async () => {
        const version = `2.0.${(count += 1)}`;
        await writeFile(made, `// ${version}`);
        await setVersion(project, version);
        await expect.poll(() => versions(device).at(-1), { timeout: 20_000 }).toBe(version);
        const text = await running.said(/./);
        const paths = pathsOf(text.slice(seen));
        seen = text.length;
        expect(paths).toContain(project.source);
        expect(paths).not.toContain(made);
      },
      { timeout: 60_000 },
    );
  });

  it('takes over what it says of the environment, and the folder of the sources', async () => {
    const device = await quickDevice();
    const ini = (folder: string, environment: string): string =>
      `[platformio]\nsrc_dir = ${folder}\n[env:${environment}]\nplatform = lx106local\nboard = d1_mini\nupload_protocol = custom\n`;
    const project = await makePioProject(join(await tempDir(), 'p'), { ini: ini('src', 'one') });
    const running = await start(project, device);
    await expect.poll(() => versions(device), { timeout: 20_000 }).toEqual(['1.0.0']);
    const other = { ...project, source: join(project.dir, 'firmware', 'main.cpp') };
    await cp(join(project.dir, 'src'), join(project.dir, 'firmware'), { recursive: true });
    await setVersion(other, '2.0.0');
    await writeFile(join(project.dir, 'platformio.ini'), ini('firmware', 'two'));
    await expect.poll(() => versions(device), { timeout: 20_000 }).toEqual(['1.0.0', '2.0.0']);
    await setVersion(other, '2.0.1');
    await expect.poll(() => versions(device), { timeout: 20_000 }).toEqual(['1.0.0', '2.0.0', '2.0.1']);
    running.kill('SIGINT');
    const { stdout } = await running.ended;
    const built = eventsOf(stdout).flatMap((event) =>
      event.type === 'build-started' ? [event.environment] : [],
    );
    expect([...new Set(built)]).toEqual(['one', 'two']);
  });
});

/** Of stdout and stderr together, the lines that are events. */
function eventsOfText(text: string): DeployEvent[] {
  return eventsOf(
    text
      .split('\n')
      .filter((line) => line.startsWith('{"'))
      .map((line) => `${line}\n`)
      .join(''),
  );
}
