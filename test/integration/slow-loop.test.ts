/**
 * Devices whose sketch has a slow `loop()`, through the three commands that invite a device, over real sockets. Every
 * model at every speed: `test/unit/espota/slow-loop.test.ts`.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { main } from '../../src/cli/program.ts';
import { startVirtualDevice, type Model, type VirtualDevice } from '../../src/simulator/index.ts';
import { modelFacts } from '../../src/simulator/models.ts';
import { makeEsp32Image, makeEsp8266Image, makeRp2040Image } from '../support/images.ts';
import { imageOf, password, push } from '../support/push.ts';
import { tempDir } from '../support/temp-dir.ts';

const open: VirtualDevice[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
});

const images = { esp8266: makeEsp8266Image(), esp32: makeEsp32Image(), rp2040: makeRp2040Image() };
const passwords = { right: 'geheim', wrong: 'geheimer' };

async function start(model: Model, loopMs: number, isProtected: boolean): Promise<VirtualDevice> {
  const device = await startVirtualDevice({
    model,
    flash: { msPerSector: 0 },
    timing: { loopMs, connectDelayMs: 0, verdictDelayMs: 5, closeDelayMs: 5, rebootMs: 5 },
    password: isProtected ? passwords.right : undefined,
  });
  open.push(device);
  return device;
}

interface Run {
  readonly exitCode: number;
  readonly said: string;
}

async function otarc(dir: string, ...argv: string[]): Promise<Run> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let said = '';
  for (const stream of [stdout, stderr]) stream.on('data', (bytes) => (said += String(bytes)));
  const { signal } = new AbortController();
  const io = { stdin: new PassThrough().end(), stdout, stderr, env: { HOME: dir }, cwd: dir, signal };
  return { exitCode: await main({ argv, version: '0' }, io), said };
}

/** How each of the commands is asked to invite this device. */
const commands = {
  push: (dir, device, given) => otarc(dir, 'push', ...common(dir, device), ...secret(dir, given)),
  espota: (dir, { address, port, model }, given) => {
    // It has no flag that names an RP2040, whose images carry no mark, and an RP2040 takes any image.
    const image = imagePath(dir, model === 'rp2040' ? 'esp8266' : model);
    return otarc(dir, 'espota', '-i', address, '-p', `${port}`, '-a', passwords[given], '-f', image);
  },
  doctor: (dir, device, given) =>
    otarc(dir, 'doctor', ...common(dir, device), ...secret(dir, given), '--active'),
} satisfies Record<
  string,
  (dir: string, device: VirtualDevice, given: keyof typeof passwords) => Promise<Run>
>;

const imagePath = (dir: string, model: Model): string => join(dir, `${modelFacts[model].platform}.bin`);
const secret = (dir: string, given: string): string[] => ['--password-file', join(dir, given)];
const common = (dir: string, { address, port, model }: VirtualDevice): string[] => [
  `${address}:${port}`,
  '--file',
  imagePath(dir, model),
  '--platform',
  modelFacts[model].platform,
  '--interface',
  '127.0.0.1',
];

const cells: readonly { model: Model; loopMs: number }[] = [
  { model: 'esp8266', loopMs: 700 },
  { model: 'esp32', loopMs: 700 },
  { model: 'esp32-3.3.1', loopMs: 500 },
  { model: 'esp32-3.3.1-md5', loopMs: 300 },
  { model: 'rp2040', loopMs: 500 },
];

test(
  'push, espota and doctor --active end the same, and as the password is',
  { timeout: 60_000 },
  async () => {
    const dir = await tempDir();
    for (const [platform, bytes] of Object.entries(images))
      await writeFile(join(dir, `${platform}.bin`), bytes);
    for (const [given, secret] of Object.entries(passwords)) await writeFile(join(dir, given), secret);
    const ends: string[] = [];
    const expected: string[] = [];
    const one = async (cell: string, run: Promise<Run>, end: string): Promise<void> => {
      const { exitCode, said } = await run;
      const code = /\b(?:PASSWORD_\w+|DEVICE_\w+|CONNECT\w+)\b/.exec(said)?.[0];
      expected.push(`${cell}: ${end}`);
      ends.push(`${cell}: ${code ?? (exitCode === 0 ? 'done' : said)}`);
      // Not its Wi-Fi.
      if (cell === 'doctor esp32 700 right') expect(said).toMatch(/loop\(\) takes about/);
    };
    // Side by side: each waits for its device nearly all the time.
    await Promise.all(
      cells.flatMap(({ model, loopMs }) =>
        (['none', 'right', 'wrong'] as const).flatMap((given) =>
          (['push', 'espota', 'doctor'] as const).map(async (command) => {
            const device = await start(model, loopMs, given !== 'none');
            const run = commands[command](dir, device, given === 'wrong' ? 'wrong' : 'right');
            await one(
              `${command} ${model} ${loopMs} ${given}`,
              run,
              given === 'wrong' ? 'PASSWORD_WRONG' : 'done',
            );
          }),
        ),
      ),
    );
    expect(ends.toSorted()).toEqual(expected.toSorted());
  },
);

test('a push after an interrupted one', { timeout: 60_000 }, async () => {
  const after = async (model: Model): Promise<void> => {
    const device = await start(model, 500, true);
    const target = { credential: password(passwords.right), platform: 'esp32' } as const;
    const image = imageOf(images.esp32, { platform: 'esp32' });
    const controller = new AbortController();
    const invited = device.waitFor('invited');
    const first = push(device, image, { target, signal: controller.signal });
    await invited;
    controller.abort();
    expect((await first).error?.code).toBe('CANCELLED');
    expect(await push(device, image, { target })).toMatchObject({ receipt: { sizeBytes: image.sizeBytes } });
  };
  await Promise.all([after('esp32'), after('esp32-3.3.1-md5')]);
});
