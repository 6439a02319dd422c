/**
 * The causes that show over loopback, each by a real push to a virtual device, and what a person reads of it in the end
 * (`causes/`). The table of all of them is in `test/unit/diagnose/causes.test.ts`.
 */

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test, type ExpectStatic } from 'vitest';
import { lockDevice } from '../../src/deploy/lock.ts';
import {
  startVirtualDevice,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import { failedPush, type FailedPush, type PushRequest } from '../support/failed-push.ts';
import {
  makeEsp32Image,
  makeEsp8266Image,
  makeLittlefsImage,
  makePartitionTable,
} from '../support/images.ts';
import { fast } from '../support/push.ts';

const open: { close(): unknown }[] = [];
let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'otarc causes '));
});
afterAll(async () => {
  await Promise.all(open.splice(0).map((thing) => thing.close()));
  await rm(root, { recursive: true, force: true });
});

const start = async (options: VirtualDeviceOptions = {}): Promise<VirtualDevice> => {
  const device = await startVirtualDevice({ ...fast, ...options });
  open.push(device);
  return device;
};
let count = 0;
const newDir = (): string => join(root, String((count += 1)));
const ownName = (): string => `cause-${process.pid}-${(count += 1)}`;

const esp8266 = makeEsp8266Image({ sizeBytes: 60_000 });
const esp32 = makeEsp32Image({ sizeBytes: 60_000 });
const isEsp32 = { platform: 'esp32' };
const onLoopback = { interfaces: ['127.0.0.1'] };

type Given = Omit<PushRequest, 'dir' | 'config'> & { readonly device?: object; readonly image?: Uint8Array };

/** To the device `hall`, which is configured by its address. */
function push(at: { address: string; port: number }, given: Given = {}): Promise<FailedPush> {
  const { device, image = esp8266, files, ...more } = given;
  const devices = { hall: { host: at.address, port: at.port, ...device } };
  return failedPush({
    dir: newDir(),
    config: { devices },
    files: { 'firmware.bin': image, ...files },
    ...more,
  });
}

/** To a device that is looked for by its name. */
function pushByName(name: string, given: Given = {}): Promise<FailedPush> {
  const { device = {}, image = esp8266, files, ...more } = given;
  const config = { devices: { [name]: device } };
  return failedPush({
    dir: newDir(),
    config,
    files: { 'firmware.bin': image, ...files },
    flags: onLoopback,
    ...more,
  });
}

interface Read {
  readonly expect: ExpectStatic;
  /** Of the file below `causes/`. */
  readonly name: string;
  /** Which differs from run to run. */
  readonly device?: string;
}

async function reads(failed: FailedPush, { expect, name, device }: Read): Promise<void> {
  const text = device === undefined ? failed.text : failed.text.replaceAll(device, '<name>');
  await expect(text).toMatchFileSnapshot(`causes/${name}.txt`);
}

