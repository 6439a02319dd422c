import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { otarc } from '../support/otarc.ts';
import { packed } from '../support/packed.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = join(import.meta.dirname, '..', '..');

describe('the package', () => {
  it('holds the compiled code, the templates, and what npm always takes; nothing else', async () => {
    const { files } = await packed();
    const kinds = new Set(files.map((file) => file.replace(/\/.*/, '/')));
    expect([...kinds].toSorted()).toEqual(['LICENSE', 'README.md', 'dist/', 'package.json', 'templates/']);
    const compiled = files.filter((file) => file.startsWith('dist/'));
    expect(compiled.filter((file) => !/\.(js|d\.ts|txt)$/.test(file))).toEqual([]);
  });

  it('installs without the network, and brings all that it needs', async () => {
    const { dir, bin } = await packed();
    const lock = JSON.parse(await readFile(join(dir, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, unknown>;
    };
    expect(Object.keys(lock.packages)).toEqual(['', 'node_modules/otarc']);
    expect((await stat(bin)).mode & 0o111).not.toBe(0);
  });

  it('diagnoses in a part of its own, which a push that goes well does not load', async () => {
    const { dir } = await packed();
    const dist = join(dir, 'node_modules', 'otarc', 'dist');
    const parts = (await readdir(dist)).filter((file) => file.endsWith('.js'));
    const texts = await Promise.all(parts.map((file) => readFile(join(dist, file), 'utf8')));
    const push = texts.filter((text) => text.includes('said OK and then did not connect'));
    expect(push).toHaveLength(1);
    expect(texts.filter((text) => text.includes('Most likely'))).toHaveLength(1);
    expect(push[0]).not.toMatch(/Most likely|from\s*["'`](node:)?zlib/);
  });

  it('says the version of its package.json', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    const run = await otarc(['--version'], { cwd: await tempDir() });
    expect(run).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [
      'otarc.config.ts',
      'const host: string = "127.0.0.9";\nexport default { devices: { lamp: { host } } };\n',
    ],
    ['otarc.config.js', 'import "node:path";\nexport default { devices: { lamp: "127.0.0.9" } };\n'],
    ['.otarc.js', 'export default { devices: { lamp: "127.0.0.9" } };\n'],
    ['.otarc.mjs', 'export default { devices: { lamp: "127.0.0.9" } };\n'],
    ['otarc.config.cjs', 'module.exports = { devices: { lamp: "127.0.0.9" } };\n'],
  ])('reads a configuration that is a program, outside of an ESM package: %s', async (name, text) => {
    const cwd = await tempDir();
    await mkdir(join(cwd, '.git'));
    await writeFile(join(cwd, name), text);
    const run = await otarc(['config'], { cwd });
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toContain('127.0.0.9');
  });

  it('works as a library: a deploy to its own virtual device', async () => {
    const { dir } = await packed();
    const script = `
      import { deployProject, errorCodes, OtaError } from 'otarc';
      import { startVirtualDevice } from 'otarc/simulator';
      const device = await startVirtualDevice({ password: 'secret' });
      const { ok, exitCode, outcomes } = await deployProject({
        targets: [device.address + ':' + device.port], source: 'file', file: 'missing.bin',
      });
      await device.close();
      const [outcome] = outcomes.values();
      console.log(JSON.stringify({
        ok, exitCode, code: outcome.error.code, isOtaError: outcome.error instanceof OtaError,
        known: outcome.error.code in errorCodes, datagrams: device.counters.datagrams,
      }));`;
    const args = ['--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: dir });
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      exitCode: 1,
      code: 'IMAGE_NOT_FOUND',
      isOtaError: true,
      known: true,
      datagrams: 0,
    });
  });
});
