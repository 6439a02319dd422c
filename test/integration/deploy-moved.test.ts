/** A device that is somewhere else by the time that its image is ready. */

import { describe, expect, it, onTestFinished } from 'vitest';
import { deploy } from '../../src/deploy/deploy-device.ts';
import type { DeployOptions, ReadyImage } from '../../src/deploy/push-types.ts';
import { espota } from '../../src/engines/espota/index.ts';
import type { EventBody } from '../../src/model/events.ts';
import { lockDevice } from '../../src/deploy/lock.ts';
import type { Device, Image } from '../../src/model/types.ts';
import { startResponder } from '../support/mdns-responder.ts';
import { plainImage } from '../support/plain-image.ts';
import { freePort } from '../support/free-port.ts';
import { quickDevice } from '../support/otarc.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-moved-${process.pid}-${(count += 1)}`;

const image = plainImage;

function start(host: string, coming: Promise<ReadyImage>, options: Partial<DeployOptions> = {}) {
  const device: Device = {
    name: 'hall',
    host,
    platform: 'esp8266',
    credential: { type: 'none' },
    acceptFrom: 'device',
    engine: 'espota',
    interfaces: ['127.0.0.1'],
  };
  const events: EventBody[] = [];
  const listeners = new Set<() => void>();
  const ended = deploy({ device }, coming, {
    tell: (event) => {
      events.push(event);
      for (const listener of listeners) listener();
    },
    signal: new AbortController().signal,
    engine: espota,
    allowed: new Set(),
    dryRun: false,
    ...options,
  });
  const told = (isIt: (event: EventBody) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (events.some(isIt) && resolve());
      listeners.add(look);
      look();
    });
  return { ended, events, told };
}

const isFound = (event: EventBody): boolean => event.type === 'log' && / is 127\.0\.0\./.test(event.message);
const placesIn = (events: readonly EventBody[]): string[] =>
  events.flatMap((event) => (event.type === 'device-located' ? [event.address] : []));

/** A push that has found its device, and waits for another otarc to let it go. */
async function behindLock({
  pushed,
  ...options
}: Partial<DeployOptions> & { readonly pushed?: string } = {}) {
  const [name, port] = [freshName(), await freePort()];
  const device = await quickDevice({ name, port, announce: true });
  const { signal } = new AbortController();
  const lock = await lockDevice({ name, address: '127.0.0.1', port, signal, onWait: () => undefined });
  onTestFinished(() => lock.release());
  const { ended, told } = start(name, Promise.resolve({ image }), {
    freshMs: 0,
    pushedSince: () => pushed,
    ...options,
  });
  await told((event) => event.type === 'log' && event.message.startsWith('waiting for another otarc'));
  return { name, port, device, lock, ended, told };
}

describe('a device that got another address', () => {
  it('while the image was built is found again', async () => {
    const name = freshName();
    const before = await quickDevice({ name, announce: true });
    let finish: (made: ReadyImage) => void = () => undefined;
    const coming = new Promise<ReadyImage>((resolve) => (finish = resolve));
    const { ended, events, told } = start(name, coming, { freshMs: 0 });
    await told(isFound);
    await before.close();
    const after = await quickDevice({ name, announce: true, host: '127.0.0.5' });
    finish({ image });
    expect(await ended).toMatchObject({ type: 'deployed' });
    expect(before.counters.invitations).toBe(0);
    expect(after.updates).toMatchObject([{ result: 'accepted' }]);
    expect(placesIn(events)).toEqual(['127.0.0.1', '127.0.0.5']);
  });

  it('while another otarc was waited for is found again, and locked there', async () => {
    const { name, port, device: before, lock, ended } = await behindLock();
    await before.close();
    const after = await quickDevice({ name, port, announce: true, host: '127.0.0.5' });
    lock.release();
    expect(await ended).toMatchObject({ type: 'deployed' });
    expect(before.counters.invitations).toBe(0);
    expect(after.updates).toMatchObject([{ result: 'accepted' }]);
  });

  it('is not looked for where another otarc has pushed this very image, and it restarts', async () => {
    const { device, lock, ended } = await behindLock({ pushed: image.md5 });
    await device.close();
    lock.release();
    expect(await ended).toMatchObject({ type: 'skipped' });
  });

  it('is waited for while it restarts from the push of another otarc', async () => {
    const {
      name,
      port,
      device: before,
      lock,
      ended,
      told,
    } = await behindLock({ pushed: 'another image', searchMs: 2_000 });
    await before.close();
    lock.release();
    // A search for its name has ended without an answer.
    await told((event) => event.type === 'log' && event.message.startsWith(`nobody answers for ${name}`));
    const after = await quickDevice({ name, port, announce: true });
    expect(await ended).toMatchObject({ type: 'deployed' });
    expect(after.updates).toMatchObject([{ result: 'accepted' }]);
  });

  it('is not looked for again where it was found a moment ago', async () => {
    const name = freshName();
    const device = await quickDevice({ name, announce: true });
    const { ended, events } = start(name, Promise.resolve({ image }));
    expect(await ended).toMatchObject({ type: 'deployed' });
    expect(events.filter(isFound)).toHaveLength(1);
    expect(device.counters.invitations).toBe(1);
  });

  it('has no half written file system where nothing was sent', async () => {
    const name = freshName();
    const device = await quickDevice({ name, announce: true });
    const controller = new AbortController();
    const filesystem: Image = { ...image, kind: 'filesystem' };
    const { ended, told } = start(name, Promise.resolve({ image: filesystem }), {
      signal: controller.signal,
    });
    // A new name: a second device of it is waited for behind the connection.
    await told(({ type }) => type === 'connected');
    controller.abort();
    expect(await ended).toMatchObject({
      error: { code: 'CANCELLED', message: expect.not.stringContaining('half written') },
    });
    expect(device.updates.every(({ receivedBytes }) => receivedBytes === 0)).toBe(true);
  });

  it('is pushed to nowhere when it has left its name to two others', async () => {
    const { name, device, lock, ended } = await behindLock();
    const twin = await startResponder({ name, addresses: ['198.51.100.8'], from: '127.0.0.2' });
    onTestFinished(() => twin.close());
    lock.release();
    expect(await ended).toMatchObject({ type: 'failed', error: { code: 'NAME_NOT_RESOLVED' } });
    expect(device.counters.invitations).toBe(0);
  });
});
