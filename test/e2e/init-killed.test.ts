/** `otarc init` killed before each change that it makes to the disk: nothing of the project is lost, nothing of the password shows. */

import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../support/folder-state.ts';
import { packed } from '../support/packed.ts';
import { tempDir } from '../support/temp-dir.ts';

const password = 'geheimes-wort-7';
const ini = '[env:d1]\nplatform = espressif8266\nboard = d1_mini\nframework = arduino\n';
const mine = 'OTHER_PW=mine\n';
const preload = pathToFileURL(join(import.meta.dirname, '..', 'support', 'kill-at.mjs')).href;
const words = ['--yes', '--no-scan', '--device', 'hall=192.0.2.7', '--hook', 'pio', '--hook', 'vscode'];

interface Surroundings {
  readonly home: string;
  readonly more?: NodeJS.ProcessEnv;
}

async function otarcInit(cwd: string, args: readonly string[], { home, more = {} }: Surroundings) {
  const { bin } = await packed();
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  const env = { HOME: home, PATH, NODE_OPTIONS: `--import ${preload}`, ...more };
  const options = { cwd, env, extendEnv: false, input: `${password}\n`, reject: false, timeout: 60_000 };
  return execa(bin, ['init', ...args], options);
}

async function project(): Promise<string> {
  const cwd = join(await tempDir(), 'project');
  await mkdir(cwd);
  await writeFile(join(cwd, 'platformio.ini'), ini);
  await writeFile(join(cwd, '.otarc.env'), mine, { mode: 0o600 });
  await writeFile(join(cwd, '.gitignore'), '.pio\n/.otarc.env\n');
  await execa('git', ['init', '-q', cwd]);
  return cwd;
}

/** Files below a folder in which the password stands, the way git and other users see them. */
async function placesOf(cwd: string): Promise<string[]> {
  const entries = await readdir(cwd, { recursive: true, withFileTypes: true });
  const files = entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  const texts = await Promise.all(files.map(async (path) => ({ path, text: await readFile(path, 'utf8') })));
  return texts.filter(({ text }) => /geheim/.test(text)).map(({ path }) => path);
}

async function isReadableByOthers(path: string, cwd: string): Promise<boolean> {
  if (((await stat(path)).mode & 0o077) === 0) return false;
  for (let folder = dirname(path); folder !== cwd; folder = dirname(folder))
    if (((await stat(folder)).mode & 0o077) === 0) return false;
  return true;
}

describe.skipIf(process.platform === 'win32')('otarc init that is killed', () => {
  it('loses no file, shows no password, and is completed by the next run', { timeout: 300_000 }, async () => {
    const home = await tempDir();
    const withPassword = [...words, '--password-file', '-'];
    const whole = await project();
    const counted = join(home, 'count');
    const run = await otarcInit(whole, withPassword, { home, more: { KILL_COUNT: counted } });
    expect(run.exitCode).toBe(0);
    const count = Number(await readFile(counted, 'utf8'));
    expect(count).toBeGreaterThan(20);
    const wanted = await stateOf(whole, ['.git', '.vscode']);

    for (let at = 1; at <= count; at++) {
      const cwd = await project();
      const killed = await otarcInit(cwd, withPassword, { home, more: { KILL_AT: String(at) } });
      expect(killed.signal, `change ${at} of ${count}`).toBe('SIGKILL');
      // Each file of the project is whole: as it was, or as it was to be.
      expect(await readFile(join(cwd, 'platformio.ini'), 'utf8')).toMatch(
        /^\[env:d1\]\nplatform[^]*arduino\n/,
      );
      expect(await readFile(join(cwd, '.otarc.env'), 'utf8')).toMatch(/^OTHER_PW=mine\n(?:$|[^]*HALL_PW=)/);
      expect(await readFile(join(cwd, '.gitignore'), 'utf8')).toMatch(/^\.pio\n\/\.otarc\.env\n/);
      const { stdout: visible } = await execa('git', ['-C', cwd, 'add', '--all', '--dry-run', '.']);
      expect(visible).not.toContain('.otarc.env');
      for (const path of await placesOf(cwd)) expect(await isReadableByOthers(path, cwd)).toBe(false);

      const again = await otarcInit(cwd, withPassword, { home });
      expect(again.exitCode, again.stderr).toBe(0);
      expect(await stateOf(cwd, ['.git', '.vscode']), `after change ${at} of ${count}`).toEqual(wanted);
      expect(await readdir(join(cwd, '.vscode'))).toEqual(['tasks.json']);
      await rm(cwd, { recursive: true });
    }
  });

  it('leaves nothing that a run with nothing to write does not remove', async () => {
    const home = await tempDir();
    const cwd = await project();
    const args = [...words, '--password-file', '-'];
    expect((await otarcInit(cwd, args, { home })).exitCode).toBe(0);
    const before = await stateOf(cwd, ['.git']);
    await writeFile(join(cwd, '..otarc.env.0123abcd.otarc-new'), `HALL_PW=${password}\n`);
    // No process has such a number.
    const left = join(cwd, '.otarc-new.4194999.0123abcd');
    await mkdir(left);
    await writeFile(join(left, '.otarc.env'), `HALL_PW=${password}\n`);
    // Another init is at work.
    const busy = join(cwd, `.otarc-new.${process.pid}.0123abcd`);
    await mkdir(busy);
    expect((await otarcInit(cwd, [...args, '--dry-run'], { home })).exitCode).toBe(0);
    expect(await readdir(cwd)).toContain('..otarc.env.0123abcd.otarc-new');
    expect(await otarcInit(cwd, args, { home })).toMatchObject({ stdout: 'nothing to do' });
    await rm(busy, { recursive: true });
    expect(await stateOf(cwd, ['.git'])).toEqual(before);
  });
});
