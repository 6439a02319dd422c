import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, vi } from 'vitest';
import { ask } from '../../src/builders/ask.ts';
import { build } from '../../src/builders/build.ts';
import { OtaError } from '../../src/model/errors.ts';
import { firmwareOf, recordedContext } from '../support/build-context.ts';
import { processesOf } from '../support/processes.ts';
import { arduinoFqbn, makeArduinoSketch, makePioProject, type Project } from '../support/projects.ts';
import { slowSource } from '../support/slow-source.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

/** Aborts the build when `awaited` runs, and sees what is left when the build has come to its end. */
async function abortMidway(project: Project, awaited: string, more: object): Promise<string[]> {
  const home = project.env['HOME'] ?? '';
  const controller = new AbortController();
  const context = recordedContext(project.env, { signal: controller.signal });
  const end = build(firmwareOf(project.dir, more), context).catch((error: unknown) => error);
  await vi.waitFor(() => expect(processesOf(home)).toContain(awaited), { timeout: 20_000, interval: 20 });

  // What it runs would sleep for ten minutes, or compile for longer than a test may last.
  controller.abort(new OtaError('CANCELLED', 'Interrupted.'));

  expect(await end).toMatchObject({ code: 'CANCELLED', message: 'Interrupted.' });
  return processesOf(home);
}

const onLinux = process.platform === 'linux';

describe.runIf(onLinux)('an aborted build leaves no process behind', () => {
  it.skipIf(requireTools('pio'))('of pio, whose compiler was at work', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    await writeFile(join(project.dir, 'src', 'slow.cpp'), slowSource);
    expect(await abortMidway(project, 'cc1plus', {})).toEqual([]);
  });

  it.skipIf(requireTools('arduino-cli'))(
    'of arduino-cli, whose compilers are in groups of their own',
    async () => {
      const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'));
      await writeFile(join(sketch.dir, 'slow.cpp'), slowSource);
      expect(await abortMidway(sketch, 'cc1plus', { fqbn: arduinoFqbn })).toEqual([]);
    },
  );

  it.each([
    { what: 'whose first process ends at once', script: 'sleep 600 & sleep 600 & wait' },
    {
      what: 'whose children do not listen',
      script: `(trap '' TERM INT HUP; while :; do sleep 600; done) & wait`,
    },
    { what: 'that does not listen itself', script: `trap '' TERM INT HUP; while :; do sleep 600; done` },
    { what: 'with children in groups of their own', script: `set -m; sleep 600 & sleep 600 & wait` },
    { what: 'with children in sessions of their own', script: `setsid sleep 600 & wait` },
    {
      what: 'that has ended already, only its pipes are open',
      script: `(while :; do echo; sleep 0.1; done) & exit 0`,
    },
  ])('of a command $what', async ({ script }) => {
    const dir = await tempDir();
    const env = { PATH: process.env['PATH'], HOME: join(dir, 'home') };
    await mkdir(env.HOME);
    const project = { dir, source: '', env };
    const left = await abortMidway(project, 'sleep', {
      command: ['sh', '-c', script],
      image: join(dir, 'i.bin'),
    });
    expect(left).toEqual([]);
  });
});

describe.runIf(onLinux)('a build whose otarc ends by itself', () => {
  it('ends too', async () => {
    const dir = await tempDir();
    const script = join(import.meta.dirname, '..', 'support', 'run-build-and-exit.ts');
    const jiti = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'jiti');
    const env = { PATH: process.env['PATH'], HOME: dir };
    const run = await execa(jiti, [script, dir], { env, extendEnv: false, reject: false });
    expect(run.exitCode).toBe(5);
    await vi.waitFor(() => expect(processesOf(dir)).toEqual([]), { timeout: 20_000 });
  });
});

describe.runIf(onLinux)('a tool that does not answer', () => {
  it('is ended at once by an abort, with the child that holds its pipe', async () => {
    const dir = join(await tempDir(), 'Blink');
    const bin = join(dir, 'bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(dir, 'Blink.ino'), '');
    await writeFile(join(bin, 'arduino-cli'), '#!/bin/sh\nsleep 600\n', { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: dir };
    const left = await abortMidway({ dir, source: '', env }, 'sleep', { fqbn: 'a:b:c' });
    expect(left).toEqual([]);
  });

  it('is ended at the limit, and what it has said is kept', async () => {
    const dir = await tempDir();
    const env = { PATH: process.env['PATH'], HOME: dir };
    // A busy computer, too, has begun with it by the limit.
    const script = 'echo half; echo why >&2; sleep 600; echo never';
    const question = { file: 'sh', args: ['-c', script], cwd: dir, limitMs: 4_000 };

    const answer = await ask(question, recordedContext(env));

    expect(answer).toEqual({ ok: false, stdout: 'half\n', stderr: 'why\n' });
    expect(processesOf(dir)).toEqual([]);
  });

  it('but has left a daemon behind is not waited for', async () => {
    const dir = await tempDir();
    const env = { PATH: process.env['PATH'], HOME: dir };
    const question = { file: 'sh', args: ['-c', 'echo all; sleep 600 & echo $! > pid'], cwd: dir };

    const answer = await ask(question, recordedContext(env));

    expect(answer).toEqual({ ok: true, stdout: 'all\n', stderr: '' });
    process.kill(Number(await readFile(join(dir, 'pid'), 'utf8')), 'SIGKILL');
  });
});

describe('a build that is aborted before it starts', () => {
  it('starts nothing', async () => {
    const dir = await tempDir();
    const context = recordedContext({}, { signal: AbortSignal.abort() });
    const end = build(firmwareOf(dir, { command: ['touch', 'ran'], image: join(dir, 'ran') }), context);
    await expect(end).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(context.events).toEqual([]);
  });
});
