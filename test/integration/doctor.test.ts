/** Each leg of the way, against virtual devices on loopback. */

import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { deployProject } from '../../src/deploy/deploy-project.ts';
import type { Leg, LegName } from '../../src/doctor/leg.ts';
import { presenceLeg } from '../../src/doctor/presence.ts';
import { lockDevice, tryLock } from '../../src/deploy/lock.ts';
import { readImage } from '../../src/image/read.ts';
import type { DeployEvent } from '../../src/model/events.ts';
import { models, startVirtualDevice, type VirtualDevice } from '../../src/simulator/index.ts';
import { doctor } from '../support/doctor.ts';
import { imageFile } from '../support/image-file.ts';
import { defaultPartitions, makeEsp32Image, makePartitionTable, makeRp2040Image } from '../support/images.ts';
import { makeRamImage } from '../support/other-images.ts';
import { startResponder } from '../support/mdns-responder.ts';
import { quickDevice, writeOtarc } from '../support/otarc.ts';
import { targetOf } from '../support/push.ts';
import { tempDir } from '../support/temp-dir.ts';

/** One that has nothing to do with any of it, as a developer leaves it running. */
let stranger: VirtualDevice | undefined;
beforeAll(async () => {
  stranger = await startVirtualDevice({ name: `stranger-${process.pid}`, announce: true, password: 'other' });
});
afterAll(() => stranger?.close());

const legOf = (legs: readonly Leg[], name: LegName): Leg | undefined => legs.find(({ leg }) => leg === name);
let count = 0;
const ownName = (): string => `doctor-${process.pid}-${(count += 1)}`;

/** A UDP port of loopback that nobody listens on. */
async function closedPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

/** A folder with an image and an `.otarc` whose one device is the given one. */
async function folderFor(
  device: { readonly address: string; readonly port: number },
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ dir: string; file: string }> {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const { address: host, port } = device;
  await writeFile(join(dir, '.otarc'), JSON.stringify({ devices: { hall: { host, port, ...more } } }));
  return { dir, file: path };
}

const before = [
  '✓ configuration',
  '✓ build tool',
  '✓ image',
  '✓ name',
  '✓ this computer',
  '✓ connect-back port',
];

test('a device that announces itself: every leg but those that would disturb it', async () => {
  const name = ownName();
  const device = await quickDevice({ name, announce: true, password: 'secret' });
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  await writeFile(join(dir, '.otarc'), JSON.stringify({ devices: { [name]: { password: 'secret' } } }));
  const { exitCode, marks, legs, stdout } = await doctor(dir, { file: path });
  expect(marks).toEqual([...before, '✓ device']);
  expect(exitCode).toBe(0);
  expect(legOf(legs, 'name')?.text).toMatch(/\.local is 127\.0\.0\.1, over mDNS in \d+ ms|^doctor/);
  expect(legOf(legs, 'device')?.text).toBe(
    `announces itself at 127.0.0.1:${device.port} as an ESP8266, asks for a password; it does not say what it runs (a sketch with otarc.h does)`,
  );
  expect(device.counters).toMatchObject({ invitations: 0, authentications: 0, connections: 0 });
  expect(stdout).not.toContain('secret');
});

test.each([
  ['this image', 'which is this image', (bytes: Uint8Array) => md5Of(bytes)],
  ['another one', 'which is not this image', () => '3f9a1b2c'.padEnd(32, '0')],
])('a device that says that it runs %s', async (_, words, sumOf) => {
  const name = ownName();
  const device = await quickDevice({ name });
  const dir = await tempDir();
  const { path, bytes } = await imageFile(dir);
  const md5 = sumOf(bytes);
  const text = ['board=ESP8266_NODEMCU', 'auth_upload=no', `md5=${md5}`, 'run=0000000a', 'version=1.4.2'];
  const { address, port: servicePort } = device;
  const responder = await startResponder({ name, addresses: [address], servicePort, text, pointer: 'whole' });
  onTestFinished(() => responder.close());
  await writeFile(join(dir, '.otarc'), JSON.stringify({ devices: { [name]: {} } }));
  const { legs, exitCode } = await doctor(dir, { file: path });
  expect(exitCode).toBe(0);
  expect(legOf(legs, 'device')).toMatchObject({
    text: expect.stringContaining(`; it says that it runs 1.4.2 (${md5.slice(0, 8)}), ${words}`),
    details: { running: { md5, version: '1.4.2' } },
  });
});

