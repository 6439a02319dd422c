import { execFileSync } from 'node:child_process';
import {
  constants,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { projectUploads } from '../../src/builders/facts.ts';
import { main } from '../../src/cli/program.ts';
import { readSmallFile, readSmallFileSync } from '../../src/config/small-file.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'otarc-small-file-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

const path = (): string => join(root, `${++count}`);
const isPosix = process.platform !== 'win32';

function fileWith(content: string | Buffer): string {
  const file = path();
  writeFileSync(file, content);
  return file;
}

function sparse(file: string, sizeBytes: number): void {
  writeFileSync(file, '{"otarc": {}}');
  truncateSync(file, sizeBytes);
}

function pipeAt(file: string): string {
  execFileSync('mkfifo', [file]);
  return file;
}

describe('a small file', () => {
  it('is read whole', async () => {
    const content = Buffer.from('ä'.repeat(70_000));
    const file = fileWith(content);
    const expected = { type: 'read', bytes: content, isRegular: true };
    expect(await readSmallFile(file)).toEqual(expected);
    expect(readSmallFileSync(file)).toEqual(expected);
  });

  it('may be as large as the limit, and not larger', async () => {
    const file = fileWith('12345');
    const tooLarge = { type: 'unreadable', reason: 'it has more than 4 bytes', isTooLarge: true };
    expect(await readSmallFile(file, { limitBytes: 5 })).toMatchObject({ type: 'read' });
    expect(await readSmallFile(file, { limitBytes: 4 })).toEqual(tooLarge);
    expect(readSmallFileSync(file, 5)).toMatchObject({ type: 'read' });
    expect(readSmallFileSync(file, 4)).toEqual(tooLarge);
  });

  it('of a gigabyte is not read', async () => {
    const file = path();
    sparse(file, 1024 ** 3);
    expect(await readSmallFile(file)).toMatchObject({ type: 'unreadable', isTooLarge: true });
    expect(readSmallFileSync(file)).toMatchObject({ type: 'unreadable', isTooLarge: true });
  });

  it('is missing, or a folder', async () => {
    for (const read of [readSmallFile, readSmallFileSync]) {
      expect(await read(join(root, 'none'))).toEqual({ type: 'missing' });
      expect(await read(root)).toMatchObject({ type: 'unreadable' });
    }
  });
});

describe.runIf(isPosix)('what is no regular file', () => {
  it('ends at the limit where it has no end', async () => {
    expect(await readSmallFile('/dev/zero')).toMatchObject({ type: 'unreadable', isTooLarge: true });
    expect(readSmallFileSync('/dev/zero')).toMatchObject({ type: 'unreadable' });
    expect(await readSmallFile('/dev/null')).toMatchObject({ type: 'read', isRegular: false });
  });

  it('is a pipe that is read to its end, however late its writer comes', async () => {
    const pipe = pipeAt(path());
    const reading = readSmallFile(pipe);
    // Opening it waits for the reader.
    const writer = await open(pipe, 'w');
    await writer.write('first ');
    await writer.write('second');
    await writer.close();
    expect(await reading).toEqual({ type: 'read', bytes: Buffer.from('first second'), isRegular: false });
  });

  it('is a pipe without a writer: it ends with the time, or with the signal', async () => {
    const pipe = pipeAt(path());
    expect(await readSmallFile(pipe, { timeoutMs: 50 })).toMatchObject({
      type: 'unreadable',
      reason: 'it gave nothing, or no end, within 0.05 s',
    });
    const controller = new AbortController();
    const reading = readSmallFile(pipe, { signal: controller.signal });
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(readSmallFileSync(pipe)).toMatchObject({ type: 'unreadable' });
  });

  it('is a pipe whose writer thinks for longer than one may be late', async () => {
    const pipe = pipeAt(path());
    const writer = await open(pipe, constants.O_RDWR);
    const reading = readSmallFile(pipe, { writerTimeoutMs: 1 });
    const first = await Promise.race([reading, sleep(100, 'still waits')]);
    expect(first).toBe('still waits');
    await writer.write('late');
    await writer.close();
    expect(await reading).toEqual({ type: 'read', bytes: Buffer.from('late'), isRegular: false });
    expect(await readSmallFile(pipe, { writerTimeoutMs: 1 })).toEqual({
      type: 'unreadable',
      reason: 'it is a pipe, and nobody wrote to it within 0.001 s',
    });
  });
});

it.runIf(isPosix)('a password file that is a pipe without a writer is refused soon', async () => {
  const { exitCode, printed } = await run(
    ['push', 'hall', '-f', 'f.bin', '--password-file', 'pipe'],
    (dir) => {
      pipeAt(join(dir, 'pipe'));
      writeFileSync(join(dir, '.otarc'), 'devices: { hall: 127.0.0.1:9 }\n');
    },
  );
  expect(exitCode).toBe(2);
  expect(printed).toMatch(
    /SECRET_UNAVAILABLE.*pipe cannot be read: it is a pipe, and nobody wrote to it within 3 s/,
  );
});

/** Runs a command in a folder of its own that `prepare` has filled. */
async function run(
  argv: readonly string[],
  prepare: (folder: string) => void,
  signal = AbortSignal.timeout(25_000),
): Promise<{ exitCode: number; printed: string }> {
  const folder = mkdtempSync(join(root, 'project-'));
  prepare(folder);
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const env = { HOME: root, USERPROFILE: root, PATH: process.env['PATH'] };
  const io = { stdout, stderr, stdin: process.stdin, env, cwd: folder, signal };
  const exitCode = await main({ argv, version: '0.0.0' }, io);
  stdout.end();
  stderr.end();
  return { exitCode, printed: (await text(stdout)) + (await text(stderr)) };
}

describe('a configuration that never ends', () => {
  const link = (name: string) => (folder: string) => symlinkSync('/dev/zero', join(folder, name));

  it.runIf(isPosix).each([
    ['.otarc', ['config']],
    ['.otarc.yaml', ['push', 'hall', '--json']],
    ['.otarc.cjs', ['deploy', 'hall']],
    ['.otarc.env', ['devices']],
    ['.otarc', ['doctor']],
    ['.otarc', ['watch', 'hall']],
    ['.otarc', ['init', '--yes', '--no-scan', '--dry-run']],
  ])('is refused at once where %s leads to /dev/zero: otarc %j', async (name, argv) => {
    const { exitCode, printed } = await run(argv, link(name));
    expect(printed).toMatch(/CONFIG_UNREADABLE.*cannot be read: it has more than [\d,]+ bytes/);
    expect(exitCode).toBe(2);
  });

  it.runIf(isPosix).each(['sketch.yaml', 'platformio.ini'])(
    "is refused where it is the tool's own: %s",
    async (name) => {
      const projectDir = mkdtempSync(join(root, 'project-'));
      link(name)(projectDir);
      const request = { projectDir, args: [], kind: 'firmware' as const };
      const context = { env: {}, signal: AbortSignal.timeout(20_000) };
      await expect(projectUploads(request, context)).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
    },
  );

  it.runIf(isPosix)(
    'is refused where it is named: --config /dev/zero, --password-file /dev/zero',
    async () => {
      const config = await run(['config', '--config', '/dev/zero'], () => {});
      expect(config).toMatchObject({ exitCode: 2, printed: expect.stringContaining('CONFIG_UNREADABLE') });
      const secret = ['push', '127.0.0.1', '--file', 'x.bin', '--password-file', '/dev/zero'];
      const password = await run(secret, (folder) => writeFileSync(join(folder, 'x.bin'), 'x'));
      expect(password).toMatchObject({ exitCode: 2, printed: expect.stringContaining('SECRET_UNAVAILABLE') });
    },
  );

  it.runIf(isPosix)('is left at the first signal where it is a pipe', async () => {
    const controller = new AbortController();
    const ran = run(['config'], (folder) => pipeAt(join(folder, '.otarc')), controller.signal);
    setImmediate(() => controller.abort());
    expect(await ran).toMatchObject({ exitCode: 130, printed: expect.stringContaining('CANCELLED') });
  });

  it('is refused where package.json has a gigabyte', async () => {
    const { exitCode, printed } = await run(['config'], (folder) =>
      sparse(join(folder, 'package.json'), 1024 ** 3),
    );
    expect(printed).toMatch(/CONFIG_UNREADABLE.*package\.json cannot be read: it has more than [\d,]+ bytes/);
    expect(exitCode).toBe(2);
  });

  it.runIf(isPosix)('is none where it is /dev/null', async () => {
    const { exitCode } = await run(['config', '--config', '/dev/null'], () => {});
    expect(exitCode).toBe(0);
  });
});

describe('a configuration that keeps a parser busy', () => {
  it.each([
    ['a word that is nearly one for a secret, over and over', `host: [${'psps'.repeat(25_000)}`],
    ['keys that the schema does not know', Array.from({ length: 15_000 }, (_, n) => `k${n}:\n`).join('')],
    ['brackets that open', '['.repeat(100_000)],
    ['quotation marks that nothing closes', `{${'"\\"'.repeat(30_000)}`],
    ['comments that nothing ends', `{${'/*'.repeat(50_000)}`],
    ['aliases', Array.from({ length: 9_000 }, (_, n) => `- &a${n} x\n- *a${n}\n`).join('')],
    ['one alias that is merged again and again', `a: &a {b: 1}\nc:\n${' <<: *a\n'.repeat(9_000)}`],
  ])('is refused: %s', async (_, content) => {
    const { exitCode, printed } = await run(['config', '--json'], (folder) =>
      writeFileSync(join(folder, '.otarc'), content),
    );
    expect(printed).toMatch(/CONFIG_(?:INVALID|UNREADABLE)/);
    expect(exitCode).toBe(2);
  });
});
