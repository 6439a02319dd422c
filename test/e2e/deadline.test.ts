/** `--timeout`: one limit for the whole push of one device, whatever it waits for. */

import { expect, test } from 'vitest';
import { lockDevice } from '../../src/deploy/lock.ts';
import { eventsOf, otarc, quickDevice, addressOf } from '../support/otarc.ts';
import { imageFile } from '../support/image-file.ts';
import { tempDir } from '../support/temp-dir.ts';

async function push(target: string, options: Parameters<typeof quickDevice>[0] | undefined, seconds = '0.5') {
  const dir = await tempDir();
  const { path } = await imageFile(dir);
  const device = options === undefined ? undefined : await quickDevice(options);
  const at = device === undefined ? target : addressOf(device);
  const args = ['push', at, '--file', path, '--platform', 'esp8266', '--interface', '127.0.0.1'];
  const run = () => otarc([...args, '--timeout', seconds, '--json'], { cwd: dir, env: { HOME: dir } });
  return { device, run };
}

const failureIn = (stdout: string) => eventsOf(stdout).find(({ type }) => type === 'failed');

test('a name that nobody has: not found, and the limit is the one that was given', async () => {
  const { run } = await push(`nobody-${process.pid}`, undefined);
  const failed = failureIn((await run()).stdout);
  expect(failed).toMatchObject({ code: 'NAME_NOT_RESOLVED' });
  expect(JSON.stringify(failed)).toContain('0.5 s');
});

test('a device that another otarc uses: locked, for as long as was given', async () => {
  const { device, run } = await push('', {});
  const { address, port } = device ?? { address: '', port: 0 };
  const { signal } = new AbortController();
  const lock = await lockDevice({ name: 'x', address, port, signal, onWait: () => {} });
  try {
    expect(failureIn((await run()).stdout)).toMatchObject({
      code: 'DEVICE_LOCKED',
      message: expect.stringMatching(/did not end within [01] s/),
    });
  } finally {
    lock.release();
  }
});

test('a device that takes no more: the limit ends it, and the device is idle again', async () => {
  const { device, run } = await push('', { faults: { stallsAtBytes: 8000 } }, '1');
  const ended = device?.waitFor('update-ended');
  expect(failureIn((await run()).stdout)).toMatchObject({ code: 'TIMEOUT', stage: 'push' });
  expect((await ended)?.update.result).toBe('interrupted');
});