const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

test.each(models)('--active, %s: asked for everything, and idle afterwards', async (model) => {
  const device = await quickDevice({ model, password: 'secret' });
  const { dir, file } = await folderFor(device, { password: 'secret' });
  if (model !== 'esp8266') await writeFile(file, makeEsp32Image({ sizeBytes: 20_000 }));
  const ended = device.waitFor('update-ended');
  const { exitCode, marks, legs, stderr } = await doctor(dir, {
    active: true,
    ...(model === 'rp2040' ? {} : { file }),
    ...(model.startsWith('esp32') ? { flags: { platform: 'esp32' } } : {}),
  });
  expect(marks.slice(-4)).toEqual(['✓ invitation', '✓ password', '✓ connect-back', '✓ link']);
  expect(exitCode).toBe(0);
  expect(legOf(legs, 'password')?.text).toMatch(/accepted \((md5|sha256|sha256-md5)\)/);
  expect(stderr).toMatch(/nothing is written/);
  expect((await ended).update).toMatchObject({ receivedBytes: 0 });
  expect(device.running).toBeUndefined();
  expect(device.state).toBe('idle');
});

test('where nothing says what the device is, it refuses the image that a push refuses', async () => {
  const device = await quickDevice({ model: 'esp32' });
  const { dir, file } = await folderFor(device);
  await writeFile(file, makeEsp32Image({ sizeBytes: 20_000 }));
  const { exitCode, legs } = await doctor(dir, { file });
  const events: DeployEvent[] = [];
  const pushed = await deployProject({
    cwd: dir,
    source: 'file',
    file,
    dryRun: true,
    env: { HOME: dir, USERPROFILE: dir },
    onEvent: (event) => events.push(event),
  });
  const failed = events.find((event) => event.type === 'failed');
  expect(failed).toMatchObject({ code: 'IMAGE_WRONG_CHIP' });
  expect(legs.at(-1)).toMatchObject({
    leg: 'device',
    status: 'failed',
    code: failed?.code,
    text: failed?.message,
  });
  expect(exitCode).toBe(pushed.exitCode);
});

test('--active, an open device: no password, although one is configured', async () => {
  const device = await quickDevice({});
  const { dir, file } = await folderFor(device, { password: 'secret' });
  const { exitCode, legs } = await doctor(dir, { active: true, file });
  expect(legOf(legs, 'password')).toMatchObject({
    status: 'warning',
    text: 'the device asks for no password, although one is configured',
  });
  expect(exitCode).toBe(0);
});

test('--active, the wrong password', async () => {
  const device = await quickDevice({ password: 'secret' });
  const { dir, file } = await folderFor(device, { password: 'wrong' });
  const { exitCode, marks, legs } = await doctor(dir, { active: true, file });
  expect(marks.slice(-2)).toEqual(['✓ invitation', '✗ password']);
  expect(legs.at(-1)).toMatchObject({ code: 'PASSWORD_WRONG', details: { causes: ['password-wrong'] } });
  expect(exitCode).toBe(1);
  expect(device.state).toBe('idle');
});

test('--active, a device that says OK and never connects', { timeout: 40_000 }, async () => {
  const device = await quickDevice({ faults: { neverConnects: true } });
  const { dir, file } = await folderFor(device);
  const { exitCode, marks, legs } = await doctor(dir, { active: true, file });
  expect(marks.slice(-3)).toEqual(['✓ invitation', '✓ password', '✗ connect-back']);
  expect(legs.at(-1)).toMatchObject({ code: 'CONNECT_BACK_MISSING' });
  expect(legs.at(-1)?.details?.['causes']).toContain('firewall');
  expect(exitCode).toBe(1);
});

