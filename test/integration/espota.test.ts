/** The engine against the virtual device: how each device ends, for each password and each image. */

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { AuthScheme } from '../../src/model/events.ts';
import { startVirtualDevice, type Model, type VirtualDevice } from '../../src/simulator/index.ts';
import type { Credential, Image } from '../../src/model/types.ts';
import { makeEsp32Image, makeEsp8266Image, makeLittlefsImage, makeRp2040Image } from '../support/images.ts';
import { fast, imageOf, password, passwordHash, push, type Pushed } from '../support/push.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((thing) => thing.close()));
});
const start: typeof startVirtualDevice = async (options) => {
  const device = await startVirtualDevice({ ...fast, ...options });
  open.push(device);
  return device;
};
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const typesOf = ({ events }: Pushed): string[] => events.map(({ type }) => type);
const schemeOf = ({ events }: Pushed): AuthScheme | undefined =>
  events.flatMap((event) => (event.type === 'authenticated' ? [event.scheme] : []))[0];
/** The device is done a moment after it has said so. */
const expectTaken = async (device: VirtualDevice, image: Image): Promise<void> => {
  const update = device.updates.at(-1) ?? (await device.waitFor('update-ended')).update;
  expect(update).toMatchObject({ result: 'accepted', md5: image.md5 });
  expect(Buffer.compare(update.bytes, image.bytes)).toBe(0);
};

const sizeBytes = 100_000;
const cases: readonly { model: Model; image: Image; scheme: AuthScheme }[] = [
  { model: 'esp8266', image: imageOf(makeEsp8266Image({ sizeBytes })), scheme: 'md5' },
  { model: 'esp32', image: imageOf(makeEsp32Image({ sizeBytes }), { platform: 'esp32' }), scheme: 'md5' },
  { model: 'esp32-3.3.1', image: imageOf(makeEsp32Image({ sizeBytes })), scheme: 'sha256' },
  { model: 'esp32-3.3.1-md5', image: imageOf(makeEsp32Image({ sizeBytes })), scheme: 'sha256-md5' },
  { model: 'rp2040', image: imageOf(makeRp2040Image({ sizeBytes })), scheme: 'md5' },
];

describe.each(cases)('$model', ({ model, image, scheme }) => {
  test('no password on the device: the events in their order, the bytes to the last', async () => {
    const device = await start({ model });
    const runs = device.waitFor('runs');
    const pushed = await push(device, image);
    expect(pushed.error).toBeUndefined();
    expect(pushed.receipt).toMatchObject({ sizeBytes: image.sizeBytes, sentBytes: image.sizeBytes });
    expect([...new Set(typesOf(pushed))].filter((type) => type !== 'log')).toEqual([
      'invited',
      'authenticated',
      'connected',
      'progress',
      'accepted',
    ]);
    expect(schemeOf(pushed)).toBe('none');
    expect(pushed.events.findLast(({ type }) => type === 'progress')).toMatchObject({
      acknowledgedBytes: image.sizeBytes,
      totalBytes: image.sizeBytes,
    });
    await expectTaken(device, image);
    expect((await runs).md5).toBe(image.md5);
  });

  test('a password configured that the device does not ask for', async () => {
    const device = await start({ model });
    const pushed = await push(device, image, { target: { credential: password('secret') } });
    expect(schemeOf(pushed)).toBe('none');
    await expectTaken(device, image);
  });

  test('the right password', async () => {
    const device = await start({ model, password: 'secret' });
    const pushed = await push(device, image, { target: { credential: password('secret') } });
    expect(pushed.error).toBeUndefined();
    expect(schemeOf(pushed)).toBe(scheme);
    await expectTaken(device, image);
    expect(device.counters.failedAuthentications).toBe(scheme === 'sha256-md5' ? 1 : 0);
  });

  test('a wrong password', async () => {
    const device = await start({ model, password: 'secret' });
    const pushed = await push(device, image, { target: { credential: password('Secret') } });
    expect(pushed.error?.code).toBe('PASSWORD_WRONG');
    expect(typesOf(pushed)).not.toContain('authenticated');
    expect(device.updates).toEqual([]);
    expect(device.state).toBe('idle');
    expect(pushed.tookMs).toBeLessThan(5000);
    expect(JSON.stringify([pushed.error, pushed.error?.message, pushed.events])).not.toContain('Secret');
  });

  test('none configured: the device is idle again, and the next push needs one invitation', async () => {
    const device = await start({ model, password: 'secret' });
    const pushed = await push(device, image);
    expect(pushed.error?.code).toBe('PASSWORD_REQUIRED');
    const again = await push(device, image, { target: { credential: password('secret') } });
    expect(again.error).toBeUndefined();
    expect(device.counters.invitations).toBe(scheme === 'sha256-md5' ? 3 : 2);
    expect(again.events.filter(({ type }) => type === 'invited')).toHaveLength(
      scheme === 'sha256-md5' ? 2 : 1,
    );
  });

  test.each([
    ['capitals on both sides', (hash: string) => hash.toUpperCase(), (hash: string) => hash.toUpperCase(), 1],
    ['capitals on the device', (hash: string) => hash.toUpperCase(), (hash: string) => hash, 2],
    ['capitals in .otarc', (hash: string) => hash, (hash: string) => hash.toUpperCase(), 2],
  ])('a hash with %s', async (_, onDevice, configured, authentications) => {
    const stored = scheme === 'sha256' ? sha256('secret') : md5('secret');
    const device = await start({ model, passwordHash: onDevice(stored) });
    const credential = passwordHash(configured(stored));
    const pushed = await push(device, image, { target: { credential } });
    expect(pushed.error).toBeUndefined();
    await expectTaken(device, image);
    expect(device.counters).toMatchObject({
      authentications,
      failedAuthentications: authentications - 1,
    });
  });

  test('a wrong hash, whose case is that of the device or not', async () => {
    const stored = scheme === 'sha256' ? sha256('secret') : md5('secret');
    const wrong = scheme === 'sha256' ? sha256('guess') : md5('guess');
    const device = await start({ model, passwordHash: stored.toUpperCase() });
    for (const credential of [passwordHash(wrong), passwordHash(wrong.toUpperCase())]) {
      const pushed = await push(device, image, { target: { credential } });
      expect(pushed.error?.code).toBe('PASSWORD_WRONG');
    }
    expect(device.updates).toEqual([]);
  });

  test('only a hash is known, on both sides', async () => {
    const stored = scheme === 'sha256' ? sha256('secret') : md5('secret');
    const device = await start({ model, passwordHash: stored });
    const pushed = await push(device, image, { target: { credential: passwordHash(stored) } });
    expect(pushed.error).toBeUndefined();
    expect(schemeOf(pushed)).toBe(scheme);
    await expectTaken(device, image);
  });

  test('a wrong hash', async () => {
    const device = await start({ model, password: 'secret' });
    const wrong: Credential = passwordHash(scheme === 'sha256' ? sha256('no') : md5('no'));
    expect((await push(device, image, { target: { credential: wrong } })).error?.code).toBe('PASSWORD_WRONG');
  });

  test('a file-system image', async () => {
    const device = await start({ model });
    const filesystem = imageOf(makeLittlefsImage({ sizeBytes: 65_536 }), { kind: 'filesystem' });
    expect((await push(device, filesystem)).error).toBeUndefined();
    await expectTaken(device, filesystem);
    expect(device.updates).toMatchObject([{ command: 100 }]);
    expect(Buffer.compare(device.filesystem ?? new Uint8Array(), filesystem.bytes)).toBe(0);
  });
});

