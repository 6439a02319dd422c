import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createNetwork,
  type Namespace,
  type Network,
  twoPlaces,
  whyNoNamespaces,
} from '../support/namespaces.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const obstacle = whyNoNamespaces();
if (obstacle !== undefined && process.env['CI'] === 'true') throw new Error(obstacle);
if (obstacle !== undefined) console.warn(`Not tested: otarc devices in networks, for ${obstacle}.`);

let network: Network | undefined;
afterEach(() => network?.close());

const twoNetworks = () => twoPlaces((network = createNetwork()));

const device = (name: string, address: string) => ({
  name,
  addresses: [address],
  on: address,
  pointer: 'whole',
  ttl: 120,
});

async function folder(otarc = ''): Promise<string> {
  const dir = await tempDir();
  await writeFile(join(dir, '.otarc'), otarc);
  return dir;
}

/** The command listens for a while and says what it has found: enough for answers of other processes when all are busy. */
const listenMs = 6_000;

/** The devices of the JSON document, as `name state address`. */
async function listed(host: Namespace, request: object): Promise<readonly string[]> {
  const { stdout, stderr, exitCode } = await host.devices({ json: true, timeoutMs: listenMs, ...request })
    .ended;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const { devices } = JSON.parse(stdout) as {
    devices: { name: string; state: string; address?: string }[];
  };
  return devices.map(({ name, state, address = '' }) => `${name} ${state} ${address}`.trim());
}

