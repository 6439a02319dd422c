/** Real failures of a push to a virtual device over loopback, and what the diagnosis makes of each. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { locate } from '../../src/discover/index.ts';
import { OtaError } from '../../src/errors.ts';
import { explain } from '../../src/explain.ts';
import {
  startVirtualDevice,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import type { Image, Target } from '../../src/types.ts';
import { makeEsp8266Image, makeLittlefsImage } from '../support/images.ts';
import { fast, imageOf, password, passwordHash, push, targetOf } from '../support/push.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((thing) => thing.close()));
});
const start = async (options: VirtualDeviceOptions = {}): Promise<VirtualDevice> => {
  const device = await startVirtualDevice({ ...fast, ...options });
  open.push(device);
  return device;
};
const image = imageOf(makeEsp8266Image({ sizeBytes: 60_000 }), { platform: 'esp8266' });
const { signal } = new AbortController();
const tell = (): void => {};
let count = 0;
const ownName = (): string => `explained-${process.pid}-${(count += 1)}`;

/** As `deploy` does it: the push, and after its failure the diagnosis. */
async function explained(
  device: { readonly address: string; readonly port: number },
  more: { readonly target?: Partial<Target>; readonly image?: Image } = {},
): Promise<OtaError> {
  const pushed = await push(
    device,
    more.image ?? image,
    more.target === undefined ? {} : { target: more.target },
  );
  if (pushed.error === undefined) throw new Error('It was accepted.');
  const target = targetOf(device, more.target);
  const { name } = target;
  return explain(pushed.error, {
    device: { name, host: name },
    target,
    image: more.image ?? image,
    signal,
    tell,
  });
}

const causesOf = ({ details }: OtaError): unknown => details['causes'];

test('8: it announces itself and answers nothing', { timeout: 30_000 }, async () => {
  const name = ownName();
  const device = await start({ name, announce: true, faults: { silent: true } });
  const error = await explained(device, { target: { name, hostAddress: '127.0.0.1' } });
  expect(error.code).toBe('DEVICE_SILENT');
  expect(causesOf(error)).toEqual(['sketch-without-ota', 'update-running', 'out-of-reach']);
  expect(error.hint).toMatch(/^Most likely it announces itself and answers nothing/);
});

test('7: it announces another port', { timeout: 30_000 }, async () => {
  const name = ownName();
  const device = await start({ name, announce: true });
  const silent = await start({ faults: { silent: true } });
  const error = await explained(silent, { target: { name, hostAddress: '127.0.0.1' } });
  expect(error.hint).toMatch(`The device announces port ${device.port}, not ${silent.port}`);
});

test('9, 10: the password', async () => {
  const device = await start({ password: 'secret' });
  expect(causesOf(await explained(device))).toEqual(['password-required']);
  const wrong = await explained(device, { target: { credential: password('wrong') } });
  expect(causesOf(wrong)).toEqual(['password-wrong']);
  const onlySha256 = { credential: passwordHash('ab'.repeat(32)) };
  expect(causesOf(await explained(device, { target: onlySha256 }))).toEqual(['other-hash', 'password-wrong']);
  const newer = await start({ model: 'esp32-3.3.1', password: 'secret' });
  const onlyMd5 = { credential: passwordHash('5ebe2294ecd0e0f08eab7690d2a6ee69') };
  const error = await explained(newer, { target: onlyMd5 });
  // A core from 3.3.1 on takes it in either form, so the hash is the likelier mistake.
  expect(causesOf(error)).toEqual(['password-wrong', 'other-hash']);
  expect(JSON.stringify([error.hint, error.details])).not.toMatch(/5ebe2294|abab/);
});

test.each<[string, VirtualDeviceOptions, string]>([
  ['11', { faults: { error15: true } }, 'update-running'],
  ['12', { flash: { ...fast.flash, slotBytes: 10_000 } }, 'image-too-large'],
  ['14', { faults: { refusesToBegin: 'ERROR[8]: Flash config wrong' } }, 'flash-settings'],
  ['16', { faults: { failsMd5: true } }, 'damaged-on-the-way'],
  ['18', { faults: { resetsAtBytes: 20_000 } }, 'power-dip'],
  ['18, the flash', { faults: { errorAtBytes: 20_000 } }, 'power-dip'],
  ['24', { faults: { error11: true } }, 'first-after-cable'],
])('%s: %j', async (_, options, cause) => {
  expect((causesOf(await explained(await start(options))) as string[])[0]).toBe(cause);
});

test('13: an image that is none for this chip', async () => {
  const noImage = imageOf(new Uint8Array(20_000).fill(0x55));
  expect(causesOf(await explained(await start(), { image: noImage }))).toEqual(['wrong-chip']);
});

test('15: a file system of another size', async () => {
  const device = await start({ flash: { ...fast.flash, filesystemBytes: 32_768 } });
  const filesystem = imageOf(makeLittlefsImage({ sizeBytes: 65_536 }), { kind: 'filesystem' });
  expect(causesOf(await explained(device, { image: filesystem }))).toEqual(['filesystem-size']);
});

test('20: the port of this computer is taken', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  open.push(holder);
  await once(holder, 'listening');
  const bound = holder.address();
  const hostPort = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const error = await explained(await start(), { target: { hostPort, hostAddress: '127.0.0.1' } });
  expect(causesOf(error)).toEqual(['host-port-taken']);
});

test('22: two devices of one name', async () => {
  const name = ownName();
  await start({ name, announce: true });
  await start({ name, announce: true });
  const device = { name, host: `${name}.local` };
  const looked = locate({ ...device, interfaces: ['127.0.0.1'] }, { signal, tell: () => {} });
  const failure = await looked.then(
    () => undefined,
    (error: unknown) => (error instanceof OtaError ? error : undefined),
  );
  if (failure === undefined) throw new Error('One of the two was taken.');
  const error = await explain(failure, { device, signal, tell });
  expect(causesOf(error)).toEqual(['two-of-one-name']);
  expect(error.hint).toContain('Rename one of the devices');
});

test('the conversation is told with times, and without what proves the password', async () => {
  const device = await start({ password: 'secret' });
  const { events, error } = await push(device, image, { target: { credential: password('secret') } });
  expect(error).toBeUndefined();
  const told = events.flatMap((event) => (event.type === 'log' ? [event.message] : []));
  expect(told.map((line) => line.replace(/^\d+\.\d{3} s /, ''))).toEqual([
    expect.stringMatching(/^UDP → 0 \d+ 60016 [0-9a-f]{32}$|^UDP → 0 \d+ \d+ [0-9a-f]{32}$/),
    'UDP ← AUTH (32 digits)',
    'UDP → 200 (cnonce) (response)',
    'UDP ← OK',
    'TCP ← connection from 127.0.0.1',
    'TCP: connection from 127.0.0.1 taken',
    expect.stringMatching(/^TCP → .* bytes of the image, .* in all$/),
    expect.stringMatching(/^TCP ← \d+ counts?, the last "\d+"$/),
    'TCP ← "OK"',
    'TCP: ended by otarc',
  ]);
});
