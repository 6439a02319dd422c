import { chmod, mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { build, findArtifact } from '../../src/builders/build.ts';
import { firmwareOf, recordedContext } from '../support/build-context.ts';
import { tempDir } from '../support/temp-dir.ts';

const env = { PATH: process.env['PATH'] };

function sh(script: string): { command: string[] } {
  return { command: ['sh', '-c', script] };
}

const isWarning = { type: 'log', level: 'warn' };

describe('a build by any command', () => {
  it('runs in the project folder without a shell and leaves the image that is named', async () => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    const context = recordedContext(env);
    const script = join(dir, 'make it');
    await writeFile(script, '#!/bin/sh\nprintf "%s\\n" "$@"\npwd\necho image > out.bin\n');
    await chmod(script, 0o755);
    const command = ['./make it', 'a b', '$HOME', '*'];

    const artifact = await build(firmwareOf(dir, { command, image }), context);

    expect(artifact).toEqual({ tool: 'command', kind: 'firmware', path: image });
    expect(context.printed()).toBe(`a b\n$HOME\n*\n${dir}\n`);
    expect(context.events[0]).toEqual({ type: 'build-started', tool: 'command', command });
    expect(await findArtifact(firmwareOf(dir, { command, image }), context)).toEqual(artifact);
  });

  it('passes both outputs on as they come, byte by byte', async () => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    const context = recordedContext(env);
    const script =
      "printf 'half'; printf '\\377\\r' >&2; until [ -e go ]; do sleep 0.01; done; echo > out.bin";

    const end = build(firmwareOf(dir, { ...sh(script), image }), context);
    await context.waitFor(/half/);
    await context.waitFor(/\uFFFD\r/);
    await writeFile(join(dir, 'go'), '');

    expect((await end).path).toBe(image);
    expect(context.printed()).toMatch(/^(half\uFFFD\r|\uFFFD\rhalf)$/);
  });

  it('has no variable with the password of a device, unless the project itself names it', async () => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    const secretVariables = ['LAMP_PW', 'HALL_PW', 'DEN_PW', 'ATTIC_PW', 'NONE_PW'];
    const passwords = { LAMP_PW: 'a-lamp', HALL_PW: 'a-hall', DEN_PW: 'a-den', ATTIC_PW: 'an-attic' };
    await mkdir(join(dir, 'scripts'));
    await writeFile(join(dir, '.otarc'), 'devices: {lamp: {password: {env: LAMP_PW}}}');
    await writeFile(join(dir, 'platformio.ini'), 'build_flags = -DPW=${sysenv.HALL_PW}');
    await writeFile(join(dir, 'scripts', 'pw.py'), 'os.environ["DEN_PW"]');
    const context = recordedContext({ ...env, ...passwords, OTHER: 'other' });

    await build(firmwareOf(dir, { ...sh('env; echo > out.bin'), image, secretVariables }), context);

    expect(context.printed()).not.toMatch(/a-lamp|an-attic/);
    expect(context.printed()).toMatch(/^OTHER=other$/m);
    expect(context.printed()).toMatch(/^HALL_PW=a-hall$/m);
    expect(context.printed()).toMatch(/^DEN_PW=a-den$/m);

    const named = recordedContext({ ...env, ...passwords });
    const command = ['sh', '-c', 'echo $ATTIC_PW; echo > out.bin'];
    await build(firmwareOf(dir, { command, image, secretVariables }), named);
    expect(named.printed()).toBe('an-attic\n');
  });

  it('finds its standard input closed', async () => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    const artifact = await build(firmwareOf(dir, { ...sh('cat > out.bin'), image }), recordedContext(env));
    expect(artifact.path).toBe(image);
  });

  it('that fails says so, with its exit code and its last lines as plain text', async () => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    await writeFile(image, 'old');
    const script =
      'seq 1 100000; printf "\\033[31mred\\033[0m\\rover\\007\\n" >&2; sleep 0.05; echo last; exit 7';
    const end = build(firmwareOf(dir, { ...sh(script), image }), recordedContext(env));
    const error: unknown = await end.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'BUILD_FAILED', message: expect.stringContaining('exit code 7') });
    const { details } = error as { details: { exitCode: number; tail: string[] } };
    expect(details.exitCode).toBe(7);
    expect(details.tail).toHaveLength(20);
    expect(details.tail.slice(-4)).toEqual(['100000', 'red', 'over', 'last']);
  });

  it('that is killed by a signal says by which', async () => {
    const dir = await tempDir();
    const context = recordedContext(env);
    const end = build(firmwareOf(dir, { ...sh('kill -9 $$'), image: join(dir, 'out.bin') }), context);
    await expect(end).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringContaining('SIGKILL'),
      details: { exitCode: 137, signal: 'SIGKILL' },
    });
    expect(context.events.at(-1)).toMatchObject({ type: 'build-finished', exitCode: 137 });
  });

  it('that ends well without an image is told what was run and what is missing', async () => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    const end = build(firmwareOf(dir, { command: ['true'], image }), recordedContext(env));
    await expect(end).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringMatching(/`true`.*out\.bin/),
      details: { path: image, command: ['true'] },
    });
  });

  it('may leave the last step to a process that outlives it', async () => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    const context = recordedContext(env);
    const script = '(until [ -e go ]; do sleep 0.01; done; echo > out.bin) > /dev/null 2>&1 & echo started';
    const end = build(firmwareOf(dir, { ...sh(script), image }), context);
    await vi.waitFor(() => expect(context.events.at(-1)).toMatchObject({ type: 'build-finished' }), {
      timeout: 20_000,
    });
    await writeFile(join(dir, 'go'), '');
    expect((await end).path).toBe(image);
  });

  it('stops waiting for the image when it is aborted', async () => {
    const dir = await tempDir();
    const controller = new AbortController();
    const context = recordedContext(env, { signal: controller.signal });
    const end = build(firmwareOf(dir, { command: ['true'], image: join(dir, 'out.bin') }), context);
    const code = end.then(
      () => 'none',
      (error: unknown) => error,
    );
    await vi.waitFor(() => expect(context.events.at(-1)).toMatchObject({ type: 'build-finished' }), {
      timeout: 20_000,
    });
    controller.abort();
    expect(await code).toMatchObject({ code: 'CANCELLED' });
  });

  it('that leaves an old image as it was is taken for up to date, with a warning', async () => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    await writeFile(image, 'old');
    await utimes(image, new Date(2020, 1, 3, 14, 5, 9), new Date(2020, 1, 3, 14, 5, 9));
    const context = recordedContext(env);
    const artifact = await build(firmwareOf(dir, { command: ['true'], image }), context);
    expect(artifact.path).toBe(image);
    const message = `\`true\` ended without writing ${image}; the image of 2020-02-03 14:05:09 is used.`;
    expect(context.events.at(-1)).toEqual({ ...isWarning, message });
  });

  it.each([
    { what: 'writes it anew', script: 'echo new > out.bin' },
    { what: 'writes the same with the same time', script: 'cp -p out.bin old.bin; cp -p old.bin out.bin' },
    { what: 'puts another of an older time in its place', script: 'mv older.bin out.bin' },
  ])('that $what gives no warning', async ({ script }) => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    for (const name of ['older.bin', 'out.bin']) await writeFile(join(dir, name), name);
    const context = recordedContext(env);
    await build(firmwareOf(dir, { ...sh(script), image }), context);
    expect(context.events).not.toContainEqual(expect.objectContaining(isWarning));
  });

  it('in a folder that does not exist names the folder, not the command', async () => {
    const dir = await tempDir();
    const sketch = join(dir, 'nofolder');
    const more = { command: ['cp', 'a', 'b'], image: join(dir, 'out.bin') };
    for (const tool of ['command', 'pio', 'arduino-cli', undefined] as const) {
      const request = firmwareOf(sketch, { ...more, ...(tool && { tool }) });
      await expect(build(request, recordedContext(env))).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`${sketch} does not exist`),
        hint: expect.stringContaining('build.sketch'),
      });
    }
    await writeFile(sketch, '');
    const end = build(firmwareOf(sketch, more), recordedContext(env));
    await expect(end).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('is not a folder'),
    });
  });

  it.each([
    { tool: 'command', names: [], by: 'a command of its own' },
    { tool: 'arduino-cli', names: [], by: 'arduino-cli' },
    { tool: undefined, names: ['sketch.yaml'], by: 'arduino-cli' },
  ] as const)('$tool, $names: refuses an environment, which is PlatformIO', async ({ tool, names, by }) => {
    const dir = await tempDir();
    for (const name of names) await writeFile(join(dir, name), '');
    const request = firmwareOf(dir, { environment: 'd1', ...(tool && { tool }) });
    const refused = { code: 'USAGE', message: expect.stringMatching(`environment d1 .* ${by}:`) };
    await expect(build(request, recordedContext(env))).rejects.toMatchObject(refused);
    await expect(findArtifact(request, recordedContext(env))).rejects.toMatchObject(refused);
  });

  it('that leaves a daemon behind has ended when the command has', async () => {
    const dir = await tempDir();
    const image = join(dir, 'out.bin');
    const script = 'sleep 600 & echo $!; echo > out.bin';
    const context = recordedContext(env);
    const artifact = await build(firmwareOf(dir, { ...sh(script), image }), context);
    expect(artifact.path).toBe(image);
    expect(process.kill(Number(context.printed()), 'SIGKILL')).toBe(true);
  });

  it.each([
    { what: 'that does not exist', command: ['no-such-tool'] },
    { what: 'that may not be run', command: ['./plain.txt'] },
  ])('$what is a missing tool', async ({ command }) => {
    const dir = await tempDir();
    await writeFile(join(dir, 'plain.txt'), '');
    const end = build(firmwareOf(dir, { command, image: join(dir, 'out.bin') }), recordedContext(env));
    await expect(end).rejects.toMatchObject({
      code: 'BUILD_TOOL_MISSING',
      message: expect.stringContaining(command[0] ?? ''),
      hint: expect.stringContaining('build.command'),
    });
  });
});

