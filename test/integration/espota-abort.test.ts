/** An abort at every stage: it ends at once, the device is idle again, and no socket is left. */

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { espota } from '../../src/engines/espota/index.ts';
import type { EventBody } from '../../src/model/events.ts';
import {
  startVirtualDevice,
  type VirtualDevice,
  type VirtualDeviceEvent,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import { makeEsp8266Image, makeLittlefsImage } from '../support/images.ts';
import { fast, imageOf, password, push, targetOf } from '../support/push.ts';

const image = imageOf(makeEsp8266Image({ sizeBytes: 400_000 }));
const credential = password('secret');
const sockets = (): string[] => process.getActiveResourcesInfo().filter((name) => /TCP|UDP/.test(name));

const open: VirtualDevice[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
  await vi.waitFor(() => expect(sockets()).toEqual([]), { timeout: 20_000 });
});
const start = async (options: VirtualDeviceOptions): Promise<VirtualDevice> => {
  const device = await startVirtualDevice({
    ...fast,
    ...options,
    timing: { ...fast.timing, ...options.timing },
  });
  open.push(device);
  return device;
};

interface Stage {
  readonly name: string;
  readonly device: VirtualDeviceOptions;
  /** When to abort: an event of the device, or one of the engine. */
  readonly at: { device: (event: VirtualDeviceEvent) => boolean } | { engine: (event: EventBody) => boolean };
  /** How the device's update ended; undefined: it never began. */
  readonly result?: string | RegExp;
}

const stages: readonly Stage[] = [
  {
    name: 'before any answer',
    device: { faults: { silent: true } },
    at: { device: ({ type }) => type === 'ignored' },
  },
  {
    name: 'the device waits for an authentication, and its AUTH got lost',
    device: { password: 'secret', faults: { lostChallenges: 1 } },
    at: { device: ({ type }) => type === 'challenged' },
  },
  {
    name: 'the authentication got lost',
    device: { password: 'secret', faults: { lostAuthentications: 1 } },
    at: { device: ({ type }) => type === 'lost' },
  },
  {
    name: 'authenticated, the OK is not said yet',
    device: { password: 'secret', timing: { openFlashMs: 300 } },
    at: { device: ({ type }) => type === 'authenticated' },
    result: 'never-connected',
  },
  {
    name: 'while the response is computed',
    device: { model: 'esp32-3.3.1', password: 'secret' },
    at: { device: ({ type }) => type === 'challenged' },
  },
  {
    name: 'between OK and connection',
    device: { faults: { connectsLateMs: 300 } },
    at: { engine: ({ type }) => type === 'authenticated' },
    result: 'never-connected',
  },
  {
    name: 'as the connection comes',
    device: {},
    at: { engine: ({ type }) => type === 'connected' },
    // Whether the device saw the connection before its end is the kernel's to say.
    result: /never-connected|interrupted/,
  },
  {
    name: 'in the middle of the image',
    device: { flash: { msPerSector: 5 } },
    at: { device: (event) => event.type === 'received' && event.receivedBytes > 100_000 },
    result: 'interrupted',
  },
  {
    name: 'in the middle of the image, with a round trip and an ESP32',
    device: { model: 'esp32', flash: { msPerSector: 5 }, link: { roundTripMs: 20 } },
    at: { device: (event) => event.type === 'received' && event.receivedBytes > 100_000 },
    result: 'interrupted',
  },
  {
    name: 'before the verdict',
    device: { faults: { stallsBeforeVerdict: true } },
    at: { engine: (event) => event.type === 'progress' && event.acknowledgedBytes === image.sizeBytes },
    result: 'interrupted',
  },
];

