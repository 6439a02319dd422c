import { describe, expect, it } from 'vitest';
import type { FoundDevice } from '../../../src/model/announcement.ts';
import { awaitDeviceBack, type Browse } from '../../../src/watch/return.ts';

const found: FoundDevice = { name: 'hall', host: 'hall.local', addresses: ['192.0.2.7'], port: 8266 };
const device = { name: 'hall', host: 'hall.local', interfaces: ['eth0'] };

/** A network on which one happening follows the other. */
function network(...steps: readonly (readonly FoundDevice[])[]) {
  let asked: readonly string[] | undefined;
  let isOver = false;
  const browse: Browse = async ({ interfaces, signal, onChange }) => {
    asked = interfaces;
    for (const step of steps) {
      if (signal.aborted) break;
      onChange(step);
    }
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    isOver = true;
  };
  return { browse, asked: () => asked, isOver: () => isOver };
}

describe('a device that was missing', () => {
  it('is back when it announces itself, and nobody is asked any more', async () => {
    const { browse, asked, isOver } = network([], [found]);
    const signal = new AbortController().signal;
    expect(await awaitDeviceBack([device], { browse, signal, atOnce: true })).toBe(true);
    expect(asked()).toEqual(['eth0']);
    expect(isOver()).toBe(true);
  });

  it('is not back because it answers at once, where that has been tried already', async () => {
    const controller = new AbortController();
    const { browse } = network([found], [found]);
    const back = awaitDeviceBack([device], { browse, signal: controller.signal, atOnce: false });
    controller.abort();
    expect(await back).toBe(false);
  });

  it('is back when it went and came', async () => {
    const { browse } = network([found], [], [found]);
    const { signal } = new AbortController();
    // Within the first look: it is seen to go, and what comes after that has come back.
    expect(await awaitDeviceBack([device], { browse, signal, atOnce: false })).toBe(true);
  });

  it('is waited for until the signal, and not where nobody can be asked', async () => {
    const controller = new AbortController();
    const { browse, isOver } = network([]);
    const back = awaitDeviceBack([device], { browse, signal: controller.signal, atOnce: true });
    controller.abort();
    expect(await back).toBe(false);
    expect(isOver()).toBe(true);
    const { signal } = new AbortController();
    const broken: Browse = () => Promise.reject(new Error('no such interface'));
    expect(await awaitDeviceBack([device], { browse: broken, signal, atOnce: true })).toBe(false);
  });
});

describe('the device that is back', () => {
  it.each([
    [{ name: 'hall', host: 'hall.local', interfaces: [] }, true],
    [{ name: 'upstairs', host: 'HALL.local', interfaces: [] }, true],
    [{ name: 'upstairs', host: '192.0.2.7', interfaces: [] }, true],
    [{ name: 'upstairs', host: '192.0.2.7', port: 8266, interfaces: [] }, true],
    [{ name: 'upstairs', host: '192.0.2.7', port: 8267, interfaces: [] }, false],
    [{ name: 'upstairs', host: '192.0.2.8', interfaces: [] }, false],
  ])('is %j: %s', async (missed, isIt) => {
    const controller = new AbortController();
    const { browse } = network([found]);
    const back = awaitDeviceBack([missed], { browse, signal: controller.signal, atOnce: true });
    // Whoever is back has ended it by then.
    setImmediate(() => controller.abort());
    expect(await back).toBe(isIt);
  });
});
