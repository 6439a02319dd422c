/**
 * What takes as long as a real device takes, or as a limit lasts. All of it starts at once and mostly waits; each test
 * then looks at how its own push ended. How often progress comes, and what it costs, is tested in virtual time
 * (`unit/espota/progress`): a computer that is busy is as late as it is.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  startVirtualDevice,
  type Link,
  type Model,
  type Update,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import type { Image, Target } from '../../src/model/types.ts';
import { makeEsp32Image, makeEsp8266Image, makeLittlefsImage } from '../support/images.ts';
import { fast, imageOf, push, type Pushed } from '../support/push.ts';

interface Case {
  readonly name: string;
  readonly device: VirtualDeviceOptions;
  readonly image: Image;
  readonly target?: Partial<Target>;
  /** Nobody is at home: the device is closed before the push. */
  readonly isGone?: boolean;
  /** It lasts as long at least; how much longer is this computer's affair. */
  readonly atLeastSeconds: number;
  readonly error?: unknown;
  /** How the device's update ended. */
  readonly result?: Update['result'];
}

const small = imageOf(makeEsp8266Image({ sizeBytes: 60_000 }), { platform: 'esp8266' });
const smallEsp32 = imageOf(makeEsp32Image({ sizeBytes: 60_000 }), { platform: 'esp32' });
const filesystem = imageOf(makeLittlefsImage({ sizeBytes: 65_536 }), { kind: 'filesystem' });
const saying = (text: string | RegExp): unknown => expect.stringMatching(text);

const silent: readonly Case[] = [
  {
    name: 'silent',
    device: { faults: { silent: true } },
    image: small,
    atLeastSeconds: 9.9,
    error: {
      code: 'DEVICE_SILENT',
      message: saying('no datagram came back'),
      details: { datagramsReceived: 0 },
    },
  },
  {
    name: 'nothing listens at the UDP port',
    device: {},
    isGone: true,
    image: small,
    atLeastSeconds: 9.9,
    error: {
      code: 'DEVICE_SILENT',
      message: saying('nothing listens'),
      hint: saying('8266'),
      details: { undeliverable: ['ECONNREFUSED'] },
    },
  },
  {
    name: 'neverConnects: a firewall',
    device: { faults: { neverConnects: true } },
    image: small,
    atLeastSeconds: 14.9,
    error: { code: 'CONNECT_BACK_MISSING', hint: saying('firewall') },
    result: 'never-connected',
  },
  {
    name: 'an ESP32 without room: a firewall or the slot',
    device: { model: 'esp32', flash: { msPerSector: 0, slotBytes: 5000 } },
    image: smallEsp32,
    target: { platform: 'esp32' },
    atLeastSeconds: 14.9,
    error: { code: 'CONNECT_BACK_MISSING', hint: saying(/firewall.*slot/s) },
    result: 'refused',
  },
  {
    name: 'stallsAtBytes',
    device: { faults: { stallsAtBytes: 20_000 } },
    image: small,
    atLeastSeconds: 9.9,
    error: { code: 'TRANSFER_STALLED', message: saying('virtual'), details: { type: 'stalled' } },
    result: 'interrupted',
  },
  {
    name: 'stallsAtBytes with a file system',
    device: { faults: { stallsAtBytes: 20_000 } },
    image: filesystem,
    atLeastSeconds: 9.9,
    error: { code: 'FILESYSTEM_HALF_WRITTEN', details: { because: 'TRANSFER_STALLED' } },
    result: 'interrupted',
  },
  {
    name: 'stallsBeforeVerdict',
    device: { faults: { stallsBeforeVerdict: true } },
    image: small,
    atLeastSeconds: 29.9,
    error: { code: 'NO_VERDICT' },
    result: 'interrupted',
  },
];

