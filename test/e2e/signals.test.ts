import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { imageFile } from '../support/image-file.ts';
import {
  addressOf,
  eventsOf,
  otarc,
  quickDevice,
  startOtarc,
  storyOf,
  writeOtarc,
} from '../support/otarc.ts';
import { processesOf } from '../support/processes.ts';
import { makePioProject } from '../support/projects.ts';
import { slowSource } from '../support/slow-source.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const onLinux = process.platform === 'linux';

/** A push whose device has stopped reading when a third of the image was there: however slow this computer is, it goes on. */
async function pushHalfway(options: { args?: string[] } = {}) {
  const dir = await tempDir();
  const device = await quickDevice({ faults: { stallsAtBytes: 70_000 }, password: 'geheim' });
  const { bytes } = await imageFile(dir, { sizeBytes: 200_000 });
  await writeOtarc(dir, { livingroom: { at: device, password: 'geheim' } });
  const halfway = device.waitFor('halted');
  const running = await startOtarc(['push', '--file', 'firmware.bin', ...(options.args ?? [])], { cwd: dir });
  const ended = device.waitFor('update-ended');
  await halfway;
  device.faults.stallsAtBytes = undefined;
  return { dir, device, bytes, running, ended };
}

async function expectIdle(device: VirtualDevice): Promise<void> {
  await vi.waitFor(() => expect(device.state).toBe('idle'), { timeout: 20_000 });
}

describe('an interruption in the middle of a transfer', () => {
  it('closes the connection, so that the device waits for the next push, which succeeds', async () => {
    const { dir, device, bytes, running, ended } = await pushHalfway({ args: ['--json'] });
    await running.said(/"type":"progress"/);

    running.kill('SIGINT');
    const run = await running.ended;

    expect(run.exitCode).toBe(130);
    const events = eventsOf(run.stdout);
    expect(storyOf(events).slice(-3)).toEqual(['progress', 'failed', 'done']);
    expect(events.at(-2)).toMatchObject({ code: 'CANCELLED', device: 'livingroom' });
    expect(events.at(-1)).toMatchObject({ ok: false, failed: ['livingroom'], exitCode: 130 });
    expect((await ended).update).toMatchObject({ result: 'interrupted' });
    await expectIdle(device);

    const again = await otarc(['push', '--file', 'firmware.bin'], { cwd: dir });
    expect(again.exitCode).toBe(0);
    expect(device.running?.bytes).toEqual(bytes);
  });

  it('by SIGTERM has an exit status of its own', async () => {
    const { device, running } = await pushHalfway();
    running.kill('SIGTERM');
    const run = await running.ended;
    expect(run).toMatchObject({ exitCode: 143, stdout: expect.stringMatching(/^interrupted on livingroom/) });
    expect(run.stderr).toMatch(/error CANCELLED: .*SIGTERM/);
    await expectIdle(device);
    expect(device.running).toBeUndefined();
  });

  it('by SIGKILL leaves a device that did not take the half image', async () => {
    // One that goes on reading: only so it sees the end of the connection.
    const dir = await tempDir();
    const device = await quickDevice({ flash: { msPerSector: 40 } });
    await imageFile(dir, { sizeBytes: 200_000 });
    const third = device.waitFor((event) => event.type === 'received' && event.receivedBytes > 66_000);
    const ended = device.waitFor('update-ended');
    const running = await startOtarc(['push', addressOf(device), '--file', 'firmware.bin'], { cwd: dir });
    await third;
    running.kill('SIGKILL');
    await running.ended;
    expect((await ended).update.result).toBe('interrupted');
    await expectIdle(device);
    expect(device.running).toBeUndefined();
    expect(device.counters.reboots).toBe(0);
  });
});

describe('an interruption while nobody answers', () => {
  it('ends the push at once', async () => {
    const dir = await tempDir();
    const device = await quickDevice({ faults: { silent: true } });
    await imageFile(dir);
    const invited = device.waitFor('ignored');
    const running = await startOtarc(['push', addressOf(device), '--file', 'firmware.bin'], { cwd: dir });
    await invited;
    running.kill('SIGINT');
    expect((await running.ended).exitCode).toBe(130);
  });
});

describe.runIf(onLinux)('an interruption in the middle of a build', () => {
  it.skipIf(requireTools('pio'))('ends pio and its compilers, and no datagram was sent', async () => {
    const device = await quickDevice();
    const project = await makePioProject(join(await tempDir(), 'p'));
    const home = project.env['HOME'] ?? '';
    await writeFile(join(project.dir, 'src', 'slow.cpp'), slowSource);
    await writeOtarc(project.dir, { livingroom: { at: device } });
    const running = await startOtarc(['deploy'], { cwd: project.dir, env: project.env });
    await vi.waitFor(() => expect(processesOf(home)).toContain('cc1plus'), { timeout: 20_000, interval: 20 });

    running.kill('SIGINT');
    const run = await running.ended;

    expect(run.exitCode).toBe(130);
    expect(run.stderr).toMatch(/error CANCELLED/);
    expect(processesOf(home)).toEqual([]);
    expect(device.counters.datagrams).toBe(0);
  });

  it('by SIGTERM ends a command and what it started', async () => {
    const dir = await tempDir();
    const device = await quickDevice();
    const build = { command: ['sh', '-c', 'sleep 600 & echo started; wait'], image: 'firmware.bin' };
    await writeOtarc(dir, { livingroom: { at: device } }, { build });
    const running = await startOtarc(['deploy'], { cwd: dir });
    await running.said(/^started$/m);
    await vi.waitFor(() => expect(processesOf(dir)).toContain('sleep'), { timeout: 20_000, interval: 20 });
    running.kill('SIGTERM');
    expect((await running.ended).exitCode).toBe(143);
    expect(processesOf(dir)).toEqual([]);
  });
});

describe('output that nobody reads', () => {
  it('does not keep a push from its end', async () => {
    const device = await quickDevice({ flash: { msPerSector: 40 } });
    const dir = await tempDir();
    await imageFile(dir, { sizeBytes: 200_000 });
    const running = await startOtarc(['push', addressOf(device), '--file', 'firmware.bin', '--json'], {
      cwd: dir,
    });
    await running.said(/"type":"progress"/);
    running.stopReading();
    expect((await running.ended).exitCode).toBe(0);
    expect(device.updates).toMatchObject([{ result: 'accepted' }]);
  });
});