describe('an abort', () => {
  test.each(stages)('$name', async ({ device: options, at, result }) => {
    const device = await start(options);
    const controller = new AbortController();
    let abortedAtMs = 0;
    let hostPort = 0;
    const abort = (): void => {
      abortedAtMs ||= performance.now();
      controller.abort();
    };
    const ended = result === undefined ? undefined : device.waitFor('update-ended');
    if ('device' in at) void device.waitFor(at.device).then(abort);
    const pushed = await push(device, image, {
      signal: controller.signal,
      target: { credential },
      tell: (event) => {
        if (event.type === 'invited') hostPort = event.hostPort;
        if ('engine' in at && at.engine(event)) abort();
      },
    });
    expect(pushed.error?.code).toBe('CANCELLED');
    // Each limit that it could have waited for is longer.
    expect(performance.now() - abortedAtMs).toBeLessThan(8_000);
    await bindBoth(hostPort);
    if (ended !== undefined) {
      const { update } = await ended;
      expect(update.result).toMatch(result ?? '');
      expect(update.receivedBytes).toBeLessThanOrEqual(image.sizeBytes);
    }
    await vi.waitFor(() => expect(device.state).toBe('idle'), { timeout: 20_000 });
    expect(device.running).toBeUndefined();
    await device.close();
    await vi.waitFor(() => expect(sockets()).toEqual([]), { timeout: 20_000 });
  });

  test('of an image in the middle leaves the rest of it here', async () => {
    const device = await start({ flash: { msPerSector: 5 } });
    const controller = new AbortController();
    const ended = device.waitFor('update-ended');
    void device.waitFor('received').then(() => controller.abort());
    await push(device, image, { signal: controller.signal });
    expect((await ended).update.receivedBytes).toBeLessThan(100_000);
  });

  test('and the next push meets a device that answers at once', async () => {
    const device = await start({ password: 'secret', faults: { lostChallenges: 1 } });
    const controller = new AbortController();
    void device.waitFor('challenged').then(() => controller.abort());
    await push(device, image, { signal: controller.signal, target: { credential } });
    const again = await push(device, image, { target: { credential } });
    expect(again.error).toBeUndefined();
    expect(again.events.filter(({ type }) => type === 'invited')).toHaveLength(1);
  });

  test('before the start: not one datagram leaves', async () => {
    const device = await start({});
    const { error, events } = await push(device, image, { signal: AbortSignal.abort() });
    expect(error?.code).toBe('CANCELLED');
    expect(events).toEqual([]);
    // Whatever had left before would be there before this.
    expect((await push(device, image)).error).toBeUndefined();
    expect(device.counters.datagrams).toBe(1);
  });

  test('says whether the device may have taken the image', async () => {
    const interruptedAt = async (at: (event: EventBody) => boolean): Promise<string> => {
      const device = await start({ flash: { msPerSector: 5 }, faults: { stallsBeforeVerdict: true } });
      const controller = new AbortController();
      const { error } = await push(device, image, {
        signal: controller.signal,
        tell: (event) => (at(event) ? controller.abort() : undefined),
      });
      return `${error?.message} ${error?.hint}`;
    };
    expect(await interruptedAt(({ type }) => type === 'connected')).toContain('keeps its old sketch');
    const isLast = (event: EventBody): boolean =>
      event.type === 'progress' && event.acknowledgedBytes === event.totalBytes;
    expect(await interruptedAt(isLast)).toMatch(/may run it all the same\. Look whether/);
  });

  test('of a file system in the middle is a cancellation', async () => {
    const device = await start({ flash: { msPerSector: 5 } });
    const controller = new AbortController();
    void device.waitFor('received').then(() => controller.abort());
    const filesystem = imageOf(makeLittlefsImage({ sizeBytes: 262_144 }), { kind: 'filesystem' });
    const { error } = await push(device, filesystem, { signal: controller.signal });
    expect(error?.code).toBe('CANCELLED');
  });
});

describe('close', () => {
  test('in the middle of an exchange ends it', async () => {
    const device = await start({ flash: { msPerSector: 5 } });
    const { signal } = new AbortController();
    const session = await espota.prepare(targetOf(device), { signal, tell: () => {} });
    const ended = device.waitFor('update-ended');
    const sent = session.send(image, { signal });
    void device.waitFor('received').then(() => session.close());
    await expect(sent).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await ended).update.result).toBe('interrupted');
  });

  test('without an exchange, and twice', async () => {
    const device = await start({});
    const { signal } = new AbortController();
    const session = await espota.prepare(targetOf(device), { signal, tell: () => {} });
    await Promise.all([session.close(), session.close()]);
    await session.close();
    expect(device.counters.datagrams).toBe(0);
    await device.close();
    await vi.waitFor(() => expect(sockets()).toEqual([]), { timeout: 20_000 });
  });
});

/** Nobody else has this port. */
async function bindBoth(port: number): Promise<void> {
  const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  await new Promise((resolve) => server.close(resolve));
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  await new Promise((resolve, reject) =>
    udp.once('listening', () => resolve(undefined)).once('error', reject),
  );
  await new Promise<void>((resolve) => udp.close(resolve));
}
