/** What an unusual system or file comes to: a sentence with a cure, never a stack or another password than the one meant. */

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { toolEnvironment } from '../../src/builders/environment.ts';
import { resolveCredential } from '../../src/config/secrets.ts';
import type { CredentialSource } from '../../src/config/types.ts';
import { asOtaError } from '../../src/model/failure.ts';
import { Secret } from '../../src/model/secret.ts';
import { runMain } from '../support/run-main.ts';
import { tempDir } from '../support/temp-dir.ts';

const latin1 = Buffer.from('gehei\xefm\n', 'latin1');

async function passwordFrom(source: CredentialSource, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const stdin = new PassThrough();
  stdin.end(latin1);
  const device = {
    name: 'lamp',
    host: '192.0.2.7',
    interfaces: [],
    acceptFrom: 'device' as const,
    engine: 'espota' as const,
    credentialSource: source,
  };
  const credential = await resolveCredential(device, { env, stdin, signal: new AbortController().signal });
  return credential.type === 'password' ? credential.secret.reveal() : '';
}

describe('a password that is not UTF-8', () => {
  it('is refused, wherever it comes from, and not shown', async () => {
    const dir = await tempDir();
    const path = join(dir, 'pw.txt');
    await writeFile(path, latin1);
    const print = ['-e', `process.stdout.write(Buffer.from('${latin1.toString('hex')}', 'hex'))`];
    const sources: [CredentialSource, RegExp][] = [
      [{ type: 'file', path }, /pw\.txt is not valid UTF-8/],
      [{ type: 'stdin' }, /stdin is not valid UTF-8/],
      [{ type: 'command', command: [process.execPath, ...print], cwd: dir }, /printed is not valid UTF-8/],
      [{ type: 'env', variable: 'A_PW' }, /A_PW is not valid UTF-8/],
      [
        { type: 'text', secret: new Secret(latin1.toString('utf8')) },
        /configuration says is not valid UTF-8/,
      ],
    ];
    for (const [source, words] of sources) {
      const ended = passwordFrom(source, { A_PW: latin1.toString('utf8') });
      await expect(ended).rejects.toMatchObject({
        code: 'SECRET_UNAVAILABLE',
        message: expect.stringMatching(words),
      });
      await expect(ended).rejects.not.toMatchObject({ message: expect.stringContaining('gehei') });
    }
    await writeFile(path, 'geheïm\n');
    expect(await passwordFrom({ type: 'file', path })).toBe('geheïm');
  });
});

describe.skipIf(process.platform === 'win32')('.otarc.env', () => {
  it.each([
    { mode: 0o600, isOpen: false },
    { mode: 0o640, isOpen: true },
    { mode: 0o604, isOpen: true },
  ])('of mode $mode is warned of where others may read it, once', async ({ mode, isOpen }) => {
    const cwd = await tempDir();
    await mkdir(join(cwd, 'home'));
    await writeFile(join(cwd, '.otarc'), 'device: 192.0.2.7\n');
    await writeFile(join(cwd, '.otarc.env'), 'OTARC_PASSWORD=geheim\n');
    await chmod(join(cwd, '.otarc.env'), mode);
    const { exitCode, stderr } = await runMain(['config'], { cwd });
    expect(exitCode).toBe(0);
    expect(stderr.match(/can be read by other users/g)?.length ?? 0).toBe(isOpen ? 1 : 0);
  });
});

describe('a system', () => {
  it.each(['EMFILE', 'ENFILE'])('that opens no more files is no mistake of otarc: %s', (code) => {
    const error = asOtaError(Object.assign(new Error(`${code}: too many open files, open '/x'`), { code }));
    expect(error.message).not.toMatch(/ {4}at |\/x/);
    expect(error.hint).toContain('ulimit -n');
  });

  it('whose folder has a name that is not UTF-8 hears of that', async () => {
    const cwd = await tempDir();
    await mkdir(join(cwd, 'home'));
    const { exitCode, stderr } = await runMain(['config', '-C', 'b\uFFFDd'], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('not UTF-8');
  });
});

describe('a dumb terminal', () => {
  it('gets no escape sequence', async () => {
    const cwd = await tempDir();
    await mkdir(join(cwd, 'home'));
    await writeFile(join(cwd, '.otarc'), 'device: 192.0.2.7\n');
    const dumb = { cwd, isTTY: true, env: { TERM: 'dumb' } };
    for (const argv of [
      ['config'],
      ['devices', '--timeout', '0.2', '--interface', '127.0.0.1'],
      ['devices', '--watch', '--timeout', '0.2', '--interface', '127.0.0.1'],
      ['push', '--file', 'no.bin'],
      ['init'],
      ['init', '--yes', '--no-scan', '--dry-run', '--device', 'hall'],
      ['--help'],
    ]) {
      const { stdout, stderr } = await runMain(argv, dumb);
      expect(stdout + stderr, argv.join(' ')).not.toContain('\u001B');
    }
  });

  it('asks no build tool for colours', () => {
    expect(toolEnvironment({ TERM: 'dumb' }, true)).toMatchObject({ NO_COLOR: '1' });
    expect(toolEnvironment({ TERM: 'xterm' }, true)).toMatchObject({ FORCE_COLOR: '1' });
  });
});
