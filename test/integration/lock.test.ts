import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type ListenOptions } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OtaError } from '../../src/model/errors.ts';
import { lockDevice, placesFor, type Holder, type LockRequest } from '../../src/deploy/lock.ts';
import { freePort } from '../support/free-port.ts';
import { requireTools, toolPaths } from '../support/tools.ts';
import { nodeVersions } from '../tools/nodes.ts';

const jiti = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'jiti');
const holderScript = join(import.meta.dirname, '..', 'support', 'run-lock.ts');

let devices = 0;
/** No other test's, and none of another run of the tests. */
const nextDevice = () => ({ address: `test-${process.pid}`, port: (devices += 1) });

/** Loopback ports, as on systems whose sockets have no names. */
async function portPlaces(count: number): Promise<ListenOptions[]> {
  const places: ListenOptions[] = [];
  for (let index = 0; index < count; index += 1) places.push({ host: '127.0.0.1', port: await freePort() });
  return places;
}

function request(device: { address: string; port: number }, more: Partial<LockRequest> = {}): LockRequest {
  return { name: 'lamp', ...device, signal: new AbortController().signal, onWait: () => {}, ...more };
}

/** Another process that holds the lock. */
async function startHolder(
  { address, port }: { address: string; port: number },
  { places }: { places?: readonly ListenOptions[] } = {},
) {
  const args = [holderScript, address, String(port)];
  if (places !== undefined) args.push(JSON.stringify(places));
  const child = spawn(process.execPath, [jiti, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  while (!said.includes('held')) await once(child.stdout, 'data');
  return { child, pid: child.pid, release: () => child.stdin.end() };
}

const kinds = [
  { kind: "this system's kind of address", placesOf: () => Promise.resolve(undefined) },
  { kind: 'loopback ports', placesOf: () => portPlaces(3) },
];

describe.each(kinds)('the lock of a device, $kind', ({ placesOf }) => {
  const setUp = async () => {
    const places = await placesOf();
    return { device: nextDevice(), ...(places === undefined ? {} : { places }) };
  };

  it('is free again when it was released, and free for other devices all the time', async () => {
    const { device, places } = await setUp();
    const more = places === undefined ? {} : { places };
    const first = await lockDevice(request(device, more));
    if (places === undefined) (await lockDevice(request(nextDevice()))).release();
    first.release();
    first.release();
    const second = await lockDevice(request(device, more));
    expect(second.waitedSinceMs).toBeUndefined();
    second.release();
  });

  it('is waited for, and who waited knows since when', async () => {
    const { device, places } = await setUp();
    const more = places === undefined ? {} : { places };
    const sinceMs = Date.now();
    const holder = await startHolder(device, more);
    const told: Holder[] = [];
    const onWait = (who: Holder) => {
      told.push(who);
      holder.release();
    };
    const lock = await lockDevice(request(device, { ...more, onWait }));
    expect(lock.waitedSinceMs).toBeGreaterThanOrEqual(sinceMs);
    expect(told).toEqual([{ pid: holder.pid, since: expect.stringMatching(/^\d{4}-.*Z$/) }]);
    lock.release();
  });

  it('is free at once when its holder is killed', async () => {
    const { device, places } = await setUp();
    const more = places === undefined ? {} : { places };
    const holder = await startHolder(device, more);
    const onWait = () => void holder.child.kill('SIGKILL');
    const lock = await lockDevice(request(device, { ...more, onWait }));
    expect(lock.waitedSinceMs).toBeDefined();
    lock.release();
  });

  it('fails with who holds it when that takes too long', async () => {
    const { device, places } = await setUp();
    const more = places === undefined ? {} : { places };
    const holder = await startHolder(device, more);
    const error = await lockDevice(request(device, { ...more, waitMs: 300 })).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(OtaError);
    expect(error).toMatchObject({
      code: 'DEVICE_LOCKED',
      message: `lamp is being updated by another otarc (process ${holder.pid}), which did not end within 0 s.`,
      details: { pid: holder.pid, address: device.address, port: device.port },
    });
  });

  it('is not waited for by who was cancelled', async () => {
    const { device, places } = await setUp();
    const more = places === undefined ? {} : { places };
    const first = await lockDevice(request(device, more));
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = lockDevice(request(device, { ...more, signal, onWait: () => controller.abort() }));
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    first.release();
  });

  it('goes to each of many in turn, never to two at a time', async () => {
    const { device, places } = await setUp();
    let holders = 0;
    let most = 0;
    const one = async () => {
      const lock = await lockDevice(request(device, places === undefined ? {} : { places }));
      holders += 1;
      most = Math.max(most, holders);
      await new Promise((resolve) => setImmediate(resolve));
      holders -= 1;
      lock.release();
    };
    await Promise.all(Array.from({ length: 12 }, one));
    expect(most).toBe(1);
  });
});

describe('the lock where its place is taken by something else', () => {
  it('takes the next loopback port when another program has the first', async () => {
    const foreign = createServer((socket) => void socket.on('error', () => {}).write('220 smtp ready\r\n'));
    foreign.listen(0, '127.0.0.1');
    await once(foreign, 'listening');
    onTestFinished(() => void foreign.close());
    const { port } = foreign.address() as AddressInfo;
    const places = [{ host: '127.0.0.1', port }, ...(await portPlaces(1))];
    const lock = await lockDevice(request(nextDevice(), { places }));
    const holds: boolean[] = [];
    const controller = new AbortController();
    const { signal } = controller;
    const onWait = () => {
      holds.push(true);
      controller.abort();
    };
    await expect(lockDevice(request(nextDevice(), { places, signal, onWait }))).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(holds).toEqual([true]);
    lock.release();
  });
});

describe('places', () => {
  it.each([
    ['linux', /^\0otarc-[\da-f]{32}\0{69}$/],
    ['win32', /^\\\\\.\\pipe\\otarc-[\da-f]{32}$/],
  ] as const)('of %s are names without a file', (platform, pattern) => {
    const places = placesFor('192.0.2.7:8266', platform);
    expect(places.map(({ path }) => path)).toEqual([expect.stringMatching(pattern)]);
    expect(placesFor('192.0.2.7:3232', platform)).not.toEqual(places);
  });

  it('of macOS are three ports below the ephemeral ones', () => {
    const ports = placesFor('192.0.2.7:8266', 'darwin').map(({ port = 0 }) => port);
    expect(ports).toHaveLength(3);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(40_000);
    expect(Math.max(...ports)).toBeLessThan(49_152);
  });
});

describe.skipIf(requireTools('nodes') || process.platform !== 'linux')('the lock of a device', () => {
  const script = `
    const server = require('node:net').createServer();
    server.on('error', ({ code }) => console.log(code));
    server.listen({ path: process.argv[1].replaceAll('_', String.fromCharCode(0)), exclusive: true }, () => {
      console.log('free');
      server.close();
    });
  `;
  const listen = async (version: string, path: string): Promise<string> => {
    // An argument holds no NUL.
    const child = spawn(toolPaths().nodes[version] ?? '', ['-e', script, path.replaceAll('\0', '_')]);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child, 'close');
    return said.trim();
  };

  it.each(nodeVersions)('is one for this otarc and for that of Node %s', async (version) => {
    const device = nextDevice();
    const [place] = placesFor(`${device.address}:${device.port}`);
    const path = place?.path ?? '';
    expect(path).not.toContain('_');
    const lock = await lockDevice(request(device));
    expect(await listen(version, path)).toBe('EADDRINUSE');
    lock.release();
    await expect.poll(() => listen(version, path), { timeout: 20_000 }).toBe('free');
  });
});
