import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { browse, browseFor } from '../../src/network/browse.ts';
import type { FoundDevice } from '../../src/model/announcement.ts';
import type { BrowseOptions } from '../../src/network/types.ts';
import { quickDevice } from '../support/otarc.ts';
import { openShared, type ResponderOptions, startResponder } from '../support/mdns-responder.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-browse-${process.pid}-${(count += 1)}`;

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name.includes('UDP')).length;
const socketsBefore = openSockets();
beforeEach(() => expect.poll(openSockets).toBe(socketsBefore));

async function respond(options: ResponderOptions) {
  const responder = await startResponder(options);
  onTestFinished(() => responder.close());
  return responder;
}

/** Browses on loopback until the test has ended. */
function watch(options: Partial<BrowseOptions> = {}) {
  const controller = new AbortController();
  let devices: readonly FoundDevice[] = [];
  const ended = browse({
    interfaces: ['127.0.0.1'],
    signal: controller.signal,
    onChange: (found) => {
      devices = found;
    },
    ...options,
  });
  onTestFinished(async () => {
    controller.abort();
    await ended.catch(() => undefined);
  });
  const named = (name: string) => devices.filter((device) => device.name === name);
  const gone = async (name: string) => expect.poll(() => named(name), { timeout: 20_000 }).toEqual([]);
  const there = async (name: string) => {
    await expect.poll(() => named(name).length, { timeout: 20_000 }).toBe(1);
    return named(name)[0];
  };
  return { controller, ended, named, gone, there };
}

describe('browsing', () => {
  it('finds a device, with all that it says of itself', async () => {
    const device = await quickDevice({ name: freshName(), model: 'esp32', password: 'x', announce: true });
    const { there } = watch();
    const txt = { board: 'esp32', auth_upload: 'yes', tcp_check: 'no', ssh_upload: 'no' };
    expect(await there(device.name)).toEqual({
      name: device.name,
      host: `${device.name}.local`,
      addresses: ['127.0.0.1'],
      port: device.port,
      board: 'esp32',
      authRequired: true,
      platform: 'esp32',
      service: '_arduino._tcp',
      txt,
      texts: [{ sender: '127.0.0.1', txt }],
      heardAtMs: expect.any(Number),
      incarnation: expect.any(String),
    });
  });

  it('hears of one that comes later, and when it leaves', async () => {
    const { there, gone } = watch();
    const [name, other] = [freshName(), freshName()];
    await quickDevice({ name: other, announce: true });
    await there(other);
    const device = await quickDevice({ name, announce: true });
    await there(name);
    await device.close();
    await gone(name);
    await there(other);
  });

  it('asks for what is missing where only the pointer came', async () => {
    const name = freshName();
    const responder = await respond({ name, addresses: ['127.0.0.1'], pointer: 'alone', servicePort: 8267 });
    const { there } = watch();
    expect(await there(name)).toMatchObject({ port: 8267, addresses: ['127.0.0.1'] });
    expect(responder.askedFrom.length).toBeGreaterThan(1);
  });

  it('hears one that answers by multicast only', async () => {
    const name = freshName();
    await respond({ name, addresses: ['127.0.0.1'], pointer: 'whole', way: 'multicast' });
    await watch().there(name);
  });

  it('still shows one that answers late', async () => {
    const name = freshName();
    await respond({ name, addresses: ['127.0.0.1'], pointer: 'whole', delayMs: 1500 });
    await watch().there(name);
  });

  it('asks again where the first questions were lost', async () => {
    const name = freshName();
    await respond({ name, addresses: ['127.0.0.1'], pointer: 'whole', fromQuestion: 4 });
    await watch().there(name);
  });

  it('tells from 5353 what it knows, so that nobody has to say it again', async () => {
    const name = freshName();
    const known: string[] = [];
    await respond({
      name,
      addresses: [],
      pointer: 'whole',
      records: ({ answers = [], questions = [] }) => {
        known.push(...answers.map((answer) => (answer.type === 'PTR' ? answer.data : answer.type)));
        return questions.map(({ name: asked }) => ({
          type: 'PTR' as const,
          name: asked,
          ttl: 4500,
          data: `${name}._arduino._tcp.local`,
        }));
      },
    });
    watch();
    await expect.poll(() => known, { timeout: 20_000 }).toContain(`${name}._arduino._tcp.local`);
  });

  it.each(['My Living Room', 'Küche', '客厅'])('finds %s', async (word) => {
    const name = `${word} ${freshName()}`;
    await quickDevice({ name, announce: true });
    expect(await watch().there(name)).toMatchObject({ host: `${name}.local` });
  });

  it('is not disturbed by nonsense', async () => {
    const name = freshName();
    const { there } = watch();
    const socket = await openShared('127.0.0.1', '127.0.0.1');
    onTestFinished(() => new Promise<void>((done) => socket.close(done)));
    const header = Buffer.from('000084000000ffffffffffff', 'hex');
    const nonsense = [
      Buffer.alloc(0),
      Buffer.alloc(9000, 0xff),
      header,
      Buffer.concat([header, Buffer.alloc(500, 0xc0)]),
    ];
    for (const bytes of nonsense) {
      await new Promise((sent) => socket.send(bytes, 5353, '224.0.0.251', sent));
    }
    await quickDevice({ name, announce: true });
    await there(name);
  });

  it('shows two devices of one name as two', async () => {
    const name = freshName();
    const [one, two] = await Promise.all([
      quickDevice({ name, announce: true }),
      quickDevice({ name, announce: true }),
    ]);
    const { named } = watch();
    const ports = () => named(name).map(({ port }) => port);
    await expect.poll(ports, { timeout: 20_000 }).toEqual([one.port, two.port].toSorted((a, b) => a - b));
    await two.close();
    await expect.poll(ports, { timeout: 20_000 }).toEqual([one.port]);
  });

  it('ends at once when aborted, also before it began', async () => {
    const { controller, ended } = watch();
    expect(openSockets()).toBeGreaterThan(socketsBefore);
    controller.abort();
    await ended;
    await browse({ interfaces: [], signal: AbortSignal.abort(), onChange: () => undefined });
    await expect.poll(openSockets).toBe(socketsBefore);
  });

  it('ends with the mistake of whom it tells', async () => {
    await quickDevice({ name: freshName(), announce: true });
    const { ended } = watch({
      onChange: () => {
        throw new Error('a mistake');
      },
    });
    await expect(ended).rejects.toThrow('a mistake');
  });

  it('refuses an interface that does not exist', async () => {
    const { ended } = watch({ interfaces: ['127.0.0.1', 'nonsuch0'] });
    await expect(ended).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('is over after a while, if one likes', async () => {
    const device = await quickDevice({ name: freshName(), announce: true });
    const signal = new AbortController().signal;
    const found = await browseFor({ interfaces: ['127.0.0.1'], signal, forMs: 2000 });
    expect(found).toContainEqual(expect.objectContaining({ name: device.name }));
  });
});
