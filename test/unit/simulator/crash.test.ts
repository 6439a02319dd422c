import { expect, test } from 'vitest';

import { md5Of } from '../../support/raw-client.ts';
import { createVirtualNetwork } from '../../support/virtual-network.ts';

const runs = Buffer.from('a sketch that crashes');
const faults = { crashesAfterMs: 300, crashingImages: md5Of(runs) };

test('a crash loop: up for crashesAfterMs, down for rebootMs', async () => {
  const network = createVirtualNetwork();
  const seen: string[] = [];
  await network.startDevice({
    runs,
    faults,
    announcesRunning: true,
    timing: { rebootMs: 200 },
    tell: (event) => {
      if (event.type === 'booted') seen.push(`${network.now()} ${event.boot}`);
      if (event.type === 'crashed') seen.push(`${network.now()} crashed`);
    },
  });
  await network.until(1100);
  expect(seen).toEqual(['0 power-on', '300 crashed', '500 watchdog', '800 crashed', '1000 watchdog']);
});

test('a crash that comes due during an update waits for its end', async () => {
  const network = createVirtualNetwork({ updateMs: 500 });
  const seen: string[] = [];
  await network.startDevice({
    runs,
    faults,
    timing: { openFlashMs: 0, connectDelayMs: 0 },
    tell: ({ type }) => {
      if (['crashed', 'update-ended', 'rebooting'].includes(type)) seen.push(`${network.now()} ${type}`);
    },
  });
  const { transport } = network.openPush();
  await network.until(250);
  transport.send(`0 ${transport.local.port} 5000 ${md5Of(runs)}\n`, 1);
  await network.until(900);
  expect(seen.map((line) => line.split(' ')[1])).toEqual(['update-ended', 'crashed', 'rebooting']);
  const times = new Set(seen.map((line) => line.split(' ')[0]));
  expect(times.size).toBe(1);
  expect(Number([...times][0])).toBeGreaterThan(700);
});
