/** `watchProject` in this process, in a folder whose build is a script of node: with everything that was told. */

import { once } from 'node:events';
import { watch as watchFolder } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { DeployEvent } from '../../src/model/events.ts';
import type { Controls, Shown, WatchProjectOptions } from '../../src/watch/options.ts';
import { watchProject } from '../../src/watch/watch-project.ts';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { writeOtarc } from './otarc.ts';
import { tempDir } from './temp-dir.ts';

export interface Watching {
  readonly events: DeployEvent[];
  readonly shown: Shown[];
  readonly controls: Controls;
  /** Resolves with the next event from now on that matches. */
  next(type: DeployEvent['type'], matches?: (event: DeployEvent) => boolean): Promise<DeployEvent>;
  /** The next `done` from now on. */
  done(): Promise<Extract<DeployEvent, { type: 'done' }>>;
  /** Resolves when the next state from now on that matches is shown. */
  nextState(matches?: (state: Shown) => boolean): Promise<void>;
  /** Resolves when the watch has noticed everything that was written before. */
  noticedAll(): Promise<void>;
  stop(): Promise<number>;
  readonly ended: Promise<number>;
}

export async function startWatch(dir: string, options: Partial<WatchProjectOptions> = {}): Promise<Watching> {
  const events: DeployEvent[] = [];
  const shown: Shown[] = [];
  const waiting = new Set<(event: DeployEvent) => void>();
  const looking = new Set<(state: Shown) => void>();
  const controller = new AbortController();
  const output = new PassThrough();
  output.resume();
  let started: (controls: Controls) => void = () => {};
  const controls = new Promise<Controls>((resolve) => (started = resolve));
  const ended = watchProject({
    cwd: dir,
    flags: { cwd: dir },
    env: { PATH: process.env['PATH'], HOME: dir },
    build: true,
    once: false,
    poll: false,
    sinceMs: Date.now(),
    showBuild: false,
    output,
    ...options,
    signal: controller.signal,
    onStart: (given) => started(given),
    onState(state) {
      shown.push(state);
      for (const look of looking) look(state);
    },
    onEvent(event) {
      // The protocol word by word, which may go on a little after the run.
      if (event.type === 'log' && event.level === 'debug') return;
      events.push(event);
      for (const look of waiting) look(event);
    },
  });
  const stop = async (): Promise<number> => {
    controller.abort();
    return ended;
  };
  onTestFinished(async () => void (await stop()));
  const next: Watching['next'] = (type, matches = () => true) =>
    new Promise((resolve) => {
      const look = (event: DeployEvent): void => {
        if (event.type !== type || !matches(event)) return;
        waiting.delete(look);
        resolve(event);
      };
      waiting.add(look);
    });
  const nextState: Watching['nextState'] = (matches = () => true) =>
    new Promise((resolve) => {
      const look = (state: Shown): void => {
        if (!matches(state)) return;
        looking.delete(look);
        resolve();
      };
      looking.add(look);
    });
  return {
    events,
    shown,
    nextState,
    noticedAll,
    controls: await Promise.race([
      controls,
      ended.then((code) => {
        throw new Error(`It ended with ${code} before it had begun: ${JSON.stringify(events)}`);
      }),
    ]),
    next,
    done: () => next('done') as ReturnType<Watching['done']>,
    stop,
    ended,
  };
}

/**
 * The system reports changes to a process in their order: when it has reported this one, the watch has heard of all before
 * it, and has to look at them yet. It does so by as many questions to the disk as it asks here, or by fewer.
 */
async function noticedAll(): Promise<void> {
  const folder = await tempDir();
  const watcher = watchFolder(folder);
  const changed = once(watcher, 'change');
  await writeFile(join(folder, 'mark'), '');
  await changed;
  watcher.close();
  for (let count = 0; count < 30; count += 1) await stat(folder);
}

/** For an `.otarc` beside that script. */
export const scriptBuild = { command: [process.execPath, 'build.mjs'], image: 'out/firmware.bin' };

/**
 * A project in which a script makes an image of `src/main.txt`: its text decides the bytes. `broken` in it is an error of
 * a compiler, `slow:N` takes N milliseconds, `stubborn` another 300 when it is asked to end.
 */
export async function makeScriptProject(
  device: VirtualDevice,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ dir: string; source: string; image: string; save(text: string): Promise<void> }> {
  const dir = await tempDir();
  const source = join(dir, 'src', 'main.txt');
  await mkdir(join(dir, 'src'));
  await writeFile(source, 'first');
  await writeFile(join(dir, 'build.mjs'), script);
  await writeOtarc(dir, { livingroom: { at: device } }, { build: scriptBuild, ...more });
  return { dir, source, image: join(dir, 'out', 'firmware.bin'), save: (text) => writeFile(source, text) };
}

/** Written apart from `images.ts`, as it runs in a process of its own: an ESP8266 image as a core before 2.7 makes it. */
const script = `
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const text = readFileSync('src/main.txt', 'utf8');
mkdirSync('out', { recursive: true });
appendFileSync('out/builds.log', process.pid + '\\n');
console.log('building ' + text);
if (text.includes('stubborn')) process.on('SIGTERM', () => setTimeout(() => process.exit(143), 300));
const slow = /slow:(\\d+)/.exec(text);
if (slow) await new Promise((done) => setTimeout(done, Number(slow[1])));
if (text.includes('broken')) {
  console.error("src/main.txt:1:7: error: 'broken' was not declared in this scope");
  console.error('compilation terminated.');
  process.exit(1);
}
const data = Buffer.alloc(20000, 0x5a);
data.write('text:' + text + ';');
const program = (entry, address, content) => {
  const head = Buffer.from([0xe9, 1, 2, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(entry, 4);
  head.writeUInt32LE(address, 8);
  head.writeUInt32LE(content.length, 12);
  const end = Buffer.alloc(16);
  end[15] = content.reduce((sum, byte) => sum ^ byte, 0xef);
  return Buffer.concat([head, content, end]);
};
const boot = program(0x4010f480, 0x4010f000, Buffer.alloc(2048, 0x33));
const image = Buffer.concat([boot, Buffer.alloc(4096 - boot.length, 0xaa), program(0x40100004, 0x40100000, data)]);
writeFileSync('out/firmware.bin', image);
`;
