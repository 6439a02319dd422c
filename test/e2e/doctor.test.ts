/** The packed command looks at the way to a device, and says why a push fails. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startVirtualDevice, type VirtualDevice } from '../../src/simulator/index.ts';
import { imageFile } from '../support/image-file.ts';
import { packed } from '../support/packed.ts';
import { addressOf, eventsOf, isPlain, otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

/** One that has nothing to do with any of it, as a developer leaves it running. */
let stranger: VirtualDevice | undefined;
beforeAll(async () => {
  stranger = await startVirtualDevice({ name: `stranger-${process.pid}`, announce: true, password: 'other' });
});
afterAll(() => stranger?.close());

const onLoopback = ['--interface', '127.0.0.1'];

test('each leg in a line, and 0 where the way is free', async () => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const device = await quickDevice({ password: 'a-real-password' });
  await writeOtarc(dir, { hall: { at: device, password: { env: 'HALL_PW' } } });
  const env = { HOME: dir, HALL_PW: 'a-real-password' };
  const args = ['doctor', 'hall', '--file', path, '--active', ...onLoopback];
  const { exitCode, stdout, stderr } = await otarc(args, { cwd: dir, env });
  const legs = stdout.split('\n').filter((line) => /^[✓!✗]/.test(line));
  expect(legs.map((line) => line.slice(0, 20).trimEnd())).toEqual([
    '✓ configuration',
    '✓ build tool',
    '✓ image',
    '✓ name',
    '✓ this computer',
    '✓ connect-back port',
    '! device',
    '✓ invitation',
    '✓ password',
    '✓ connect-back',
    '✓ link',
  ]);
  expect(stderr).toMatch(/^--active: .*nothing is written/);
  expect(exitCode).toBe(0);
  expect(stdout + stderr).not.toContain('a-real-password');
  expect(isPlain(stdout + stderr)).toBe(true);
  expect(device.running).toBeUndefined();
});

test('--json is one document; the first leg that fails is the last, and the status is 1', async () => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const args = ['doctor', `127.0.0.1:${await closedPort()}`, '--file', path, '--json', ...onLoopback];
  const { exitCode, stdout, stderr } = await otarc(args, { cwd: dir });
  const document = JSON.parse(stdout) as { ok: boolean; exitCode: number; legs: object[] };
  expect(document).toMatchObject({ ok: false, exitCode: 1 });
  expect(document.legs.at(-1)).toMatchObject({ leg: 'device', status: 'failed', code: 'DEVICE_SILENT' });
  expect(stderr).toBe('');
  expect(exitCode).toBe(1);
});

test('a device that nobody knows is usage: 2', async () => {
  const dir = await tempDir();
  const device = await quickDevice();
  await writeOtarc(dir, { hall: { at: device } });
  const { exitCode, stdout } = await otarc(['doctor', 'hal'], { cwd: dir });
  expect(stdout).toMatch(/^✗ configuration {6}TARGET_UNKNOWN: .*\n +→ Did you mean "hall"\?\n$/);
  expect(exitCode).toBe(2);
});

test('a push that fails says the same without a doctor, each cause in a line of its own', async () => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const device = await quickDevice({ faults: { resetsAtBytes: 8000 } });
  const args = ['push', addressOf(device), '--file', path];
  const { exitCode, stderr } = await otarc(args, { cwd: dir });
  expect(stderr).toMatch(
    /\nerror CONNECTION_LOST: .*\n {2}→ Most likely the device gave up: it could not write its flash: .*\n {4}Or its power dips .*\n$/,
  );
  expect(exitCode).toBe(1);
});

test('events carry the causes; -v prints the conversation with times, and no password', async () => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const device = await quickDevice({ password: 'a-real-password' });
  const env = { HOME: dir, OTARC_PASSWORD: 'not-that-one' };
  const args = ['push', addressOf(device), '--file', path];
  const json = await otarc([...args, '--json'], { cwd: dir, env });
  expect(eventsOf(json.stdout).find(({ type }) => type === 'failed')).toMatchObject({
    code: 'PASSWORD_WRONG',
    details: { causes: ['password-wrong'], nonceDigits: 32 },
  });
  const verbose = await otarc([...args, '-v'], { cwd: dir, env });
  expect(verbose.stderr).toMatch(/\d\.\d{3} s UDP → 0 \d+ \d+ [0-9a-f]{32}\n/);
  expect(verbose.stderr).toMatch(/\d\.\d{3} s UDP ← AUTH \(32 digits\)\n/);
  expect(verbose.stderr).toMatch(/\d\.\d{3} s UDP → 200 \(cnonce\) \(response\)\n/);
  expect(json.stdout + verbose.stderr).not.toContain('not-that-one');
});

test('--debug-log: the same in a file, for a bug report', async () => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const device = await quickDevice({ password: 'a-real-password' });
  const env = { HOME: dir, OTARC_PASSWORD: 'a-real-password' };
  const args = ['push', addressOf(device), '--file', path, '--debug-log', 'otarc.log'];
  const { exitCode, stderr } = await otarc(args, { cwd: dir, env });
  const log = await readFile(join(dir, 'otarc.log'), 'utf8');
  expect(eventsOf(log).map(({ type }) => type)).toEqual(expect.arrayContaining(['invited', 'log', 'done']));
  expect(log).toContain('UDP ← AUTH (32 digits)');
  expect(log + stderr).not.toContain('a-real-password');
  expect(stderr).not.toContain('UDP');
  expect(exitCode).toBe(0);
});

test('--debug-log on a disk that fills up: the log ends, the update does not', async () => {
  const dir = await tempDir();
  await imageFile(dir);
  const device = await quickDevice();
  const { bin } = await packed();
  // As a full disk does it: no file grows beyond a kilobyte.
  const push = `ulimit -f 1; exec "${bin}" push ${addressOf(device)} --file firmware.bin --debug-log otarc.log`;
  const { exitCode, stderr } = await execa('bash', ['-c', push], { cwd: dir, reject: false });
  expect(exitCode).toBe(0);
  expect(stderr.match(/^warning: .*otarc\.log ends here, as it cannot be written any more/gm)).toHaveLength(
    1,
  );
  expect(device.updates).toMatchObject([{ result: 'accepted' }]);
  expect((await readFile(join(dir, 'otarc.log'), 'utf8')).length).toBeGreaterThan(100);
});

test('--debug-log that cannot be written at all is usage: nothing is pushed', async () => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const device = await quickDevice();
  const args = ['push', addressOf(device), '--file', path, '--debug-log', join(dir, 'missing', 'otarc.log')];
  const { exitCode, stderr } = await otarc(args, { cwd: dir });
  expect(stderr).toMatch(/error USAGE: .*otarc\.log cannot be written/);
  expect(exitCode).toBe(2);
  expect(device.counters.datagrams).toBe(0);
});

test('espota says why, too', async () => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const args = ['espota', '-i', '127.0.0.1', '-p', String(await closedPort()), '-f', path, '-t', '1'];
  const { exitCode, stderr } = await otarc(args, { cwd: dir });
  expect(stderr).toMatch(/error DEVICE_SILENT: .*\n {2}→ Most likely it listens on another port/);
  expect(exitCode).toBe(1);
});

/** A UDP port of loopback that nobody listens on. */
async function closedPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}
