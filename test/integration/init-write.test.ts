import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { FileEdit } from '../../src/init/types.ts';
import { writeEdits } from '../../src/init/write.ts';
import { stateOf } from '../support/folder-state.ts';
import { packed } from '../support/packed.ts';
import { tempDir } from '../support/temp-dir.ts';

const never = new AbortController().signal;

/** A folder with one file to change, one to delete, and one to make in folders that are not there. */
async function scene() {
  const dir = await tempDir();
  await writeFile(join(dir, 'a.txt'), 'old', { mode: 0o640 });
  await mkdir(join(dir, 'sub'));
  await writeFile(join(dir, 'sub', 'b.txt'), 'gone', { mode: 0o600 });
  await writeFile(join(dir, 'file'), '');
  const edits: FileEdit[] = [
    { path: join(dir, 'x', 'y', 'new.txt'), before: undefined, after: 'neu', mode: 0o600 },
    { path: join(dir, 'a.txt'), before: 'old', after: 'changed' },
    { path: join(dir, 'sub', 'b.txt'), before: 'gone', after: undefined, madeFolders: 1 },
  ];
  return { dir, edits, before: await stateOf(dir) };
}

describe('writing', () => {
  it('does what it was told, and leaves nothing else behind', async () => {
    const { dir, edits } = await scene();
    await writeEdits(edits, { signal: never });
    const state = await stateOf(dir);
    expect(Object.keys(state)).toEqual(['a.txt', 'file', 'x', 'x/y', 'x/y/new.txt']);
    expect(state['a.txt']).toMatch(/^file 640 /);
    expect(state['x/y/new.txt']).toMatch(/^file 600 /);
    expect(await readFile(join(dir, 'a.txt'), 'utf8')).toBe('changed');
  });

  it('takes everything back when one file cannot be written', async () => {
    const { dir, edits, before } = await scene();
    const impossible = { path: join(dir, 'file', 'below', 'c.txt'), before: undefined, after: 'x' };
    const ended = writeEdits([...edits, impossible], { signal: never });
    await expect(ended).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: expect.stringMatching(/c\.txt cannot be/),
    });
    expect(await stateOf(dir)).toEqual(before);
  });

  it.each([1, 2, 3])('takes everything back when it is aborted after %d files', async (count) => {
    const { dir, edits, before } = await scene();
    const controller = new AbortController();
    let done = 0;
    const onDone = (): void => {
      done += 1;
      if (done === count) controller.abort();
    };
    await expect(writeEdits(edits, { signal: controller.signal, onDone })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(done).toBe(count);
    expect(await stateOf(dir)).toEqual(before);
  });

  it('touches nothing when a file is not what it was, or read-only', async () => {
    const { dir, edits, before } = await scene();
    await chmod(join(dir, 'sub', 'b.txt'), 0o400);
    await expect(writeEdits(edits, { signal: never })).rejects.toMatchObject({
      message: expect.stringContaining('is read-only'),
    });
    await chmod(join(dir, 'sub', 'b.txt'), 0o600);
    expect(await stateOf(dir)).toEqual(before);
    await writeFile(join(dir, 'sub', 'b.txt'), 'other');
    const changed = await stateOf(dir);
    await expect(writeEdits(edits, { signal: never })).rejects.toMatchObject({
      message: expect.stringContaining('was changed while'),
    });
    expect(await stateOf(dir)).toEqual(changed);
  });
});

/** In a mount namespace of its own, so that the small disk is gone with it. */
const unshare = 'unshare';
const mounts = await execa(unshare, ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { reject: false });

describe.skipIf(mounts.exitCode !== 0)('a disk that is full', () => {
  it.each([3, 4, 5, 6])(
    'with room for %d files keeps the project as it was, or takes all of it',
    async (inodes) => {
      const dir = await tempDir();
      const { bin } = await packed();
      const script = [
        `mount -t tmpfs -o nr_inodes=${inodes} none "$1" && cd "$1" && printf '[env:d1]\\nboard = d1_mini' > platformio.ini || exit 99`,
        `"$2" init --yes --no-scan --device hall > /dev/null 2> "$1/../said.txt"; echo "exit $?"`,
        'ls -A; md5sum platformio.ini; tail -n 1 platformio.ini',
      ].join('\n');
      await mkdir(join(dir, 'disk'));
      const args = ['--mount', 'sh', '-c', script, 'sh', join(dir, 'disk'), bin];
      const { stdout } = await execa(unshare, args, {
        env: { HOME: dir, PATH: process.env['PATH'] },
        extendEnv: false,
      });
      const said = await readFile(join(dir, 'said.txt'), 'utf8');
      const untouched = await execa('sh', [
        '-c',
        `printf '[env:d1]\\nboard = d1_mini' | md5sum | cut -c1-32`,
      ]);
      if (stdout.startsWith('exit 0')) {
        expect(stdout).toContain('.otarc\notarc.py\nplatformio.ini\n');
        expect(inodes).toBeGreaterThan(4);
      } else {
        expect(stdout).toBe(`exit 2\nplatformio.ini\n${untouched.stdout}  platformio.ini\nboard = d1_mini`);
        expect(said).toMatch(
          /error CONFIG_UNREADABLE: .* cannot be written: no space is left\. Nothing was changed\./,
        );
        expect(inodes).toBeLessThan(6);
      }
    },
  );
});
