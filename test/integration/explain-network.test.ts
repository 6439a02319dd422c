/** What keeps a device from connecting back, made for real in network namespaces. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, type ExpectStatic, test, type TestContext } from 'vitest';
import type { Leg } from '../../src/doctor/leg.ts';
import { createNetwork, whyNoNamespaces, type Namespace, type Network } from '../support/namespaces.ts';
import type { VirtualDeviceOptions } from '../../src/simulator/index.ts';
import type { FailedPush } from '../support/failed-push.ts';
import type { Request } from '../support/run-doctored-push.ts';
import { requireTools } from '../support/tools.ts';

const run = promisify(execFile);
const why = whyNoNamespaces();
let root = '';
let folders = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'otarc network '));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});
const newDir = (): string => join(root, String((folders += 1)));
const script = fileURLToPath(new URL('../support/run-doctored-push.ts', import.meta.url));

const commandFor = ({ name }: Namespace, request: Request): string[] => {
  const node = [process.execPath, '--import', 'jiti/register', script, JSON.stringify(request)];
  return ['netns', 'exec', name, ...node];
};

async function doctorFrom(from: Namespace, address: string): Promise<readonly Leg[]> {
  const cwd = newDir();
  await mkdir(cwd);
  const request: Request = { role: 'doctor', cwd, target: address };
  const { stdout } = await run('ip', commandFor(from, request), { timeout: 200_000 });
  return JSON.parse(stdout) as Leg[];
}

/** Of the device `livingroom`, as it is configured. */
async function pushFrom(from: Namespace, device: object): Promise<FailedPush> {
  const config = { devices: { livingroom: { platform: 'esp8266', ...device } } };
  const request: Request = { role: 'push', request: { dir: newDir(), config } };
  const { stdout } = await run('ip', commandFor(from, request), { timeout: 200_000 });
  return JSON.parse(stdout) as FailedPush;
}

