/** What keeps a device from connecting back, made for real in network namespaces. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Leg } from '../../src/doctor/leg.ts';
import { createNetwork, whyNoNamespaces, type Namespace, type Network } from '../support/namespaces.ts';
import type { Request } from '../support/run-doctored-push.ts';
import { tempDir } from '../support/temp-dir.ts';

const run = promisify(execFile);
const why = whyNoNamespaces();
const script = fileURLToPath(new URL('../support/run-doctored-push.ts', import.meta.url));

interface Ended {
  readonly code?: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly sentBytes?: number;
}

const commandFor = ({ name }: Namespace, request: Request): string[] => {
  const node = [process.execPath, '--import', 'jiti/register', script, JSON.stringify(request)];
  return ['netns', 'exec', name, ...node];
};

async function doctorFrom(from: Namespace, address: string): Promise<readonly Leg[]> {
  const request: Request = { role: 'doctor', cwd: await tempDir(), target: address };
  const { stdout } = await run('ip', commandFor(from, request), { timeout: 60_000 });
  return JSON.parse(stdout) as Leg[];
}

async function pushFrom(
  from: Namespace,
  target: Extract<Request, { role: 'push' }>['target'],
): Promise<Ended> {
  const { stdout } = await run('ip', commandFor(from, { role: 'push', target }), { timeout: 60_000 });
  return JSON.parse(stdout) as Ended;
}

/** A host (10.1.0.1) and an ESP8266 (10.1.0.7) on one cable. */
async function hostAndDevice(): Promise<{ network: Network; host: Namespace; device: Namespace }> {
  const network = createNetwork();
  onTestFinished(() => network.close());
  const [host, device] = [network.namespace('host'), network.namespace('device')];
  const { leftEnd, rightEnd } = network.connect(host, device);
  host.ip(`addr add 10.1.0.1/24 dev ${leftEnd}`);
  device.ip(`addr add 10.1.0.7/24 dev ${rightEnd}`);
  device.ip('route add default via 10.1.0.1');
  const options = { host: '10.1.0.7', port: 8266, flash: { msPerSector: 0 } };
  const child = spawn('ip', commandFor(device, { role: 'device', options }), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return { network, host, device };
}

const target = { name: 'livingroom', address: '10.1.0.7', port: 8266 };

describe.skipIf(why !== undefined)('a push between namespaces', { timeout: 90_000 }, () => {
  test('nothing in the way', async () => {
    const { host } = await hostAndDevice();
    expect(await pushFrom(host, target)).toMatchObject({ sentBytes: 20_000 });
  });

  test('1: what the device opens is dropped on this host', async () => {
    const { host } = await hostAndDevice();
    // As a firewall does, by other means: no answer to any connection leaves.
    host.ip('rule add ipproto tcp blackhole');
    const ended = await pushFrom(host, target);
    expect(ended.code).toBe('CONNECT_BACK_MISSING');
    expect(ended.details?.['causes']).toEqual(['firewall']);
    expect(ended.hint).toMatch(/^Perhaps a firewall .* in the way: let .*10\.1\.0\.7/);
  });

  test('2: the device is told an address that it does not reach, and another would do', async () => {
    const { network, host, device } = await hostAndDevice();
    const { leftEnd } = network.connect(host, network.namespace('elsewhere'));
    host.ip(`addr add 10.2.0.1/24 dev ${leftEnd}`);
    device.ip('rule add ipproto tcp to 10.2.0.1 blackhole');
    const ended = await pushFrom(host, { ...target, hostAddress: '10.2.0.1' });
    expect(ended.code).toBe('CONNECT_BACK_MISSING');
    expect(ended.details?.['causes']).toEqual(['other-interface', 'firewall']);
    expect(ended.hint).toMatch(/told to connect to 10\.2\.0\.1 \(\w+\).*--host-address 10\.1\.0\.1/);
  });

  test('6: nobody has that address', async () => {
    const { host } = await hostAndDevice();
    const ended = await pushFrom(host, { ...target, address: '10.1.0.99' });
    expect(ended.code).toBe('DEVICE_SILENT');
    expect(ended.hint).toMatch(/^Nobody has the address 10\.1\.0\.99/);
  });

  test('the doctor: a device, and an address that nobody has', async () => {
    const { host } = await hostAndDevice();
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

  test('7: nothing listens on that port', async () => {
    const { host } = await hostAndDevice();
    const ended = await pushFrom(host, { ...target, port: 3232, platform: 'esp8266' });
    expect(ended.details).toMatchObject({ undeliverable: ['ECONNREFUSED'] });
    expect(ended.hint).toMatch(/^3232 is the usual port of an ESP32, and that of an ESP8266 is 8266/);
  });
});
