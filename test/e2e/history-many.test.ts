/** The history of many pushes at the same time, and of pushes that are killed. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { deployProject } from '../../src/deploy/deploy-project.ts';
import { openHistory } from '../../src/deploy/history/history.ts';
import { historyPlace } from '../../src/deploy/history/place.ts';
import { imageFile } from '../support/image-file.ts';
import { otarc, quickDevice, startOtarc, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

const openIn = (home: string) =>
  openHistory({
    place: historyPlace({ HOME: home }),
    onLoss: (message) => {
      throw new Error(message);
    },
  });

async function linesIn(home: string): Promise<string[]> {
  const folder = join(home, '.local', 'state', 'otarc', 'devices');
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = files
    .filter((each) => each.isFile())
    .map((each) => readFile(join(each.parentPath, each.name), 'utf8'));
  return (await Promise.all(texts)).flatMap((text) => text.split('\n')).filter((line) => line !== '');
}

describe('the history', { timeout: 120_000 }, () => {
  it('of 200 pushes at once and of 8 other processes has each of them, and no torn line', async () => {
    const dir = await tempDir();
    await imageFile(dir, { sizeBytes: 20_000 });
    const devices = await Promise.all(Array.from({ length: 208 }, () => quickDevice()));
    const entries = devices.map((device, at) => [`d${at}`, { at: device }] as const);
    await writeOtarc(dir, Object.fromEntries(entries));
    const processes = entries
      .slice(200)
      .map(([name]) => otarc(['push', name, '--file', 'firmware.bin'], { cwd: dir }));
    const pushes = entries.slice(0, 200).map(([name]) =>
      deployProject({
        cwd: dir,
        targets: [name],
        source: 'file',
        file: 'firmware.bin',
        env: { HOME: dir },
      }),
    );
    expect((await Promise.all(pushes)).filter(({ ok }) => !ok)).toEqual([]);
    expect((await Promise.all(processes)).filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    const records = openIn(dir).all();
    expect(records.map(({ device }) => device.name).toSorted()).toEqual(
      entries.map(([name]) => name).toSorted(),
    );
    expect(records.filter(({ outcome }) => outcome !== 'deployed')).toEqual([]);
    // One that has grown is made shorter at the same time, under another name.
    const lines = await vi.waitFor(() => linesIn(dir), { timeout: 20_000 });
    expect(lines.length).toBeGreaterThanOrEqual(208);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ v: 1 });
  });

  it('of a push that is killed at any moment loses at most its own record, and the next push is right', async () => {
    const dir = await tempDir();
    const device = await quickDevice({ flash: { msPerSector: 5 } });
    await imageFile(dir, { sizeBytes: 60_000 });
    await writeOtarc(dir, { lamp: { at: device } });
    const args = ['push', '--file', 'firmware.bin', '--force'];
    const moments = [
      'invited',
      'connected',
      'received',
      'verdict',
      'update-ended',
      'rebooting',
      'runs',
    ] as const;
    let known: string[] = [];
    for (const moment of moments) {
      const reached = device.waitFor(moment);
      const run = await startOtarc(args, { cwd: dir });
      await Promise.race([reached, run.ended]);
      run.kill('SIGKILL');
      await run.ended;
      const left = openIn(dir).all();
      expect(left.map(({ id }) => id)).toEqual(expect.arrayContaining(known));
      expect(left.length - known.length).toBeLessThanOrEqual(1);
      await expect.poll(() => device.state, { timeout: 20_000 }).toBe('idle');
      expect(await otarc(args, { cwd: dir })).toMatchObject({ exitCode: 0 });
      const records = openIn(dir).all();
      expect(records.at(-1)).toMatchObject({ outcome: 'deployed' });
      expect(records).toHaveLength(left.length + 1);
      known = records.map(({ id }) => id);
      await expect.poll(() => device.state, { timeout: 20_000 }).toBe('idle');
    }
    for (const line of await linesIn(dir)) expect(JSON.parse(line)).toMatchObject({ v: 1 });
  });
});
