import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { decode, encode, type Packet } from 'dns-packet';
import { afterEach, describe, expect, test } from 'vitest';

import {
  startVirtualDevice,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import { listenForTxt, txtOf, type TxtListener } from '../support/heard-txt.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { RawClient, md5Of, sketch } from '../support/raw-client.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await thing.close();
});

const timing = { connectDelayMs: 0, verdictDelayMs: 0, closeDelayMs: 0, rebootMs: 30, openFlashMs: 0 };
const start = async (
  options: VirtualDeviceOptions = {},
): Promise<{ device: VirtualDevice; push: (image: Uint8Array, command?: number) => Promise<void> }> => {
  const device = await startVirtualDevice({
    announcesRunning: true,
    flash: { msPerSector: 0 },
    timing,
    ...options,
  });
  open.push(device);
  const push = async (image: Uint8Array, command = 0): Promise<void> => {
    const client = await RawClient.open(device);
    open.push(client);
    const connection = await client.flood(image, { command });
    await connection.untilText(/OK$/);
  };
  return { device, push };
};
const listen = async (instance: string): Promise<TxtListener> => {
  const listener = await listenForTxt(instance);
  open.push(listener);
  return listener;
};

const before = makeEsp8266Image({ seed: 3 });
const image = makeEsp8266Image({ seed: 4 });
const another = makeEsp8266Image({ seed: 5 });

describe('what a device announces of the sketch that runs', () => {
  test('sum, boot mark, reset reason and version; another mark after an update, and the new sum', async () => {
    const txt = await listen('simboot-a._arduino._tcp.local');
    const { device, push } = await start({ name: 'simboot-a', announce: true, runs: before, version: '1.0' });
    const first = await txt.until(({ items }) => items['md5'] !== undefined);
    expect(first.items).toMatchObject({
      board: 'ESP8266_WEMOS_D1MINI',
      md5: md5Of(before),
      boot: 'power-on',
      version: '1.0',
    });
    expect(first.items['run']).toMatch(/^[0-9a-f]{8}$/);
    await push(image);
    const second = await txt.until(({ items }) => items['md5'] === md5Of(image));
    expect(second.items['boot']).toBe('software');
    expect(second.items['run']).not.toBe(first.items['run']);
    expect(device.sketch).toEqual({
      md5: md5Of(image),
      run: second.items['run'],
      boot: 'software',
      version: '1.0',
    });
  });

  test('an RP2040 has a service of its own for it', async () => {
    const own = await listen('simboot-b._otarc._tcp.local');
    const updates = await listen('simboot-b._arduino._tcp.local');
    const { device } = await start({ name: 'simboot-b', announce: true, model: 'rp2040' });
    const { items, port } = await own.until(() => true);
    expect(Object.keys(items)).toEqual(['md5', 'run', 'boot']);
    expect(port).toBe(device.port);
    const beside = await updates.until(() => true);
    expect(Object.keys(beside.items)).toEqual(['tcp_check', 'ssh_upload', 'board', 'auth_upload']);
  });

  test('without the option nothing of it, and no event', async () => {
    const txt = await listen('simboot-c._arduino._tcp.local');
    const types: string[] = [];
    const { push, device } = await start({
      name: 'simboot-c',
      announce: true,
      announcesRunning: false,
      tell: ({ type }) => types.push(type),
    });
    const back = device.waitFor('runs');
    await push(image);
    await back;
    await txt.until(() => true);
    for (const { items } of txt.heard) expect(items).not.toHaveProperty('run');
    expect(types).not.toContain('booted');
  });

  test('an ESP32 answers with the old words until it restarts', async () => {
    const txt = await listen('simboot-d._arduino._tcp.local');
    const { device, push } = await start({
      name: 'simboot-d',
      announce: true,
      model: 'esp32',
      timing: { ...timing, lingerMs: 60_000, rebootMs: 60_000 },
    });
    const rebooting = device.waitFor('rebooting');
    await push(sketch(5000));
    await rebooting;
    const heard = txt.heard.length;
    txt.ask();
    await txt.until((one) => txt.heard.indexOf(one) >= heard);
    expect(new Set(txt.heard.map(({ items }) => items['run'])).size).toBe(1);
    expect(device.state).toBe('rebooting');
  });

  test('a file-system image: the same sum, and another boot mark', async () => {
    const { device, push } = await start({ runs: before });
    const { run } = device.sketch;
    const booted = device.waitFor('booted');
    await push(Buffer.alloc(8192, 7), 100);
    expect(await booted).toMatchObject({ md5: md5Of(before), boot: 'software' });
    expect((await booted).run).not.toBe(run);
  });
});