describe('an image that the user names', () => {
  const noTools = { PATH: '' };

  it.each([
    { more: { tool: 'command' }, tool: 'command' },
    { more: { tool: 'pio' }, tool: 'pio' },
    { more: { tool: 'arduino-cli' }, tool: 'arduino-cli' },
    { more: {}, tool: 'file' },
  ] as const)('is found without a command, a tool or a project: $more', async ({ more, tool }) => {
    const dir = await tempDir();
    const [image, filesystemImage] = [join(dir, 'fw.bin'), join(dir, 'fs.bin')];
    for (const path of [image, filesystemImage]) await writeFile(path, '');
    const request = firmwareOf(join(dir, 'p'), { ...more, image, filesystemImage });
    const context = recordedContext(noTools);
    expect(await findArtifact(request, context)).toEqual({ path: image, kind: 'firmware', tool });
    const other = await findArtifact({ ...request, kind: 'filesystem' }, context);
    expect(other).toEqual({ path: filesystemImage, kind: 'filesystem', tool });
    expect(context.events).toEqual([]);
  });

  it('is named where it is missing', async () => {
    const image = join(await tempDir(), 'fw.bin');
    const end = findArtifact(firmwareOf('/nowhere', { tool: 'pio', image }), recordedContext(noTools));
    await expect(end).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `There is no firmware image at ${image}.`,
    });
  });
});
