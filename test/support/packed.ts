/** The package as a user gets it: packed, then installed into an empty folder. Made once a run, by whoever asks first. */

import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import { withLock } from '../tools/lock.ts';

export interface Packed {
  /** Absolute path of the installed command. */
  readonly bin: string;
  /** The folder that it is installed in: `import('otarc')` works from there. */
  readonly dir: string;
  /** Paths of the files in the tarball. */
  readonly files: readonly string[];
}

const root = join(import.meta.dirname, '..', '..');

export async function packed(): Promise<Packed> {
  const dir = inject('packedDir');
  const note = join(dir, 'packed.json');
  if (!existsSync(note)) {
    await withLock(dir, async () => {
      if (!existsSync(note)) await writeFile(note, JSON.stringify(await pack(dir)));
    });
  }
  return JSON.parse(await readFile(note, 'utf8')) as Packed;
}

async function pack(dir: string): Promise<Packed> {
  // `npm test` has built it a moment ago; again here would pull it away from under a test that runs it.
  if (!existsSync(join(root, 'dist', 'cli.js'))) await execa('npm', ['run', 'build'], { cwd: root });
  const npm = { env: { npm_config_cache: join(dir, 'cache'), npm_config_update_notifier: 'false' } };
  const to = ['--pack-destination', dir];
  const packing = await execa('npm', ['pack', '--json', '--ignore-scripts', ...to], { ...npm, cwd: root });
  const [{ filename, files } = { filename: '', files: [] }] = JSON.parse(packing.stdout) as {
    filename: string;
    files: { path: string }[];
  }[];
  const home = join(dir, 'installed');
  await mkdir(home);
  // Offline: whatever it needs has to be in the tarball.
  const install = ['install', '--offline', '--no-audit', '--no-fund', join(dir, filename)];
  await execa('npm', install, { ...npm, cwd: home });
  return {
    dir: home,
    bin: join(home, 'node_modules', '.bin', 'otarc'),
    files: files.map(({ path }) => path),
  };
}
