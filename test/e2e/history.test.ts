/** What was pushed, and the way back: `otarc history` and `otarc rollback` against a virtual device. */

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openHistory } from '../../src/deploy/history/history.ts';
import { keepImage } from '../../src/deploy/history/images.ts';
import { historyPlace } from '../../src/deploy/history/place.ts';
import { keyOf, type HistoryRecord } from '../../src/deploy/history/record.ts';
import { readImage } from '../../src/image/index.ts';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { imageFile } from '../support/image-file.ts';
import { proven } from '../support/history-records.ts';
import { addressOf, eventsOf, otarc, quickDevice, storyOf, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

const { signal } = new AbortController();

async function home(more: Readonly<Record<string, unknown>> = {}, at = {}) {
  const dir = await tempDir();
  const device = await quickDevice(at);
  await writeOtarc(dir, { livingroom: { at: device } }, more);
  const shared = typeof more['history'] === 'object' ? join(dir, 'team') : undefined;
  const place = historyPlace({ HOME: dir }, { shared });
  if (place === undefined) throw new Error('A home is set.');
  const history = openHistory({
    place,
    onLoss: (message) => {
      throw new Error(message);
    },
  });
  const key = keyOf({ host: device.address, port: device.port });
  /** Pushes an image of that size; `isGood`: and lets the device prove that it runs it. */
  const push = async (sizeBytes: number, isGood: boolean) => {
    const name = `${sizeBytes}.bin`;
    const { bytes } = await imageFile(dir, { sizeBytes, name });
    const run = await otarc(['push', '--file', name, '--json'], { cwd: dir });
    expect(run.exitCode).toBe(0);
    if (isGood) {
      const record = history.last(key);
      if (record === undefined) throw new Error('The push is recorded.');
      const image = await readImage({ path: join(dir, name), tool: 'file' }, { signal });
      await keepImage(place, { image, device: key });
      history.append({ ...record, ...proven });
    }
    return bytes;
  };
  const records = (): readonly HistoryRecord[] => history.of(key);
  const run = (...args: string[]) => otarc(args, { cwd: dir });
  return { dir, device, push, records, run, place };
}

const runs = ({ running }: VirtualDevice): Buffer => Buffer.from(running?.bytes ?? []);

describe('a push', () => {
  it('says once that its record is kept nowhere, where no home is set', async () => {
    const { dir, device } = await home();
    await imageFile(dir);
    const { exitCode, stderr } = await otarc(['push', '--file', 'firmware.bin'], { cwd: dir, env: {} });
    expect(exitCode).toBe(0);
    expect(stderr.match(/the history is not kept: no home folder is set/g)).toHaveLength(1);
    expect(device.updates).toMatchObject([{ result: 'accepted' }]);
  });

  it('is recorded: when, what, to whom, and how it ended', async () => {
    const { device, push, records } = await home();
    await push(20_000, false);
    const [record, ...others] = records();
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      v: 1,
      device: { name: 'livingroom', host: device.address, port: device.port },
      place: { address: device.address, port: device.port },
      image: { sizeBytes: 20_000, kind: 'firmware', platform: 'esp8266' },
      outcome: 'deployed',
      authScheme: 'none',
      build: { tool: 'file' },
      otarc: expect.stringMatching(/^\d+\./),
      durations: { totalMs: expect.any(Number), pushMs: expect.any(Number) },
    });
  });

  it('that fails on the network is recorded with its code, one without an image or a dry run is not', async () => {
    const { dir, run, records } = await home({}, { faults: { closesAtBytes: 5000 } });
    await imageFile(dir);
    expect(await run('push', '--file', 'firmware.bin')).toMatchObject({ exitCode: 1 });
    expect(await run('push', '--file', 'missing.bin')).toMatchObject({ exitCode: 1 });
    expect(await run('push', '--file', 'firmware.bin', '--dry-run')).toMatchObject({ exitCode: 0 });
    expect(records()).toMatchObject([{ outcome: 'failed', stage: 'push', code: expect.any(String) }]);
  });

  it('goes on where its record cannot be stored, and says so once', async () => {
    const { dir, device, run } = await home();
    await imageFile(dir);
    await writeFile(join(dir, '.local'), 'no folder');
    const { exitCode, stderr } = await run('push', '--file', 'firmware.bin');
    expect(exitCode).toBe(0);
    expect(stderr.match(/the history is not complete/g)).toHaveLength(1);
    expect(device.updates).toMatchObject([{ result: 'accepted' }]);
  });

  it('leaves its record in a shared folder that the configuration, the environment or a flag names', async () => {
    const { dir, push, records, run } = await home({ history: { dir: 'team' } });
    await mkdir(join(dir, 'team'));
    await push(20_000, false);
    expect(records()).toMatchObject([{ outcome: 'deployed', computer: expect.any(String) }]);
    expect(await readdir(dir)).not.toContain('.local');
    const env = { HOME: dir, OTARC_HISTORY_DIR: 'other' };
    expect(await otarc(['push', '--file', '20000.bin'], { cwd: dir, env })).toMatchObject({ exitCode: 0 });
    expect(await run('push', '--file', '20000.bin', '--history-dir', 'third')).toMatchObject({ exitCode: 0 });
    expect(records()).toHaveLength(1);
    for (const folder of ['other', 'third']) expect(await readdir(join(dir, folder))).toContain('devices');
  });

  it('never has a password in its record', async () => {
    const dir = await tempDir();
    const device = await quickDevice({ password: 'correct horse' });
    await imageFile(dir);
    await writeOtarc(dir, { livingroom: { at: device, password: 'correct horse' } });
    expect(await otarc(['push', '--file', 'firmware.bin'], { cwd: dir })).toMatchObject({ exitCode: 0 });
    const folder = join(dir, '.local', 'state', 'otarc');
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    const texts = await Promise.all(
      files.filter((each) => each.isFile()).map((each) => readFile(join(each.parentPath, each.name), 'utf8')),
    );
    expect(texts.join()).toContain('livingroom');
    expect(texts.join()).not.toContain('correct horse');
  });
});

