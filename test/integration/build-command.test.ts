import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, findArtifact } from '../../src/build/build.ts';
import { firmwareOf, recordedContext } from '../support/build-context.ts';
import { tempDir } from '../support/temp-dir.ts';

const env = { PATH: process.env['PATH'] };

function sh(script: string): { command: string[] } {
  return { command: ['sh', '-c', script] };
}

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
