/**
 * What a person and a script learn after a push: words, event and exit status, by the packed command against the virtual
 * device. Where else proof is tested:
 *
 *   each verdict in words, error or event                       unit/deploy/verify/verdict.test.ts
 *   each order of boots and silence, 50 s away, lost answers    unit/deploy/verify/boot-watch.test.ts (virtual time)
 *   the events in the process; an image of an earlier push;
 *     unicast alone, multicast alone; espota; twins             integration/verify.test.ts
 *   what counts as an answer of `verify.http`; HomeDing         integration/verify-http.test.ts
 *   what `verify.command` gets; one that hangs                  integration/verify-command.test.ts
 *   networks: multicast filtered, beyond the subnet, avahi      e2e/proof-network.test.ts
 *   the sums of each kind of image                              unit/image/running-sums.test.ts, integration/otarc-header.test.ts
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decode } from 'dns-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DeployEvent } from '../../src/model/events.ts';
import type { Faults } from '../../src/simulator/faults.ts';
import type { VirtualDevice, VirtualDeviceOptions } from '../../src/simulator/index.ts';
import { makeEsp32Image, makeEsp8266Image, makeLittlefsImage, makeRp2040Image } from '../support/images.ts';
import { eventsOf, otarc, quickDevice, startOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-proof-${process.pid}-${(count += 1)}`;

const image = makeEsp8266Image({ sizeBytes: 20_000 });
const files: Readonly<Record<string, Uint8Array>> = {
  'firmware.bin': image,
  'firmware.bin.gz': gzipSync(image),
  'esp32.bin': makeEsp32Image({ sizeBytes: 20_000 }),
  'rp2040.bin': makeRp2040Image({ sizeBytes: 20_000, info: true }),
  'littlefs.bin': makeLittlefsImage({ sizeBytes: 8192 }),
};

interface Scene {
  /** Default: it runs a sketch with `otarc.h`, and announces itself. */
  readonly device?: VirtualDeviceOptions;
  /** From the push on. */
  readonly faults?: Faults;
  readonly verify?: object | string | ((device: VirtualDevice) => object);
  readonly file?: string;
  readonly flags?: readonly string[];
}

async function prepare({ device: options = {}, faults = {}, verify, file, flags = [] }: Scene) {
  const dir = await tempDir();
  const name = freshName();
  const device = await quickDevice({
    name,
    announce: true,
    announcesRunning: true,
    ...options,
    timing: { rebootMs: 100, ...options.timing },
  });
  Object.assign(device.faults, faults);
  for (const [each, bytes] of Object.entries(files)) await writeFile(join(dir, each), bytes);
  const wish = typeof verify === 'function' ? verify(device) : verify;
  const livingroom = { host: `${name}.local`, ...(wish !== undefined && { verify: wish }) };
  await writeFile(
    join(dir, '.otarc'),
    JSON.stringify({ interfaces: ['127.0.0.1'], devices: { livingroom } }),
  );
  return { dir, name, device, args: ['push', '--file', file ?? 'firmware.bin', ...flags] };
}

interface Shown {
  readonly exitCode: number | undefined;
  /** What is said after the image was accepted, times left out. */
  readonly words: readonly string[];
  /** What a script learns in place of that: the event before the last one. */
  readonly event: DeployEvent | undefined;
}

/** Two pushes to two devices: one that a person reads, one that a script does. */
async function shown(scene: Scene): Promise<Shown> {
  const [person, script] = await Promise.all(
    [[], ['--json']].map(async (more) => {
      const { dir, args } = await prepare(scene);
      return await otarc([...args, ...more], { cwd: dir });
    }),
  );
  expect(script?.exitCode).toBe(person?.exitCode);
  const lines = `${person?.stderr}${person?.stdout}`.split('\n').slice(0, -1);
  const accepted = lines.findIndex((line) => line.startsWith('livingroom: accepted '));
  return {
    exitCode: person?.exitCode,
    words: lines.slice(accepted + 1).map(withoutTimes),
    event: eventsOf(script?.stdout ?? '').at(-2),
  };
}

const withoutTimes = (line: string): string =>
  line.replaceAll(/\b[\d.]+ m?s\b/g, 'N s').replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS');

const waits = 'livingroom: waiting until it shows which sketch it runs, at most N s';
const runs = 'livingroom runs the new sketch (it says so itself, N s after the push)';
const pushed = 'pushed to livingroom in N s';
const verifiedOn = 'verified on livingroom in N s';
const failed = 'failed on livingroom in N s';
const byAnnounce = {
  exitCode: 0,
  words: [waits, runs, verifiedOn],
  event: { type: 'verified', method: 'announce' },
} as const;

/** It asks the device by itself, as a user's program would. */
const check = ({ webPort }: VirtualDevice): string =>
  `fetch('http://' + process.env.OTARC_ADDRESS + ':${webPort}/version').then((answer) => answer.text())` +
  `.then((text) => process.exit(text.includes(process.env.OTARC_MD5) ? 0 : 1), () => process.exit(1))`;