describe('a boot that goes wrong', () => {
  test('bootsOldImage: the old sum, with the reset reason that is given', async () => {
    const { device, push } = await start({
      runs: before,
      faults: { bootsOldImage: true, bootReason: 'exception' },
    });
    const booted = device.waitFor('booted');
    await push(image);
    expect(await booted).toMatchObject({ md5: md5Of(before), boot: 'exception' });
  });

  test('crashesAfterMs: what was pushed boots again and again, until another image takes its place', async () => {
    let atBoot = (): void => {};
    const { device, push } = await start({
      runs: before,
      faults: { crashesAfterMs: 40, crashingImages: 'first', crashReason: 'exception' },
      tell: ({ type }) => {
        if (type === 'booted') atBoot();
      },
    });
    const boots: string[] = [];
    const third = device.waitFor((event) => {
      if (event.type === 'booted') boots.push(`${event.md5 === md5Of(image) ? 'new' : 'old'} ${event.boot}`);
      return boots.length === 3;
    });
    await push(image);
    await third;
    expect(boots).toEqual(['new software', 'new exception', 'new exception']);
    expect(device.counters.reboots).toBeGreaterThanOrEqual(3);

    // Whoever pushes in its short time is served, as the sketch does nothing else meanwhile.
    const client = await RawClient.open(device);
    open.push(client);
    const restored = device.waitFor((event) => event.type === 'booted' && event.md5 === md5Of(before));
    atBoot = () => client.invite(before);
    expect(await client.answer(20_000)).toBe('OK');
    atBoot = () => {};
    const { socket } = await client.connection();
    socket.write(before);
    expect(await restored).toMatchObject({ boot: 'software' });
    const { reboots } = device.counters;
    const booted = device.waitFor('booted');
    await push(another);
    expect(await booted).toMatchObject({ boot: 'software', md5: md5Of(another) });
    expect(device.counters.reboots).toBe(reboots + 1);
  });

  test('crashingImages by MD5, and what came by cable', async () => {
    const { device } = await start({
      runs: before,
      faults: { crashesAfterMs: 1, crashingImages: `${md5Of(another)},${md5Of(before)}` },
    });
    expect(await device.waitFor('crashed')).toMatchObject({ reason: 'watchdog' });
    expect(await device.waitFor('booted')).toMatchObject({ boot: 'watchdog' });
  });

  test('withoutProof: it announces itself, and not what runs', async () => {
    const txt = await listen('simboot-e._arduino._tcp.local');
    let booted = 0;
    const { device, push } = await start({
      name: 'simboot-e',
      announce: true,
      tell: ({ type }) => (booted += type === 'booted' ? 1 : 0),
    });
    await txt.until(({ items }) => items['run'] !== undefined);
    device.faults.withoutProof = true;
    const back = device.waitFor('announced');
    await push(image);
    await back;
    await txt.until(({ items }) => items['run'] === undefined);
    expect(booted).toBe(1);
  });

  test('flashEncryption: a sum that no image has', async () => {
    const { device, push } = await start({ model: 'esp32', faults: { flashEncryption: true } });
    const booted = device.waitFor('booted');
    await push(sketch(5000));
    expect((await booted).md5).toMatch(/^[0-9a-f]{32}$/);
    expect((await booted).md5).not.toBe(md5Of(sketch(5000)));
    expect(device.running?.md5).toBe(md5Of(sketch(5000)));
  });

  test('a power dip: the old sketch, after a brownout', async () => {
    const { device } = await start({ runs: before, faults: { restartsAtBytes: 4096 } });
    const client = await RawClient.open(device);
    open.push(client);
    const booted = device.waitFor('booted');
    await client.flood(image);
    expect(await booted).toMatchObject({ md5: md5Of(before), boot: 'brownout' });
  });
});

describe('a device that comes back', () => {
  test('later than usual, after an update alone', async () => {
    const { device, push } = await start({ faults: { returnsAfterMs: 60_000 } });
    const rebooting = device.waitFor('rebooting');
    await push(image);
    await rebooting;
    await expect(device.waitFor('booted', { timeoutMs: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('at another address, and announces that one', async () => {
    const txt = await listen('simboot-f._arduino._tcp.local');
    const { device, push } = await start({
      name: 'simboot-f',
      announce: true,
      faults: { returnsAtAddress: '127.0.0.14' },
    });
    const { port } = device;
    const moved = device.waitFor('moved');
    await push(image);
    expect(await moved).toMatchObject({ address: '127.0.0.14', port });
    await txt.until(({ address }) => address === '127.0.0.14');
    const booted = device.waitFor('booted');
    await push(another);
    await booted;
    expect(device.updates.map(({ result }) => result)).toEqual(['accepted', 'accepted']);
  });

  test('at another port; where it cannot, it stays and says so', async () => {
    const { device, push } = await start({ faults: { returnsAtPort: 0 } });
    const { port } = device;
    const booted = device.waitFor('booted');
    await push(image);
    await booted;
    expect(device.port).not.toBe(port);
    delete device.faults.returnsAtPort;
    device.faults.returnsAtAddress = '203.0.113.9';
    const failed = device.waitFor('move-failed');
    const again = device.waitFor('booted');
    await push(another);
    await failed;
    await again;
    expect(device.address).toBe('127.0.0.1');
  });
});

describe('where multicast is filtered', () => {
  test('it says nothing by itself, and answers who asks at its own address', async () => {
    const txt = await listen('simboot-g._arduino._tcp.local');
    const device = await startVirtualDevice({
      name: 'simboot-g',
      host: '127.0.0.15',
      announce: true,
      announcesRunning: true,
      faults: { multicastFiltered: true },
    });
    open.push(device);
    txt.ask();
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    open.push(socket);
    await once(socket, 'listening');
    const questions = [{ name: 'simboot-g._arduino._tcp.local', type: 'TXT' as const }];
    socket.send(encode({ type: 'query', id: 7, questions }), 5353, '127.0.0.15');
    const [bytes, from] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [
      Buffer,
      { address: string },
    ];
    expect(from.address).toBe('127.0.0.15');
    const answer: Packet = decode(bytes);
    const records = [...(answer.answers ?? []), ...(answer.additionals ?? [])];
    expect(txtOf(records, 'simboot-g._arduino._tcp.local')?.items).toMatchObject({ ...device.sketch });
    expect(txt.heard).toEqual([]);
  });
});

test('saysGoodbye: the old records with a lifetime of 0', async () => {
  const txt = await listen('simboot-h._arduino._tcp.local');
  const { push } = await start({
    name: 'simboot-h',
    announce: true,
    timing: { ...timing, rebootMs: 60_000 },
    faults: { saysGoodbye: true },
  });
  await push(image);
  await txt.until(({ ttl }) => ttl === 0);
});
