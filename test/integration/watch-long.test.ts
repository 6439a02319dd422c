import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { makeEsp8266Image } from '../support/images.ts';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { quickDevice, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Held {
  readonly deployed: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly open?: number;
  readonly watched?: number;
}

const script = fileURLToPath(new URL('../support/run-watch-cycles.ts', import.meta.url));

interface Scene {
  readonly dir: string;
  readonly device: VirtualDevice;
  /** To run the cycles with. */
  readonly command: readonly string[];
}

async function scene(mode: 'build' | 'image', cycles: number): Promise<Scene> {
  const dir = await tempDir();
  const device = await quickDevice();
  await mkdir(join(dir, 'src'));
  await mkdir(join(dir, 'out'));
  const first = makeEsp8266Image({ sizeBytes: 8_192, seed: 9_999 });
  await writeFile(join(dir, mode === 'build' ? 'src/image' : 'out/firmware.bin'), first);
  const build = { command: ['cp', 'src/image', 'out/firmware.bin'], image: 'out/firmware.bin' };
  await writeOtarc(dir, { livingroom: { at: device, platform: 'esp8266' } }, { build });
  const node = [process.execPath, '--expose-gc', '--import', 'jiti/register'];
  return { dir, device, command: [...node, script, dir, String(cycles), mode] };
}

interface Result {
  readonly early: Held;
  readonly late: Held;
  readonly left: readonly string[];
  readonly warned: readonly string[];
}

async function run([file = '', ...args]: readonly string[], { dir }: Scene): Promise<Result> {
  const { stdout } = await execa(file, args, { env: { HOME: dir } });
  return JSON.parse(stdout) as Result;
}

describe('a watch that runs for long', () => {
  it.each([
    { mode: 'build', cycles: 500 },
    { mode: 'image', cycles: 500 },
  ] as const)(
    'holds after $cycles deploys what it held after ten ($mode)',
    { timeout: 240_000 },
    async ({ mode, cycles }) => {
      const it = await scene(mode, cycles);

      const { early, late, left, warned } = await run(it.command, it);

      expect(early.deployed).toBe(10);
      expect(late.deployed).toBe(cycles);
      expect(it.device.updates).toHaveLength(cycles);
      expect(late.resources).toEqual(early.resources);
      expect(late.open).toBe(early.open);
      expect(late.watched).toBe(early.watched);
      // Compiled code still grows a little; a cycle that kept its image would have 4 MB more.
      expect(late.heapBytes - early.heapBytes).toBeLessThan(3_000_000);
      expect(late.externalBytes - early.externalBytes).toBeLessThan(1_000_000);
      expect(left).toEqual([]);
      expect(warned).toEqual([]);
    },
  );
});

/** A namespace of this user, in which the system watches three files and no more. */
const fewFiles = [
  'unshare',
  '-Ur',
  'sh',
  '-c',
  'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"',
  'sh',
];
const trial = await execa('unshare', [...fewFiles.slice(1), 'true'], { reject: false });

describe.skipIf(trial.exitCode !== 0)('a system that cannot watch more files', () => {
  it('is said once, with its cure, and the files are looked at from then on', async () => {
    const it = await scene('build', 12);

    const { late, warned } = await run([...fewFiles, ...it.command], it);

    expect(late.deployed).toBe(12);
    expect(warned).toEqual([expect.stringMatching(/cannot watch more files \(ENOSPC\).*sysctl.*--poll/)]);
  });
});