describe.concurrent('the cause of a failed push', { timeout: 60_000 }, () => {
  test('3: through a port proxy, and its cure', async ({ expect }) => {
    const device = await start();
    const proxy = await startPortProxy(device);
    const hostPort = await freePort('127.0.0.1');
    const configured = { hostPort, hostAddress: '127.0.0.1' };
    const failed = await push(proxy, { device: configured });
    expect(failed).toMatchObject({ code: 'CONNECT_BACK_MISSING', causes: ['address-translation'] });
    expect(failed.details['foreignConnections']).toEqual(['127.0.0.6']);
    expect(failed.hint).toMatch(/127\.0\.0\.6 instead.*`acceptFrom: any`/);
    await reads(failed, { expect, name: '03 port proxy' });
    const runs = device.waitFor('runs', { timeoutMs: 20_000 });
    const cured = await push(proxy, { device: { ...configured, acceptFrom: 'any' } });
    expect(cured.code).toBeUndefined();
    expect(await runs).toMatchObject({ changed: true });
  });

  test('3: whoever else connects is told of once, and not without end', async ({ expect }) => {
    const device = await start({ faults: { neverConnects: true } });
    const hostPort = await freePort('127.0.0.1');
    const strangers = Array.from({ length: 12 }, (_, index) => `127.0.1.${index + 1}`);
    const invited = device.waitFor('invited', { timeoutMs: 20_000 });
    const pushed = push(device, { device: { hostPort, hostAddress: '127.0.0.1' } });
    await invited;
    for (const localAddress of [...strangers, ...strangers]) {
      const socket = connect({ host: '127.0.0.1', port: hostPort, localAddress });
      // It is reset at once, perhaps before it knows that it is connected.
      socket.on('error', () => {});
      await new Promise<void>((resolve) => socket.on('close', () => resolve()));
    }
    const failed = await pushed;
    expect(failed.causes).toEqual(['address-translation']);
    expect(failed.details['foreignConnections']).toEqual(strangers.slice(0, 8));
    expect(failed.hint).toContain('127.0.1.1, 127.0.1.2, 127.0.1.3 and others');
    expect(failed.log.filter((line) => line.startsWith('Turned away'))).toHaveLength(8);
  });

  test('7: nothing listens on the port of another chip', async ({ expect }) => {
    const closed = { address: '127.0.0.1', port: await freePort('127.0.0.1') };
    const failed = await push(closed);
    expect(failed).toMatchObject({ code: 'DEVICE_SILENT', causes: ['wrong-port', 'sketch-without-ota'] });
    await reads(failed, { expect, name: '07 port closed' });
  });

  test('7: it announces another port', async ({ expect }) => {
    const name = ownName();
    const device = await start({ name, announce: true });
    const failed = await pushByName(name, { device: { port: await freePort('127.0.0.1') } });
    expect(failed).toMatchObject({ code: 'DEVICE_SILENT' });
    expect(failed.causes[0]).toBe('wrong-port');
    expect(failed.hint).toContain(`The device announces port ${device.port}`);
    await reads(
      { ...failed, text: failed.text.replaceAll(String(device.port), '<its port>') },
      {
        expect,
        name: '07 announces another',
        device: name,
      },
    );
  });

  test('8: it announces itself and answers nothing', async ({ expect }) => {
    const name = ownName();
    await start({ name, announce: true, faults: { silent: true } });
    const failed = await pushByName(name);
    expect(failed.causes).toEqual(['sketch-without-ota', 'update-running', 'out-of-reach']);
    expect(failed.hint).toMatch(/blocks its loop\(\).*delay\(\)/);
    await reads(failed, { expect, name: '08 announced but silent', device: name });
  });

  test('9: a password is asked for', async ({ expect }) => {
    const device = await start({ password: 'secret' });
    const required = await push(device);
    expect(required).toMatchObject({ code: 'PASSWORD_REQUIRED', causes: ['password-required'] });
    expect(required.hint).toContain('OTARC_PASSWORD_HALL');
    await reads(required, { expect, name: '09 password required' });
    const wrong = await push(device, { device: { password: 'guess' } });
    expect(wrong).toMatchObject({ code: 'PASSWORD_WRONG', causes: ['password-wrong'] });
    await reads(wrong, { expect, name: '09 password wrong' });
  });

  test('10: a hash of the other kind', async ({ expect }) => {
    const newer = await start({ model: 'esp32-3.3.1', password: 'secret' });
    const md5 = { passwordHash: '5ebe2294ecd0e0f08eab7690d2a6ee69' };
    const failed = await push(newer, { device: { ...md5, platform: 'esp32' }, image: esp32 });
    expect(failed).toMatchObject({ code: 'PASSWORD_WRONG', causes: ['password-wrong', 'other-hash'] });
    await reads(failed, { expect, name: '10 newer core' });
    const older = await start({ password: 'secret' });
    const unfit = await push(older, { device: { passwordHash: 'ab'.repeat(32) } });
    expect(unfit.causes[0]).toBe('other-hash');
    await reads(unfit, { expect, name: '10 older core' });
  });

  test('11: another update is running', async ({ expect }) => {
    const failed = await push(await start({ faults: { error15: true } }));
    expect(failed).toMatchObject({ code: 'DEVICE_BUSY', causes: ['update-running', 'two-otarc'] });
    await reads(failed, { expect, name: '11 update running' });
  });

  test('11: in the midst of an update from another computer it answers nothing', async ({ expect }) => {
    const name = ownName();
    const device = await start({
      name,
      model: 'esp32',
      announce: true,
      flash: { msPerSector: 2000 },
      timing: { ...fast.timing, silenceMs: 60_000 },
    });
    const other = await invite(device);
    const failed = await pushByName(name, { image: esp32 });
    other.close();
    expect(failed.code).toBe('DEVICE_SILENT');
    expect(failed.causes).toContain('update-running');
    expect(failed.hint).toContain('Or somebody else is updating it');
    await reads(failed, { expect, name: '11 answers nothing meanwhile', device: name });
  });

  test('12: too large for the slot of an ESP8266', async ({ expect }) => {
    const failed = await push(await start({ flash: { ...fast.flash, slotBytes: 10_000 } }));
    expect(failed).toMatchObject({ code: 'DEVICE_REFUSED', causes: ['image-too-large'] });
    await reads(failed, { expect, name: '12 ESP8266' });
  });

  test('12: too large for the slot of an ESP32, which says OK all the same', async ({ expect }) => {
    const image = makeEsp32Image({ sizeBytes: 1_400_000 });
    const failed = await push(await start({ model: 'esp32' }), { device: isEsp32, image });
    expect(failed.code).toBe('CONNECT_BACK_MISSING');
    expect(failed.causes[0]).toBe('image-too-large');
    expect(failed.hint).toMatch(/1,400,000 bytes\) does not fit the slot/);
    await reads(failed, { expect, name: '12 ESP32' });
  });

  test('12: most likely where the table beside the image shows that it does not fit', async ({ expect }) => {
    const device = await start({ model: 'esp32', flash: { ...fast.flash, slotBytes: 1_310_720 } });
    const failed = await push(device, {
      device: isEsp32,
      image: makeEsp32Image({ sizeBytes: 1_400_000 }),
      files: { 'partitions.bin': makePartitionTable() },
      allowed: new Set(['IMAGE_TOO_LARGE'] as const),
    });
    expect(failed.code).toBe('CONNECT_BACK_MISSING');
    expect(failed.causes[0]).toBe('image-too-large');
    expect(failed.hint).toMatch(/^The image \(1,400,000 bytes\) does not fit the slot of 1,310,720/);
  });

  test('12: less likely where the table beside the image shows that it fits', async ({ expect }) => {
    const device = await start({ model: 'esp32', faults: { neverConnects: true } });
    const image = makeEsp32Image({ sizeBytes: 1_000_000 });
    const failed = await push(device, {
      device: isEsp32,
      image,
      files: { 'partitions.bin': makePartitionTable() },
    });
    expect(failed).toMatchObject({ code: 'CONNECT_BACK_MISSING', causes: ['firewall', 'image-too-large'] });
    expect(failed.hint).toMatch(/slot of 1,310,720 the image \(1,000,000 bytes\) fits/);
  });

  test('13: for another chip, by its platform', async ({ expect }) => {
    const failed = await push(await start(), { device: { platform: 'esp8266' }, image: esp32 });
    expect(failed).toMatchObject({ code: 'IMAGE_WRONG_CHIP', causes: ['wrong-chip'] });
    await reads(failed, { expect, name: '13 before' });
  });

  test('13: an ESP32 that cannot use it resets, and its words get lost', async ({ expect }) => {
    const device = await start({
      model: 'esp32',
      faults: { errorAtBytes: 0 },
    });
    const failed = await push(device, { device: isEsp32, image: esp32 });
    expect(failed.code).toBe('CONNECTION_LOST');
    expect(failed.causes[0]).toBe('wrong-chip');
    await reads(failed, { expect, name: '13 ESP32' });
  });

  test('14: for a larger flash', async ({ expect }) => {
    const image = makeEsp8266Image({ sizeBytes: 20_000, sizeFrequency: 0x40 });
    const failed = await push(await start({ flash: { ...fast.flash, sizeNibble: 2 } }), { image });
    expect(failed).toMatchObject({ code: 'IMAGE_REJECTED', causes: ['flash-settings'] });
    expect(failed.details['answer']).toContain('ERROR[9]');
    await reads(failed, { expect, name: '14 flash size' });
  });

  test('15: a file system of another size, ESP32', async ({ expect }) => {
    const device = await start({ model: 'esp32', flash: { ...fast.flash, filesystemBytes: 32_768 } });
    const failed = await push(device, {
      device: isEsp32,
      image: makeLittlefsImage({ sizeBytes: 65_536 }),
      flags: { filesystem: true },
    });
    expect(failed.code).toBe('CONNECT_BACK_MISSING');
    expect(failed.causes[0]).toBe('filesystem-size');
    await reads(failed, { expect, name: '15 ESP32' });
  });

  test('15: a file system that breaks off half written', async ({ expect }) => {
    const timing = { ...fast.timing, rebootMs: 1700 };
    const device = await start({ faults: { restartsAtBytes: 20_000 }, timing });
    const failed = await push(device, {
      device: { platform: 'esp8266' },
      image: makeLittlefsImage({ sizeBytes: 65_536 }),
      flags: { filesystem: true },
    });
    expect(failed.code).toBe('FILESYSTEM_HALF_WRITTEN');
    expect(failed.hint).toMatch(/half written.*\nMost likely the device restarted/);
    await reads(failed, { expect, name: '15 half written' });
  });

  test('16: damaged on the way', async ({ expect }) => {
    const failed = await push(await start({ faults: { failsMd5: true } }));
    expect(failed).toMatchObject({ code: 'IMAGE_REJECTED', causes: ['damaged-on-the-way'] });
    const answer = String(failed.details['answer']);
    await reads({ ...failed, text: failed.text.replace(answer, '<answer>') }, { expect, name: '16 MD5' });
  });

  test('17: a weak link: many invitations, then a stall', async ({ expect }) => {
    const device = await start({ faults: { lostInvitations: 5, stallsAtBytes: 20_000 } });
    const failed = await push(device);
    expect(failed.code).toBe('TRANSFER_STALLED');
    expect(failed.causes).toEqual(['weak-wifi', 'power-dip']);
    expect(failed.hint).toMatch(/too weak \(6 invitations until it answered\)/);
    await reads(failed, { expect, name: '17 weak Wi-Fi' });
  });

  test('18: it loses its power in mid-flash, and announces itself anew', async ({ expect }) => {
    const name = ownName();
    const timing = { ...fast.timing, rebootMs: 1700 };
    await start({ name, announce: true, faults: { restartsAtBytes: 20_000 }, timing });
    const failed = await pushByName(name);
    expect(failed.code).toBe('CONNECTION_LOST');
    expect(failed.causes[0]).toBe('power-dip');
    expect(failed.hint).toMatch(/^It restarted while it was updated and runs the old image again.*supply.*$/);
    expect(failed.log).toContainEqual(expect.stringMatching(/^listening whether .* has restarted, 8 s/));
    await reads(failed, { expect, name: '18 power dip', device: name });
  });

  test('18: where it goes on announcing itself, it has given up and not restarted', async ({ expect }) => {
    const name = ownName();
    await start({ name, announce: true, faults: { resetsAtBytes: 20_000 } });
    const failed = await pushByName(name);
    expect(failed.causes).toEqual(['flash-fault', 'power-dip']);
    expect(failed.hint).toMatch(/^Most likely the device gave up/);
  });

  test('20: the port of this computer is taken', async ({ expect }) => {
    const holder = createServer().listen(0, '127.0.0.1');
    open.push(holder);
    await once(holder, 'listening');
    const { port: hostPort } = holder.address() as AddressInfo;
    const failed = await push(await start(), { device: { hostPort } });
    expect(failed).toMatchObject({ code: 'HOST_PORT_IN_USE', causes: ['host-port-taken'] });
    await reads(failed, { expect, name: '20 port taken' });
  });

  test('22: two devices of one name', async ({ expect }) => {
    const name = ownName();
    const [one, other] = [await start({ name, announce: true }), await start({ name, announce: true })];
    const failed = await pushByName(name);
    expect(failed).toMatchObject({ code: 'NAME_NOT_RESOLVED', causes: ['two-of-one-name'] });
    const text = [one, other].reduce((all, { port }) => all.replaceAll(String(port), '<port>'), failed.text);
    await reads({ ...failed, text }, { expect, name: '22 two of one name', device: name });
  });

  test('23: another otarc is at it', async ({ expect }) => {
    const device = await start();
    const { address, port } = device;
    const { signal } = new AbortController();
    const lock = await lockDevice({ name: 'hall', address, port, signal, onWait: () => {} });
    open.push({ close: () => lock.release() });
    const failed = await push(device, { timeoutMs: 300 });
    expect(failed).toMatchObject({ code: 'DEVICE_LOCKED', causes: ['two-otarc'] });
    await reads(failed, { expect, name: '23 two otarc' });
  });

  test('24: the first update after a cable', async ({ expect }) => {
    const failed = await push(await start({ faults: { error11: true } }));
    expect(failed).toMatchObject({ code: 'DEVICE_REFUSED', causes: ['first-after-cable'] });
    expect(failed.hint).toContain('press reset on the device once');
    await reads(failed, { expect, name: '24 after a cable' });
  });

  test('25: HomeDing in safe mode, known by its own configuration', async ({ expect }) => {
    const name = ownName();
    const device = await start({ name, announce: true, faults: { safeMode: true } });
    const env = { ota: { 0: { port: device.port, passwd: 'secret' } }, device: { 0: { name } } };
    const failed = await pushByName(name, {
      device: { homeding: 'env.json' },
      files: { 'env.json': JSON.stringify(env) },
    });
    expect(failed.code).toBe('DEVICE_SILENT');
    expect(failed.causes[0]).toBe('homeding-safe-mode');
    expect(failed.hint).toMatch(/^Most likely HomeDing is in safe mode.*fix env\.json/);
    await reads(failed, { expect, name: '25 safe mode', device: name });
  });
});

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** As another computer does it: no lock, and an image that takes its time. */
async function invite(device: VirtualDevice): Promise<{ close(): void }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(esp32);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  const connected = device.waitFor('connected');
  udp.send(`0 ${port} ${esp32.length} ${'ab'.repeat(16)}\n`, device.port, device.address);
  await connected;
  udp.close();
  return { close: () => void server.close() };
}

