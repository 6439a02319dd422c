/**
 * How soon `otarc devices` shows a device that answers in 20 ms, over the start of node alone, in alternating runs; and what
 * resolving its name costs beside its own answer.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locate } from '../../src/network/index.ts';
import { startResponder } from '../support/mdns-responder.ts';
import { median, printTable } from './table.ts';
import { cli, timeNode } from './time-node.ts';

const answerMs = 20;
/** Over `node -e 0`, the device's own 20 ms included. */
const limitMs = 100;
/** Over the device's own 20 ms. */
const resolveLimitMs = 30;

/** Prints the table; whether the limit was kept, with and without an `.otarc`. */
export async function benchDevices(rounds: number): Promise<boolean> {
  const [empty, project] = await Promise.all(
    ['empty', 'project'].map((label) => mkdtemp(join(tmpdir(), `otarc-bench-${label}-`))),
  );
  const name = `otarc-bench-${process.pid}`;
  const ipv6Name = `${name}-ipv6`;
  const responders = await Promise.all([
    startResponder({ name, addresses: ['127.0.0.1'], pointer: 'whole', delayMs: answerMs }),
    startResponder({ name: ipv6Name, addresses: ['2001:db8::7'], delayMs: answerMs }),
  ]);
  try {
    await writeFile(join(project ?? '', '.otarc'), `devices:\n  ${name}: { platform: esp8266 }\n`);
    const bareMs: number[] = [];
    const emptyMs: number[] = [];
    const projectMs: number[] = [];
    const resolveMs: number[] = [];
    const resolveIpv6Ms: number[] = [];
    // The first round warms the caches of the system, and does not count.
    for (let round = 0; round <= rounds; round += 1) {
      const bare = await timeNode(['-e', '0'], empty ?? '');
      const without = await timeUntilShown(name, empty ?? '');
      const withFile = await timeUntilShown(name, project ?? '');
      const resolved = await timeToResolve(name);
      const resolvedIpv6 = await timeToResolve(ipv6Name);
      if (round === 0) continue;
      resolveMs.push(resolved);
      resolveIpv6Ms.push(resolvedIpv6);
      bareMs.push(bare);
      emptyMs.push(without);
      projectMs.push(withFile);
    }
    return report({ bareMs, emptyMs, projectMs, resolveMs, resolveIpv6Ms });
  } finally {
    await Promise.all(responders.map((responder) => responder.close()));
    await Promise.all([empty, project].map((dir) => rm(dir ?? '', { recursive: true, force: true })));
  }
}

/** Milliseconds from the start of the process to the line that says it has arrived. */
async function timeUntilShown(name: string, cwd: string): Promise<number> {
  const startedAtMs = performance.now();
  const args = [cli, 'devices', '--watch', '--json', '--interface', '127.0.0.1'];
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const shown = new Promise<number>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes(`"device":"${name}"`)) resolve(performance.now() - startedAtMs);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => reject(new Error(`otarc devices ended with ${code}: ${said}`)));
  });
  const ended = once(child, 'exit');
  try {
    return await shown;
  } finally {
    child.kill('SIGINT');
    await ended;
  }
}

async function timeToResolve(name: string): Promise<number> {
  const startedAtMs = performance.now();
  const request = { name, host: name, interfaces: ['127.0.0.1'] };
  await locate(request, { signal: new AbortController().signal, tell: () => undefined });
  return performance.now() - startedAtMs;
}

interface Measured {
  readonly bareMs: readonly number[];
  readonly emptyMs: readonly number[];
  readonly projectMs: readonly number[];
  readonly resolveMs: readonly number[];
  readonly resolveIpv6Ms: readonly number[];
}

function report({ bareMs, emptyMs, projectMs, resolveMs, resolveIpv6Ms }: Measured): boolean {
  const baseMs = median(bareMs);
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const row = (title: string, values: readonly number[]): string[] => {
    const addedMs = median(values) - baseMs;
    const verdict = verdictOf(addedMs, limitMs);
    return [title, ms(median(values)), ms(Math.min(...values)), ms(addedMs), verdict];
  };
  printTable(
    `a device that answers in ${answerMs} ms is shown, median of ${bareMs.length} alternating runs`,
    [
      ['command', 'median', 'fastest', 'over node', 'limit'],
      ['node -e 0', ms(baseMs), ms(Math.min(...bareMs))],
      row('otarc devices, no .otarc', emptyMs),
      row('otarc devices, with an .otarc', projectMs),
    ],
  );
  const resolved: readonly (readonly [string, readonly number[]])[] = [
    ['locate', resolveMs],
    ['locate, IPv6 alone', resolveIpv6Ms],
  ];
  printTable(`its name is resolved, median of ${resolveMs.length} runs in one process`, [
    ['', 'median', 'fastest', 'over its answer', 'limit'],
    ...resolved.map(([title, values]) => {
      const addedMs = median(values) - answerMs;
      const verdict = verdictOf(addedMs, resolveLimitMs);
      return [title, ms(median(values)), ms(Math.min(...values)), ms(addedMs), verdict];
    }),
  ]);
  const isShownInTime = [emptyMs, projectMs].every((values) => median(values) - baseMs <= limitMs);
  return isShownInTime && resolved.every(([, values]) => median(values) - answerMs <= resolveLimitMs);
}

function verdictOf(value: number, limit: number): string {
  return `≤ ${limit} ms: ${value <= limit ? 'kept' : 'MISSED'}`;
}
