import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtEnvironment } from '../../src/builders/build.ts';
import type { DeployEvent } from '../../src/model/events.ts';
import { deployProject, type DeployProjectOptions } from '../../src/deploy/deploy-project.ts';
import { firmwareOf, recordedContext } from '../support/build-context.ts';
import { tempDir } from '../support/temp-dir.ts';

interface House {
  readonly otarc: object;
  /** `default_envs`, as pio tells of it. */
  readonly defaults: readonly string[];
  readonly options?: DeployProjectOptions;
  readonly variables?: NodeJS.ProcessEnv;
}

const devices = { a: { host: '127.0.0.1', environment: 'd1' }, b: { host: '127.0.0.1', environment: 'd2' } };
const sections = ['env:d1', 'env:d2'];

/** The devices that a deploy means; it ends without an image, and no datagram leaves. */
async function meant({ otarc, defaults, options = {}, variables = {} }: House): Promise<string[] | string> {
  const dir = await tempDir();
  const bin = join(dir, 'bin');
  await mkdir(bin);
  await mkdir(join(dir, '.git'));
  await writeFile(join(dir, 'platformio.ini'), '');
  await writeFile(join(dir, '.otarc'), JSON.stringify(otarc));
  const config = JSON.stringify([
    ['platformio', [['default_envs', defaults]]],
    ...sections.map((section) => [section, []]),
  ]);
  const script = `#!/bin/sh\n[ "$1" = project ] || exit 1\ncat <<'END'\n${config}\nEND\n`;
  await writeFile(join(bin, 'pio'), script, { mode: 0o755 });
  const events: DeployEvent[] = [];
  const { outcomes } = await deployProject({
    cwd: dir,
    source: 'last-build',
    dryRun: true,
    env: { PATH: `${bin}:${process.env['PATH']}`, HOME: dir, ...variables },
    onEvent: (event) => events.push(event),
    ...options,
  });
  const failed = events.find((event) => event.type === 'failed' && event.stage === 'config');
  return failed?.type === 'failed' ? failed.code : [...outcomes.keys()];
}

describe.skipIf(process.platform === 'win32')('a deploy without a target', () => {
  it.each<House & { what: string; expected: string[] | string }>([
    {
      what: 'means the devices of the environment that pio would build',
      otarc: { devices },
      defaults: ['d1'],
      expected: ['a'],
    },
    {
      what: 'means none where pio would build several',
      otarc: { devices },
      defaults: ['d1', 'd2'],
      expected: 'NO_TARGET',
    },
    {
      what: 'goes by the flag before the default',
      otarc: { devices },
      defaults: ['d1'],
      options: { flags: { environment: 'd2' } },
      expected: ['b'],
    },
    {
      what: 'goes by the variable as by the flag',
      otarc: { devices },
      defaults: ['d1'],
      variables: { OTARC_ENVIRONMENT: 'd2' },
      expected: ['b'],
    },
    {
      what: 'goes by the default device before the environment',
      otarc: { devices, device: 'b' },
      defaults: ['d1'],
      expected: ['b'],
    },
    {
      what: 'means none of a project that is not of PlatformIO',
      otarc: { devices, build: { tool: 'command', command: ['true'], image: 'x.bin' } },
      defaults: ['d1'],
      expected: 'NO_TARGET',
    },
    {
      what: 'and a file means none of them',
      otarc: { devices },
      defaults: ['d1'],
      options: { source: 'file', file: 'x.bin' },
      expected: 'NO_TARGET',
    },
  ])('$what', async ({ expected, ...house }) => {
    expect(await meant(house)).toEqual(expected);
  });
});

describe('the environment that would be built', () => {
  it('is nothing where no tool can be asked', async () => {
    const dir = await tempDir();
    const context = recordedContext({ PATH: '', HOME: dir });
    expect(await builtEnvironment(firmwareOf(dir), context)).toBeUndefined();
    await writeFile(join(dir, 'platformio.ini'), '');
    expect(await builtEnvironment(firmwareOf(dir), context)).toBeUndefined();
    expect(await builtEnvironment(firmwareOf(join(dir, 'no')), context)).toBeUndefined();
  });

  it('is not awaited after an abort', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, 'platformio.ini'), '');
    await writeFile(join(dir, 'pio'), '#!/bin/sh\n', { mode: 0o755 });
    const context = recordedContext({ PATH: dir, HOME: dir }, { signal: AbortSignal.abort() });
    await expect(builtEnvironment(firmwareOf(dir), context)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