const scenes: readonly (readonly [
  title: string,
  scene: Scene,
  expected: { readonly exitCode: number; readonly words: readonly string[]; readonly event: object },
])[] = [
  ['verified', {}, byAnnounce],
  ['verified, of an ESP32', { device: { model: 'esp32' }, file: 'esp32.bin' }, byAnnounce],
  ['verified, of an RP2040', { device: { model: 'rp2040' }, file: 'rp2040.bin' }, byAnnounce],
  ['verified: it returns after more than two seconds', { faults: { returnsAfterMs: 2500 } }, byAnnounce],
  ['verified: it returns at another address', { faults: { returnsAtAddress: '127.0.0.2' } }, byAnnounce],
  ['verified: it returns at another port', { faults: { returnsAtPort: 0 } }, byAnnounce],
  ['verified: its flash mode is not that of the image', { device: { flashMode: 'qout' } }, byAnnounce],
  ['verified: gzip', { file: 'firmware.bin.gz' }, byAnnounce],
  [
    'verified: forced, of the image that it runs',
    { device: { runs: image }, flags: ['--force'] },
    byAnnounce,
  ],
  [
    // As README says: whether it crashes later is not what a push waits for.
    'verified: a sketch that says it runs, and crashes later',
    { device: { timing: { rebootMs: 400 } }, faults: { crashesAfterMs: 2000 } },
    byAnnounce,
  ],
  [
    'the old image runs',
    { faults: { bootsOldImage: true, bootReason: 'exception' } },
    {
      exitCode: 1,
      words: [
        waits,
        'error OLD_IMAGE_RUNS: livingroom restarted with the old sketch, N s after the push (reset reason: exception).',
        '  → The new image crashed at its start (exception), and the device went back to the old one: look at its serial output while it boots.',
        failed,
      ],
      event: {
        type: 'failed',
        code: 'OLD_IMAGE_RUNS',
        stage: 'verify',
        details: { method: 'announce', resetReason: 'exception' },
      },
    },
  ],
  [
    'crash loop',
    {
      device: { timing: { rebootMs: 400 } },
      faults: { crashesAfterMs: 800, bootReason: 'watchdog' },
    },
    {
      exitCode: 1,
      words: [
        waits,
        'error DEVICE_GONE: livingroom restarts every N s: crash loop (watchdog).',
        '  → The new sketch crashes soon after its start (watchdog): push a sketch that works while the device is up, or flash by cable a sketch that works.',
        failed,
      ],
      event: {
        type: 'failed',
        code: 'DEVICE_GONE',
        stage: 'verify',
        details: { boots: 2, resetReason: 'watchdog', restartsEveryMs: expect.any(Number) },
      },
    },
  ],
  [
    'it never returns',
    { faults: { neverReturns: true }, verify: { timeoutSeconds: 2 } },
    {
      exitCode: 1,
      words: [
        waits,
        'error DEVICE_GONE: livingroom took the image and has not come back within N s.',
        '  → The new sketch crashes at its start, or does not find the Wi-Fi: look at its serial output while it boots; if it stays away, flash by cable a sketch that works.',
        failed,
      ],
      event: { type: 'failed', code: 'DEVICE_GONE', stage: 'verify', details: { waitedMs: 2000 } },
    },
  ],
  [
    'flash encryption: it sums what no image has',
    { device: { model: 'esp32', faults: { flashEncryption: true } }, file: 'esp32.bin' },
    {
      exitCode: 0,
      words: [
        waits,
        'livingroom took the image: back after N s and reports a sum that otarc does not know; which sketch runs is not proven',
        pushed,
      ],
      event: { type: 'unverified', method: 'return' },
    },
  ],
  [
    'the new sketch says nothing of itself any more',
    { faults: { withoutProof: true } },
    {
      exitCode: 0,
      words: [waits, 'livingroom took the image: back after N s; which sketch runs is not proven', pushed],
      event: { type: 'unverified', method: 'return' },
    },
  ],
  [
    'a file system: the return is all that there is to prove',
    { file: 'littlefs.bin', flags: ['--filesystem'] },
    {
      exitCode: 0,
      words: [waits, 'livingroom took the image: back after N s', pushed],
      event: { type: 'unverified', method: 'return' },
    },
  ],
  [
    'http',
    {
      device: { announcesRunning: false, web: { port: 0 } },
      verify: ({ webPort }) => ({
        http: { url: `http://{address}:${webPort}/version`, contains: 'md5={md5}' },
      }),
    },
    {
      exitCode: 0,
      words: [
        waits,
        'livingroom runs the new sketch (it says so at http://ADDRESS/version, N s after the push)',
        verifiedOn,
      ],
      event: { type: 'verified', method: 'http' },
    },
  ],
  [
    'http, after a file system',
    {
      device: { announcesRunning: false, web: { port: 0 }, timing: { rebootMs: 1500 } },
      file: 'littlefs.bin',
      flags: ['--filesystem'],
      verify: ({ webPort }) => ({
        http: { url: `http://{address}:${webPort}/version`, contains: 'run=' },
      }),
    },
    {
      exitCode: 0,
      words: [
        waits,
        'livingroom runs the new sketch (it says so at http://ADDRESS/version, N s after the push)',
        verifiedOn,
      ],
      event: { type: 'verified', method: 'http' },
    },
  ],
  [
    'a command',
    {
      device: { announcesRunning: false, web: { port: 0 } },
      verify: (device) => ({ command: [process.execPath, '-e', check(device)] }),
    },
    {
      exitCode: 0,
      words: [
        waits,
        expect.stringMatching(/^livingroom runs the new sketch \(it passes `.*`, N s after the push\)$/),
        verifiedOn,
      ],
      event: { type: 'verified', method: 'command' },
    },
  ],
  [
    'a command that is not content',
    {
      device: { announcesRunning: false },
      verify: {
        command: [process.execPath, '-e', `console.log('the old one'); process.exit(3)`],
        timeoutSeconds: 7,
      },
    },
    {
      exitCode: 1,
      words: [
        waits,
        expect.stringMatching(
          /^error NOT_VERIFIED: livingroom took the image, but which sketch runs is not proven: `.*` ended with exit status 3: the old one\.$/,
        ),
        expect.stringMatching(/^ {2}→ /),
        failed,
      ],
      event: { type: 'failed', code: 'NOT_VERIFIED', stage: 'verify', details: { method: 'command' } },
    },
  ],
  [
    'return',
    { device: { announcesRunning: false, timing: { rebootMs: 2500 } }, verify: 'return' },
    {
      exitCode: 0,
      words: [waits, 'livingroom took the image: back after N s; which sketch runs is not proven', pushed],
      event: { type: 'unverified', method: 'return' },
    },
  ],
  [
    'its own word is asked for, and it has none',
    { device: { announcesRunning: false, timing: { rebootMs: 2500 } }, verify: 'announce' },
    {
      exitCode: 1,
      words: [
        waits,
        'error NOT_VERIFIED: livingroom took the image, but which sketch runs is not proven: it is back after N s, and does not say which sketch it runs.',
        '  → Include otarc.h in the sketch (`otarc templates` has it), or verify by another method.',
        failed,
      ],
      event: { type: 'failed', code: 'NOT_VERIFIED', stage: 'verify', details: { method: 'announce' } },
    },
  ],
  [
    '--no-verify: nobody waits, nor reads of it',
    { faults: { bootsOldImage: true }, flags: ['--no-verify'] },
    { exitCode: 0, words: [pushed], event: { type: 'unverified', method: 'none' } },
  ],
  [
    'without otarc.h: nobody waits, and one line says how to get proof',
    { device: { announcesRunning: false }, faults: { neverReturns: true } },
    {
      exitCode: 0,
      words: [
        'livingroom took the image; whether it runs was not checked (a sketch with otarc.h says so itself)',
        pushed,
      ],
      event: { type: 'unverified', method: 'auto' },
    },
  ],
];