test('a SHA-256 hash is of no use to a device that speaks MD5', async () => {
  const device = await start({ password: 'secret' });
  const { error } = await push(device, imageOf(makeEsp8266Image()), {
    target: { credential: passwordHash(sha256('secret')) },
  });
  expect(error?.code).toBe('PASSWORD_WRONG');
  expect(error?.message).toContain('MD5');
});

describe('addresses', () => {
  const image = imageOf(makeEsp8266Image());

  test('IPv6', async () => {
    const device = await start({ host: '::1', password: 'secret' });
    const pushed = await push(device, image, { target: { credential: password('secret') } });
    expect(pushed.error).toBeUndefined();
    expect(pushed.events).toContainEqual({ type: 'connected', address: '::1' });
    await expectTaken(device, image);
  });

  test('the address to send from is the one that the device connects to', async () => {
    const device = await start();
    const connected = device.waitFor('connected');
    const pushed = await push(device, image, { target: { hostAddress: '127.0.0.3' } });
    expect(pushed.error).toBeUndefined();
    expect(await connected).toMatchObject({ hostAddress: '127.0.0.3' });
    expect(pushed.events[0]).toMatchObject({ type: 'invited', hostAddress: '127.0.0.3' });
  });

  test('the port that was asked for', async () => {
    const device = await start();
    const hostPort = await freePort();
    const pushed = await push(device, image, { target: { hostPort } });
    expect(pushed.error).toBeUndefined();
    expect(pushed.events[0]).toMatchObject({ type: 'invited', hostPort });
  });

  test('a port that is taken', async () => {
    const device = await start();
    const server = createServer().listen(0, '127.0.0.1');
    open.push(server);
    await new Promise((resolve) => server.once('listening', resolve));
    const hostPort = portOf(server);
    const { error } = await push(device, image, { target: { hostPort } });
    expect(error).toMatchObject({
      code: 'HOST_PORT_IN_USE',
      message: expect.stringContaining(`${hostPort}`),
    });
    expect(device.counters.datagrams).toBe(0);
  });

  test('an address to send from that this computer does not have', async () => {
    const device = await start();
    const { error } = await push(device, image, { target: { hostAddress: '192.0.2.77' } });
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('192.0.2.77') });
    expect(device.counters.datagrams).toBe(0);
  });

  test('an address to send from of the other family', async () => {
    const device = await start();
    const { error } = await push(device, image, { target: { hostAddress: '::1' } });
    expect(error?.code).toBe('CONFIG_INVALID');
  });
});

const portOf = (server: ReturnType<typeof createServer>): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
