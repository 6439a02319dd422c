/** Each fault of the virtual device, and the code that a push must end with. Those that take long: `espota-slow`. */

import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/model/errors.ts';
import {
  faultKinds,
  startVirtualDevice,
  type Faults,
  type Model,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import type { Image, Target } from '../../src/model/types.ts';
import { makeEsp32Image, makeEsp8266Image, makeLittlefsImage } from '../support/images.ts';
import { fast, imageOf, password, push, type Pushed } from '../support/push.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((thing) => thing.close()));
});
const start = async (options: VirtualDeviceOptions): Promise<VirtualDevice> => {
  const device = await startVirtualDevice({
    ...fast,
    ...options,
    timing: { ...fast.timing, ...options.timing },
  });
  open.push(device);
  return device;
};

const eight = imageOf(makeEsp8266Image({ sizeBytes: 60_000 }), { platform: 'esp8266' });
const thirtyTwo = imageOf(makeEsp32Image({ sizeBytes: 60_000 }), { platform: 'esp32' });
const large = imageOf(makeEsp8266Image({ sizeBytes: 400_000 }), { platform: 'esp8266' });
const filesystem = imageOf(makeLittlefsImage({ sizeBytes: 65_536 }), { kind: 'filesystem' });

interface Case {
  readonly faults: Faults;
  readonly model?: Model;
  readonly password?: boolean;
  readonly target?: Partial<Target>;
  readonly rebootMs?: number;
  /** Default: a small one for the model. */
  readonly image?: Image;
}

const run = async (one: Case): Promise<{ device: VirtualDevice; pushed: Pushed }> => {
  const { faults, model = 'esp8266' } = one;
  const device = await start({
    model,
    faults,
    ...(one.password ? { password: 'secret' } : {}),
    ...(one.rebootMs === undefined ? {} : { timing: { rebootMs: one.rebootMs } }),
  });
  const target = one.password ? { credential: password('secret') } : {};
  const image = one.image ?? (model === 'esp8266' ? eight : thirtyTwo);
  const pushed = await push(device, image, { target: { ...target, ...one.target } });
  return { device, pushed };
};

describe('a push that succeeds all the same', () => {
  test.each<Case>([
    { faults: { lostInvitations: 1 } },
    { faults: { lostInvitations: 3 } },
    { faults: { lostInvitations: 1 }, password: true },
    { faults: { lostChallenges: 1 }, password: true },
    { faults: { lostChallenges: 2 }, password: true },
    { faults: { lostAuthentications: 1 }, password: true },
    { faults: { lostAuthentications: 1 }, password: true, model: 'esp32-3.3.1-md5' },
    { faults: { lostOks: 1 } },
    { faults: { lostOks: 1 }, password: true },
    { faults: { duplicatedChallenge: true }, password: true },
    { faults: { duplicatedChallenge: true }, password: true, model: 'esp32-3.3.1-md5' },
    { faults: { duplicatedOk: true } },
    { faults: { duplicatedOk: true }, password: true },
    { faults: { connectsLateMs: 700 } },
    { faults: { foreignConnection: '127.0.0.2' } },
    { faults: { foreignConnection: '127.0.0.2', connectsLateMs: 200 } },
    { faults: { gluedVerdict: true } },
    { faults: { splitVerdict: true } },
    { faults: { splitVerdict: true, gluedVerdict: true }, model: 'esp32' },
    { faults: { lateVerdictMs: 700 } },
  ])('$faults $model $password', async (one) => {
    const { device, pushed } = await run(one);
    expect(pushed.error).toBeUndefined();
    expect(device.updates.length === 0 ? await device.waitFor('update-ended') : 'ended').toBeTruthy();
    expect(device.updates).toMatchObject([{ result: 'accepted' }]);
  });

  // What comes after the verdict is for the verification to see.
  test.each<Faults>([{ bootsOldImage: true }, { neverReturns: true }])('%j', async (faults) => {
    const { pushed } = await run({ faults });
    expect(pushed.error).toBeUndefined();
    expect(pushed.receipt).toMatchObject({ sizeBytes: eight.sizeBytes });
  });

  test('a foreign connection is told about, and turned away', async () => {
    const { pushed } = await run({ faults: { foreignConnection: '127.0.0.2' } });
    expect(pushed.events).toContainEqual({
      type: 'log',
      level: 'warn',
      message: expect.stringContaining('127.0.0.2'),
    });
    expect(pushed.events).toContainEqual({ type: 'connected', address: '127.0.0.1' });
  });

  test('datagrams lost at random', async () => {
    for (const seed of [1, 2, 3]) {
      const device = await start({ password: 'secret', link: { datagramLoss: 0.3, seed } });
      const { error } = await push(device, eight, { target: { credential: password('secret') } });
      expect(error).toBeUndefined();
    }
  });
});

