/** How a slow `loop()` shows on the virtual device, in virtual time. */

import { expect, test } from 'vitest';
import type { Model } from '../../../src/simulator/index.ts';
import { createVirtualNetwork, type VirtualNetwork } from '../../support/virtual-network.ts';

const md5 = '0123456789abcdef0123456789abcdef';
const tokens = `${md5} ${md5}`;

/** A device, and everything it says, with the time and the invitation whose port it says it to. */
async function scene(options: { model: Model; loopMs: number; password?: string; updateMs?: number }) {
  const { model, loopMs, password, updateMs = 0 } = options;
  const network = createVirtualNetwork({ delayMs: 0, updateMs });
  const device = await network.startDevice({
    model,
    password,
    timing: { loopMs, connectDelayMs: 0, openFlashMs: 0 },
  });
  const { transport, inbox } = network.openPush();
  const said = async (untilMs: number): Promise<string[]> => {
    const { signal } = new AbortController();
    const answers: string[] = [];
    for (;;) {
      const input = await inbox.next({ untilMs, signal });
      if (input === undefined) return answers;
      const what =
        input.type === 'datagram' ? Buffer.from(input.bytes).toString().slice(0, 4).trim() : input.type;
      answers.push(`${network.now()} ${what}${input.type === 'datagram' ? ` to ${input.invitation}` : ''}`);
    }
  };
  const invite = (invitation: number): void =>
    transport.send(`0 ${transport.local.port} 100 ${md5}\n`, invitation);
  return { network, device, transport, said, invite };
}

const at = (network: VirtualNetwork, ms: number): Promise<void> => network.until(ms);

test('an ESP32 takes one datagram a round, and answers its port', async () => {
  const { network, device, transport, said, invite } = await scene({
    model: 'esp32',
    loopMs: 1000,
    password: 'x',
  });
  await at(network, 200);
  invite(1);
  transport.send('255\n', 2);
  invite(2);
  // Judged when the second nonce is the one that counts, and told to the port it came from.
  transport.send(`200 ${tokens}\n`, 3);
  expect(await said(9000)).toEqual(['1000 AUTH to 1', '3000 AUTH to 2', '4000 Auth to 3']);
  expect(device.state).toBe('idle');
});

test('six datagrams wait, the seventh is lost', async () => {
  const { network, device, said, invite } = await scene({ model: 'esp32', loopMs: 1000, password: 'x' });
  await at(network, 200);
  for (let invitation = 1; invitation <= 7; invitation += 1) invite(invitation);
  expect(await said(9000)).toEqual(['1000 AUTH to 1', '3000 AUTH to 3', '5000 AUTH to 5']);
  expect(device.counters.lostDatagrams).toBe(1);
});

test('an ESP32 takes none during an update, and those that wait afterwards: an OK nobody asked for', async () => {
  const { network, device, said, invite } = await scene({ model: 'esp32', loopMs: 500, updateMs: 3000 });
  await at(network, 100);
  invite(1);
  // It connects in the round after its OK, and goes on in the middle of that round when the update has failed.
  expect(await said(1200)).toEqual(['500 OK to 1', '1000 connection']);
  expect(device.state).toBe('updating');
  invite(2);
  expect(await said(4100)).toEqual(['4000 OK to 2']);
});

test.each(['esp8266', 'rp2040'] as const)(
  '%s answers at once, and says OK to the port of the invitation in the next round',
  async (model) => {
    const open = await scene({ model, loopMs: 1000 });
    await at(open.network, 200);
    open.invite(1);
    open.invite(2);
    expect(await open.said(1500)).toEqual(['1000 OK to 1', '1000 connection']);

    const asking = await scene({ model, loopMs: 1000, password: 'x' });
    await at(asking.network, 200);
    asking.invite(1);
    asking.transport.send(`200 ${tokens}\n`, 2);
    asking.invite(3);
    asking.invite(4);
    asking.invite(5);
    expect(await asking.said(1500)).toEqual([
      '200 AUTH to 1',
      '200 Auth to 1',
      '200 AUTH to 3',
      '200 AUTH to 5',
    ]);
  },
);

test('without a slow loop nothing waits', async () => {
  for (const model of ['esp8266', 'esp32'] as const) {
    const { network, said, invite } = await scene({ model, loopMs: 0, password: 'x' });
    await at(network, 200);
    for (let invitation = 1; invitation <= 9; invitation += 2) invite(invitation);
    expect(await said(300)).toEqual(['200 AUTH to 1', '200 AUTH to 5', '200 AUTH to 9']);
  }
});
