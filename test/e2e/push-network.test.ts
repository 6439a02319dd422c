/** Who gets the image, in networks of this test's own: counted at the devices. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openHistory } from '../../src/deploy/history/history.ts';
import { historyPlace } from '../../src/deploy/history/place.ts';
import { recordOf } from '../support/history-records.ts';
import { imageFile } from '../support/image-file.ts';
import {
  createNetwork,
  type Namespace,
  type Places,
  twoPlaces,
  whyNoNamespaces,
} from '../support/namespaces.ts';
import { eventsOf } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

const why = whyNoNamespaces();

interface Scene extends Places {
  readonly cwd: string;
}

async function scene(otarcFile = ''): Promise<Scene> {
  const network = createNetwork();
  onTestFinished(() => network.close());
  const cwd = await tempDir();
  await imageFile(cwd);
  await writeFile(join(cwd, '.otarc'), otarcFile);
  const places = twoPlaces(network);
  places.host.configure('resolv.conf', '');
  return { ...places, cwd };
}

async function push({ host, cwd }: Scene, ...args: readonly string[]) {
  const command = ['push', ...args, '--file', 'firmware.bin', '--platform', 'esp8266', '--json'];
  const running = await host.otarc(command, cwd);
  const { exitCode, stdout } = await running.ended;
  const events = eventsOf(stdout);
  const failed = events.find(({ type }) => type === 'failed');
  const located = events.filter(({ type }) => type === 'device-located');
  const warnings = events.flatMap((each) =>
    each.type === 'log' && each.level === 'warn' ? [each.message] : [],
  );
  return { exitCode, failed, located, warnings };
}

const device = (where: Namespace, name: string, address: string, more = {}) =>
  where.device({ name, host: address, port: 8266, announce: true, ...more });
const gotImage = /^update-ended \d{4,} bytes$/m;

describe.skipIf(why !== undefined)('a push to a name', { timeout: 60_000 }, () => {
  it('sends nothing to the neighbour whose address the hosts file gives', async () => {
    const place = await scene();
    place.host.configure('hosts', '10.77.1.2 hall.local hall\n');
    const kitchen = await device(place.first, 'kitchen', '10.77.1.2');
    for (const name of ['hall.local', 'hall', 'hall.example.com']) {
      if (name.includes('example')) place.host.configure('hosts', `10.77.1.2 ${name}\n`);
      const { exitCode, failed } = await push(place, name);
      expect(exitCode).toBe(1);
      expect(failed).toMatchObject({
        code: 'NAME_NOT_RESOLVED',
        message: expect.stringMatching(/10\.77\.1\.2.*announces itself as 'kitchen'/),
        hint: expect.stringContaining('kitchen.local'),
        details: { causes: ['old-address'] },
      });
    }
    expect(kitchen.text()).not.toMatch(/invited/);
  });

  it('sends nothing to the neighbour where no question to all gets through, either', async () => {
    const place = await scene();
    place.host.configure('hosts', '10.77.1.2 hall.local\n10.77.2.2 attic.local\n');
    place.host.refuseMulticast();
    const kitchen = await device(place.first, 'kitchen', '10.77.1.2');
    const attic = await device(place.second, 'attic', '10.77.2.2');
    expect(await push(place, 'hall.local')).toMatchObject({ failed: { code: 'NAME_NOT_RESOLVED' } });
    expect(await push(place, 'attic.local')).toMatchObject({ exitCode: 0, warnings: [] });
    expect(kitchen.text()).not.toMatch(/invited/);
    expect(attic.text()).toMatch(gotImage);
  });

  it('goes to an address of the system where the device there has the name, or none at all', async () => {
    const place = await scene();
    place.host.configure('hosts', '10.77.1.2 hall.example.com\n10.77.2.2 mute.local\n');
    const hall = await device(place.first, 'hall', '10.77.1.2', { port: 8267 });
    const mute = await device(place.second, 'mute', '10.77.2.2', { announce: false });
    expect(await push(place, 'hall.example.com')).toMatchObject({
      exitCode: 0,
      warnings: [],
      located: [{ address: '10.77.1.2', port: 8267, via: 'os' }],
    });
    expect(await push(place, 'mute.local')).toMatchObject({
      exitCode: 0,
      warnings: [expect.stringMatching(/10\.77\.2\.2 is what the system's resolver says of mute\.local/)],
    });
    expect([hall.text(), mute.text()].map((text) => gotImage.test(text))).toEqual([true, true]);
    const doctor = await place.host.otarc(
      ['doctor', 'mute.local', '--platform', 'esp8266', '--json'],
      place.cwd,
    );
    const { legs } = JSON.parse((await doctor.ended).stdout) as { legs: readonly object[] };
    expect(legs).toContainEqual(
      expect.objectContaining({
        leg: 'name',
        status: 'warning',
        hint: expect.stringMatching(/10\.77\.2\.2 is what the system's resolver says of mute\.local/),
      }),
    );
  });

  it.each([
    [60, 0],
    [120, 0],
    [400, 1500],
  ])(
    'sends no byte where a second device of the name answers %i ms later, before the first byte',
    async (delayMs, connectDelayMs) => {
      const place = await scene();
      const hall = await device(place.first, 'hall', '10.77.1.2', { timing: { connectDelayMs } });
      await place.second.respond({ name: 'hall', addresses: ['10.77.2.2'], on: '10.77.2.2', delayMs });
      const { exitCode, failed } = await push(place, 'hall');
      expect(exitCode).toBe(1);
      expect(failed).toMatchObject({
        code: 'NAME_NOT_RESOLVED',
        message: expect.stringMatching(/contradict.*10\.77\.[12]\.2.*10\.77\.[12]\.2/),
      });
      expect(hall.text()).not.toMatch(/update-ended [1-9]/);
    },
  );

  it('reaches a device by what a person may call it', async () => {
    const place = await scene('devices: { "My Lamp v1.2": {}, apples: { host: ÄPFEL } }\n');
    const lamp = await device(place.first, 'My Lamp v1.2', '10.77.1.2');
    const apples = await device(place.second, 'Äpfel', '10.77.2.2');
    for (const name of ['My Lamp v1.2', 'my lamp V1.2.local', 'apples']) {
      expect(await push(place, name)).toMatchObject({ exitCode: 0, located: [{ via: 'mdns' }] });
    }
    expect([lamp.text(), apples.text()].map((text) => gotImage.test(text))).toEqual([true, true]);
  });
});

describe.skipIf(why !== undefined)('where a device was last', { timeout: 60_000 }, () => {
  const historyIn = (cwd: string) =>
    openHistory({ place: historyPlace({ HOME: cwd }), onLoss: (message) => expect.fail(message) });
  const remembered = (cwd: string, address: string): void => {
    const at = new Date().toISOString();
    historyIn(cwd).append(recordOf({ at, place: { address, port: 8266, isSure: true } }));
  };

  it('is asked where no multicast gets through: behind a router', async () => {
    const place = await scene();
    const { host, first, second, cwd } = place;
    // The first one is a router now; the device is behind it, and hears no question to all.
    host.ip('route add 10.77.3.0/24 via 10.77.1.2');
    first.ip('link add veth3a type veth peer name veth3b netns ' + second.name);
    first.ip('link set veth3a up');
    second.ip('link set veth3b up');
    first.ip('addr add 10.77.3.1/24 dev veth3a');
    second.ip('link set veth2b down');
    second.ip('addr add 10.77.3.2/24 dev veth3b');
    second.ip('route add default via 10.77.3.1');
    first.forward();
    const hall = await second.device({ name: 'hall', host: '10.77.3.2', port: 8266 });
    await second.respond({ name: 'hall', addresses: ['10.77.3.2'], on: '10.77.3.2' });
    expect(await push(place, 'hall')).toMatchObject({ exitCode: 1, failed: { code: 'NAME_NOT_RESOLVED' } });
    remembered(cwd, '10.77.3.2');
    expect(await push(place, 'hall')).toMatchObject({
      exitCode: 0,
      located: [{ address: '10.77.3.2', via: 'mdns' }],
    });
    expect(hall.text()).toMatch(gotImage);
  });

  it('is a hint and no more: what is there now, silent or another device, gets nothing', async () => {
    const place = await scene();
    const hall = await device(place.first, 'hall', '10.77.1.2');
    const kitchen = await device(place.second, 'kitchen', '10.77.2.2');
    for (const address of ['10.77.2.2', '10.77.2.77']) {
      remembered(place.cwd, address);
      expect(await push(place, 'hall')).toMatchObject({ exitCode: 0, located: [{ address: '10.77.1.2' }] });
      expect(historyIn(place.cwd).lastSeen.addressOf('hall')).toBe('10.77.1.2');
    }
    expect(hall.text()).toMatch(gotImage);
    expect(kitchen.text()).not.toMatch(/invited/);
  });
});