test('--active, a device that answers nothing', async () => {
  const device = await quickDevice({ faults: { silent: true } });
  const { dir, file } = await folderFor(device);
  const { exitCode, marks, legs } = await doctor(dir, { active: true, file, silenceLimitMs: 300 });
  expect(marks.slice(-2)).toEqual(['! device', '✗ invitation']);
  expect(legs.at(-1)).toMatchObject({ code: 'DEVICE_SILENT' });
  expect(exitCode).toBe(1);
});

test('--active, no room for the image', async () => {
  const device = await quickDevice({ flash: { slotBytes: 10_000 } });
  const { dir, file } = await folderFor(device);
  const { legs, exitCode } = await doctor(dir, { active: true, file });
  expect(legs.at(-1)).toMatchObject({
    leg: 'invitation',
    code: 'DEVICE_REFUSED',
    details: { causes: ['image-too-large'] },
  });
  expect(exitCode).toBe(1);
});

test('nothing listens on that port', async () => {
  const { dir, file } = await folderFor({ address: '127.0.0.1', port: await closedPort() });
  const { exitCode, marks, legs } = await doctor(dir, { file, active: true });
  expect(marks).toEqual([...before, '✗ device']);
  expect(legs.at(-1)).toMatchObject({
    code: 'DEVICE_SILENT',
    text: expect.stringContaining('is there, but nothing listens on its UDP port'),
    hint: expect.stringContaining('ArduinoOTA.begin()'),
  });
  expect(exitCode).toBe(1);
});

test('it announces another port than the configured one', async () => {
  const name = ownName();
  const device = await quickDevice({ name, announce: true });
  const other = await quickDevice({ faults: { silent: true } });
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  await writeOtarc(dir, { [name]: { at: other } });
  const { legs } = await doctor(dir, { file: path });
  expect(legs.at(-1)).toMatchObject({
    leg: 'device',
    status: 'failed',
    hint: expect.stringContaining(`The device announces port ${device.port}, not ${other.port}`),
  });
});

test('two devices of one name are none that is well', async () => {
  const name = ownName();
  await Promise.all([quickDevice({ name, announce: true }), quickDevice({ name, announce: true })]);
  const other = await quickDevice({ faults: { silent: true } });
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  await writeOtarc(dir, { [name]: { at: other } });
  const { legs, exitCode } = await doctor(dir, { file: path });
  expect(legs.at(-1)).toMatchObject({
    leg: 'device',
    status: 'failed',
    code: 'NAME_NOT_RESOLVED',
    hint: expect.stringContaining('Rename all but one'),
    details: { causes: ['two-of-one-name'] },
  });
  expect(exitCode).toBe(1);
});

test('a password that is needed, and none is configured', async () => {
  const name = ownName();
  await quickDevice({ name, announce: true, password: 'secret' });
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  await writeFile(join(dir, '.otarc'), JSON.stringify({ devices: { [name]: {} } }));
  const { legs, exitCode } = await doctor(dir, { file: path });
  expect(legs.at(-1)).toMatchObject({ leg: 'device', code: 'PASSWORD_REQUIRED' });
  expect(legs.at(-1)?.hint).toContain('OTARC_PASSWORD_DOCTOR_');
  expect(exitCode).toBe(1);
});

test('the configured port of this computer is taken', async () => {
  const device = await quickDevice({});
  const holder = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void holder.close());
  await once(holder, 'listening');
  const bound = holder.address();
  const hostPort = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const { dir, file } = await folderFor(device, { hostPort });
  const { marks, legs, exitCode } = await doctor(dir, { file });
  expect(marks).toEqual([...before.slice(0, -1), '✗ connect-back port']);
  expect(legs.at(-1)).toMatchObject({ code: 'HOST_PORT_IN_USE', details: { causes: ['host-port-taken'] } });
  expect(exitCode).toBe(1);
});

test('an image for another chip', async () => {
  const device = await quickDevice({});
  const { dir, file } = await folderFor(device, { platform: 'esp32' });
  const { marks, legs } = await doctor(dir, { file });
  // The image is whole: it is the device that it does not suit.
  expect(marks).toEqual([...before, '✗ device']);
  expect(legs.at(-1)).toMatchObject({ code: 'IMAGE_WRONG_CHIP', details: { causes: ['wrong-chip'] } });
});