describe('a push ends with what is known of the sketch that runs', () => {
  it.each(scenes)('%s', async (_, scene, expected) => {
    const { exitCode, words, event } = await shown(scene);
    expect({ exitCode, words }).toEqual({ exitCode: expected.exitCode, words: expected.words });
    expect(event).toMatchObject({ device: 'livingroom', ...expected.event });
  });

  it('Ctrl-C while it waits: the device took the image, exit status 130', async () => {
    const { dir, args } = await prepare({ faults: { neverReturns: true } });
    const running = await startOtarc(args, { cwd: dir });
    await running.said(/waiting until it shows/);
    running.kill('SIGINT');
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(130);
    expect(stderr).toMatch(/^error CANCELLED: livingroom took the image; otarc did not wait until it says/m);
  });
});

describe('a push to a device without otarc.h', () => {
  // The search for its name, which listens on for a second device of that name, is over by then.
  it('asks nothing over mDNS once the device has taken the image', async () => {
    const { dir, name, device, args } = await prepare({
      device: { announcesRunning: false, flash: { msPerSector: 400 } },
    });
    const questions = await listenForQuestions(name);
    const push = otarc(args, { cwd: dir });
    await device.waitFor('update-ended');
    const before = questions.length;
    expect(before).toBeGreaterThan(0);
    expect(await push).toMatchObject({ exitCode: 0 });
    expect(questions.slice(before)).toEqual([]);
  });
});

/** Names of the device in questions to all on loopback, as they come. */
async function listenForQuestions(name: string): Promise<readonly string[]> {
  const asked: string[] = [];
  const socket = createSocket({ type: 'udp4', reuseAddr: true }).bind(5353, '224.0.0.251');
  onTestFinished(() => void socket.close());
  await once(socket, 'listening');
  socket.addMembership('224.0.0.251', '127.0.0.1');
  socket.on('message', (bytes) => {
    const { type, questions = [] } = decode(bytes);
    if (type === 'query')
      asked.push(...questions.flatMap((each) => (each.name.startsWith(`${name}.`) ? [each.name] : [])));
  });
  return asked;
}
