/** Proof in networks of this test's own: where multicast is filtered, and beyond the subnet. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { VirtualDeviceOptions } from '../../src/simulator/index.ts';
import { imageFile } from '../support/image-file.ts';
import { createNetwork, type Namespace, twoPlaces, whyNoNamespaces } from '../support/namespaces.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const why = whyNoNamespaces();
if (why !== undefined && process.env['CI'] === 'true') throw new Error(why);

const places = () => {
  const network = createNetwork();
  onTestFinished(() => network.close());
  const made = twoPlaces(network);
  made.host.configure('resolv.conf', '');
  return { network, ...made };
};

const device = (where: Namespace, options: VirtualDeviceOptions) =>
  where.device({ name: 'hall', port: 8266, announce: true, announcesRunning: true, ...options });

/** Long enough to be asked in the meantime. */
const slow = { flash: { msPerSector: 100 }, timing: { rebootMs: 500 } };

async function push(host: Namespace, config: object) {
  const cwd = await tempDir();
  await imageFile(cwd);
  await writeFile(join(cwd, '.otarc'), JSON.stringify(config));
  return await host.otarc(['push', '--file', 'firmware.bin', '--platform', 'esp8266'], cwd);
}

const runs = /^hall runs the new sketch \(it says so itself, [\d.]+ m?s after the push\)$/m;
const noMulticast = `
  chain in { type filter hook input priority 0; ip daddr 224.0.0.251 drop; }
  chain out { type filter hook output priority 0; ip daddr 224.0.0.251 drop; }`;

describe.skipIf(why !== undefined || requireTools('firewalls'))(
  'where multicast is filtered',
  { timeout: 120_000 },
  () => {
    // At the device as at an access point; at this computer, where it cannot even be sent.
    it.each([
      ['at the access point, a device that is known by its address', 'device', '10.77.1.2', ''],
      ['at this computer, a device that is known by its address', 'host', '10.77.1.2', ''],
      [
        'at the access point, a device whose name the system knows',
        'device',
        'hall.local',
        '10.77.1.2 hall.local\n',
      ],
    ] as const)('%s is asked by unicast, and verified', async (_, where, address, hosts) => {
      const { host, first } = places();
      host.configure('hosts', `127.0.0.1 localhost\n${hosts}`);
      await device(first, { host: '10.77.1.2', ...slow });
      (where === 'host' ? host : first).filter(noMulticast);
      const { ended } = await push(host, { devices: { hall: { host: address, port: 8266 } } });
      const { exitCode, stderr } = await ended;
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(runs) });
    });
  },
);

describe.skipIf(why !== undefined)('beyond the subnet', { timeout: 120_000 }, () => {
  /** The host, a router, and the device (10.77.3.2) behind it. */
  async function behindRouter(options: VirtualDeviceOptions = {}) {
    const { network, host, first: router } = places();
    const far = network.namespace('far');
    const { leftEnd, rightEnd } = network.connect(router, far);
    router.ip(`addr add 10.77.3.1/24 dev ${leftEnd}`);
    far.ip(`addr add 10.77.3.2/24 dev ${rightEnd}`);
    router.forward();
    host.ip('route add 10.77.3.0/24 via 10.77.1.2');
    far.ip('route add default via 10.77.3.1');
    await device(far, { host: '10.77.3.2', ...slow, ...options });
    return host;
  }

  const there = { host: '10.77.3.2', port: 8266 };

  it('nobody waits, and the one line says what is needed', async () => {
    const { ended } = await push(await behindRouter(), { devices: { hall: there } });
    const { exitCode, stderr } = await ended;
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(
        /^hall took the image; whether it runs was not checked \(in another network .* needs `verify\.http`\)$/m,
      ),
    });
  });

  it('proof that was asked for fails at once, and says what is needed', async () => {
    const { ended } = await push(await behindRouter(), {
      devices: { hall: { ...there, verify: 'announce' } },
    });
    const { exitCode, stderr } = await ended;
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^error NOT_VERIFIED: hall took the image, but .*10\.77\.3\.2 is beyond the networks of this computer.*\n {2}→ Set `verify\.http`/m,
      ),
    });
  });

  it('a URL proves it', async () => {
    const http = { url: 'http://{address}:8080/version', contains: 'md5={md5}' };
    const { ended } = await push(await behindRouter({ web: { port: 8080 } }), {
      devices: { hall: { ...there, verify: { http } } },
    });
    const { exitCode, stderr } = await ended;
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(
        /^hall runs the new sketch \(it says so at http:\/\/10\.77\.3\.2:8080\/version, /m,
      ),
    });
  });
});

describe.skipIf(why !== undefined)('while the device takes the image', { timeout: 120_000 }, () => {
  /** 5353, in hex. */
  const mdns = /:14E9 /;

  it.each([
    ['without otarc.h: nothing listens to mDNS any more', false],
    ['with otarc.h: it is listened to until there is proof', true],
  ])('%s', async (_, announcesRunning) => {
    const { host, first } = places();
    const hall = await device(first, {
      host: '10.77.1.2',
      announcesRunning,
      flash: { msPerSector: 1000 },
    });
    const running = await push(host, { device: 'hall' });
    await hall.said(/^received/m);
    // The search for its name listens on for a moment.
    if (announcesRunning) await hall.said(/^update-ended/m);
    else await expect.poll(() => host.udpSockets()).not.toMatch(mdns);
    if (announcesRunning) expect(host.udpSockets()).toMatch(mdns);
    else expect(hall.text()).not.toMatch(/^update-ended/m);
    expect(await running.ended).toMatchObject({ exitCode: 0 });
  });
});
