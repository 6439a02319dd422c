import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { imageFile } from '../support/image-file.ts';
import { eventsOf, otarc, quickDevice, startOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-seen-${process.pid}-${(count += 1)}`;
const args = ['push', '--file', 'firmware.bin', '--interface', '127.0.0.1', '--when-seen'];

describe('otarc push --when-seen', () => {
  it.each(['by name', 'at its address'])(
    'pushes to a device %s as soon as it announces itself',
    async (how) => {
      const [dir, name, port] = [await tempDir(), freshName(), await freePort()];
      await imageFile(dir);
      const host = how === 'by name' ? name : '127.0.0.1';
      await writeFile(join(dir, '.otarc'), `devices: { hall: { host: ${host}, port: ${port} } }\n`);
      const running = await startOtarc([...args, '20', '--json'], { cwd: dir });
      await running.said(/waiting until it is seen, at most 20 s/);
      const device = await quickDevice({ name, port, announce: true });
      const { exitCode, stdout } = await running.ended;
      expect(exitCode).toBe(0);
      expect(device.updates).toHaveLength(1);
      const events = eventsOf(stdout);
      expect(events).toContainEqual(
        expect.objectContaining({ type: 'device-located', via: 'mdns', address: '127.0.0.1', port }),
      );
      expect(events).toContainEqual(expect.objectContaining({ type: 'done', deployed: ['hall'] }));
    },
  );

  it('fails when the time is over, and sends nothing', async () => {
    const dir = await tempDir();
    await imageFile(dir);
    const device = await quickDevice();
    await writeFile(join(dir, '.otarc'), `devices: { hall: 127.0.0.1:${device.port} }\n`);
    const { exitCode, stdout } = await otarc([...args, '0.3', '--json'], { cwd: dir });
    expect(exitCode).toBe(1);
    expect(eventsOf(stdout)).toContainEqual(
      expect.objectContaining({ type: 'failed', code: 'NAME_NOT_RESOLVED', stage: 'locate' }),
    );
    expect(device.state).toBe('idle');
    expect(device.updates).toEqual([]);
  });
});