const large = imageOf(makeEsp8266Image({ sizeBytes: 409_600 }), { platform: 'esp8266' });
const largeEsp32 = imageOf(makeEsp32Image({ sizeBytes: 409_600 }), { platform: 'esp32' });
const onFlash = (model: Model, link: Partial<Link>): Case => ({
  name: `${model} ${JSON.stringify(link)}`,
  device: { model, link, flash: { msPerSector: 55 } },
  image: model.startsWith('esp32') ? largeEsp32 : large,
  // No sector is free.
  atLeastSeconds: 5.4,
  result: 'accepted',
});
const moving: readonly Case[] = [
  onFlash('esp8266', { windowBytes: 2144 }),
  onFlash('esp8266', { windowBytes: 5840 }),
  onFlash('esp8266', { windowBytes: 2144, roundTripMs: 4 }),
  onFlash('esp8266', { windowBytes: 5840, roundTripMs: 4 }),
  onFlash('esp8266', { windowBytes: 2144, roundTripMs: 20 }),
  onFlash('esp8266', { windowBytes: 5840, roundTripMs: 20 }),
  onFlash('esp32', {}),
  onFlash('esp32-3.3.1', { roundTripMs: 20 }),
  onFlash('rp2040', { roundTripMs: 4 }),
];

interface Step {
  readonly acknowledgedBytes: number;
  /** What the device had in its flash when this was told. */
  readonly writtenBytes: number;
}

interface Ended {
  readonly pushed: Pushed;
  readonly device: VirtualDevice;
  readonly steps: readonly Step[];
}

const open: VirtualDevice[] = [];
const running = new Map<Case, Promise<Ended>>();
beforeAll(() => {
  for (const one of [...silent, ...moving]) {
    const ending = play(one);
    // A test that comes later reports it.
    ending.catch(() => {});
    running.set(one, ending);
  }
});
afterAll(() => Promise.all(open.map((device) => device.close())));

async function play(one: Case): Promise<Ended> {
  let writtenBytes = 0;
  const steps: Step[] = [];
  const device = await startVirtualDevice({
    ...fast,
    ...one.device,
    tell: (event) => {
      if (event.type === 'received') writtenBytes = event.receivedBytes;
    },
  });
  open.push(device);
  if (one.isGone === true) await device.close();
  const pushed = await push(device, one.image, {
    ...(one.target === undefined ? {} : { target: one.target }),
    tell: (event) => {
      if (event.type !== 'progress') return;
      steps.push({ acknowledgedBytes: event.acknowledgedBytes, writtenBytes });
    },
  });
  return { pushed, device, steps };
}

const endOf = async (one: Case): Promise<Ended> => {
  const ended = await running.get(one);
  if (ended === undefined) throw new Error('not started');
  expect(ended.pushed.tookMs / 1000).toBeGreaterThan(one.atLeastSeconds);
  const { device } = ended;
  if (one.result !== undefined) {
    const update = device.updates[0] ?? (await device.waitFor('update-ended')).update;
    expect(update.result).toBe(one.result);
  }
  return ended;
};

describe('a limit ends it', () => {
  test.each(silent)('$name', { timeout: 60_000 }, async (one) => {
    const { pushed } = await endOf(one);
    expect(pushed.told).toMatchObject(one.error ?? {});
  });
});

describe('progress', () => {
  /** Read and not yet written: the updater's buffer, and on an ESP32 one read more. */
  const bufferedBytes = 4096 + 1460;

  test.each(moving)(
    '$name: moves, never back, never beyond what the device has read',
    { timeout: 60_000 },
    async (one) => {
      const { pushed, steps } = await endOf(one);
      expect(pushed.error).toBeUndefined();
      const counts = steps.map(({ acknowledgedBytes }) => acknowledgedBytes);
      expect(counts).toEqual([...new Set(counts)].sort((first, second) => first - second));
      expect(pushed.receipt?.countedBytes).toBe(counts.at(-1));
      const between = counts.filter((count) => count > 2048 && count < one.image.sizeBytes);
      expect(between.length).toBeGreaterThanOrEqual(2);
      for (const { acknowledgedBytes, writtenBytes } of steps) {
        expect(acknowledgedBytes).toBeLessThanOrEqual(writtenBytes + bufferedBytes);
      }
    },
  );
});