/**
 * As a container's: datagrams go out by an address (127.0.0.6) that is not the sender's, answers come from that of the
 * device (127.0.0.5), and who connects to the published port comes in from 127.0.0.6.
 */
async function startPortProxy(device: VirtualDevice): Promise<{ address: string; port: number }> {
  const [inside, outside] = [createSocket('udp4'), createSocket('udp4')];
  const bound = (socket: UdpSocket, address: string): Promise<unknown> => {
    socket.bind(0, address);
    open.push(socket);
    return once(socket, 'listening');
  };
  await Promise.all([bound(inside, '127.0.0.5'), bound(outside, '127.0.0.6')]);
  let sender = { address: '', port: 0 };
  const published = new Set<number>();
  const publish = async (port: number): Promise<void> => {
    if (published.has(port)) return;
    published.add(port);
    const server = createServer((socket) => {
      const further = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.6' });
      for (const [one, other] of [
        [socket, further],
        [further, socket],
      ] as const) {
        one.on('error', () => other.destroy());
        one.pipe(other);
      }
    }).listen(port, '127.0.0.6');
    open.push(server);
    await once(server, 'listening');
  };
  inside.on('message', (bytes, from) => {
    sender = from;
    const hostPort = Number(/^\d+ (\d+) /.exec(bytes.toString())?.[1] ?? 0);
    void publish(hostPort).then(() => outside.send(bytes, device.port, device.address));
  });
  outside.on('message', (bytes) => inside.send(bytes, sender.port, sender.address));
  const { address, port } = inside.address();
  return { address, port };
}