const failing: readonly (Case & { code: ErrorCode; says?: string; hint?: string })[] = [
  { faults: { garbageOverUdp: true }, code: 'PROTOCOL_ERROR', says: 'HTTP/1.1 400' },
  {
    faults: { refusesToBegin: 'ERROR[8]: Flash config wrong' },
    code: 'DEVICE_REFUSED',
    says: 'ERROR[8]',
    hint: 'flash size',
  },
  {
    faults: { refusesToBegin: 'ERROR[4]: Not Enough Space' },
    password: true,
    code: 'DEVICE_REFUSED',
    says: 'Not Enough Space',
  },
  { faults: { error11: true }, code: 'DEVICE_REFUSED', says: 'ERROR[11]', hint: 'press reset' },
  { faults: { error15: true }, code: 'DEVICE_BUSY' },
  { faults: { closesAtBytes: 20_000 }, code: 'CONNECTION_LOST', says: 'closed the connection' },
  { faults: { closesAtBytes: 20_000 }, model: 'esp32', code: 'CONNECTION_LOST' },
  { faults: { resetsAtBytes: 20_000 }, code: 'CONNECTION_LOST', says: 'gave up', hint: 'gave up' },
  { faults: { resetsAtBytes: 20_000 }, model: 'esp32', code: 'CONNECTION_LOST', hint: 'gave up' },
  { faults: { acceptsAtBytes: 1500 }, image: large, code: 'PROTOCOL_ERROR', says: 'said OK after' },
  { faults: { errorAtBytes: 20_000 }, code: 'IMAGE_REJECTED', says: 'ERROR[1]', hint: 'power' },
  {
    faults: { errorAtBytes: 20_000 },
    model: 'esp32',
    code: 'CONNECTION_LOST',
    says: 'gave up',
    hint: 'Most likely the device gave up: it could not write its flash',
  },
  {
    faults: { restartsAtBytes: 20_000 },
    model: 'esp32',
    rebootMs: 1700,
    code: 'CONNECTION_LOST',
    says: 'was silent for',
    hint: 'Most likely the device restarted',
  },
  { faults: { garbageOverTcp: true }, code: 'PROTOCOL_ERROR' },
  { faults: { garbageOverTcp: true }, model: 'esp32', code: 'PROTOCOL_ERROR' },
  { faults: { failsMd5: true }, code: 'IMAGE_REJECTED', says: 'ERROR[7]: MD5 Failed', hint: 'damaged' },
  { faults: { failsMd5: true, splitVerdict: true }, code: 'IMAGE_REJECTED', says: 'calculated:' },
  {
    faults: { failsMd5: true },
    model: 'esp32',
    code: 'IMAGE_REJECTED',
    says: 'MD5 Check Failed',
    hint: 'damaged',
  },
  { faults: { closesWithoutVerdict: true }, code: 'NO_VERDICT', hint: 'look whether' },
  { faults: { closesWithoutVerdict: true }, model: 'esp32', code: 'NO_VERDICT' },
  { faults: { lostVerdict: true }, code: 'NO_VERDICT' },
  { faults: { lostVerdict: true }, model: 'esp32', code: 'NO_VERDICT' },
];

