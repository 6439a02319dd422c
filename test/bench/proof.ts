/**
 * What proof costs: from the announcement of a device that has booted to `verified`, on each platform; and a push that
 * ends unverified, beside the same push with `--no-verify`. otarc is a process of its own, as at a user's.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startVirtualDevice, type Model, type VirtualDevice } from '../../src/simulator/index.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { median, ninetieth, printTable } from './table.ts';
import { cli } from './time-node.ts';

const models: readonly Model[] = ['esp8266', 'esp32', 'rp2040'];
const verifiedLimitMs = 100;
/** Of an unverified push to one with `--no-verify`: the median of the ratios of pairs. */
const ratioLimit = 1.02;

/** Prints the tables; whether all limits were kept. */
export async function benchProof(rounds: number): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), 'otarc-bench-'));
  try {
    const file = join(dir, 'firmware.bin');
    await writeFile(file, makeEsp8266Image({ sizeBytes: 200 * 1024 }));
    const isPrompt = await benchVerified(rounds, { dir, file });
    return (await benchUnverified(rounds, { dir, file })) && isPrompt;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface Place {
  readonly dir: string;
  readonly file: string;
}

async function benchVerified(rounds: number, place: Place): Promise<boolean> {
  const rows: string[][] = [];
  let isKept = true;
  for (const model of models) {
    const delays: number[] = [];
    const waits: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const { delayMs, waitMs } = await timeVerified(model, place);
      delays.push(delayMs);
      waits.push(waitMs);
    }
    const worstMs = Math.max(...delays);
    isKept &&= worstMs <= verifiedLimitMs;
    rows.push([
      model,
      ...[median(delays), ninetieth(delays), worstMs].map(inMs),
      kept(worstMs, verifiedLimitMs),
    ]);
    rows.push([
      '  from `accepted` on',
      ...[median(waits), ninetieth(waits), Math.max(...waits)].map(inMs),
      '',
    ]);
  }
  printTable(`announcement at the host → \`verified\`, ${rounds} rounds`, [
    ['device', 'median', 'nine of ten', 'slowest', 'limit for the slowest'],
    ...rows,
  ]);
  return isKept;
}

/** Restarts within a second, so that questions and announcement fall together in many ways. */
async function timeVerified(model: Model, place: Place): Promise<{ delayMs: number; waitMs: number }> {
  let bootedAtMs = NaN;
  const { device, host } = await startDevice({
    model,
    announcesRunning: true,
    rebootMs: 400 + Math.random() * 600,
    tell: (type) => {
      if (type === 'booted') bootedAtMs = performance.now();
    },
  });
  try {
    const { events } = await runPush([host, '--force'], place);
    const at = (type: string): number => events.get(type) ?? NaN;
    return { delayMs: at('verified') - bootedAtMs, waitMs: at('verified') - at('accepted') };
  } finally {
    await device.close();
  }
}

async function benchUnverified(rounds: number, place: Place): Promise<boolean> {
  const rows: string[][] = [];
  let isKept = true;
  for (const by of ['address', 'name'] as const) {
    // It takes its time, if less than a real one: what otarc does meanwhile is to hold nothing up.
    const { device, host } = await startDevice({
      model: 'esp8266',
      announcesRunning: false,
      rebootMs: 0,
      msPerSector: 10,
      verdictDelayMs: 200,
    });
    try {
      const target = by === 'name' ? host : `${device.address}:${device.port}`;
      const auto: Timed[] = [];
      const none: Timed[] = [];
      // The first round warms the caches of the system, and does not count.
      for (let round = 0; round <= rounds; round += 1) {
        // Neither is always the first of a pair.
        const order = round % 2 === 0 ? ([auto, none] as const) : ([none, auto] as const);
        for (const times of order) {
          const ready = device.waitFor('runs');
          const flags = times === none ? ['--no-verify'] : [];
          const timed = await runPush([target, '--force', ...flags], place);
          await ready;
          if (round > 0) times.push(timed);
        }
      }
      for (const [what, of] of [
        ['start → `accepted`', ({ startMs, events }: Timed) => (events.get('accepted') ?? NaN) - startMs],
        ['`accepted` → end', ({ endMs, events }: Timed) => endMs - (events.get('accepted') ?? NaN)],
        ['the whole process', ({ startMs, endMs }: Timed) => endMs - startMs],
      ] as const) {
        const ratio = median(auto.map((each, index) => of(each) / of(none[index] ?? each)));
        const isWhole = what === 'the whole process';
        if (isWhole) isKept &&= ratio <= ratioLimit;
        rows.push([
          `by ${by}: ${what}`,
          inMs(median(auto.map(of))),
          inMs(median(none.map(of))),
          ratio.toFixed(3),
          isWhole ? `≤ ${ratioLimit}: ${ratio <= ratioLimit ? 'kept' : 'MISSED'}` : '',
        ]);
      }
    } finally {
      await device.close();
    }
  }
  printTable(`a push that ends unverified, ${rounds} alternating pairs`, [
    ['', 'median', 'with --no-verify', 'median of the ratios', 'limit'],
    ...rows,
  ]);
  return isKept;
}

const inMs = (value: number): string => `${value.toFixed(1)} ms`;
const kept = (value: number, limit: number): string => `≤ ${limit} ms: ${value <= limit ? 'kept' : 'MISSED'}`;

let count = 0;

async function startDevice(options: {
  model: Model;
  announcesRunning: boolean;
  rebootMs: number;
  msPerSector?: number;
  verdictDelayMs?: number;
  tell?: (type: string) => void;
}): Promise<{ readonly device: VirtualDevice; readonly host: string }> {
  const { model, announcesRunning, rebootMs, msPerSector = 0, verdictDelayMs = 0, tell } = options;
  // Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
  const name = `otarc-bench-${process.pid}-${(count += 1)}`;
  const device = await startVirtualDevice({
    model,
    name,
    announce: true,
    announcesRunning,
    flash: { msPerSector },
    timing: { connectDelayMs: 0, verdictDelayMs, closeDelayMs: 0, openFlashMs: 0, rebootMs },
    tell: ({ type }) => tell?.(type),
  });
  return { device, host: `${name}.local` };
}

/** As `performance.now()` counts. */
interface Timed {
  readonly startMs: number;
  /** When each type of event was first read here. */
  readonly events: ReadonlyMap<string, number>;
  readonly endMs: number;
}

async function runPush(args: readonly string[], { dir, file }: Place): Promise<Timed> {
  const startMs = performance.now();
  const child = spawn(process.execPath, [cli, 'push', ...args, '--file', file, '--json'], {
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events = new Map<string, number>();
  const lines = createInterface({ input: child.stdout });
  let failure = '';
  lines.on('line', (line) => {
    const { type } = JSON.parse(line) as { type: string };
    if (!events.has(type)) events.set(type, performance.now());
    if (type === 'failed') failure = line;
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  const endMs = performance.now();
  if (code !== 0) throw new Error(`otarc push ${args.join(' ')} ended with ${code}: ${failure}`);
  return { startMs, events, endMs };
}
