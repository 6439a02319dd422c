/**
 * What a watch adds: from a save to the start of the build, and from the whole image to its first byte at the device, with
 * the device's own time (from the invitation to its connection) taken off. Everything of one round happens in one run.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { startVirtualDevice, type VirtualDevice } from '../../src/simulator/index.ts';
import { watchProject } from '../../src/watch/watch-project.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { median, ninetieth, printTable } from './table.ts';

const limitMs = 60;
/** What a build is here: it notes when it starts, and when the image is whole. */
const build = 'date +%s%N > started; cp src/image out/firmware.bin; date +%s%N > whole';

/** Prints the table; whether the limits were kept. */
export async function benchWatch(rounds: number): Promise<boolean> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'otarc-bench-')));
  const seen = new Map<string, number>();
  const device = await startVirtualDevice({
    flash: { msPerSector: 0 },
    timing: { verdictDelayMs: 0, closeDelayMs: 0, rebootMs: 0 },
    tell: ({ type }) => {
      if (!seen.has(type)) seen.set(type, nowMs());
    },
  });
  try {
    await makeProject(dir, device);
    const toBuild: number[] = [];
    const toDevice: number[] = [];
    const ofOthers: number[] = [];
    const spawns: number[] = [];
    await watching(dir, true, async (deployed) => {
      for (let round = 1; round <= rounds; round += 1) {
        spawns.push(await timeSpawn(dir));
        seen.clear();
        const done = deployed();
        await writeFile(join(dir, 'src', 'image'), image(round));
        const savedAtMs = nowMs();
        await done;
        toBuild.push((await stamp(dir, 'started')) - savedAtMs);
        toDevice.push(addedAfter(await stamp(dir, 'whole'), seen));
      }
    });
    await watching(dir, false, async (deployed) => {
      for (let round = 1; round <= rounds; round += 1) {
        seen.clear();
        const done = deployed();
        await writeFile(join(dir, 'out', 'firmware.bin'), image(-round));
        const wholeAtMs = nowMs();
        await done;
        ofOthers.push(addedAfter(wholeAtMs, seen));
      }
    });
    return report({ toBuild, toDevice, ofOthers, spawns });
  } finally {
    await device.close();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Measured {
  readonly toBuild: readonly number[];
  readonly toDevice: readonly number[];
  readonly ofOthers: readonly number[];
  readonly spawns: readonly number[];
}

function report({ toBuild, toDevice, ofOthers, spawns }: Measured): boolean {
  const spawnMs = median(spawns);
  const rows = [
    { what: 'save → build runs, without the start of a process', times: toBuild.map((ms) => ms - spawnMs) },
    { what: 'image whole → first byte at the device', times: toDevice },
    { what: 'the same, built by somebody else', times: ofOthers },
  ];
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  printTable(`watch, ${toBuild.length} rounds`, [
    ['from … to', 'median', 'nine of ten', 'slowest', 'limit for nine of ten'],
    ...rows.map(({ what, times }) => [
      what,
      ms(median(times)),
      ms(ninetieth(times)),
      ms(Math.max(...times)),
      `≤ ${limitMs} ms: ${ninetieth(times) <= limitMs ? 'kept' : 'MISSED'}`,
    ]),
    [
      'the start of such a process, by itself',
      ms(spawnMs),
      ms(ninetieth(spawns)),
      ms(Math.max(...spawns)),
      '',
    ],
  ]);
  return rows.every(({ times }) => ninetieth(times) <= limitMs);
}

/** Until the first byte is there, without what the device does between the invitation and its connection. */
function addedAfter(wholeAtMs: number, seen: ReadonlyMap<string, number>): number {
  const at = (type: string): number => seen.get(type) ?? NaN;
  return at('invited') - wholeAtMs + (at('received') - at('connected'));
}

async function watching(
  dir: string,
  builds: boolean,
  run: (deployed: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const output = new PassThrough();
  output.resume();
  let onDone = (): void => {};
  const deployed = (): Promise<void> => new Promise((resolve) => (onDone = resolve));
  const first = deployed();
  const ended = watchProject({
    cwd: dir,
    flags: { cwd: dir },
    env: { PATH: process.env['PATH'], HOME: dir },
    build: builds,
    once: false,
    poll: false,
    sinceMs: Date.now(),
    showBuild: false,
    output,
    signal: controller.signal,
    onEvent: ({ type }) => {
      // Its own last words are not to be waited for by the next round.
      if (type === 'done') setTimeout(onDone, 20);
    },
  });
  await first;
  await run(deployed);
  controller.abort();
  await ended;
}

async function makeProject(dir: string, device: VirtualDevice): Promise<void> {
  await mkdir(join(dir, 'src'));
  await mkdir(join(dir, 'out'));
  await writeFile(join(dir, 'src', 'image'), image(0));
  const otarc = {
    devices: { bench: { host: device.address, port: device.port } },
    build: { command: ['sh', '-c', build], image: 'out/firmware.bin' },
    watch: { ignore: ['started', 'whole'] },
  };
  await writeFile(join(dir, '.otarc'), JSON.stringify(otarc));
}

const image = (seed: number): Uint8Array => makeEsp8266Image({ sizeBytes: 400 * 1024, seed });

/** From the call to the first thing that such a process does. */
async function timeSpawn(dir: string): Promise<number> {
  const startedAtMs = nowMs();
  const child = spawn('sh', ['-c', 'date +%s%N > started'], { cwd: dir, stdio: 'ignore' });
  await once(child, 'exit');
  await sleep(20);
  return (await stamp(dir, 'started')) - startedAtMs;
}

async function stamp(dir: string, name: string): Promise<number> {
  return Number(await readFile(join(dir, name), 'utf8')) / 1e6;
}

/** Wall-clock time, finer than `Date.now()`. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
