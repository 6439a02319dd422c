import { once } from 'node:events';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { awaitAnnounced, type AwaitOptions } from '../../src/network/await-announced.ts';
import { locate, lookOut } from '../../src/network/locate.ts';
import { refOf } from '../../src/network/match.ts';
import { OtaError } from '../../src/model/errors.ts';
import { startResponder } from '../support/mdns-responder.ts';
import { quickDevice } from '../support/otarc.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-await-${process.pid}-${(count += 1)}`;

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name.includes('UDP')).length;
const socketsBefore = openSockets();
beforeEach(() => expect.poll(openSockets).toBe(socketsBefore));

const wait = (host: string, { port, ...options }: Partial<AwaitOptions> & { port?: number } = {}) =>
  awaitAnnounced(refOf({ name: host, host, port }), {
    interfaces: ['127.0.0.1'],
    signal: new AbortController().signal,
    timeoutMs: 20_000,
    ...options,
  });

const whenSeen = (request: { name: string; host?: string; port?: number }) =>
  locate(
    { host: request.name, interfaces: ['127.0.0.1'], ...request },
    { signal: new AbortController().signal, tell: () => undefined, whenSeenMs: 20_000 },
  );

describe('waiting for an announcement', () => {
  it('is over at once where the device is there, by its name or at its address', async () => {
    const device = await quickDevice({ name: freshName(), announce: true });
    const expected = [expect.objectContaining({ name: device.name, port: device.port })];
    expect(await wait(device.name)).toEqual(expected);
    expect(await wait(`${device.name.toUpperCase()}.local`)).toEqual(expected);
    expect(await wait('127.0.0.1', { port: device.port })).toEqual(expected);
  });

  it('is over when a device that slept announces itself', async () => {
    const name = freshName();
    const waiting = wait(name);
    await quickDevice({ name: freshName(), announce: true });
    const device = await quickDevice({ name, announce: true });
    expect(await waiting).toMatchObject([{ name, port: device.port }]);
  });

  it('finds both where two devices have the name', async () => {
    const name = freshName();
    const devices = await Promise.all([
      quickDevice({ name, announce: true }),
      quickDevice({ name, announce: true }),
    ]);
    const found = await wait(name);
    expect(found.map(({ port }) => port)).toEqual(devices.map(({ port }) => port).toSorted((a, b) => a - b));
    await expect(whenSeen({ name })).rejects.toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message: expect.stringMatching(/is ambiguous: it is announced by 127\.0\.0\.1 port \d+ and 127/),
    });
    for (const { port } of devices) {
      expect(await whenSeen({ name, port })).toMatchObject({ address: '127.0.0.1', port });
    }
  });

  it('does not take a neighbour at the configured address for the device, which is elsewhere', async () => {
    const name = freshName();
    const neighbour = await quickDevice({ name: freshName(), announce: true });
    const { port } = neighbour;
    const request = { name, host: '127.0.0.1', port };
    // The key may be any word, as long as no device has it for a name.
    expect(await whenSeen(request)).toMatchObject({ address: '127.0.0.1', port });
    await quickDevice({ name, announce: true, host: '127.0.0.5' });
    await expect(whenSeen(request)).rejects.toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message: expect.stringMatching(
        new RegExp(
          `at 127\\.0\\.0\\.1 .* as '${neighbour.name}', and '${name}' is announced by 127\\.0\\.0\\.5`,
        ),
      ),
    });
  });

  it('goes on watching: a second device of the name that is late is heard of', async () => {
    const name = freshName();
    const { port } = await quickDevice({ name, announce: true });
    const { signal } = new AbortController();
    const lookout = lookOut(
      { name, host: name, interfaces: ['127.0.0.1'] },
      { signal, tell: () => undefined, whenSeenMs: 20_000 },
    );
    onTestFinished(() => lookout.close());
    expect(await lookout.located).toMatchObject({ port });
    const doubted = once(lookout.doubted, 'abort');
    await quickDevice({ name, announce: true, host: '127.0.0.5' });
    await doubted;
    expect(lookout.doubted.reason).toMatchObject({ code: 'NAME_NOT_RESOLVED' });
    lookout.close();
  });

  it('says where the device is, and what it says of itself', async () => {
    const device = await quickDevice({ name: freshName(), model: 'esp32', password: 'x', announce: true });
    const { name, port } = device;
    expect(await whenSeen({ name })).toEqual({
      address: '127.0.0.1',
      port,
      via: 'mdns',
      platform: 'esp32',
      announced: { port, board: 'esp32', authRequired: true },
    });
    expect(await whenSeen({ name, port: 8266 })).toMatchObject({ port: 8266, announced: { port } });
    expect(await whenSeen({ name, host: '127.0.0.1', port })).toMatchObject({ address: '127.0.0.1', port });
  });

  it('takes of several addresses the configured one', async () => {
    const name = freshName();
    const responder = await startResponder({
      name,
      addresses: ['127.0.0.1', '127.0.0.2'],
      pointer: 'whole',
    });
    onTestFinished(() => responder.close());
    expect(await whenSeen({ name, host: '127.0.0.2', port: 8266 })).toMatchObject({ address: '127.0.0.2' });
  });

  it('fails when the time is over, with what can be done', async () => {
    const error: unknown = await wait(freshName(), { timeoutMs: 50 }).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(OtaError);
    expect(error).toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message: expect.stringContaining('did not announce itself within 0.05 s'),
      hint: expect.stringContaining('wakes up'),
    });
  });

  it('ends when aborted, also before it began', async () => {
    const controller = new AbortController();
    const waiting = wait(freshName(), { signal: controller.signal, timeoutMs: undefined });
    expect(openSockets()).toBeGreaterThan(socketsBefore);
    controller.abort(new OtaError('CANCELLED', 'Interrupted by SIGINT.'));
    await expect(waiting).rejects.toMatchObject({ message: 'Interrupted by SIGINT.' });
    await expect(wait('x', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('refuses an interface that does not exist', async () => {
    await expect(wait('x', { interfaces: ['nonsuch0'] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
