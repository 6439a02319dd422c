import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { imageFile } from '../support/image-file.ts';
import { defaultPartitions, makeEsp32Image, makePartitionTable } from '../support/images.ts';
import { addressOf, eventsOf, otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('otarc push --file', () => {
  it('goes to an IPv6 address', async () => {
    const dir = await tempDir();
    const device = await quickDevice({ host: '::1' });
    const { bytes } = await imageFile(dir);
    const run = await otarc(['push', `[::1]:${device.port}`, '--file', 'firmware.bin'], { cwd: dir });
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('pushed to [::1]:') });
    expect(device.running?.bytes).toEqual(bytes);
  });

  it('is connected back to at the address and the port that flags name', async () => {
    const dir = await tempDir();
    const device = await quickDevice();
    await imageFile(dir);
    const hostPort = await freePort();
    const invited = device.waitFor('invited');
    const flags = ['--host-address', '127.0.0.1', '--host-port', String(hostPort), '--json'];
    const run = await otarc(['push', addressOf(device), '--file', 'firmware.bin', ...flags], { cwd: dir });
    expect(run.exitCode).toBe(0);
    expect(await invited).toMatchObject({ hostAddress: '127.0.0.1', hostPort });
    expect(eventsOf(run.stdout).find(({ type }) => type === 'invited')).toMatchObject({ hostPort });
  });

  it.each(['partitions.bin', 'firmware.partitions.bin'])(
    'sees by the %s that the build has left beside it what has room on the device',
    async (table) => {
      const dir = await tempDir();
      const device = await quickDevice({ model: 'esp32' });
      await writeFile(join(dir, 'firmware.bin'), makeEsp32Image({ sizeBytes: 200_000 }));
      const partitions = (slotBytes: number) =>
        makePartitionTable(
          defaultPartitions.map((each) => (each.type === 0 ? { ...each, sizeBytes: slotBytes } : each)),
        );
      const push = ['push', addressOf(device), '--platform', 'esp32', '--file', 'firmware.bin'];

      await writeFile(join(dir, table), partitions(131_072));
      const refused = await otarc(push, { cwd: dir });
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain('error IMAGE_TOO_LARGE: ');
      expect(device.counters.datagrams).toBe(0);

      await writeFile(join(dir, table), partitions(262_144));
      expect(await otarc(push, { cwd: dir })).toMatchObject({ exitCode: 0 });
      await writeFile(join(dir, table), 'no table');
      const unknown = await otarc(push, { cwd: dir });
      expect(unknown).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('warning: The slots') });
    },
  );

  it('takes a file of any name and place, and a group of devices', async () => {
    const dir = await tempDir();
    const devices = { one: { at: await quickDevice() }, two: { at: await quickDevice() } };
    const { path } = await imageFile(dir);
    await writeOtarc(
      dir,
      { ...devices, three: { at: await quickDevice() } },
      { groups: { upstairs: ['one', 'two'] } },
    );
    const run = await otarc(['push', 'upstairs', '--file', path, '--json'], { cwd: dir });
    expect(run.exitCode).toBe(0);
    const events = eventsOf(run.stdout);
    expect(events.at(-1)).toMatchObject({ type: 'done', deployed: ['one', 'two'] });
    expect(events.filter(({ type }) => type === 'image-ready')).toHaveLength(1);
    for (const { at } of Object.values(devices)) expect(at.updates).toMatchObject([{ result: 'accepted' }]);
  });

  it.each([
    { fault: { silent: true }, code: 'DEVICE_SILENT|TIMEOUT', flags: ['--timeout', '2'] },
    { fault: { error15: true }, code: 'DEVICE_BUSY', flags: [] },
    { fault: { resetsAtBytes: 9000 }, code: 'CONNECTION_LOST', flags: [] },
    { fault: { failsMd5: true }, code: 'IMAGE_REJECTED', flags: [] },
    { fault: { closesWithoutVerdict: true }, code: 'NO_VERDICT', flags: [] },
  ])('says $code of a device with the fault $fault', async ({ fault, code, flags }) => {
    const dir = await tempDir();
    const device = await quickDevice({ faults: fault });
    await imageFile(dir);
    const run = await otarc(['push', addressOf(device), '--file', 'firmware.bin', ...flags], { cwd: dir });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(new RegExp(`^error (${code}): .*${addressOf(device)}.*\\n {2}→ \\S`, 'm'));
    expect(device.running).toBeUndefined();
  });
});
