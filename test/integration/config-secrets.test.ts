import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { nothingFetched, resolveCredential } from '../../src/config/secrets.ts';
import type { CredentialSource, DeviceConfig } from '../../src/config/types.ts';
import { Secret } from '../../src/model/secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'otarc-secrets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const device = (credentialSource: CredentialSource): DeviceConfig => ({
  name: 'livingroom',
  host: 'livingroom',
  credentialSource,
  acceptFrom: 'device',
  engine: 'espota',
  interfaces: [],
});

interface Around {
  env?: NodeJS.ProcessEnv;
  stdin?: NodeJS.ReadableStream & { isTTY?: boolean };
  signal?: AbortSignal;
}

const resolve = (source: CredentialSource, around: Around = {}) =>
  resolveCredential(device(source), {
    env: process.env,
    stdin: new PassThrough().end(),
    signal: new AbortController().signal,
    ...around,
  });

async function passwordOf(source: CredentialSource, around: Around = {}): Promise<string> {
  const credential = await resolve(source, around);
  return credential.type === 'none' ? '' : `${credential.type} ${credential.secret.reveal()}`;
}

const node = (script: string): CredentialSource => ({
  type: 'command',
  command: [process.execPath, '-e', script],
  cwd: folder,
});

const file = (text: string): CredentialSource => {
  const path = join(folder, 'pw');
  writeFileSync(path, text);
  return { type: 'file', path };
};