describe('otarc history', () => {
  it('says in one sentence that nothing was pushed yet', async () => {
    const { run } = await home();
    for (const args of [['history'], ['history', 'livingroom']]) {
      const { exitCode, stdout, stderr } = await run(...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
      expect(stderr).toMatch(/^Nothing was pushed .*yet, as far as .*otarc knows\.\n$/);
    }
    expect(JSON.parse((await run('history', '--json')).stdout)).toEqual({ records: [], total: 0 });
  });

  it('lists the newest first', async () => {
    const { push, run, records } = await home();
    await push(20_000, true);
    await push(21_000, false);
    const [first, second] = records().map(({ image }) => image.md5.slice(0, 8));
    const { exitCode, stdout } = await run('history', 'livingroom');
    expect(exitCode).toBe(0);
    const when = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`;
    expect(stdout).toMatch(
      new RegExp(
        `^#  WHEN +DEVICE +IMAGE +OUTCOME\n` +
          `1  ${when}  livingroom  ${second}  deployed, not verified\n` +
          `2  ${when}  livingroom  ${first}  verified: says so itself\n$`,
      ),
    );
    const limited = await run('history', '-n', '1');
    expect(limited.stdout.split('\n')).toHaveLength(3);
    expect(limited.stderr).toContain('the last 1 of 2; `-n 2` shows all');
    const { records: shown, total } = JSON.parse((await run('history', '--json')).stdout) as {
      records: (HistoryRecord & { isKept: boolean })[];
      total: number;
    };
    expect(total).toBe(2);
    expect(shown.map(({ isKept }) => isKept)).toEqual([false, true]);
  });

  it('of an address has what was pushed there under a name too', async () => {
    const { push, run, place, device } = await home();
    await push(20_000, false);
    const history = openHistory({ place, onLoss: () => {} });
    const [record] = history.all();
    if (record === undefined) throw new Error('The push is recorded.');
    history.append({ ...record, id: 'by name', device: { name: 'lamp', host: 'lamp' } });
    history.append({
      ...record,
      id: 'elsewhere',
      device: { name: 'hall', host: 'hall' },
      place: { address: '192.0.2.7', port: 8266 },
    });
    const { stdout } = await run('history', addressOf(device), '--json');
    const { records } = JSON.parse(stdout) as { records: HistoryRecord[] };
    expect(records.map(({ id }) => id).toSorted()).toEqual([record.id, 'by name'].toSorted());
  });

  it('knows a device by its address, and proposes the nearest name for a mistyped one', async () => {
    const { device, push, run } = await home();
    await push(20_000, false);
    expect((await run('history', addressOf(device))).stdout.split('\n')).toHaveLength(3);
    const { exitCode, stderr } = await run('history', 'livingrom');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error TARGET_UNKNOWN: [^]*"livingroom"/);
  });
});

