/** The computer sleeps while an image is on its way: its clock goes on, and nothing on it runs. */

import { setTimeout as sleep } from 'node:timers/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeEsp32Image } from '../support/images.ts';
import { eventsOf, quickDevice, startOtarc, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

/** A pause, as what is tested is that time passed while nothing ran: more of it than a busy computer is ever late. */
const sleptMs = 5000;

test.skipIf(process.platform === 'win32')('19: the failure says that it slept', async () => {
  const dir = await tempDir();
  await writeFile(join(dir, 'firmware.bin'), makeEsp32Image({ sizeBytes: 400_000 }));
  const device = await quickDevice({ model: 'esp32', flash: { msPerSector: 40 } });
  await writeOtarc(dir, { hall: { at: device, platform: 'esp32' } });
  const hang = { timeoutMs: 100_000 };
  const begun = device.waitFor((event) => event.type === 'received' && event.receivedBytes > 50_000, hang);
  const ended = device.waitFor('update-ended', hang);
  // Whoever waits for the first sees both fail.
  ended.catch(() => undefined);
  const running = await startOtarc(['push', '--file', 'firmware.bin', '--json'], { cwd: dir });
  await begun;
  running.kill('SIGSTOP');
  await Promise.all([sleep(sleptMs), ended]);
  running.kill('SIGCONT');
  const { exitCode, stdout } = await running.ended;
  const failure = eventsOf(stdout).find((event) => event.type === 'failed');
  expect(failure?.code).toBe('CONNECTION_LOST');
  expect(failure?.details['causes']).toContain('host-slept');
  expect(failure?.hint).toMatch(
    /^This computer slept for \d+ s during the push: push again, and keep it awake/,
  );
  expect(exitCode).toBe(1);
  const text = `error ${failure?.code}: ${failure?.message}\n  → ${failure?.hint}\n`;
  const plain = text
    .replace(String(device.port), '<port>')
    .replace(/[\d,]+ of [\d,]+ bytes/, '<n> of <n> bytes')
    .replace(/for \d+ s/, 'for <n> s');
  await expect(plain).toMatchFileSnapshot('../integration/causes/19 host slept.txt');
});
