/**
 * What a hook adds to a build that pushes nothing: from the start of the process to its end, node's own included, for
 * without the hook there would be no node.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, printTable } from './table.ts';
import { cli, timeNode } from './time-node.ts';

const limitMs = 150;

/** Prints the table; whether the limit was kept. */
export async function benchHook(rounds: number): Promise<boolean> {
  const root = await mkdtemp(join(tmpdir(), 'otarc-bench-'));
  const folder = async (name: string, otarc?: string): Promise<string> => {
    const dir = join(root, name);
    await mkdir(dir);
    if (otarc !== undefined) await writeFile(join(dir, '.otarc'), otarc);
    return dir;
  };
  try {
    const hook = [cli, 'push', '--hook', '--file', 'firmware.bin'];
    const device = 'devices: { lamp: { host: 192.0.2.1, port: 8266 } }\n';
    const plain = await folder('plain');
    const cases = [
      { name: 'node -e 0', dir: plain, args: ['-e', '0'] },
      { name: 'inside a build of otarc', dir: plain, args: hook, env: { OTARC_SESSION: '1' } },
      { name: 'no .otarc', dir: plain, args: hook },
      { name: '.otarc without hook:', dir: await folder('without', device), args: hook },
      {
        name: 'hook: { pushOnBuild: false }',
        dir: await folder('off', `${device}hook: { pushOnBuild: false }\n`),
        args: hook,
      },
    ].map((each) => ({ ...each, timesMs: [] as number[] }));
    // The first round warms the caches of the system, and does not count.
    for (let round = 0; round <= rounds; round += 1) {
      for (const { args, dir, env, timesMs } of cases) {
        const tookMs = await timeNode(args, dir, env);
        if (round > 0) timesMs.push(tookMs);
      }
    }
    const ms = (value: number): string => `${value.toFixed(1)} ms`;
    const [, ...hooks] = cases;
    const isKept = hooks.every(({ timesMs }) => median(timesMs) <= limitMs);
    printTable(`otarc push --hook that pushes nothing, node ${process.version}, median of ${rounds}`, [
      ['case', 'median', 'fastest', 'limit'],
      ...cases.map(({ name, timesMs }, index) => [
        name,
        ms(median(timesMs)),
        ms(Math.min(...timesMs)),
        index === 0 ? '' : `≤ ${limitMs} ms: ${median(timesMs) <= limitMs ? 'kept' : 'MISSED'}`,
      ]),
    ]);
    return isKept;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