describe('resolveCredential', () => {
  it('gives text, hash and nothing as they are', async () => {
    expect(await resolve({ type: 'none' })).toEqual({ type: 'none' });
    expect(await passwordOf({ type: 'text', secret: new Secret(' a b ') })).toBe('password  a b ');
    expect(await passwordOf({ type: 'hash', secret: new Secret('ABCDEF') })).toBe('hash ABCDEF');
  });

  it('reads the environment', async () => {
    expect(await passwordOf({ type: 'env', variable: 'PW' }, { env: { PW: 'a b' } })).toBe('password a b');
  });

  it.each([
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\nmore\n', 'secret'],
    ['\uFEFFsecret\n', 'secret'],
    [' a b \n', ' a b '],
  ])('reads the first line of a file: %j', async (text, expected) => {
    expect(await passwordOf(file(text))).toBe(`password ${expected}`);
  });

  it('reads the first line of stdin, once for several devices, without waiting for its end', async () => {
    const stdin = new PassThrough();
    const first = passwordOf({ type: 'stdin' }, { stdin });
    stdin.write('hunter');
    stdin.write('2\r\nnot this');
    expect(await first).toBe('password hunter2');
    expect(await passwordOf({ type: 'stdin' }, { stdin })).toBe('password hunter2');
    const short = new PassThrough();
    short.end('x');
    expect(await passwordOf({ type: 'stdin' }, { stdin: short })).toBe('password x');
  });

  it('does not keep the process alive for a stdin that stays open', async () => {
    const script = join(folder, 'read.ts');
    const module = new URL('../../src/config/secrets.ts', import.meta.url).href;
    writeFileSync(
      script,
      `import { nothingFetched, resolveCredential } from ${JSON.stringify(fileURLToPath(module))};
       const device = { name: 'a', credentialSource: { type: 'stdin' } } as never;
       const { signal } = new AbortController();
       const credential = await resolveCredential(device, { env: {}, stdin: process.stdin, signal });
       console.log(credential.type);`,
    );
    const jiti = fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url));
    const child = spawn(process.execPath, [jiti, script], { stdio: ['pipe', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.stdin.write('hunter2\n');
    const [exitCode] = (await once(child, 'close')) as [number];
    child.stdin.destroy();
    expect(exitCode).toBe(0);
    expect(printed).toBe('password\n');
  });

  it('takes the first line that a command prints, in the folder of the configuration', async () => {
    expect(await passwordOf(node('console.log(process.cwd() + "\\nmore")'))).toBe(`password ${folder}`);
    const env = { ...process.env, PW: 'from env' };
    expect(await passwordOf(node('console.log(process.env.PW)'), { env })).toBe('password from env');
  });

  it('asks each source once for all devices of a run, and one program after the other', async () => {
    const log = join(folder, 'asked');
    writeFileSync(log, '');
    const asking = (word: string): CredentialSource =>
      node(
        `const { appendFileSync } = require('node:fs'); appendFileSync(${JSON.stringify(log)}, '${word}('); setTimeout(() => { appendFileSync(${JSON.stringify(log)}, ')'); console.log('pw-${word}'); }, 50)`,
      );
    const fetched = nothingFetched();
    const context = {
      env: process.env,
      stdin: new PassThrough().end(),
      signal: new AbortController().signal,
    };
    const names = ['a', 'b', 'c', 'd'];
    const credentials = await Promise.all(
      names.map((name, index) =>
        resolveCredential({ ...device(asking(index < 3 ? 'house' : 'shed')), name }, { ...context, fetched }),
      ),
    );
    const revealed = credentials.map((each) => (each.type === 'none' ? '' : each.secret.reveal()));
    expect(revealed).toEqual(['pw-house', 'pw-house', 'pw-house', 'pw-shed']);
    expect(readFileSync(log, 'utf8')).toBe('house()shed()');
  });

  it('names the device in the failure of a source that several share', async () => {
    const fetched = nothingFetched();
    const context = { env: {}, stdin: new PassThrough().end(), signal: new AbortController().signal };
    const source: CredentialSource = { type: 'env', variable: 'HOUSE_PW' };
    const ends = await Promise.allSettled(
      ['a', 'b'].map((name) => resolveCredential({ ...device(source), name }, { ...context, fetched })),
    );
    expect(ends).toMatchObject(
      ['a', 'b'].map((name) => ({
        status: 'rejected',
        reason: {
          code: 'SECRET_UNAVAILABLE',
          message: expect.stringContaining(`password of ${name} `),
          details: { device: name },
        },
      })),
    );
  });

  it('passes arguments as they are, without a shell', async () => {
    const command = [process.execPath, '-e', 'console.log(process.argv[1])', '$HOME; "x"'];
    expect(await passwordOf({ type: 'command', command, cwd: folder })).toBe('password $HOME; "x"');
  });

  it.each<[string, CredentialSource, string]>([
    ['a variable that is not set', { type: 'env', variable: 'NONE' }, 'environment variable NONE is not set'],
    ['a variable that is empty', { type: 'env', variable: 'EMPTY' }, 'environment variable EMPTY is empty'],
    ['a missing file', { type: 'file', path: '/none/pw' }, 'file /none/pw does not exist'],
    ['a folder', { type: 'file', path: folder }, 'cannot be read: it is a folder'],
    ['a file that begins with an empty line', file('\ns3cret'), 'is empty'],
    ['an empty stdin', { type: 'stdin' }, 'stdin is empty'],
    ['a command that fails', node('console.log("s3" + "cret"); process.exit(7)'), 'ended with exit status 7'],
    ['a command that prints nothing', node(''), 'printed is empty'],
    [
      'a missing command',
      { type: 'command', command: ['/none/pass'], cwd: folder },
      '`/none/pass` was not found',
    ],
    [
      'a command that prints too much',
      node('console.log(("s3" + "cret").repeat(1e5))'),
      'printed far more than a password',
    ],
  ])('says what is wrong with %s', async (name, source, reason) => {
    if (name.startsWith('a file')) writeFileSync(join(folder, 'pw'), '\ns3cret');
    const error: unknown = await resolve(source, { env: { ...process.env, EMPTY: '' } }).catch(
      (reason_) => reason_,
    );
    expect(error).toMatchObject({ code: 'SECRET_UNAVAILABLE', details: { device: 'livingroom' } });
    expect(String(error)).toContain('The password of livingroom is not available: ');
    expect(String(error)).toContain(reason);
    const everything = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error);
    expect(everything).not.toContain('s3cret');
    expect((error as Error).cause).toBeUndefined();
  });

  it('does not read a password from a terminal, which would show it', async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    await expect(resolve({ type: 'stdin' }, { stdin })).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
  });

  it.each<[string, CredentialSource]>([
    ['stdin', { type: 'stdin' }],
    ['a command', node('setInterval(() => {}, 1000)')],
  ])('ends with the signal while it waits for %s', async (_name, source) => {
    const abort = new AbortController();
    const waiting = resolve(source, { stdin: new PassThrough(), signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  describe.skipIf(process.platform === 'win32')('with a command whose own child keeps its pipe open', () => {
    /** Starts it; resolves once that child is there. */
    async function start(signal?: AbortSignal): Promise<{ failed: Promise<unknown> }> {
      const pidFile = join(folder, 'pid');
      rmSync(pidFile, { force: true });
      const watcher = watch(folder);
      const script = 'sleep 100 & echo $! >pid.new; mv pid.new pid; wait; echo x';
      const command: CredentialSource = { type: 'command', command: ['sh', '-c', script], cwd: folder };
      const failed = resolve(command, signal && { signal }).then(
        () => expect.unreachable('it gave a password'),
        (error: unknown) => error,
      );
      while (!existsSync(pidFile)) await once(watcher, 'change');
      watcher.close();
      onTestFinished(() => void process.kill(Number(readFileSync(pidFile, 'utf8'))));
      return { failed };
    }

    it('ends with the signal', async () => {
      const abort = new AbortController();
      const { failed } = await start(abort.signal);
      abort.abort();
      expect(await failed).toMatchObject({ code: 'CANCELLED' });
    });

    it('ends when the time is over', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      onTestFinished(() => void vi.useRealTimers());
      const { failed } = await start();
      await vi.advanceTimersByTimeAsync(60_000);
      const error = await failed;
      expect(error).toMatchObject({ code: 'SECRET_UNAVAILABLE' });
      expect(String(error)).toContain('did not end within 60 s');
    });
  });
});
