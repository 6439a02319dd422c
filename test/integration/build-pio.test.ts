import { mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, builtEnvironment, findArtifact } from '../../src/builders/build.ts';
import { firmwareOf, recordedContext } from '../support/build-context.ts';
import { makePioProject, setVersion } from '../support/projects.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools, toolPaths } from '../support/tools.ts';

describe.skipIf(requireTools('pio'))('a PlatformIO project', () => {
  it('is built, and the image is the one of this build', async () => {
    const project = await makePioProject(join(await tempDir(), 'my project'));
    const context = recordedContext(project.env);

    const artifact = await build(firmwareOf(project.dir), context);

    expect(artifact).toEqual({
      path: join(project.dir, '.pio/build/d1_mini/firmware.bin'),
      kind: 'firmware',
      tool: 'pio',
      environment: 'd1_mini',
      platform: 'esp8266',
    });
    const command = ['pio', 'run', '-e', 'd1_mini'];
    expect(context.events).toEqual([
      { type: 'build-started', tool: 'pio', environment: 'd1_mini', command },
      {
        type: 'build-finished',
        tool: 'pio',
        environment: 'd1_mini',
        durationMs: expect.any(Number),
        exitCode: 0,
      },
    ]);
    expect(context.printed()).toContain('Compiling .pio/build/d1_mini/src/main.o');
    await setVersion(project, '2.7.1');
    await build(firmwareOf(project.dir), recordedContext(project.env));
    const image = await readFile(artifact.path, 'latin1');
    expect(image).toContain('fw-version:2.7.1');
    expect(image.length).toBeGreaterThan(200_000);
    expect(await findArtifact(firmwareOf(project.dir), recordedContext(project.env))).toEqual(artifact);
  });

  it('yields the present image when nothing has changed', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    const first = await build(firmwareOf(project.dir), recordedContext(project.env));
    const before = await stat(first.path);

    const second = await build(firmwareOf(project.dir), recordedContext(project.env));

    expect(second).toEqual(first);
    expect((await stat(first.path)).mtimeMs).toBe(before.mtimeMs);
  });

  it('that does not compile fails with its last lines, never with the old image', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    const { path } = await build(firmwareOf(project.dir), recordedContext(project.env));
    await writeFile(project.source, 'void setup() { nonsense(); }\nvoid loop() {}\n#include <Arduino.h>\n');
    const context = recordedContext(project.env, { isTTY: true });

    const failure = build(firmwareOf(project.dir), context);

    await expect(failure).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringContaining('exit code 1'),
      details: { exitCode: 1, tail: expect.arrayContaining([expect.stringContaining("error: 'nonsense'")]) },
    });
    expect((await stat(path)).isFile()).toBe(true);
    expect(context.events.at(-1)).toMatchObject({ type: 'build-finished', exitCode: 1 });
    expect(context.printed()).toContain('\u001B[31m');
  });

  it.each([
    { environments: ['garage'], chosen: 'garage' },
    { environments: ['hall', 'garage'], defaults: 'hall', chosen: 'hall' },
    { environments: ['hall', 'garage'], defaults: 'hall', wanted: 'garage', chosen: 'garage' },
    {
      environments: ['hall', 'garage'],
      defaults: 'hall, garage',
      code: 'ENVIRONMENT_AMBIGUOUS',
      hint: '`-e hall`',
    },
    { environments: ['hall', 'garage'], code: 'ENVIRONMENT_AMBIGUOUS', hint: '`-e hall`' },
    { environments: ['hall', 'garage'], wanted: 'garaeg', code: 'USAGE', hint: 'Did you mean garage?' },
    { environments: [], code: 'CONFIG_INVALID', hint: '[env:NAME]' },
  ])(
    'of $environments, default $defaults, wanted $wanted: $chosen$code',
    async ({ environments, defaults, wanted, chosen, code, hint }) => {
      const head = defaults === undefined ? '' : `[platformio]\ndefault_envs = ${defaults}\n`;
      const ini = `${head}[env]\nplatform = lx106local\n${environments.map((name) => `[env:${name}]\n`).join('')}`;
      const project = await makePioProject(join(await tempDir(), 'p'), { ini });
      const request = firmwareOf(project.dir, wanted === undefined ? {} : { environment: wanted });

      const context = recordedContext(project.env);
      expect(await builtEnvironment(request, context)).toBe(chosen);
      const end = findArtifact(request, context);

      const folder = join(project.dir, '.pio/build', chosen ?? '');
      await expect(end).rejects.toMatchObject(
        code === undefined
          ? { code: 'IMAGE_NOT_FOUND', details: { path: folder } }
          : { code, hint: expect.stringContaining(hint) },
      );
    },
  );

  it('is read as pio reads it: build_dir, extends, extra_configs, variables', async () => {
    const ini = `
[platformio]
build_dir = out put
extra_configs = more.ini
default_envs = garage
`;
    const project = await makePioProject(join(await tempDir(), 'p'), { ini });
    const more = `
[common]
platform = lx106local
board = d1_mini
board_build.filesystem = littlefs
[env:hall]
extends = common
[env:garage]
extends = common
`;
    await writeFile(join(project.dir, 'more.ini'), more);
    // the names of two modules that the question to pio's Python imports
    for (const name of ['json.py', 'platformio.py'])
      await writeFile(join(project.dir, name), 'raise SystemExit(7)');

    const artifact = await build(firmwareOf(project.dir), recordedContext(project.env));
    expect(artifact.path).toBe(join(project.dir, 'out put/garage/firmware.bin'));
    expect(artifact.platform).toBe('esp8266');

    const elsewhere = join(dirname(project.dir), 'élsewhere');
    const env = { ...project.env, PLATFORMIO_BUILD_DIR: elsewhere };
    const other = await build(firmwareOf(project.dir, { environment: 'hall' }), recordedContext(env));
    expect(other.path).toBe(join(elsewhere, 'hall/firmware.bin'));
  });

  it('may name its program as it likes, and go back to an earlier name', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'), {
      ini: '[env:hall]\nplatform = lx106local\nboard = d1_mini\nextra_scripts = pre:name.py\n',
    });
    const run = async (program: string): Promise<string> => {
      await writeFile(join(project.dir, 'name.py'), `Import("env")\nenv.Replace(PROGNAME="${program}")\n`);
      return (await build(firmwareOf(project.dir), recordedContext(project.env))).path;
    };
    const folder = join(project.dir, '.pio/build/hall');

    expect(await run('hall-1.0')).toBe(join(folder, 'hall-1.0.bin'));
    expect(await run('hall-1.1')).toBe(join(folder, 'hall-1.1.bin'));
    expect(await run('hall-1.0')).toBe(join(folder, 'hall-1.0.bin'));
  });

  it.skipIf(requireTools('littlefs'))('makes a file-system image when that is asked for', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    const context = recordedContext(project.env);

    const artifact = await build({ ...firmwareOf(project.dir), kind: 'filesystem' }, context);

    expect(artifact).toMatchObject({
      path: join(project.dir, '.pio/build/d1_mini/littlefs.bin'),
      kind: 'filesystem',
      platform: 'esp8266',
    });
    expect(context.events[0]).toMatchObject({ command: ['pio', 'run', '-e', 'd1_mini', '-t', 'buildfs'] });
    expect(await readFile(artifact.path, 'latin1')).toContain('littlefs');
  });

  it('passes on the partition table of the build', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    const { path } = await build(firmwareOf(project.dir), recordedContext(project.env));
    const partitionsPath = join(dirname(path), 'partitions.bin');
    await writeFile(partitionsPath, '');
    await writeFile(join(dirname(path), 'firmware.factory.bin'), '');

    const artifact = await findArtifact(firmwareOf(project.dir), recordedContext(project.env));
    expect(artifact).toMatchObject({ path, partitionsPath });
  });

  it('is built by a command of the user just as well', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    const command = ['sh', '-c', 'echo mine; exec pio run --silent'];
    const context = recordedContext(project.env);

    const artifact = await build(firmwareOf(project.dir, { command }), context);

    expect(artifact).toMatchObject({
      tool: 'pio',
      path: join(project.dir, '.pio/build/d1_mini/firmware.bin'),
    });
    expect(context.events[0]).toMatchObject({ type: 'build-started', command });
    expect(context.printed()).toMatch(/^mine\n/);
  });

  it('with a broken platformio.ini is refused in the words of pio', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'), {
      ini: '[env:a]\nplatform = ${no.such}\n',
    });
    const end = build(firmwareOf(project.dir), recordedContext(project.env));
    await expect(end).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining("No section: 'no'"),
    });
  });
});

