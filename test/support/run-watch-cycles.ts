/**
 * Run by `node --expose-gc`: a watch that deploys so many times, one after the other. Prints as JSON what this process held
 * after the tenth time and at the end, and what it was warned of. Arguments: a folder with a project, the number of cycles, `build` or `image`.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchProject } from '../../src/watch/watch-project.ts';
import { makeEsp8266Image } from './images.ts';

const [dir = '', cycles = '', mode = ''] = process.argv.slice(2);
const controller = new AbortController();
const output = new PassThrough();
output.resume();
/** Between two looks at what is held. */
const pollMs = 20;
let deployed = 0;
let onDone = (): void => {};
const warned: string[] = [];

const ended = watchProject({
  cwd: dir,
  flags: { cwd: dir },
  env: { PATH: process.env['PATH'], HOME: dir },
  build: mode === 'build',
  once: false,
  poll: false,
  sinceMs: Date.now(),
  showBuild: false,
  output,
  signal: controller.signal,
  onEvent(event) {
    if (event.type === 'failed') throw new Error(event.message);
    if (event.type === 'log' && event.level === 'warn') warned.push(event.message);
    if (event.type !== 'done') return;
    deployed += event.deployed.length;
    onDone();
  },
});
const file = mode === 'build' ? join(dir, 'src', 'image') : join(dir, 'out', 'firmware.bin');

/** The next deploy, by saving in one of the ways in which editors do. */
async function cycle(index: number): Promise<void> {
  const done = new Promise<void>((resolve) => (onDone = resolve));
  if (index > 0) {
    const bytes = makeEsp8266Image({ sizeBytes: 8_192, seed: index });
    const path = index % 2 === 0 ? file : `${file}.${index}.tmp`;
    await writeFile(path, bytes);
    if (path !== file) await rename(path, file);
  }
  await done;
}

/** What is still held when nothing more is let go: what was just closed goes in a later turn, what hangs on it later still. */
async function held(like?: Held): Promise<Held> {
  let [before, calm] = [look(), 0];
  const isDone = (): boolean => (like === undefined ? calm >= 20 : countsOf(before) === countsOf(like));
  // Where it is never let go, the test is to see what is held.
  for (let turns = 0; turns < 500 && !isDone(); turns += 1) {
    await sleep(pollMs);
    const now = look();
    calm = countsOf(now) === countsOf(before) ? calm + 1 : 0;
    before = now;
  }
  return before;
}

type Held = ReturnType<typeof look>;
const countsOf = ({ resources, open, watched }: Held): string => JSON.stringify([resources, open, watched]);

function look() {
  globalThis.gc?.();
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo().toSorted())
    resources[name] = (resources[name] ?? 0) + 1;
  const { heapUsed, external } = process.memoryUsage();
  return { deployed, heapBytes: heapUsed, externalBytes: external, resources, ...filesOfSystem() };
}

/** Linux: how many files this process has open, and how many files and folders it watches. */
function filesOfSystem(): { open?: number; watched?: number } {
  try {
    const files = readdirSync('/proc/self/fdinfo');
    const texts = files.map((each) => {
      try {
        return readFileSync(`/proc/self/fdinfo/${each}`, 'utf8');
      } catch {
        return '';
      }
    });
    return { open: files.length, watched: texts.join('').match(/^inotify wd:/gm)?.length ?? 0 };
  } catch {
    return {};
  }
}

for (let index = 0; index < 10; index += 1) await cycle(index);
const early = await held();
for (let index = 10; index < Number(cycles); index += 1) await cycle(index);
const late = await held(early);
controller.abort();
await ended;
const left = (): string[] =>
  process.getActiveResourcesInfo().filter((name) => !/^(?:PipeWrap|TTYWrap|Timeout)$/.test(name));
for (let turns = 0; turns < 500 && left().length > 0; turns += 1) await sleep(pollMs);
console.log(JSON.stringify({ early, late, left: left(), warned }));