/** A host (10.1.0.1) and an ESP8266 (10.1.0.7) on one cable. */
async function hostAndDevice(
  onTestFinished: TestContext['onTestFinished'],
  options: VirtualDeviceOptions = {},
): Promise<{ network: Network; host: Namespace; device: Namespace; hostEnd: string }> {
  const network = createNetwork();
  onTestFinished(() => network.close());
  const [host, device] = [network.namespace('host'), network.namespace('device')];
  const { leftEnd, rightEnd } = network.connect(host, device);
  host.ip(`addr add 10.1.0.1/24 dev ${leftEnd}`);
  device.ip(`addr add 10.1.0.7/24 dev ${rightEnd}`);
  device.ip('route add default via 10.1.0.1');
  const given = { host: '10.1.0.7', port: 8266, flash: { msPerSector: 0 }, ...options };
  const child = spawn('ip', commandFor(device, { role: 'device', options: given }), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return { network, host, device, hostEnd: leftEnd };
}

const there = { host: '10.1.0.7', port: 8266 };
async function reads({ text }: FailedPush, expect: ExpectStatic, name: string): Promise<void> {
  await expect(text).toMatchFileSnapshot(`causes/${name}.txt`);
}

// Each waits for what does not come: side by side they need no longer than one. The limits only catch what hangs, as each
// also starts several processes.
describe.skipIf(why !== undefined).concurrent('a push between namespaces', { timeout: 300_000 }, () => {
  test('nothing in the way', async ({ expect, onTestFinished }) => {
    const { host } = await hostAndDevice(onTestFinished);
    expect((await pushFrom(host, there)).code).toBeUndefined();
  });

  test('1: what the device opens is dropped on this host', async ({ expect, onTestFinished }) => {
    const { host } = await hostAndDevice(onTestFinished);
    // As a firewall does, by other means: no answer to any connection leaves.
    host.ip('rule add ipproto tcp blackhole');
    const failed = await pushFrom(host, there);
    expect(failed).toMatchObject({ code: 'CONNECT_BACK_MISSING', causes: ['firewall'] });
    expect(failed.hint).toMatch(/^Perhaps a firewall .* in the way: let .*10\.1\.0\.7/);
    await reads(failed, expect, '01 dropped');
  });

  // As a person has it who lets in what is known and nothing else.
  test.skipIf(requireTools('firewalls')).for<[string, string, RegExp]>([
    [
      'nftables',
      `nft -f - <<'END'
table inet own {
  chain in {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iifname "lo" accept
    udp dport 1-65535 accept
  }
}
END`,
      /nft insert rule inet own in ip saddr 10\.1\.0\.7 tcp dport 48266 accept/,
    ],
    [
      'iptables',
      'iptables -P INPUT DROP; iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT; iptables -A INPUT -p udp -j ACCEPT',
      /iptables -I INPUT -p tcp -s 10\.1\.0\.7 --dport 48266 -j ACCEPT/,
    ],
  ])(
    '1: %s drops what the device opens, and its cure lets it in',
    async ([tool, rules, command], { expect, onTestFinished }) => {
      const { host } = await hostAndDevice(onTestFinished);
      const inHost = (script: string) => run('ip', ['netns', 'exec', host.name, 'sh', '-c', script]);
      await inHost(rules);
      const configured = { ...there, hostPort: 48_266 };
      const failed = await pushFrom(host, configured);
      expect(failed).toMatchObject({ code: 'CONNECT_BACK_MISSING', causes: ['firewall'] });
      expect(failed.hint).toMatch(`Most likely ${tool} of this computer is in the way`);
      const cure = command.exec(failed.hint)?.[0] ?? 'false';
      await inHost(cure);
      expect((await pushFrom(host, configured)).code).toBeUndefined();
    },
  );

  test.skipIf(requireTools('firewalls'))(
    '1: a firewall that is active is named also where it lets the device in, and its cure does no harm',
    async ({ expect, onTestFinished }) => {
      const { host, hostEnd } = await hostAndDevice(onTestFinished, { faults: { neverConnects: true } });
      const inHost = (script: string) => run('ip', ['netns', 'exec', host.name, 'sh', '-c', script]);
      await inHost(
        `nft 'table inet own { chain in { type filter hook input priority 0; policy drop; ct state established,related accept; iifname "${hostEnd}" accept; }; }'`,
      );
      const failed = await pushFrom(host, { ...there, hostPort: 48_266 });
      expect(failed).toMatchObject({ code: 'CONNECT_BACK_MISSING', causes: ['firewall'] });
      expect(failed.hint).toMatch('Most likely nftables of this computer is in the way');
      await inHost(/nft insert rule .* accept/.exec(failed.hint)?.[0] ?? 'false');
    },
  );

  test.skipIf(requireTools('firewalls'))(
    '1: nothing leaves this host',
    async ({ expect, onTestFinished }) => {
      const { host } = await hostAndDevice(onTestFinished);
      const rules =
        'nft add table ip own; nft add chain ip own out "{ type filter hook output priority 0; }"; nft add rule ip own out udp dport 8266 drop';
      await run('ip', ['netns', 'exec', host.name, 'sh', '-c', rules]);
      const failed = await pushFrom(host, there);
      expect(failed).toMatchObject({ code: 'DEVICE_SILENT' });
      expect(failed.causes?.[0]).toBe('firewall');
      expect(failed.hint).toMatch(/^A firewall of this computer lets nothing out to UDP port 8266 .*EPERM/);
      await reads(failed, expect, '01 nothing out');
    },
  );

  test('2: the device is told an address that it does not reach, and another would do', async ({
    expect,
    onTestFinished,
  }) => {
    const { network, host, device } = await hostAndDevice(onTestFinished);
    const { leftEnd } = network.connect(host, network.namespace('elsewhere'));
    host.ip(`addr add 10.2.0.1/24 dev ${leftEnd}`);
    device.ip('rule add ipproto tcp to 10.2.0.1 blackhole');
    const failed = await pushFrom(host, { ...there, hostAddress: '10.2.0.1' });
    expect(failed).toMatchObject({ code: 'CONNECT_BACK_MISSING', causes: ['other-interface', 'firewall'] });
    expect(failed.hint).toMatch(/told to connect to 10\.2\.0\.1 \(\w+\).*--host-address 10\.1\.0\.1/);
    await reads(failed, expect, '02 another interface');
  });

  test('4: nobody has that name', async ({ expect, onTestFinished }) => {
    const { host } = await hostAndDevice(onTestFinished, { name: 'livingroom', announce: true });
    const failed = await pushFrom(host, { host: 'livingrom.local' });
    expect(failed).toMatchObject({ code: 'NAME_NOT_RESOLVED', causes: ['name-unknown'] });
    expect(failed.hint).toContain('`host: <address>`');
    await reads(failed, expect, '04 name');
  });

  test('the doctor hears an announcement that comes on another interface than that of the route', async ({
    expect,
    onTestFinished,
  }) => {
    const { network, host } = await hostAndDevice(onTestFinished);
    const elsewhere = network.namespace('elsewhere');
    const { leftEnd, rightEnd } = network.connect(host, elsewhere);
    host.ip(`addr add 10.2.0.1/24 dev ${leftEnd}`);
    elsewhere.ip(`addr add 10.2.0.7/24 dev ${rightEnd}`);
    await elsewhere.respond({
      name: 'livingroom',
      addresses: ['10.1.0.7'],
      on: '10.2.0.7',
      pointer: 'whole',
      ttl: 120,
    });
    const legs = await doctorFrom(host, '10.1.0.7');
    expect(legs.find(({ leg }) => leg === 'device')?.text).toMatch(/announces itself at 10\.1\.0\.7/);
  });

  test('5: it has another address now, which it announces', async ({ expect, onTestFinished }) => {
    const { host } = await hostAndDevice(onTestFinished, { name: 'livingroom', announce: true });
    const failed = await pushFrom(host, { ...there, host: '10.1.0.99' });
    expect(failed.code).toBe('DEVICE_SILENT');
    expect(failed.causes[0]).toBe('old-address');
    expect(failed.hint).toMatch(
      /^The device announces itself at 10\.1\.0\.7 now, not at 10\.1\.0\.99: correct/,
    );
    await reads(failed, expect, '05 moved');
  });

  test('5: another device has its address now', async ({ expect, onTestFinished }) => {
    const { host } = await hostAndDevice(onTestFinished, {
      name: 'esp-1',
      announce: true,
      faults: { silent: true },
    });
    const failed = await pushFrom(host, there);
    expect(failed.code).toBe('DEVICE_SILENT');
    expect(failed.causes[0]).toBe('old-address');
    expect(failed.hint).toMatch(/^Most likely 10\.1\.0\.7 is now esp-1, as it calls itself.*otarc devices/);
    await reads(failed, expect, '05 somebody else');
  });

  test('6: nobody has that address', async ({ expect, onTestFinished }) => {
    const { host } = await hostAndDevice(onTestFinished);
    const failed = await pushFrom(host, { ...there, host: '10.1.0.99' });
    expect(failed).toMatchObject({ code: 'DEVICE_SILENT', causes: ['out-of-reach'] });
    expect(failed.hint).toMatch(/^Nobody has the address 10\.1\.0\.99/);
    await reads(failed, expect, '06 nobody there');
  });

  test('6: this computer is in no network', async ({ expect, onTestFinished }) => {
    const network = createNetwork();
    onTestFinished(() => network.close());
    const failed = await pushFrom(network.namespace('alone'), there);
    expect(failed).toMatchObject({ code: 'DEVICE_SILENT', causes: ['out-of-reach'] });
    expect(failed.hint).toMatch(/^This computer is in no network that leads to 10\.1\.0\.7: connect it/);
    await reads(failed, expect, '06 no network');
  });

  test('7: nothing listens on that port', async ({ expect, onTestFinished }) => {
    const { host } = await hostAndDevice(onTestFinished);
    const failed = await pushFrom(host, { ...there, port: 3232 });
    expect(failed.details).toMatchObject({ undeliverable: ['ECONNREFUSED'] });
    expect(failed.hint).toMatch(/^3232 is the usual port of an ESP32, and that of an ESP8266 is 8266/);
    await reads(failed, expect, '07 of another chip');
  });

  test('8: it is there, and answers nothing', async ({ expect, onTestFinished }) => {
    const { host } = await hostAndDevice(onTestFinished, { faults: { silent: true } });
    const failed = await pushFrom(host, there);
    expect(failed.causes).toEqual(['sketch-without-ota', 'update-running', 'out-of-reach']);
    await reads(failed, expect, '08 there but silent');
  });

  test('the doctor: a device, and an address that nobody has', async ({ expect, onTestFinished }) => {
    const { host } = await hostAndDevice(onTestFinished);
    const [there, absent] = [await doctorFrom(host, '10.1.0.7'), await doctorFrom(host, '10.1.0.99')];
    expect(there.find(({ leg }) => leg === 'this computer')?.text).toMatch(
      /^the device will see 10\.1\.0\.1 \(veth\w+\), in its own network$/,
    );
    expect(there.find(({ leg }) => leg === 'device')?.text).toMatch(/^somebody has that address, but/);
    expect(there.map(({ leg, status }) => `${leg}: ${status}`).slice(-3)).toEqual([
      'password: ok',
      'connect-back: ok',
      'link: ok',
    ]);
    expect(absent.at(-1)).toMatchObject({
      leg: 'device',
      status: 'failed',
      code: 'DEVICE_SILENT',
      text: expect.stringContaining('nobody answers for that address'),
    });
  });

  test('the doctor: a name that nobody has, explained as after a push', async ({
    expect,
    onTestFinished,
  }) => {
    const { host } = await hostAndDevice(onTestFinished);
    const legs = await doctorFrom(host, 'nobody.local');
    expect(legs.at(-1)).toMatchObject({
      leg: 'name',
      status: 'failed',
      code: 'NAME_NOT_RESOLVED',
      details: { causes: ['name-unknown'] },
    });
  });
});