describe.skipIf(requireTools('pio'))('pio itself', () => {
  it('missing: the error says how to get it', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    const env = { ...project.env, PATH: '' };
    const end = build(firmwareOf(project.dir), recordedContext(env));
    await expect(end).rejects.toMatchObject({
      code: 'BUILD_TOOL_MISSING',
      hint: expect.stringContaining('platformio'),
    });
  });

  it('is found where its installer puts it, and by its link elsewhere', async () => {
    const dir = await tempDir();
    const project = await makePioProject(join(dir, 'p'));
    const penv = join(dir, 'p.tools', 'core', 'penv', 'bin');
    await mkdir(penv, { recursive: true });
    await symlink(toolPaths().pio, join(penv, 'pio'));
    const context = recordedContext({ ...project.env, PATH: '' });

    const plan = findArtifact(firmwareOf(project.dir), context);

    const details = { path: join(project.dir, '.pio/build/d1_mini') };
    await expect(plan).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND', details });
  });

  it.each(['system info', 'nothing'])('behind a wrapper: the project is read by way of %s', async (works) => {
    const dir = await tempDir();
    const project = await makePioProject(join(dir, 'p'));
    const wrapper = join(dir, 'bin', 'pio');
    await mkdir(dirname(wrapper));
    const refuse = works === 'nothing' ? '[ "$1" = system ] && exit 1\n' : '';
    await writeFile(wrapper, `#!/bin/sh\n${refuse}exec '${toolPaths().pio}' "$@"\n`, { mode: 0o755 });
    const env = { ...project.env, PATH: `${dirname(wrapper)}:${project.env['PATH']}` };

    const artifact = await build(firmwareOf(project.dir), recordedContext(env));

    expect(artifact.path).toBe(join(project.dir, '.pio/build/d1_mini/firmware.bin'));
    // a board's chip is what `pio project config` does not tell
    expect(artifact.platform).toBe(works === 'nothing' ? undefined : 'esp8266');
  });

  it('sees no password and knows that a deploy is under way', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    const env = { ...project.env, OTARC_PASSWORD: 'swordfish', OTARC_PASSWORD_HALL: 'swordfish' };
    const context = recordedContext(env);
    await build(firmwareOf(project.dir, { command: ['sh', '-c', 'env; pio run'] }), context);
    expect(context.printed()).not.toContain('swordfish');
    expect(context.printed()).toContain(`OTARC_SESSION=${process.pid}`);
  });

  it('needs its own folder: none is looked for above', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    await rename(join(project.dir, 'platformio.ini'), join(dirname(project.dir), 'platformio.ini'));
    const end = build(firmwareOf(project.dir, { tool: 'pio' }), recordedContext(project.env));
    await expect(end).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await rm(project.dir, { recursive: true });
    const gone = build(firmwareOf(project.dir), recordedContext(project.env));
    await expect(gone).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