describe.skipIf(obstacle !== undefined)('otarc devices in a network', { timeout: 60_000 }, () => {
  it('lists the devices on every interface, or on the one that is asked for', async () => {
    const { host, first, second } = twoNetworks();
    const cwd = await folder('devices: { hall: {}, cellar: {} }\n');
    await Promise.all([
      first.respond(device('hall', '10.77.1.2')),
      second.respond({ ...device('attic', '10.77.2.2'), way: 'multicast' }),
    ]);
    const [all, one] = await Promise.all([
      listed(host, { cwd }),
      listed(host, { cwd, interfaces: ['veth2a'] }),
    ]);
    expect(all).toEqual(['cellar absent', 'hall here 10.77.1.2', 'attic here 10.77.2.2']);
    expect(one).toEqual(['cellar absent', 'hall absent', 'attic here 10.77.2.2']);
  });

  it('shows two devices of one name as two', async () => {
    const { host, first, second } = twoNetworks();
    await Promise.all([
      first.respond(device('hall', '10.77.1.2')),
      second.respond(device('hall', '10.77.2.2')),
    ]);
    expect(await listed(host, { cwd: await folder('device: hall\n') })).toEqual([
      'hall ambiguous',
      'hall here 10.77.1.2',
      'hall here 10.77.2.2',
    ]);
  });

  it('tells, while it watches, of arrivals, of another address, and of departures', async () => {
    const { host, first } = twoNetworks();
    const watching = host.devices({ cwd: await folder('device: hall\n'), watch: true });
    await watching.said(/absent +hall/);
    const stop = await first.respond(device('hall', '10.77.1.2'));
    await watching.said(/arrived +hall at 10\.77\.1\.2:8266/);
    await stop();
    first.ip('addr del 10.77.1.2/24 dev veth1b');
    first.ip('addr add 10.77.1.9/24 dev veth1b');
    const stopAgain = await first.respond({ ...device('hall', '10.77.1.9'), ttl: 5, way: 'multicast' });
    await watching.said(/changed +hall at 10\.77\.1\.9:8266/);
    await stopAgain();
    await watching.said(/left +hall/);
  });

  it('is not hindered by an interface without multicast', async () => {
    const { host, second } = twoNetworks();
    host.ip('link set veth1a multicast off');
    await second.respond(device('attic', '10.77.2.2'));
    expect(await listed(host, { cwd: await folder() })).toEqual(['attic here 10.77.2.2']);
  });

  it('says that no question to all gets through, and what is known of the configured ones', async () => {
    const { host, second } = twoNetworks();
    host.refuseMulticast();
    host.configure('hosts', '127.0.0.1 localhost\n10.77.1.2 attic.local\n');
    host.configure('resolv.conf', '');
    await second.respond(device('stranger', '10.77.2.2'));
    const cwd = await folder('devices: { hall: 10.77.2.2, attic: attic.local, cellar: cellar.local }\n');
    const { exitCode, stdout, stderr } = await host.devices({ cwd, timeoutMs: listenMs }).ended;
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/mDNS cannot ask on veth1a \(10\.77\.1\.1\): .*EPERM/);
    expect(stderr).toMatch(/Nobody could be asked over mDNS: /);
    const fromHere = 'this host would send from 10\\.77';
    expect(stdout).toMatch(
      new RegExp(`^attic +10\\.77\\.1\\.2 .*unknown; by the system's resolver; ${fromHere}\\.1\\.1$`, 'm'),
    );
    expect(stdout).toMatch(new RegExp(`^hall +10\\.77\\.2\\.2 .*unknown; ${fromHere}\\.2\\.1$`, 'm'));
    expect(stdout).toMatch(/^cellar +unknown$/m);
    expect(stdout).not.toMatch(/stranger/);
  });

  it('says that there is nobody to ask, and what the system knows of the configured addresses', async () => {
    network = createNetwork();
    const host = network.namespace('host');
    host.configure('hosts', '127.0.0.1 localhost\n10.77.1.2 attic\n');
    host.configure('resolv.conf', '');
    const cwd = await folder('devices: { hall: 192.0.2.11, attic: {} }\n');
    const { exitCode, stdout, stderr } = await host.devices({ cwd, timeoutMs: listenMs }).ended;
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/no network interface but loopback: mDNS has nobody to ask/);
    expect(stdout).toMatch(
      /^attic +10\.77\.1\.2 .*unknown; by the system's resolver; this host has no route to it$/m,
    );
    expect(stdout).toMatch(/^hall +192\.0\.2\.11 .*unknown; this host has no route to it$/m);
  });

  it('says that mDNS does not reach an address behind a router', async () => {
    const { host } = twoNetworks();
    host.ip('route add default via 10.77.1.2');
    const cwd = await folder('devices: { hall: 192.0.2.11, attic: 10.77.2.9 }\n');
    const { stdout } = await host.devices({ cwd, timeoutMs: listenMs }).ended;
    expect(stdout).toMatch(/^attic +10\.77\.2\.9 .*absent; this host would send from 10\.77\.2\.1$/m);
    expect(stdout).toMatch(
      /^hall +192\.0\.2\.11 .*unknown; mDNS does not reach it; this host would send from 10\.77\.1\.1$/m,
    );
  });

  it('ends as soon as the device that is waited for is there', async () => {
    const { host, first } = twoNetworks();
    const cwd = await folder('devices: { hall: 10.77.1.2 }\n');
    const waiting = ['hall', '10.77.1.2', 'kitchen.local'].map((waitFor) => host.devices({ cwd, waitFor }));
    const late = await host.devices({ cwd, waitFor: 'hall', timeoutMs: 500 }).ended;
    expect(late).toMatchObject({ exitCode: 1, stdout: '' });
    expect(late.stderr).toMatch(/NAME_NOT_RESOLVED: .*did not announce itself within 0\.5 s/);
    await first.respond(device('kitchen', '10.77.1.2'));
    const ends = await Promise.all(waiting.map(({ ended }) => ended));
    for (const end of ends) {
      expect(end).toMatchObject({ exitCode: 0, stderr: '' });
      expect(end.stdout).toMatch(/10\.77\.1\.2 +8266 .*here/);
    }
  });

  it('is not drowned by a flood', async () => {
    const { host, first, second } = twoNetworks();
    await second.respond({ occupy: 'flood', on: '10.77.2.2' });
    await first.respond(device('hall', '10.77.1.2'));
    const list = await listed(host, { cwd: await folder('device: hall\n') });
    expect(list[0]).toBe('hall here 10.77.1.2');
    expect(list.length).toBeGreaterThan(100);
    expect(list.length).toBeLessThanOrEqual(1001);
  });

  it.skipIf(requireTools('avahi'))(
    "shares 5353 with avahi, and finds what another host's avahi announces",
    async () => {
      const { host, first, second } = twoNetworks();
      await host.avahi({ hostName: 'desk' });
      await Promise.all([
        first.respond({ ...device('hall', '10.77.1.2'), way: 'multicast' }),
        second.avahi({ hostName: 'attic', servicePort: 3232 }),
      ]);
      const request = { host: 'attic', interfaces: ['veth2a'] };
      const [list, attic, hall] = await Promise.all([
        listed(host, { cwd: await folder() }),
        host.locate(request),
        host.locate({ host: 'hall' }),
      ]);
      expect(list).toEqual(['attic here 10.77.2.2', 'hall here 10.77.1.2']);
      expect(attic).toMatchObject({ address: '10.77.2.2', port: 3232, via: 'mdns', platform: 'esp32' });
      expect(hall).toMatchObject({ address: '10.77.1.2', port: 8266, via: 'mdns' });
    },
  );

  it.skipIf(requireTools('avahi'))(
    'reads what a device runs where avahi announces it',
    { timeout: 120_000 },
    async () => {
      const { host, first, second } = twoNetworks();
      const [md5, other] = ['0123456789abcdef'.repeat(2), 'f'.repeat(32)];
      await host.avahi({ hostName: 'desk' });
      await Promise.all([
        first.avahi({
          hostName: 'hall',
          servicePort: 8266,
          items: ['board=ESP8266_NODEMCU', `md5=${md5}`, 'run=00c0ffee', 'boot=software'],
        }),
        // The RP2040's responder has a service of its own for it.
        second.avahi({
          hostName: 'attic',
          servicePort: 2040,
          items: ['board=RASPBERRY_PI_PICO_W'],
          otarcItems: [`md5=${other}`, 'run=0badcafe', 'boot=watchdog'],
        }),
      ]);
      const browsing = host.browse({ items: ['md5', 'run', 'boot'] });
      const expected = [
        `attic:2040 md5=${other} run=0badcafe boot=watchdog`,
        `hall:8266 md5=${md5} run=00c0ffee boot=software`,
      ];
      expect(await browsing.until((devices) => expected.every((each) => devices.includes(each)))).toEqual(
        expected,
      );
    },
  );
});