test('an image that does not fit the partition table beside it, as a push would say', async () => {
  const device = await quickDevice({ model: 'esp32' });
  const { dir, file } = await folderFor(device, { platform: 'esp32' });
  await writeFile(file, makeEsp32Image({ sizeBytes: 1_400_000 }));
  await writeFile(join(dir, 'partitions.bin'), makePartitionTable());
  const { legs } = await doctor(dir, { file });
  expect(legs.at(-1)).toMatchObject({
    leg: 'image',
    code: 'IMAGE_TOO_LARGE',
    details: { causes: ['image-too-large'] },
  });
});

const tableOf = (app0: number, app1: number): Uint8Array =>
  makePartitionTable(
    defaultPartitions.map((each) =>
      each.label === 'app0'
        ? { ...each, sizeBytes: app0 }
        : each.label === 'app1'
          ? { ...each, sizeBytes: app1 }
          : each,
    ),
  );

test('an image that fits one of two slots: a warning, which says so and has its own cure', async () => {
  const device = await quickDevice({ model: 'esp32' });
  const { dir, file } = await folderFor(device, { platform: 'esp32' });
  await writeFile(file, makeEsp32Image({ sizeBytes: 20_000 }));
  await writeFile(join(dir, 'partitions.bin'), tableOf(0x10000, 0x1000));
  const { legs, exitCode } = await doctor(dir, { file });
  const leg = legOf(legs, 'image');
  expect(leg).toMatchObject({
    status: 'warning',
    text: expect.stringMatching(/whole; .*fits the slot "app0" .* alone.*: every other update will fail\.$/),
    hint: 'Make the image smaller, or flash a larger partition layout by cable.',
  });
  expect(leg?.text).not.toContain('fits its partition');
  expect(legs.filter(({ text }) => text.includes('every other update'))).toHaveLength(1);
  expect(exitCode).toBe(0);
});

test('everything that speaks against an image stands in its leg', async () => {
  const device = await quickDevice({ model: 'esp32' });
  const { dir, file } = await folderFor(device, { platform: 'esp32' });
  await writeFile(file, makeRamImage());
  const factory = { label: 'factory', type: 0, subtype: 0, offset: 0x10000, sizeBytes: 0x100000 };
  await writeFile(join(dir, 'partitions.bin'), makePartitionTable([factory]));
  const { legs, exitCode } = await doctor(dir, { file });
  expect(legs.at(-1)).toMatchObject({
    leg: 'image',
    status: 'failed',
    code: 'IMAGE_NOT_OTA',
    hint: expect.stringMatching(
      /--allow IMAGE_NOT_OTA`\.\nAlso IMAGE_TOO_LARGE: .*--allow IMAGE_TOO_LARGE`\.$/,
    ),
  });
  expect(exitCode).toBe(1);
});

test('the announcement alone says what the device is', async () => {
  const name = ownName();
  const device = await quickDevice({ name, announce: true });
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  await writeFile(path, makeRp2040Image());
  const { address, port } = device;
  const target = targetOf({ address, port });
  const image = await readImage({ path, tool: 'file' }, { signal: new AbortController().signal });
  const options = { target, image, signal: new AbortController().signal, listenMs: 400 };
  const configured = {
    ...target,
    name,
    host: `${name}.local`,
    interfaces: ['127.0.0.1'],
    engine: 'espota' as const,
  };
  expect(await presenceLeg({ ...options, device: configured })).toMatchObject({
    status: 'failed',
    code: 'IMAGE_WRONG_CHIP',
  });
  // What is configured counts more, as with a push.
  const known = { ...target, platform: 'rp2040' as const };
  expect(
    (await presenceLeg({ ...options, target: known, device: { ...configured, ...known, name } })).code,
  ).toBe(undefined);
});

