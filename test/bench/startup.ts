/**
 * What otarc adds to starting node: `--version`, and a push to an address without the exchange itself. Each round runs
 * all three, one after the other, so that a busy machine slows all of them.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVirtualDevice, type VirtualDevice } from '../../src/simulator/index.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { median, printTable } from './table.ts';
import { cli, timeNode } from './time-node.ts';

/** Over `node -e 0`. */
const versionLimitMs = 20;
const pushLimitMs = 45;

/** Prints the table; whether both limits were kept. */
export async function benchStartup(rounds: number): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), 'otarc-bench-'));
  let exchangeMs = 0;
  const device = await startInstantDevice((ms) => (exchangeMs = ms));
  try {
    const image = join(dir, 'firmware.bin');
    await writeFile(image, makeEsp8266Image({ sizeBytes: 400 * 1024 }));
    const push = [cli, 'push', `${device.address}:${device.port}`, '--file', image];
    const bareMs: number[] = [];
    const versionMs: number[] = [];
    const pushMs: number[] = [];
    const exchangesMs: number[] = [];
    // The first round warms the caches of the system, and does not count.
    for (let round = 0; round <= rounds; round += 1) {
      const bare = await timeNode(['-e', '0'], dir);
      const version = await timeNode([cli, '--version'], dir);
      const ready = device.waitFor('runs');
      const pushed = await timeNode(push, dir);
      await ready;
      if (round === 0) continue;
      bareMs.push(bare);
      versionMs.push(version);
      pushMs.push(pushed - exchangeMs);
      exchangesMs.push(exchangeMs);
    }
    return report({ bareMs, versionMs, pushMs, exchangesMs });
  } finally {
    await device.close();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Measured {
  readonly bareMs: readonly number[];
  readonly versionMs: readonly number[];
  readonly pushMs: readonly number[];
  readonly exchangesMs: readonly number[];
}

function report({ bareMs, versionMs, pushMs, exchangesMs }: Measured): boolean {
  const baseMs = median(bareMs);
  const versionAddsMs = median(versionMs) - baseMs;
  const pushAddsMs = median(pushMs) - baseMs;
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const verdict = (value: number, limit: number): string =>
    `≤ ${limit} ms: ${value <= limit ? 'kept' : 'MISSED'}`;
  printTable(`start-up, node ${process.version}, median of ${bareMs.length} alternating runs`, [
    ['command', 'median', 'fastest', 'over node', 'limit'],
    ['node -e 0', ms(baseMs), ms(Math.min(...bareMs))],
    [
      'otarc --version',
      ms(median(versionMs)),
      ms(Math.min(...versionMs)),
      ms(versionAddsMs),
      verdict(versionAddsMs, versionLimitMs),
    ],
    [
      'otarc push, without its exchange',
      ms(median(pushMs)),
      ms(Math.min(...pushMs)),
      ms(pushAddsMs),
      verdict(pushAddsMs, pushLimitMs),
    ],
    ['the exchange (400 KiB, loopback)', ms(median(exchangesMs)), ms(Math.min(...exchangesMs))],
  ]);
  return versionAddsMs <= versionLimitMs && pushAddsMs <= pushLimitMs;
}

/** A device that needs no time for anything; `exchanged` gets the milliseconds from invitation to verdict. */
async function startInstantDevice(exchanged: (ms: number) => void): Promise<VirtualDevice> {
  let invitedAtMs = 0;
  return startVirtualDevice({
    flash: { msPerSector: 0 },
    timing: { connectDelayMs: 0, verdictDelayMs: 0, closeDelayMs: 0, rebootMs: 0, openFlashMs: 0 },
    tell: ({ type }) => {
      if (type === 'invited') invitedAtMs = performance.now();
      if (type === 'verdict') exchanged(performance.now() - invitedAtMs);
    },
  });
}
