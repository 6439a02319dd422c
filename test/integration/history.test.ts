import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { bound } from '../../src/deploy/history/bound.ts';
import { newHistoryMemory, openHistory } from '../../src/deploy/history/history.ts';
import { hasImage, keepImage, keptImage } from '../../src/deploy/history/images.ts';
import { fileNameOf, historyPlace, type HistoryPlace } from '../../src/deploy/history/place.ts';
import { keyOf, lineOf, type HistoryRecord } from '../../src/deploy/history/record.ts';
import { sourceIn } from '../../src/deploy/history/source.ts';
import { readImage } from '../../src/image/index.ts';
import { imageFile } from '../support/image-file.ts';
import { proven, recordOf } from '../support/history-records.ts';
import { tempDir } from '../support/temp-dir.ts';

const jiti = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'jiti');
const script = join(import.meta.dirname, '..', 'support', 'run-history.ts');
const keeper = join(import.meta.dirname, '..', 'support', 'run-keep.ts');
const modes = { folder: 0o700, file: 0o600 };
const hall = keyOf({ host: 'hall' });
const never = new AbortController().signal;

const placeIn = (folder: string, user = 'me'): HistoryPlace => ({ folder, modes, user, computer: 'here' });

async function setUp(user?: string) {
  const folder = await tempDir();
  return { folder, ...openIn(folder, user) };
}

function openIn(folder: string, user?: string) {
  const losses: string[] = [];
  const place = placeIn(folder, user);
  const history = openHistory({ place, onLoss: (message) => losses.push(message) });
  return { place, history, losses };
}

const deviceDir = (folder: string) => join(folder, 'devices', fileNameOf('hall'));
const fileOf = (folder: string) => join(deviceDir(folder), `${fileNameOf('me@here')}.jsonl`);
const idsIn = (folder: string): string[] =>
  openIn(folder)
    .history.of(hall)
    .map(({ id }) => id);
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

/** Another process that appends. */
async function startWriter(folder: string, count: number, size = 0, program = script) {
  const child = spawn(process.execPath, [jiti, program, folder, String(count), String(size)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const closed = once(child, 'close');
  const writer = { child, said: [] as string[], closed };
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    writer.said.push(...lines);
  });
  while (!writer.said.includes('ready')) await once(child.stdout, 'data');
  return writer;
}

const idsOf = ({ said }: { readonly said: readonly string[] }): string[] =>
  said.filter((line) => line.startsWith('id-'));
const go = (child: ChildProcess): void => void child.stdin?.write('go\n');

