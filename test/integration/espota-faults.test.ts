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
import type { Target } from '../../src/model/types.ts';
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
    timing: { ...fast.timing, silenceMs: 60, ...options.timing },
  });
  open.push(device);
  return device;
};

const eight = imageOf(makeEsp8266Image({ sizeBytes: 60_000 }), { platform: 'esp8266' });
const thirtyTwo = imageOf(makeEsp32Image({ sizeBytes: 60_000 }), { platform: 'esp32' });
const filesystem = imageOf(makeLittlefsImage({ sizeBytes: 65_536 }), { kind: 'filesystem' });

interface Case {
  readonly faults: Faults;
  readonly model?: Model;
  readonly password?: boolean;
  readonly target?: Partial<Target>;
}

const run = async (one: Case): Promise<{ device: VirtualDevice; pushed: Pushed }> => {
  const { faults, model = 'esp8266' } = one;
  const device = await start({ model, faults, ...(one.password ? { password: 'secret' } : {}) });
  const target = one.password ? { credential: password('secret') } : {};
  const image = model === 'esp8266' ? eight : thirtyTwo;
  const pushed = await push(device, image, { target: { ...target, ...one.target } });
  return { device, pushed };
};

describe('a push that succeeds all the same', () => {
  test.each<Case & { withinMs: number }>([
    { faults: { lostInvitations: 1 }, withinMs: 900 },
    { faults: { lostInvitations: 3 }, withinMs: 3000 },
    { faults: { lostInvitations: 1 }, password: true, withinMs: 900 },
    { faults: { lostChallenges: 1 }, password: true, withinMs: 1200 },
    { faults: { lostChallenges: 2 }, password: true, withinMs: 3000 },
    { faults: { lostAuthentications: 1 }, password: true, withinMs: 1800 },
    { faults: { lostAuthentications: 1 }, password: true, model: 'esp32-3.3.1-md5', withinMs: 5000 },
    { faults: { lostOks: 1 }, withinMs: 500 },
    { faults: { lostOks: 1 }, password: true, withinMs: 500 },
    { faults: { duplicatedChallenge: true }, password: true, withinMs: 1500 },
    { faults: { duplicatedChallenge: true }, password: true, model: 'esp32-3.3.1-md5', withinMs: 1500 },
    { faults: { duplicatedOk: true }, withinMs: 500 },
    { faults: { duplicatedOk: true }, password: true, withinMs: 500 },
    { faults: { connectsLateMs: 700 }, withinMs: 1500 },
    { faults: { foreignConnection: '127.0.0.2' }, withinMs: 500 },
    { faults: { foreignConnection: '127.0.0.2', connectsLateMs: 200 }, withinMs: 900 },
    { faults: { gluedVerdict: true }, withinMs: 500 },
    { faults: { splitVerdict: true }, withinMs: 500 },
    { faults: { splitVerdict: true, gluedVerdict: true }, model: 'esp32', withinMs: 500 },
    { faults: { lateVerdictMs: 700 }, withinMs: 1500 },
  ])('$faults $model $password', async (one) => {
    const { device, pushed } = await run(one);
    expect(pushed.error).toBeUndefined();
    expect(device.updates.length === 0 ? await device.waitFor('update-ended') : 'ended').toBeTruthy();
    expect(device.updates).toMatchObject([{ result: 'accepted' }]);
    // Generous: the real limit is that of the machine.
    expect(pushed.tookMs).toBeLessThan(one.withinMs + 1500);
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
  { faults: { resetsAtBytes: 20_000 }, code: 'CONNECTION_LOST', hint: 'Wi-Fi' },
  { faults: { resetsAtBytes: 20_000 }, model: 'esp32', code: 'CONNECTION_LOST', hint: 'Wi-Fi' },
  { faults: { errorAtBytes: 20_000 }, code: 'IMAGE_REJECTED', says: 'ERROR[1]', hint: 'power' },
  { faults: { errorAtBytes: 20_000 }, model: 'esp32', code: 'CONNECTION_LOST', hint: 'this chip' },
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
    expect(pushed.tookMs).toBeLessThan(6000);
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
    const { error, tookMs } = await push(device, eight, { timeoutMs: 300 });
    expect(error).toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('virtual') });
    expect(tookMs).toBeLessThan(2000);
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
  const named = new Set([
    ...elsewhere,
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
