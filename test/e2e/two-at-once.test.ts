import { delimiter, dirname } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { imageFile } from '../support/image-file.ts';
import { eventsOf, otarc, quickDevice, startOtarc, storyOf, writeOtarc } from '../support/otarc.ts';
import { packed } from '../support/packed.ts';
import { tempDir } from '../support/temp-dir.ts';

/**
 * The first of several pushes to a device, stopped when a third of its image is there: it still runs whenever the others
 * come, however long they take to start.
 */
async function firstHalfway() {
  const dir = await tempDir();
  // Large: on a busy machine the round trip looks long, and hundreds of kilobytes are handed to the kernel at once, which
  // delivers them also when their process was killed.
  const device = await quickDevice({ flash: { msPerSector: 10, slotBytes: 2_000_000 }, password: 'geheim' });
  await imageFile(dir, { sizeBytes: 1_000_000 });
  await writeOtarc(dir, { livingroom: { at: device, password: 'geheim' } });
  const halfway = device.waitFor((event) => event.type === 'received' && event.receivedBytes > 10_000);
  const first = await startOtarc(['push', '--file', 'firmware.bin'], { cwd: dir });
  await halfway;
  first.kill('SIGSTOP');
  const push = (...args: string[]) => startOtarc(['push', '--file', 'firmware.bin', ...args], { cwd: dir });
  return { dir, device, first, push };
}

const waiting = /waiting for another otarc/;
const updatesOf = (device: VirtualDevice) => device.updates.map(({ result }) => result);

describe.skipIf(process.platform === 'win32')('two otarc on one device', () => {
  it('push the same image once: the second waits and steps back', async () => {
    const { device, first, push } = await firstHalfway();
    const second = await push('--json');
    await second.said(waiting);
    first.kill('SIGCONT');

    const { exitCode, stdout } = await second.ended;
    expect(exitCode).toBe(0);
    const events = eventsOf(stdout);
    expect(storyOf(events)).toEqual(['run-started', 'image-ready', 'device-located', 'skipped', 'done']);
    expect(events.find(({ type }) => type === 'skipped')).toMatchObject({
      reason: 'another otarc has pushed this very image in the meantime',
    });
    expect((await first.ended).exitCode).toBe(0);
    expect(updatesOf(device)).toEqual(['accepted']);
  });

  it('push it once also when they are many', async () => {
    const { device, first, push } = await firstHalfway();
    const others = await Promise.all(Array.from({ length: 5 }, () => push()));
    await Promise.all(others.map(({ said }) => said(waiting)));
    // One of the others has the device now, and pushes; the rest have nothing left to do.
    first.kill('SIGKILL');
    const ends = await Promise.all(others.map(({ ended }) => ended));
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0]);
    expect(ends.filter(({ stdout }) => stdout.startsWith('skipped livingroom'))).toHaveLength(4);
    expect(updatesOf(device)).toEqual(['interrupted', 'accepted']);
  });

  it('push two images one after the other', async () => {
    const { dir, device, first } = await firstHalfway();
    const other = await imageFile(dir, { sizeBytes: 20_000, name: 'other.bin' });
    const second = await startOtarc(['push', '--file', 'other.bin'], { cwd: dir });
    await second.said(waiting);
    first.kill('SIGCONT');

    expect((await second.ended).exitCode).toBe(0);
    expect((await first.ended).exitCode).toBe(0);
    expect(updatesOf(device)).toEqual(['accepted', 'accepted']);
    expect(Buffer.from(device.running?.bytes ?? []).equals(other.bytes)).toBe(true);
  });

  it('leave no lock behind: when the first is killed, the second pushes', async () => {
    const { device, first, push } = await firstHalfway();
    const second = await push();
    await second.said(waiting);
    first.kill('SIGKILL');

    expect((await second.ended).exitCode).toBe(0);
    expect(updatesOf(device)).toEqual(['interrupted', 'accepted']);
    await vi.waitFor(() => expect(device.state).toBe('idle'), { timeout: 20_000 });
  });

  it('say who is there when it takes too long, and send nothing', async () => {
    const dir = await tempDir();
    const device = await quickDevice({ faults: { stallsAtBytes: 10_000 } });
    await imageFile(dir, { sizeBytes: 60_000 });
    await writeOtarc(dir, { livingroom: { at: device } });
    const stalled = device.waitFor('halted');
    const first = await startOtarc(['push', '--file', 'firmware.bin'], { cwd: dir });
    await stalled;
    const second = await otarc(['push', '--file', 'firmware.bin', '--timeout', '0.5'], { cwd: dir });

    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain(
      `error DEVICE_LOCKED: livingroom is being updated by another otarc (process ${first.pid})`,
    );
    expect(second.stderr).toContain(`→ Wait until it is done, or end process ${first.pid}; then try again.`);
    expect(updatesOf(device)).toEqual([]);
    first.kill('SIGKILL');
    await first.ended;
  });
});

describe('inside a build that otarc runs', () => {
  const env = (HOME: string) => ({ HOME, OTARC_SESSION: '1' });

  it('a hook ends at once, and says nothing', async () => {
    const dir = await tempDir();
    const run = await otarc(['push', '--hook', '--file', 'missing.bin'], { cwd: dir, env: env(dir) });
    expect(run).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it.each([
    { name: 'push', args: ['push', '192.0.2.1', '--file', 'missing.bin'] },
    { name: 'espota', args: ['espota', '-i', '192.0.2.1', '-f', 'missing.bin'] },
  ])('$name leaves the image to the otarc above it, in one line', async ({ name, args }) => {
    const dir = await tempDir();
    const run = await otarc(args, { cwd: dir, env: env(dir) });
    expect(run).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `otarc ${name}: left to the otarc that runs this build (OTARC_SESSION is set)\n`,
    });
    const json = await otarc([...args, '--json'], { cwd: dir, env: env(dir) });
    if (name === 'push') expect(storyOf(eventsOf(json.stdout))).toEqual(['run-started', 'done']);
  });

  it('deploy refuses, as it would build without end', async () => {
    const dir = await tempDir();
    const run = await otarc(['deploy'], { cwd: dir, env: env(dir) });
    expect(run).toMatchObject({ exitCode: 2, stdout: '' });
    expect(run.stderr).toContain('error USAGE: otarc deploy was called by a build that otarc itself');
  });

  it('a build command that calls otarc gets its image pushed once', async () => {
    const dir = await tempDir();
    const device = await quickDevice();
    await imageFile(dir);
    const build = 'otarc push --file firmware.bin && otarc push --hook --file firmware.bin';
    await writeOtarc(
      dir,
      { lamp: { at: device } },
      { build: { command: ['sh', '-c', build], image: 'firmware.bin' } },
    );
    const PATH = [dirname((await packed()).bin), process.env['PATH']].join(delimiter);
    const run = await otarc(['deploy'], { cwd: dir, env: { HOME: dir, PATH } });
    expect(run.exitCode).toBe(0);
    expect(run.stderr).toContain('left to the otarc that runs this build');
    expect(updatesOf(device)).toEqual(['accepted']);
  });
});