describe('the history of a device', { timeout: 120_000 }, () => {
  it('has every record of several processes that write at the same time, each whole', async () => {
    const folder = await tempDir();
    const writers = await Promise.all(Array.from({ length: 8 }, () => startWriter(folder, 25, 3000)));
    for (const { child } of writers) go(child);
    await Promise.all(writers.map(({ closed }) => closed));
    const written = writers.flatMap(idsOf);
    expect(written).toHaveLength(200);
    expect(writers.flatMap(({ said }) => said.filter((line) => line.startsWith('lost')))).toEqual([]);
    // The files that grew too large were renamed meanwhile.
    expect((await readdir(deviceDir(folder))).length).toBeGreaterThan(1);
    expect(idsIn(folder).toSorted()).toEqual(written.toSorted());
    const files = await readdir(deviceDir(folder));
    const texts = await Promise.all(files.map((name) => readFile(join(deviceDir(folder), name), 'utf8')));
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line !== '');
    expect(lines.map((line) => (JSON.parse(line) as HistoryRecord).id).toSorted()).toEqual(
      written.toSorted(),
    );
  });

  it('loses at most the record in flight where its writer is killed at any moment', async () => {
    const folder = await tempDir();
    let written: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const writer = await startWriter(folder, 0, 9000);
      go(writer.child);
      while (idsOf(writer).length < 3 + round) await once(writer.child.stdout, 'data');
      writer.child.kill('SIGKILL');
      await writer.closed;
      written = [...written, ...idsOf(writer)];
      const found = idsIn(folder);
      expect(written.filter((id) => !found.includes(id))).toEqual([]);
      expect(found.length - written.length).toBeLessThanOrEqual(1);
      written = found;
    }
  });

  it('goes on in a line of its own behind one that was torn anywhere', async () => {
    const { folder, history } = await setUp();
    const [before, torn] = [recordOf(), lineOf(recordOf())];
    history.append(before);
    const after: HistoryRecord[] = [];
    for (const length of [1, 2, 40, torn.length - 1]) {
      await appendFile(fileOf(folder), torn.slice(0, length));
      const next = recordOf();
      history.append(next);
      after.push(next);
      expect(history.of(hall)).toEqual([before, ...after]);
    }
  });

  it('passes over what is no record: bytes, lines of a later otarc, a folder, a file that may not be read', async () => {
    const { folder, history, losses } = await setUp();
    const [one, other] = [recordOf(), recordOf()];
    history.append(one);
    const noise = Buffer.from([0, 0xff, 0xfe, 0x0a, 0x7b, 0x0a]);
    await appendFile(fileOf(folder), noise);
    await appendFile(fileOf(folder), `${JSON.stringify({ ...recordOf(), v: 2, more: true })}\nnull\n[]\n`);
    history.append(other);
    await mkdir(join(deviceDir(folder), 'folder.jsonl'));
    expect(history.of(hall)).toEqual([one, other]);
    expect(history.all()).toEqual([one, other]);
    expect(losses).toEqual([]);
  });

  it('is for its user alone', async () => {
    const { folder, history } = await setUp();
    history.append(recordOf());
    expect(await modeOf(fileOf(folder))).toBe('600');
    expect(await modeOf(deviceDir(folder))).toBe('700');
  });

  it('is shared with those who may use a shared folder, a file for each of them, and with nobody else', async () => {
    const folder = await tempDir();
    await chmod(folder, 0o775);
    const records = ['me', 'you'].map((USER) => {
      const place = historyPlace({ USER }, { shared: folder });
      const record = recordOf();
      openHistory({ place, onLoss: () => {} }).append(record);
      return record;
    });
    expect(openHistory({ place: historyPlace({}, { shared: folder }), onLoss: () => {} }).of(hall)).toEqual(
      records,
    );
    const files = await readdir(deviceDir(folder));
    expect(files).toHaveLength(2);
    for (const name of files) expect(await modeOf(join(deviceDir(folder), name))).toBe('660');
    expect(await modeOf(deviceDir(folder))).toBe('770');
  });

  const isRoot = process.geteuid?.() === 0;
  const foreign = { uid: 65_534, gid: 65_534, team: 54_321 };

  it.skipIf(!isRoot)(
    'grants nothing to the group of its writer, which is not the one of the folder',
    async () => {
      const folder = await tempDir();
      await chown(folder, foreign.uid, foreign.team);
      await chmod(folder, 0o775);
      const run = spawnSync(process.execPath, [jiti, script, folder, '2', '0', 'shared'], {
        uid: foreign.uid,
        gid: foreign.gid,
        input: 'go\n',
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], JITI_FS_CACHE: 'false' },
      });
      const lost = run.stdout.split('\n').filter((line) => line.startsWith('lost '));
      expect(lost).toEqual([expect.stringContaining(`${folder} does not pass its group on to new files`)]);
      const [file = ''] = await readdir(deviceDir(folder));
      for (const path of [join(folder, 'devices'), deviceDir(folder)]) expect(await modeOf(path)).toBe('700');
      expect(await modeOf(join(deviceDir(folder), file))).toBe('600');
    },
  );

  it.skipIf(!isRoot)(
    'is the group of the folder in all folders that are made, whatever the mask and the group of its writer',
    async () => {
      const folder = await tempDir();
      await chown(folder, 0, foreign.team);
      const dir = await tempDir();
      await imageFile(dir);
      const image = await readImage({ path: join(dir, 'firmware.bin'), tool: 'file' }, { signal: never });
      const before = process.umask(0o077);
      onTestFinished(() => void process.umask(before));
      for (const [mode, sub] of [
        [0o2775, 'passed-on'],
        [0o770, 'not-passed-on'],
      ] as const) {
        const shared = join(folder, sub);
        await mkdir(shared);
        await chown(shared, 0, foreign.team);
        await chmod(shared, mode);
        const place = historyPlace({}, { shared });
        if (place === undefined) throw new Error('It is shared.');
        openHistory({ place, onLoss: (message) => expect.fail(message) }).append(recordOf());
        await keepImage(place, { image, device: hall });
        const made = await readdir(shared, { recursive: true, withFileTypes: true });
        expect(made.length).toBeGreaterThanOrEqual(8);
        for (const each of made) {
          const { mode: all, gid } = await stat(join(each.parentPath, each.name));
          expect(gid).toBe(foreign.team);
          const expected = each.isDirectory() ? 0o770 | (mode & 0o2000) : 0o660;
          expect({ name: each.name, mode: (all & 0o7777).toString(8) }).toEqual({
            name: each.name,
            mode: expected.toString(8),
          });
        }
      }
    },
  );

  it('has its bounds, and the proven records to go back to', async () => {
    const { folder, place, history } = await setUp();
    const first = recordOf({ ...proven });
    history.append(first);
    const reason = 'x'.repeat(2000);
    for (let index = 0; index < 1000; index += 1) {
      history.append(recordOf({ reason }));
      if (index % 100 === 0) await setImmediate();
    }
    const appending = { folder: deviceDir(folder), writer: fileNameOf('me@here'), modes, isDurable: false };
    bound(appending);
    bound(appending);
    const left = history.of(hall);
    expect(left.length).toBeGreaterThanOrEqual(200);
    expect(left.length).toBeLessThan(700);
    expect(left[0]).toEqual(first);
    expect(history.last(hall, { proven: true })).toEqual(first);
    const sizes = await Promise.all(
      (await readdir(deviceDir(folder))).map(
        async (name) => (await stat(join(deviceDir(folder), name))).size,
      ),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1_500_000);
    expect(place.folder).toBe(folder);
  });

  it('keeps the lines of a later otarc when others go', async () => {
    const { folder, history } = await setUp();
    const later = JSON.stringify({ v: 2, id: 'from the future' });
    history.append(recordOf());
    await appendFile(fileOf(folder), `${later}\n`);
    const reason = 'x'.repeat(2000);
    const appending = { folder: deviceDir(folder), writer: fileNameOf('me@here'), modes, isDurable: false };
    for (let index = 0; index < 900; index += 1) {
      history.append(recordOf({ reason }));
      if (index % 150 === 0) bound(appending);
    }
    bound(appending);
    const files = await readdir(deviceDir(folder));
    const texts = await Promise.all(files.map((name) => readFile(join(deviceDir(folder), name), 'utf8')));
    expect(texts.join('')).toContain(later);
  });
});