describe('a push that fails', () => {
  test.each(failing)('$code: $faults $model', async ({ code, says = '', hint = '', ...one }) => {
    const { device, pushed } = await run(one);
    expect(pushed.told).toMatchObject({
      code,
      message: expect.stringContaining(says),
      hint: expect.stringContaining(hint),
    });
    expect(pushed.error?.message).toContain(`virtual (127.0.0.1:${device.port})`);
    expect(pushed.events.map(({ type }) => type)).not.toContain('accepted');
  });

  test('an OK after all has left otarc, with less counted than a misreading explains, is accepted with a warning', async () => {
    const short = imageOf(makeEsp8266Image({ sizeBytes: 12_000 }), { platform: 'esp8266' });
    const { pushed } = await run({ faults: { acceptsAtBytes: 9000 }, image: short });
    expect(pushed.receipt).toMatchObject({ sizeBytes: 12_000, sentBytes: 12_000, countedBytes: 9000 });
    const progress = pushed.events.flatMap((event) =>
      event.type === 'progress' ? [event.acknowledgedBytes] : [],
    );
    expect(progress.at(-1)).toBe(9000);
    expect(pushed.events).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: expect.stringContaining('counted only 9,000 of 12,000 bytes'),
      }),
    );
  });

  test('and the next one works, with nothing done in between', async () => {
    for (const { faults } of failing.filter(({ code }) => code === 'CONNECTION_LOST')) {
      const { device, pushed } = await run({ faults });
      expect(pushed.error).toBeDefined();
      for (const name of Object.keys(faults) as (keyof Faults)[]) delete device.faults[name];
      expect((await push(device, eight)).error).toBeUndefined();
    }
  });

  test('an image for another chip: an ESP8266 says so at the end, an ESP32 closes', async () => {
    const noImage = imageOf(new Uint8Array(20_000).fill(0x02));
    const first = await push(await start({}), noImage);
    expect(first.told).toMatchObject({
      code: 'IMAGE_REJECTED',
      hint: expect.stringContaining('firmware.bin'),
    });
    const second = await push(await start({ model: 'esp32' }), noImage, { target: { platform: 'esp32' } });
    expect(second.told).toMatchObject({
      code: 'CONNECTION_LOST',
      hint: expect.stringContaining('this chip'),
    });
  });

  test.each<[Faults, ErrorCode]>([
    [{ closesAtBytes: 20_000 }, 'FILESYSTEM_HALF_WRITTEN'],
    [{ resetsAtBytes: 20_000 }, 'FILESYSTEM_HALF_WRITTEN'],
    [{ errorAtBytes: 20_000 }, 'IMAGE_REJECTED'],
    [{ failsMd5: true }, 'IMAGE_REJECTED'],
    [{ error11: true }, 'DEVICE_REFUSED'],
  ])('a file-system image and %j: %s', async (faults, code) => {
    const device = await start({ faults });
    const { told } = await push(device, filesystem);
    expect(told?.code).toBe(code);
    if (code !== 'DEVICE_REFUSED') expect(told?.hint).toMatch(/file-system image again/);
  });

  test('an image too large for an ESP8266', async () => {
    const device = await start({ flash: { ...fast.flash, slotBytes: 50_000 } });
    const { told } = await push(device, eight);
    expect(told).toMatchObject({
      code: 'DEVICE_REFUSED',
      details: { answer: 'ERROR[4]: Not Enough Space' },
      hint: expect.stringContaining('smaller'),
    });
  });

  test('a limit of the whole push', async () => {
    const device = await start({ faults: { stallsAtBytes: 20_000 } });
    const ended = device.waitFor('update-ended');
    const { error } = await push(device, eight, { timeoutMs: 2_000 });
    expect(error).toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('virtual') });
    expect((await ended).update.result).toBe('interrupted');
  });
});

test('acceptFrom any: the device answers at one address and connects from another', async () => {
  const device = await start({});
  const proxy = await udpProxy(device);
  const { error } = await push({ address: proxy.address, port: proxy.port }, eight, {
    target: { acceptFrom: 'any' },
  });
  expect(error).toBeUndefined();
});

test('every fault is in a test', () => {
  const elsewhere: (keyof Faults)[] = [
    'silent',
    'safeMode',
    'neverConnects',
    'stallsAtBytes',
    'restartsAtBytes',
    'stallsBeforeVerdict',
  ];
  const succeeding: (keyof Faults)[] = [
    'lostInvitations',
    'lostChallenges',
    'lostAuthentications',
    'lostOks',
    'duplicatedChallenge',
    'duplicatedOk',
    'connectsLateMs',
    'foreignConnection',
    'gluedVerdict',
    'splitVerdict',
    'lateVerdictMs',
    'bootsOldImage',
    'neverReturns',
  ];
  /** They show after the push: simulator-boot.test.ts, simulator-ports.test.ts. */
  const ofTheBoot: (keyof Faults)[] = [
    'returnsAfterMs',
    'returnsAtAddress',
    'returnsAtPort',
    'crashesAfterMs',
    'crashReason',
    'crashingImages',
    'bootReason',
    'withoutProof',
    'flashEncryption',
    'multicastFiltered',
    'saysGoodbye',
    'connectionsHang',
  ];
  const named = new Set([
    ...elsewhere,
    ...ofTheBoot,
    ...succeeding,
    ...failing.flatMap(({ faults }) => Object.keys(faults)),
  ]);
  expect([...named].sort()).toEqual(Object.keys(faultKinds).sort());
});

/** As a container's port proxy: datagrams go through it, connections do not. */
async function udpProxy(device: VirtualDevice): Promise<{ address: string; port: number }> {
  const outside = createSocket('udp4').bind(0, '127.0.0.4');
  const inside = createSocket('udp4').bind(0, '127.0.0.1');
  await Promise.all(
    [outside, inside].map((socket) => new Promise<void>((resolve) => socket.once('listening', resolve))),
  );
  open.push(outside, inside);
  let host = { address: '', port: 0 };
  outside.on('message', (bytes, from) => {
    host = from;
    inside.send(bytes, device.port, device.address);
  });
  inside.on('message', (bytes) => outside.send(bytes, host.port, host.address));
  return outside.address();
}
