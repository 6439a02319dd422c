import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isPlain, otarc, startOtarc } from '../support/otarc.ts';
import { processesOf } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';

/** An environment whose temporary folder is seen by nobody else. */
async function ownTemp() {
  const dir = await tempDir();
  const temp = join(dir, 'tmp');
  await mkdir(temp);
  return { dir, temp, env: { HOME: dir, TMPDIR: temp } };
}

describe('otarc demo', () => {
  it('deploys twice and proves it, goes back from a sketch that crashes, and leaves no file', async () => {
    const { dir, temp, env } = await ownTemp();

    const run = await otarc(['demo'], { cwd: dir, env });

    expect(run.exitCode).toBe(0);
    const runs = [...run.stderr.matchAll(/^livingroom restarted and runs version (.*)\.$/gm)];
    expect(runs.map(([, version]) => version)).toEqual(['1.0.0', '1.0.1']);
    expect(run.stderr.match(/^livingroom runs the new sketch \(it says so itself, /gm)).toHaveLength(2);
    expect(run.stderr).toMatch(
      /^error DEVICE_GONE: livingroom restarts every [\d.]+ s: crash loop \(watchdog\)\.$/m,
    );
    expect(run.stderr).toMatch(/^\$ otarc rollback livingroom\nlivingroom: back to the image of /m);
    expect(run.stderr).toMatch(/^livingroom runs the sketch from before \(it says so itself, /m);
    expect(run.stdout.match(/^(?:verified|failed) on livingroom in |^\d  .*$/gm)).toMatchObject([
      'verified on livingroom in ',
      'verified on livingroom in ',
      'failed on livingroom in ',
      'verified on livingroom in ',
      expect.stringMatching(/^1 .* verified: says so itself$/),
      expect.stringMatching(/^2 .* failed DEVICE_GONE \(restarts every [\d.]+ s\)$/),
      expect.stringMatching(/^3 .* verified: says so itself$/),
      expect.stringMatching(/^4 .* verified: says so itself$/),
    ]);
    expect(run.stdout).toContain('The demo is done: three builds');
    expect(await readdir(dir)).toEqual(['tmp']);
    expect(run.stderr).toContain('What to do next');
    expect(isPlain(run.stdout + run.stderr)).toBe(true);
    expect(await readdir(temp)).toEqual([]);
  });

  it('leaves its project with --keep, in which otarc works', async () => {
    const { dir, temp, env } = await ownTemp();
    const running = await startOtarc(['demo', '--keep'], { cwd: dir, env });
    const said = await running.said(/^image .*firmware\.bin: /m);
    running.kill('SIGINT');
    await running.ended;
    const [name = ''] = await readdir(temp);
    expect(said).toContain(join(temp, name));
    const build = await otarc(['deploy', '--dry-run'], { cwd: join(temp, name), env });
    expect(build).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^skipped livingroom/) });
  });

  it.each([
    { moment: 'it builds', text: /building: / },
    { moment: 'the image is on its way', text: /image .*firmware\.bin: / },
    { moment: 'the device restarts', text: /^livingroom: accepted/m },
  ])('leaves nothing behind when it is interrupted while $moment', async ({ text }) => {
    const { dir, temp, env } = await ownTemp();
    const running = await startOtarc(['demo'], { cwd: dir, env });
    await running.said(text);
    running.kill('SIGINT');
    const run = await running.ended;
    expect(run.exitCode).toBe(130);
    expect(run.stderr).not.toContain('INTERNAL');
    expect(await readdir(temp)).toEqual([]);
    if (process.platform === 'linux') expect(processesOf(dir)).toEqual([]);
  });
});