describe('what cannot be stored', { timeout: 60_000 }, () => {
  it('is reported once, and known as long as the process lives', async () => {
    const folder = join(await tempDir(), 'file', 'below');
    await writeFile(join(folder, '..'), 'no folder');
    const { history, losses } = openIn(folder);
    const records = [recordOf({ text: 'a' }), recordOf({ text: 'b' })];
    for (const record of records) history.append(record);
    expect(losses).toEqual([
      expect.stringMatching(/^the history is not complete: .*below cannot be written \(.*\)/),
    ]);
    expect(history.of(hall)).toEqual(records);
    expect(history.all()).toEqual(records);
    expect(history.last(hall)).toEqual(records[1]);
    expect(history.pushedSince({ address: '192.0.2.7', port: 8266 }, 0)).toBe(records[1]?.image.md5);
  });

  it.each([
    {
      where: 'where nothing names a home',
      place: undefined,
      says: /^the history is not kept: no home folder/,
    },
    {
      where: 'in a folder that cannot be made',
      place: placeIn('/dev/null/below'),
      says: /^the history is not complete/,
    },
    // The system says ENOENT to every folder there.
    ...(process.platform === 'linux'
      ? [{ where: 'below /proc', place: placeIn('/proc/otarc/below'), says: /^the history is not complete/ }]
      : []),
  ])('is reported once in all runs of a process, $where', ({ place, says }) => {
    const losses: string[] = [];
    const memory = newHistoryMemory();
    for (const run of [1, 2, 3]) {
      const history = openHistory({ place, memory, onLoss: (message) => losses.push(message) });
      history.append(recordOf());
      expect(history.of(hall)).toHaveLength(run);
    }
    expect(losses).toEqual([expect.stringMatching(says)]);
  });

  const unshare = ['--user', '--map-root-user', '--mount'];
  const canMount = spawnSync('unshare', [...unshare, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

  it.skipIf(!canMount)('on a full disk costs those records, and none before or after', async () => {
    const folder = await tempDir();
    const check = `
      mount -t tmpfs -o size=64k tmpfs "$1" && echo go | "$2" "$3" "$4" "$1" 40 3000 && cat "$1"/devices/*/*.jsonl
    `;
    const run = spawnSync(
      'unshare',
      [...unshare, 'sh', '-c', check, 'sh', folder, process.execPath, jiti, script],
      {
        encoding: 'utf8',
      },
    );
    const lines = run.stdout.split('\n');
    expect(lines.filter((line) => line.startsWith('lost '))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('id-'))).toHaveLength(40);
    const whole = lines.filter((line) => line.startsWith('{') && line.endsWith('}'));
    expect(whole.length).toBeGreaterThan(5);
    expect(whole.length).toBeLessThan(40);
  });

  it.skipIf(!canMount)('in a read-only home is reported once', async () => {
    const folder = await tempDir();
    const check = 'mount -t tmpfs -o ro tmpfs "$1" && echo go | "$2" "$3" "$4" "$1" 3';
    const run = spawnSync(
      'unshare',
      [...unshare, 'sh', '-c', check, 'sh', folder, process.execPath, jiti, script],
      {
        encoding: 'utf8',
      },
    );
    const lines = run.stdout.split('\n');
    expect(lines.filter((line) => line.startsWith('lost '))).toHaveLength(1);
    expect(lines).toContain('end');
  });
});

describe('the history answers', () => {
  it('what was pushed to a place last since then, whatever the device was called', async () => {
    const { history } = await setUp();
    const at = (ms: number): string => new Date(ms).toISOString();
    const now = Date.now();
    const place = { address: '192.0.2.7', port: 8266 };
    const [a, b] = [recordOf({ text: 'a' }).image, recordOf({ text: 'b' }).image];
    const attic = { name: 'attic', host: '192.0.2.7' };
    history.append(recordOf({ text: 'a', at: at(now + 10) }));
    expect(history.pushedSince(place, now)).toBe(a.md5);
    history.append(recordOf({ text: 'b', at: at(now + 20), device: attic }));
    expect(history.pushedSince(place, now)).toBe(b.md5);
    history.append(recordOf({ text: 'a', at: at(now + 30), outcome: 'skipped' }));
    history.append(recordOf({ text: 'a', at: at(now + 40), outcome: 'failed', stage: 'push' }));
    expect(history.pushedSince(place, now)).toBe(b.md5);
    expect(history.pushedSince(place, now + 30)).toBeUndefined();
    expect(history.pushedSince({ ...place, port: 3232 }, now)).toBeUndefined();
  });

  it('that by its end, for the device may have been waited for long; and not what it took without running it', async () => {
    const { history } = await setUp();
    const now = Date.now();
    const at = (ms: number): string => new Date(now + ms).toISOString();
    const place = { address: '192.0.2.7', port: 8266 };
    const accepted = recordOf({ text: 'a', at: at(-30_000), outcome: 'accepted' });
    history.append(accepted);
    // Whoever pushed it was ended while it waited.
    expect(history.pushedSince(place, now)).toBeUndefined();
    history.append({ ...accepted, outcome: 'deployed', endedAt: at(10) });
    expect(history.pushedSince(place, now)).toBe(accepted.image.md5);
    expect(history.pushedSince(place, now + 11)).toBeUndefined();
    const code = 'DEVICE_GONE';
    history.append(
      recordOf({ text: 'a', at: at(20), endedAt: at(20), outcome: 'failed', stage: 'verify', code }),
    );
    expect(history.pushedSince(place, now)).toBeUndefined();
  });

  it('whether a device was given what it says that it runs', async () => {
    const { history } = await setUp();
    const record = recordOf({ text: 'a', sums: ['1'.repeat(32)] });
    history.append(record);
    history.append(recordOf({ text: 'b', outcome: 'failed', stage: 'locate' }));
    expect(history.knows(hall, record.image.md5)).toBe(true);
    expect(history.knows(hall, '1'.repeat(32))).toBe(true);
    expect(history.knows(hall, '2'.repeat(32))).toBe(false);
    expect(history.knows(hall, recordOf({ text: 'b' }).image.md5)).toBe(false);
    expect(history.knows(keyOf({ host: 'attic' }), record.image.md5)).toBe(false);
  });

  it('where a device was last, by any spelling of its name, and only where that is certain', async () => {
    const { history } = await setUp();
    const seen = (address: string, more: object = {}) =>
      history.append(recordOf({ place: { address, port: 8266, isSure: true, ...more } }));
    expect(history.lastSeen.addressOf('hall')).toBeUndefined();
    seen('192.0.2.7');
    seen('fe80::7%eth0');
    history.append(recordOf({ place: { address: '192.0.2.9', port: 8266 } }));
    expect(history.lastSeen.addressOf('HALL.local.')).toBe('fe80::7%eth0');
    expect(history.lastSeen.addressOf('attic')).toBeUndefined();
  });

  it.each([
    ['linux', { HOME: '/h' }, '/h/.local/state/otarc'],
    ['linux', { HOME: '/h', XDG_STATE_HOME: '/x' }, '/x/otarc'],
    ['linux', { HOME: '/h', XDG_STATE_HOME: 'relative' }, '/h/.local/state/otarc'],
    ['darwin', { HOME: '/h' }, '/h/Library/Application Support/otarc'],
    ['win32', { LOCALAPPDATA: '/l' }, '/l/otarc/Data'],
    ['linux', {}, undefined],
    ['win32', { HOME: '/h' }, undefined],
  ] as const)('from the state folder of %s %j', (platform, env, folder) => {
    expect(historyPlace(env, { platform })?.folder.replaceAll('\\', '/')).toBe(folder);
  });
});

describe('images that were proven to run', () => {
  const signal = new AbortController().signal;
  async function keptIn(folder: string, sizes: readonly number[]) {
    const dir = await tempDir();
    const images = [];
    for (const sizeBytes of sizes) {
      await imageFile(dir, { sizeBytes });
      const artifact = { path: join(dir, 'firmware.bin'), tool: 'file' } as const;
      const image = await readImage(artifact, { signal });
      images.push(image);
      await keepImage(placeIn(folder), { image, device: hall }, { count: 3, bytes: 1e9 });
    }
    return images;
  }

  it('come back byte for byte, for their user alone', async () => {
    const folder = await tempDir();
    const [image] = await keptIn(folder, [20_000]);
    if (image === undefined) throw new Error('There is an image.');
    const kept = await keptImage(placeIn(folder), image, signal);
    expect(Buffer.from(kept.image.bytes).equals(Buffer.from(image.bytes))).toBe(true);
    expect(kept.image).toMatchObject({ md5: image.md5, kind: 'firmware', platform: 'esp8266' });
    const dir = join(folder, 'images', `${image.md5}.${image.sha256}`);
    expect(await modeOf(join(folder, 'images'))).toBe('700');
    expect(await modeOf(dir)).toBe('700');
    for (const name of await readdir(dir)) expect(await modeOf(join(dir, name))).toBe('600');
    expect(await readdir(join(folder, 'images'))).toHaveLength(1);
  });

  it('are bounded, the oldest first out', async () => {
    const folder = await tempDir();
    const images = await keptIn(folder, [20_000, 21_000, 22_000, 23_000, 24_000]);
    expect(images.map((image) => hasImage(placeIn(folder), image))).toEqual([false, false, true, true, true]);
  });

  it('are not used when they were damaged, and are not there when they are gone', async () => {
    const folder = await tempDir();
    const [image] = await keptIn(folder, [20_000]);
    if (image === undefined) throw new Error('There is an image.');
    const other = await tempDir();
    await imageFile(other, { sizeBytes: 30_000 });
    const file = join(folder, 'images', `${image.md5}.${image.sha256}`, 'image.bin');
    await writeFile(file, await readFile(join(other, 'firmware.bin')));
    await expect(keptImage(placeIn(folder), image, signal)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
    const none = { md5: '0'.repeat(32), sha256: '0'.repeat(64) };
    await expect(keptImage(placeIn(folder), none, signal)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it('come back without what is odd in the facts that were noted of them', async () => {
    const folder = await tempDir();
    const [image] = await keptIn(folder, [20_000]);
    if (image === undefined) throw new Error('There is an image.');
    const file = join(folder, 'images', `${image.md5}.${image.sha256}`, 'facts.json');
    for (const text of [
      'null',
      '[]',
      '"x"',
      '{',
      '{"kind":1,"platform":null,"partitions":{"partitions":[null]}}',
    ]) {
      await writeFile(file, text);
      const kept = await keptImage(placeIn(folder), image, signal);
      expect(kept.image).toMatchObject({ md5: image.md5, platform: 'esp8266' });
      expect(kept.partitions).toBeUndefined();
    }
  });

  it('are kept by processes that forget the same ones at the same time', async () => {
    const folder = join(await tempDir(), 'history');
    const writers = await Promise.all(
      [100, 200, 300, 400].map((first) => startWriter(folder, 40, first, keeper)),
    );
    for (const { child } of writers) go(child);
    await Promise.all(writers.map(({ closed }) => closed));
    expect(writers.map(({ said }) => said)).toEqual(writers.map(() => ['ready', 'end']));
  });

  it('are kept by several at the same time', async () => {
    const folder = await tempDir();
    const dir = await tempDir();
    await imageFile(dir);
    const image = await readImage({ path: join(dir, 'firmware.bin'), tool: 'file' }, { signal });
    const devices = Array.from({ length: 20 }, (_, index) => keyOf({ host: `d${index}` }));
    await Promise.all(devices.map((device) => keepImage(placeIn(folder), { image, device })));
    const names = await readdir(join(folder, 'images'));
    expect(names).toEqual([`${image.md5}.${image.sha256}`]);
    const marks = await readdir(join(folder, 'images', names[0] ?? ''));
    expect(marks.filter((name) => name.startsWith('for-'))).toHaveLength(20);
  });
});

describe('the sources of an image', { timeout: 60_000 }, () => {
  async function repository() {
    const dir = await tempDir();
    const env = { PATH: process.env['PATH'], HOME: dir };
    const git = (...args: string[]) => spawnSync('git', ['-C', dir, ...args], { encoding: 'utf8', env });
    const commit = (): string => {
      git('add', '.');
      git('-c', 'user.name=x', '-c', 'user.email=x@example.com', 'commit', '-q', '-m', 'first');
      return git('rev-parse', 'HEAD').stdout.trim();
    };
    const ask = (withChanges = true, signal = never) => sourceIn(dir, { env, signal, withChanges });
    return { dir, env, git, commit, ask };
  }

  it('are a commit and whether they differ from it', async () => {
    const { dir, git, commit, ask } = await repository();
    expect(await ask()).toBeUndefined();
    git('init', '-q');
    await writeFile(join(dir, 'main.ino'), '');
    expect(await ask()).toBeUndefined();
    const oid = commit();
    expect(await ask()).toEqual({ commit: oid, isDirty: false });
    await writeFile(join(dir, 'new.cpp'), '');
    expect(await ask()).toEqual({ commit: oid, isDirty: true });
    expect(await ask(false)).toEqual({ commit: oid });
    for (let index = 0; index < 3000; index += 1) await writeFile(join(dir, `${'x'.repeat(40)}${index}`), '');
    expect(await ask()).toEqual({ commit: oid, isDirty: true });
  });

  it('are asked for without running a program that the repository names', async () => {
    const { dir, git, commit, ask } = await repository();
    const marks = await tempDir();
    const evil = `touch "${marks}/$$"; cat`;
    const ran = (): Promise<string[]> => readdir(marks);
    const touched = async (): Promise<void> => {
      // As a build leaves it: other times, the same content; and one that git has to compare for it is as new as its index.
      await writeFile(join(dir, 'main.bin'), 'same');
      await utimes(join(dir, 'main.bin'), 1, 1);
    };
    git('init', '-q');
    await writeFile(join(dir, 'main.bin'), 'same');
    await writeFile(join(dir, '.gitattributes'), '*.bin filter=evil diff=evil\n*.ino filter=e=vil\n');
    const oid = commit();
    const settings = {
      'filter.evil.clean': evil,
      'filter.evil.process': evil,
      'filter.evil.required': 'true',
      'filter.EVIL.clean': evil,
      'core.fsmonitor': evil,
      'core.pager': evil,
      'pager.status': evil,
      'core.sshCommand': evil,
      'core.editor': evil,
      'diff.external': evil,
      'diff.evil.textconv': evil,
      'credential.helper': `!${evil}`,
      'alias.status': `!${evil}`,
      'alias.rev-parse': `!${evil}`,
      'core.hooksPath': 'hooks',
    };
    for (const [key, value] of Object.entries(settings)) git('config', key, value);
    await mkdir(join(dir, 'hooks'));
    for (const hook of ['post-index-change', 'fsmonitor-watchman', 'post-checkout'])
      await writeFile(join(dir, 'hooks', hook), `#!/bin/sh\n${evil}\n`, { mode: 0o755 });
    await touched();
    // That they run where nothing is done about it.
    git('status');
    expect((await ran()).length).toBeGreaterThan(0);
    for (const name of await ran()) await rm(join(marks, name));
    await touched();
    expect(await ask()).toEqual({ commit: oid, isDirty: true });
    expect(await ask(false)).toEqual({ commit: oid });
    // A name that cannot be overridden on a command line.
    git('config', 'filter.e=vil.clean', evil);
    expect(await ask()).toEqual({ commit: oid });
    expect(await ran()).toEqual([]);
  });

  it('are asked for without looking into submodules', async () => {
    const { dir, git, commit, ask } = await repository();
    const marks = await tempDir();
    const evil = `touch "${marks}/ran"`;
    const inside = await repository();
    inside.git('init', '-q');
    await writeFile(join(inside.dir, 'lib.bin'), 'lib');
    await writeFile(join(inside.dir, '.gitattributes'), '*.bin filter=evil\n');
    inside.commit();
    git('init', '-q');
    git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inside.dir, 'lib');
    await writeFile(join(dir, 'main.ino'), 'x'.repeat(100));
    const oid = commit();
    spawnSync('git', ['-C', join(dir, 'lib'), 'config', 'filter.evil.clean', `${evil}; cat`]);
    await utimes(join(dir, 'lib', 'lib.bin'), 1, 1);
    expect(await ask()).toEqual({ commit: oid, isDirty: false });
    expect(await readdir(marks)).toEqual([]);
  });

  it('are asked for without fetching what a partial clone does not have', async () => {
    const { dir, git, commit, ask } = await repository();
    const marks = await tempDir();
    git('init', '-q');
    await writeFile(join(dir, 'main.ino'), '');
    const oid = commit();
    const url = `ext::sh -c ${`touch "${marks}/ran"`.replaceAll(' ', '% ')}`;
    git('config', 'core.repositoryFormatVersion', '1');
    git('config', 'extensions.partialClone', 'origin');
    git('config', 'remote.origin.promisor', 'true');
    git('config', 'remote.origin.url', url);
    git('config', 'protocol.ext.allow', 'always');
    const tree = git('rev-parse', 'HEAD^{tree}').stdout.trim();
    await rm(join(dir, '.git', 'objects', tree.slice(0, 2), tree.slice(2)));
    expect(await ask()).toEqual({ commit: oid });
    expect(await readdir(marks)).toEqual([]);
    // That it is fetched where nothing is done about it.
    git('status');
    expect(await readdir(marks)).toEqual(['ran']);
  });

  it('are what is known by then where git hangs, which is ended with all that it has started', async () => {
    const { dir, commit: _, ...rest } = await repository();
    const oid = 'a'.repeat(40);
    const bin = join(dir, 'bin');
    await mkdir(bin);
    const script = `#!/bin/sh\ncase "$*" in *rev-parse*) echo ${oid}; exit;; esac\nsleep 1000 & echo $! $$ > "${dir}/pids"; wait\n`;
    await writeFile(join(bin, 'git'), script, { mode: 0o755 });
    const limit = new AbortController();
    const env = { ...rest.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const answer = sourceIn(dir, { env, signal: limit.signal, withChanges: true });
    const pids = await vi.waitFor(
      async () => {
        const found = (await readFile(join(dir, 'pids'), 'utf8')).trim().split(' ').map(Number);
        if (found.length < 2) throw new Error('Not yet.');
        return found;
      },
      { timeout: 20_000 },
    );
    limit.abort();
    expect(await answer).toEqual({ commit: oid });
    await vi.waitFor(
      async () => {
        for (const pid of pids) {
          const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
          expect(state).toMatch(/\) Z/);
        }
      },
      { timeout: 20_000 },
    );
  });

  it('are unknown where there is no git, and no git of the current folder is run', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, 'git'), `#!/bin/sh\necho ${'a'.repeat(40)}\n`, { mode: 0o755 });
    for (const PATH of ['/nonexistent', '', '.', relative(process.cwd(), dir)]) {
      const before = process.cwd();
      process.chdir(PATH === '.' || PATH === '' ? dir : before);
      try {
        expect(await sourceIn(dir, { env: { PATH }, signal: never, withChanges: true })).toBeUndefined();
      } finally {
        process.chdir(before);
      }
    }
    expect(await sourceIn(dir, { env: { PATH: dir }, signal: never, withChanges: false })).toBeDefined();
  });
});
