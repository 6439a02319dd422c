/**
 * `otarc demo`: the main job against a virtual device, with nothing but this package: a project, its .otarc, a build,
 * a deploy, a change, another deploy. What is shown is what happens; nothing is played.
 */

import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ColorChoice } from '../terminal/color.ts';
import { printLine } from '../terminal/print.ts';
import { OtaError, cancelled } from '../../model/errors.ts';
import { startVirtualDevice, type VirtualDevice } from '../../simulator/index.ts';
import { deployCommand } from './deploy.ts';
import type { Io } from './io.ts';

/** From `dist/` as from `src/commands/`, the package's own templates. */
const templates = ['../templates/demo/', '../../../templates/demo/'];
const password = 'only-for-the-demo';

export async function demo({ keep, color }: { keep: boolean; color: ColorChoice }, io: Io): Promise<number> {
  const say = (text: string): void => printLine(io.stderr, text);
  const folder = await mkdtemp(join(tmpdir(), 'otarc-demo-'));
  const device = await startVirtualDevice({ name: 'livingroom', password, timing: { rebootMs: 300 } });
  try {
    await writeProject(folder, device);
    say(`A virtual ESP8266 named livingroom listens on ${device.address}, UDP port ${device.port}.`);
    say(`A small project stands in ${folder}; its .otarc says:\n`);
    say(indent(await readFile(join(folder, '.otarc'), 'utf8')));

    await deployStep({ folder, device, version: '1.0.0', color, say }, io);
    const sketch = join(folder, 'sketch.ino');
    await writeFile(sketch, (await readFile(sketch, 'utf8')).replace('1.0.0', '1.0.1'));
    say('\nNow the sketch is changed: 1.0.0 becomes 1.0.1.\n');
    await deployStep({ folder, device, version: '1.0.1', color, say }, io);

    io.stdout.write('\nThe demo is done: two builds, two deploys, and the device runs the second one.\n');
    say(nextSteps);
    if (keep) say(`The project is kept in ${folder}`);
    return 0;
  } finally {
    await device.close();
    if (!keep) await rm(folder, { recursive: true, force: true });
  }
}

const nextSteps = `
What to do next, in the folder of your own project:
  1. Flash a sketch with ArduinoOTA once by cable.
  2. Write .otarc:   devices: { livingroom: { host: livingroom.local, password: { env: LIVINGROOM_PW } } }
  3. Run:            otarc deploy
`;

interface Step {
  readonly folder: string;
  readonly device: VirtualDevice;
  readonly version: string;
  readonly color: ColorChoice;
  readonly say: (text: string) => void;
}

async function deployStep({ folder, device, version, color, say }: Step, io: Io): Promise<void> {
  say(`$ otarc deploy livingroom`);
  const rebooted = device.waitFor('runs', { timeoutMs: 60_000, signal: io.signal }).catch(() => undefined);
  const output = { json: false, verbosity: 'normal', color } as const;
  // The user's own settings are for the user's own devices.
  const env = Object.fromEntries(Object.entries(io.env).filter(([name]) => !name.startsWith('OTARC_')));
  const exitCode = await deployCommand({ cwd: folder, targets: ['livingroom'], output }, { ...io, env });
  if (io.signal.aborted) throw cancelled(io.signal);
  if (exitCode !== 0) {
    throw new OtaError('INTERNAL', 'The demo could not deploy to its own virtual device.', {
      hint: 'A firewall on this computer may block even loopback; otherwise please report what is printed above.',
    });
  }
  await rebooted;
  if (io.signal.aborted) throw cancelled(io.signal);
  const runs = Buffer.from(device.running?.bytes ?? []).toString('latin1');
  if (!runs.includes(`version[] = "${version}"`)) {
    throw new OtaError('INTERNAL', `The virtual device does not run version ${version}.`);
  }
  say(`livingroom restarted and runs version ${version}.`);
}

async function writeProject(folder: string, device: VirtualDevice): Promise<void> {
  for (const name of ['sketch.ino', 'build.mjs']) await copyTemplate(name, join(folder, name));
  await writeFile(join(folder, 'ota-password.txt'), `${password}\n`, { mode: 0o600 });
  await writeFile(
    join(folder, '.otarc'),
    `devices:
  livingroom:
    host: ${device.address}
    port: ${device.port}
    platform: esp8266
    password: { file: ota-password.txt }
build:
  command: [${JSON.stringify(process.execPath)}, build.mjs]
  image: build/firmware.bin
`,
  );
}

async function copyTemplate(name: string, to: string): Promise<void> {
  for (const [index, base] of templates.entries()) {
    const from = fileURLToPath(new URL(base + name, import.meta.url));
    const error = await copyFile(from, to).then(
      () => undefined,
      (failed: unknown) => failed,
    );
    if (error === undefined) return;
    if (index === templates.length - 1) throw error;
  }
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ');
}
