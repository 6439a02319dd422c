import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { otarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('otarc templates', () => {
  it('prints the folder alone on stdout, and what is in it beside', async () => {
    const { exitCode, stdout, stderr } = await otarc(['templates'], { cwd: await tempDir() });
    expect(exitCode).toBe(0);
    expect(await readFile(join(stdout.trim(), 'sketches', 'otarc.h'), 'utf8')).toContain('announce');
    const named = stderr.trim().split('\n');
    for (const line of named) {
      const [name = ''] = line.trim().split(/\s/);
      const one = await otarc(['templates', name], { cwd: await tempDir() });
      expect(one).toMatchObject({ exitCode: 0, stdout: `${join(stdout.trim(), name)}\n` });
    }
    expect(named.length).toBeGreaterThan(5);
  });

  it('prints the path of one file, for cp', async () => {
    const { stdout } = await otarc(['templates', 'sketches/otarc.h'], { cwd: await tempDir() });
    expect(await readFile(stdout.trim(), 'utf8')).toContain('OTARC_VERSION');
  });

  it.each(['nonsense', '../package.json', 'sketches/../../package.json'])('has no %s', async (name) => {
    const { exitCode, stdout, stderr } = await otarc(['templates', name], { cwd: await tempDir() });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/USAGE: There is no template.*\n.*sketches, platformio/);
  });
});