describe('otarc rollback', () => {
  it('pushes the last proven image before the present one, and the history tells the story', async () => {
    const { device, push, run, records } = await home();
    const good = await push(20_000, true);
    await push(21_000, false);
    const { exitCode, stdout } = await run('rollback', 'livingroom', '--json');
    expect(exitCode).toBe(0);
    const events = eventsOf(stdout);
    expect(storyOf(events).slice(0, 3)).toEqual(['run-started', 'image-ready', 'device-located']);
    expect(events.at(-1)).toMatchObject({ type: 'done', deployed: ['livingroom'] });
    expect(runs(device).equals(good)).toBe(true);
    const [first, , last] = records();
    expect(last?.image).toEqual(first?.image);
    const text = (await run('history', 'livingroom')).stdout.split('\n');
    expect(text).toHaveLength(5);
  });

  it('says which image, from when', async () => {
    const { push, run, records } = await home();
    await push(20_000, true);
    await push(21_000, false);
    const md5 = records()[0]?.image.md5.slice(0, 8);
    const { stderr } = await run('rollback', 'livingroom');
    expect(stderr).toMatch(
      new RegExp(`^livingroom: back to the image of \\d{4}-.* \\(MD5 ${md5}, 20,000 bytes\\)$`, 'm'),
    );
  });

  it('sends nothing with --dry-run', async () => {
    const { device, push, run } = await home();
    await push(20_000, true);
    const last = await push(21_000, false);
    const { exitCode, stderr } = await run('rollback', 'livingroom', '--dry-run');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('would push 20,000 bytes');
    expect(runs(device).equals(last)).toBe(true);
  });

  it('goes to the image that --to names', async () => {
    const { device, push, run, records } = await home();
    const oldest = await push(20_000, true);
    await push(21_000, true);
    await push(22_000, false);
    const md5 = records()[0]?.image.md5 ?? '';
    expect(await run('rollback', 'livingroom', '--to', md5.slice(0, 6))).toMatchObject({ exitCode: 0 });
    expect(runs(device).equals(oldest)).toBe(true);
    expect(await run('rollback', 'livingroom', '--to', '3')).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(5);
  });

  it('fails where there is nothing to go back to, and says why', async () => {
    const { device, push, run } = await home();
    const refused = async (...args: string[]): Promise<string> => {
      const { exitCode, stderr } = await run('rollback', 'livingroom', ...args);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^error IMAGE_NOT_FOUND: livingroom: .*\n +→ .+$/m);
      return stderr;
    };
    expect(await refused()).toContain('no push to this device is recorded');
    await push(20_000, false);
    await push(21_000, false);
    expect(await refused()).toContain('no image was proven to run');
    expect(await refused('--to', '2')).toContain('is not kept');
    expect(await refused('--to', 'ffffffff')).toContain('no image "ffffffff"');
    await push(22_000, true);
    expect(await refused()).toContain('no earlier image that was proven');
    expect(device.updates).toHaveLength(3);
  });

  it('that failed can be repeated, and goes to the same image', async () => {
    const { device, push, run, records } = await home();
    const good = await push(20_000, true);
    await push(21_000, false);
    await device.close();
    const failed = await run('rollback', 'livingroom', '--timeout', '0.5');
    expect(failed.exitCode).toBe(1);
    expect(records().at(-1)).toMatchObject({ outcome: 'failed', image: records()[0]?.image });
    const again = await quickDevice({ port: device.port });
    expect(await run('rollback', 'livingroom')).toMatchObject({ exitCode: 0 });
    expect(runs(again).equals(good)).toBe(true);
  });

  it('says so where pushes have failed, and none has succeeded', async () => {
    const { dir, run } = await home({}, { faults: { closesAtBytes: 5000 } });
    await imageFile(dir);
    expect(await run('push', '--file', 'firmware.bin')).toMatchObject({ exitCode: 1 });
    const { exitCode, stderr } = await run('rollback', 'livingroom');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('there is nothing to go back to: no push to this device has succeeded.');
  });

  it('asks for a target, and refuses one that nobody knows', async () => {
    const { run } = await home();
    expect(await run('rollback')).toMatchObject({ exitCode: 2 });
    const unknown = await run('rollback', 'livingrom', '--json');
    expect(unknown.exitCode).toBe(2);
    expect(eventsOf(unknown.stdout).map(({ type }) => type)).toEqual(['run-started', 'failed', 'done']);
  });
});
