/** Signals while the packed doctor looks and listens. */

import { expect, test } from 'vitest';
import { imageFile } from '../support/image-file.ts';
import { addressOf, otarc, quickDevice, startOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

const onLoopback = ['--interface', '127.0.0.1'];

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s while it listens for the device: %i, and no finding', async (signal, exitCode) => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const device = await quickDevice({ faults: { silent: true } });
  // What the knock sends is ignored: from then on it listens.
  const knocked = device.waitFor('ignored');
  const args = ['doctor', addressOf(device), '--file', path, ...onLoopback];
  const running = await startOtarc(args, { cwd: dir });
  await running.said(/connect-back port/);
  await knocked;
  running.kill(signal);
  const ended = await running.ended;
  expect(ended.exitCode).toBe(exitCode);
  expect(ended.stdout).toMatch(/\n✓ connect-back port .*\n$/);
  expect(ended.stderr).toMatch(`error CANCELLED: Interrupted by ${signal}.`);
});

test('a signal leaves one JSON document, with the legs that were looked at', async () => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const device = await quickDevice({ faults: { silent: true } });
  const knocked = device.waitFor('ignored');
  const running = await startOtarc(['doctor', addressOf(device), '--file', path, '--json', ...onLoopback], {
    cwd: dir,
  });
  await knocked;
  running.kill('SIGINT');
  const { exitCode, stdout } = await running.ended;
  expect(exitCode).toBe(130);
  const document = JSON.parse(stdout) as { ok: boolean; exitCode: number; legs: { leg: string }[] };
  expect(document).toMatchObject({ ok: false, exitCode: 130 });
  expect(document.legs.at(-1)?.leg).toBe('connect-back port');
});

test('addresses at which no device can be: the words of a push', async () => {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  for (const [address, words] of [['fe80::1', /link-local.*\n.*fe80::1%eth0/]] as const) {
    const pushed = await otarc(['push', address, '--file', path], { cwd: dir });
    const looked = await otarc(['doctor', address, '--file', path], { cwd: dir });
    expect(pushed.stderr).toMatch(words);
    expect(looked.stdout).toMatch(words);
    expect([pushed.exitCode, looked.exitCode]).toEqual([2, 2]);
  }
  for (const address of [
    '255.255.255.255',
    '224.0.0.1:8266',
    '240.0.0.1',
    '::ffff:224.0.0.1',
    '[ff02::1]:8266',
  ]) {
    const pushed = await otarc(['push', address, '--file', path], { cwd: dir });
    const looked = await otarc(['doctor', address, '--file', path], { cwd: dir });
    const espota = await otarc(['espota', '-i', address, '-f', path], { cwd: dir });
    expect(pushed.stderr).toMatch(/TARGET_UNKNOWN: .* is (?:an? |the ).*: no device is there/);
    expect(looked.stderr + looked.stdout).toMatch(/is (?:an? |the ).*: no device is there/);
    expect([pushed.exitCode, looked.exitCode, espota.exitCode]).toEqual([2, 2, 1]);
  }
});