test('a partition table beside it that is none is told', async () => {
  const device = await quickDevice({ model: 'esp32' });
  const { dir, file } = await folderFor(device, { platform: 'esp32' });
  await writeFile(file, makeEsp32Image({ sizeBytes: 20_000 }));
  await writeFile(join(dir, 'partitions.bin'), 'none');
  const { legs } = await doctor(dir, { file });
  expect(legOf(legs, 'image')).toMatchObject({
    status: 'warning',
    text: expect.stringContaining('The slots are not known'),
    hint: 'Build again, or name the table: `partitions:` in .otarc.',
  });
});

test('another otarc is at the device: it is not knocked at, and --active says whom it waits for', async () => {
  const device = await quickDevice({});
  const { address, port } = device;
  const { signal } = new AbortController();
  const lock = await lockDevice({ name: 'hall', address, port, signal, onWait: () => {} });
  onTestFinished(() => lock.release());
  const { dir, file } = await folderFor(device, { platform: 'esp8266' });
  const passive = await doctor(dir, { file });
  expect(passive.legs.at(-1)).toMatchObject({
    leg: 'device',
    status: 'warning',
    text: `another otarc (process ${process.pid}) is using the device; not probed`,
    hint: 'Wait until it is done, then look again.',
  });
  expect(device.counters.datagrams).toBe(0);
  const active = doctor(dir, {
    file,
    active: true,
    onNote: (text) => {
      if (text.startsWith('waiting for')) lock.release();
    },
  });
  const { stderr, marks } = await active;
  expect(stderr).toMatch(
    new RegExp(`^waiting for another otarc \\(process ${process.pid}\\), which is using this device$`, 'm'),
  );
  expect(marks.at(-1)).toBe('✓ link');
});

test('a device that cannot be knocked at is left to others', async () => {
  const { address, port } = await quickDevice({});
  const { signal } = new AbortController();
  const target = targetOf({ address, port }, { hostAddress: '192.0.2.99' });
  const device = { ...target, host: address, interfaces: ['127.0.0.1'], engine: 'espota' as const };
  const options = { device, target, image: undefined, signal, listenMs: 50 };
  await expect(presenceLeg(options)).rejects.toThrow(/192\.0\.2\.99|EADDRNOTAVAIL/);
  const attempt = await tryLock({ address, port, signal });
  expect(attempt.type).not.toBe('taken');
  if (attempt.type !== 'taken') attempt.lock.release();
});

test('neither a project nor an image: the way to the device is looked at all the same', async () => {
  const device = await quickDevice({});
  const dir = await tempDir();
  await writeOtarc(dir, { hall: { at: device, platform: 'esp8266' } });
  const { marks, exitCode } = await doctor(dir);
  expect(marks).toEqual(['✓ configuration', '! build tool', '! image', ...before.slice(3), '! device']);
  expect(exitCode).toBe(0);
});

test('a mistake in the configuration, and an unknown device: exit status 2', async () => {
  const dir = await tempDir();
  await writeFile(join(dir, '.otarc'), 'devices: { hall: { prot: 1 } }');
  const invalid = await doctor(dir);
  expect(invalid.marks).toEqual(['✗ configuration']);
  expect(invalid.legs[0]?.code).toBe('CONFIG_INVALID');
  expect(invalid.exitCode).toBe(2);
  await writeFile(join(dir, '.otarc'), 'devices: { hall: 127.0.0.1 }');
  const unknown = await doctor(dir, { target: 'hal' });
  expect(unknown.legs[0]).toMatchObject({ code: 'TARGET_UNKNOWN', hint: 'Did you mean "hall"?' });
  expect(unknown.exitCode).toBe(2);
});

test('as a person reads it', async () => {
  const { dir, file } = await folderFor(
    { address: '127.0.0.1', port: await closedPort() },
    { platform: 'esp8266' },
  );
  const { stdout } = await doctor(dir, { file, json: false });
  expect(stdout).toMatch(/^✓ configuration {6}.*\.otarc; device hall, no password\n/);
  expect(stdout).toMatch(/\n✓ image {14}firmware\.bin: ESP8266 firmware, 20,\d{3} bytes, whole; .*\n/);
  expect(stdout).toMatch(/\n✗ device {13}DEVICE_SILENT: .*\n {21}→ Most likely .*\n {23}Or .*\n$/);
});
