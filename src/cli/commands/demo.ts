/**
 * `otarc demo`: the main job against a virtual device, with nothing but this package: a project, its .otarc, a build,
 * a deploy, a change, another deploy; then a sketch that crashes, and the way back. What is shown is what happens: each
 * step is the command that stands above it. Only the crash is the virtual device's own, which runs no code.
 */

import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ColorChoice } from '../terminal/color.ts';
import { printLine } from '../terminal/print.ts';
import { templatesFolder } from '../../init/look.ts';
import { OtaError, cancelled } from '../../model/errors.ts';
import { startVirtualDevice, type VirtualDevice } from '../../simulator/index.ts';
import { openHistory } from '../../deploy/history/history.ts';
import { historyPlace } from '../../deploy/history/place.ts';
import { deployCommand, type OutputOptions } from './deploy.ts';
import { historyCommand } from './history.ts';
import type { Io } from './io.ts';
import { rollbackCommand } from './rollback.ts';

const password = 'only-for-the-demo';

export async function demo({ keep, color }: { keep: boolean; color: ColorChoice }, io: Io): Promise<number> {
  const say = (text: string): void => printLine(io.stderr, text);
  const folder = await mkdtemp(join(tmpdir(), 'otarc-demo-'));
  const device = await startVirtualDevice({
    name: 'livingroom',
    password,
    announce: true,
    announcesRunning: true,
    version: versionIn,
    // Faster than a real one, which nobody wants to wait for here.
    flash: { msPerSector: 30 },
    timing: { rebootMs: 300 },
  });
  const scene: Scene = { folder, device, color, say, io };
  try {
    await writeProject(folder, device);
    say(`A virtual ESP8266 named livingroom listens on ${device.address}, UDP port ${device.port}.`);
    say(`A small project stands in ${folder}; its .otarc says:\n`);
    say(indent(await readFile(join(folder, '.otarc'), 'utf8')));

    await deployGood(scene, '1.0.0');
    await change(scene, '1.0.0', '1.0.1');
    say('\nNow the sketch is changed: 1.0.0 becomes 1.0.1.\n');
    await deployGood(scene, '1.0.1');
    // Where this computer carries no mDNS over loopback, nothing is proven, and there is no way back.
    const isProven = isLastProven(scene);
    if (isProven) await crashAndGoBack(scene);
    else
      say('\nmDNS does not get through on this computer, so nothing was proven; the way back is left out.');

    const end = isProven
      ? 'three builds, three deploys, one of them a sketch that crashes, and the way back'
      : 'two builds, two deploys, and the device runs the second one';
    io.stdout.write(`\nThe demo is done: ${end}.\n`);
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
With otarc.h in the sketch (\`otarc templates\` has it), your device proves as well what it runs.
`;

interface Scene {
  readonly folder: string;
  readonly device: VirtualDevice;
  readonly color: ColorChoice;
  readonly say: (text: string) => void;
  readonly io: Io;
}

const target = 'livingroom';
const output = (color: ColorChoice): OutputOptions => ({ json: false, verbosity: 'normal', color });

/** The user's own settings, and the user's own history, are for the user's own devices. */
function ownIo({ io, folder }: Scene): Io {
  const env = Object.fromEntries(Object.entries(io.env).filter(([name]) => !name.startsWith('OTARC_')));
  return { ...io, env: { ...env, OTARC_HISTORY_DIR: historyDir(folder) } };
}
const historyDir = (folder: string): string => join(folder, 'history');

/** Resolves to the exit code. */
async function deploy(scene: Scene): Promise<number> {
  const { folder: cwd, color, say, io } = scene;
  say(`$ otarc deploy ${target}`);
  const exitCode = await deployCommand({ cwd, targets: [target], output: output(color) }, ownIo(scene));
  if (io.signal.aborted) throw cancelled(io.signal);
  return exitCode;
}

async function deployGood(scene: Scene, version: string): Promise<void> {
  const { device, say, io } = scene;
  const rebooted = rebootOf(scene);
  if ((await deploy(scene)) !== 0) {
    throw new OtaError('INTERNAL', 'The demo could not deploy to its own virtual device.', {
      hint: 'A firewall on this computer may block even loopback; otherwise please report what is printed above.',
    });
  }
  await rebooted;
  if (io.signal.aborted) throw cancelled(io.signal);
  refuseOther(device, version);
  say(`livingroom restarted and runs version ${version}.`);
}

async function crashAndGoBack(scene: Scene): Promise<void> {
  const { folder, device, color, say, io } = scene;
  await change(scene, '1.0.1', '1.0.2');
  const sketch = join(folder, 'sketch.ino');
  const good = await readFile(sketch, 'utf8');
  await writeFile(sketch, good.replace('void setup() { ', 'void setup() { *(volatile int *)0 = 1; '));
  say('\nNow the sketch gets a mistake: version 1.0.2 writes to address 0 in setup().');
  say('(A virtual device runs no code: it restarts as a device with this sketch does.)\n');
  // It has crashed once before it says anything, and crashes again some time after each later start.
  Object.assign(device.faults, { crashesAfterMs: 1500, crashingImages: 'pushed', bootReason: 'watchdog' });
  const rebooted = rebootOf(scene).then((booted) => {
    Object.assign(device.faults, { crashingImages: booted?.md5 ?? '', bootReason: undefined });
  });
  const exitCode = await deploy(scene);
  await rebooted;
  say(`(exit status ${exitCode})`);

  say('\nBetween two crashes it takes an image:\n');
  say(`$ otarc rollback ${target}`);
  const back = await rollbackCommand({ cwd: folder, targets: [target], output: output(color) }, ownIo(scene));
  if (io.signal.aborted) throw cancelled(io.signal);
  if (back !== 0) throw new OtaError('INTERNAL', 'The demo could not go back to the image from before.');
  refuseOther(device, '1.0.1');

  say(`\n$ otarc history ${target}`);
  await historyCommand({ flags: { cwd: folder }, target, json: false, color }, ownIo(scene));
}

function isLastProven({ folder, device }: Scene): boolean {
  const place = historyPlace({}, { shared: historyDir(folder) });
  const { address: host, port } = device;
  return openHistory({ place, onLoss: () => {} }).last({ host, port })?.proof?.type === 'verified';
}

function rebootOf({ device, io }: Scene) {
  return device.waitFor('runs', { timeoutMs: 60_000, signal: io.signal }).catch(() => undefined);
}

async function change({ folder }: Scene, from: string, to: string): Promise<void> {
  const sketch = join(folder, 'sketch.ino');
  await writeFile(sketch, (await readFile(sketch, 'utf8')).replace(from, to));
}

/** As OTARC_VERSION of a sketch. */
function versionIn(image: Uint8Array | undefined): string | undefined {
  const text = Buffer.from(image ?? []).toString('latin1');
  return /version\[\] = "([\d.]+)"/.exec(text)?.[1];
}

function refuseOther(device: VirtualDevice, version: string): void {
  if (versionIn(device.running?.bytes) !== version)
    throw new OtaError('INTERNAL', `The virtual device does not run version ${version}.`);
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
  await copyFile(join(await templatesFolder(), 'demo', name), to);
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ');
}
