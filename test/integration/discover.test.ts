import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { locate } from '../../src/network/index.ts';
import type { LocateOptions, LocateRequest, LookUp } from '../../src/network/types.ts';
import { openMdns } from '../../src/network/mdns.ts';
import { lookUpInSystem } from '../../src/network/os-resolver.ts';
import { questionsAbout } from '../../src/network/packets.ts';
import {
  openShared,
  recordsOf,
  type Responder,
  type ResponderOptions,
  startResponder,
} from '../support/mdns-responder.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-${process.pid}-${(count += 1)}`;

const knowsNothing: LookUp = async () => ({ type: 'failed', code: 'ENOTFOUND' });
const knows =
  (...addresses: string[]): LookUp =>
  async () => ({ type: 'answered', addresses });

async function respond(options: ResponderOptions): Promise<Responder> {
  const responder = await startResponder(options);
  afterwards.push(() => responder.close());
  return responder;
}

function find(host: string, options: Partial<LocateOptions & LocateRequest> = {}) {
  const { port, platform, interfaces = ['127.0.0.1'], ...rest } = options;
  return locate(
    { name: 'the device', host, port, platform, interfaces },
    {
      signal: new AbortController().signal,
      tell: () => undefined,
      lookUp: knowsNothing,
      timeoutMs: 15_000,
      ...rest,
    },
  );
}

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name.includes('UDP')).length;
const socketsBefore = openSockets();
const afterwards: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(afterwards.splice(0).map((close) => close()));
  await expect.poll(openSockets).toBe(socketsBefore);
});

describe('an address', () => {
  it.each(['192.0.2.7', '2001:db8::7', 'fe80::7%eth0'])(
    '%s is taken as it is, and nobody is asked',
    async (host) => {
      const lookUp: LookUp = () => Promise.reject(new Error('asked the system'));
      const found = find(host, { interfaces: ['no-such-interface'], lookUp });
      expect(openSockets()).toBe(socketsBefore);
      expect(await found).toEqual({ address: host, via: 'config' });
    },
  );

  it('has the configured port, else none: which one a platform has, its engine says', async () => {
    const found = await find('192.0.2.7', { platform: 'esp32' });
    expect(found).toEqual({ address: '192.0.2.7', via: 'config', platform: 'esp32' });
    expect(await find('192.0.2.7', { platform: 'esp32', port: 8266 })).toMatchObject({ port: 8266 });
  });
});

describe('over mDNS', () => {
  it('finds address, port, board and whether a password is needed', async () => {
    const name = freshName();
    const text = ['board=esp32s3', 'auth_upload=yes'];
    await respond({ name, addresses: ['127.0.0.1'], servicePort: 8267, text });
    expect(await find(`${name}.local`)).toEqual({
      address: '127.0.0.1',
      port: 8267,
      via: 'mdns',
      platform: 'esp32',
      announced: { port: 8267, board: 'esp32s3', authRequired: true },
    });
  });

  it('lets the configuration say more than the announcement', async () => {
    const name = freshName();
    await respond({ name, addresses: ['127.0.0.1'], servicePort: 8267 });
    expect(await find(name, { port: 9999, platform: 'rp2040' })).toMatchObject({
      port: 9999,
      platform: 'rp2040',
      announced: { port: 8267 },
    });
  });

  it('finds a device that announces no service', async () => {
    const name = freshName();
    await respond({ name, addresses: ['127.0.0.1'], servicePort: 0 });
    expect(await find(name)).toEqual({ address: '127.0.0.1', via: 'mdns' });
  });

  it('hears one that answers by multicast only', async () => {
    const name = freshName();
    await respond({ name, addresses: ['127.0.0.1'], way: 'multicast' });
    expect(await find(name)).toMatchObject({ address: '127.0.0.1', via: 'mdns', port: 8266 });
  });

  it('asks again where the first questions were lost, and by both ways', async () => {
    const name = freshName();
    const responder = await respond({ name, addresses: ['127.0.0.1'], fromQuestion: 3 });
    expect(await find(name)).toMatchObject({ via: 'mdns' });
    expect(responder.askedFrom.filter((port) => port === 5353)).toHaveLength(1);
    expect(responder.askedFrom.filter((port) => port !== 5353)).toHaveLength(2);
  });

  it('waits for one that answers late', async () => {
    const name = freshName();
    await respond({ name, addresses: ['127.0.0.1'], delayMs: 700 });
    expect(await find(name)).toMatchObject({ via: 'mdns' });
  });

  it.each(['My Living Room', 'Küche', '客厅'])('finds %s', async (word) => {
    const name = `${word} ${freshName()}`;
    await respond({ name, addresses: ['127.0.0.1'] });
    expect(await find(`${name}.local`)).toMatchObject({ via: 'mdns', port: 8266 });
  });

  it('takes the case of a name for nothing', async () => {
    const name = freshName();
    await respond({ name, addresses: ['127.0.0.1'] });
    expect(await find(`${name.toUpperCase()}.Local`)).toMatchObject({ via: 'mdns', port: 8266 });
  });

  it('asks for the host that the service points at', async () => {
    const name = freshName();
    const target = `${name}-host.local`;
    const whole = recordsOf({ name, target, addresses: ['127.0.0.1'] });
    const records: ResponderOptions['records'] = ({ questions = [] }) =>
      whole.filter((record) =>
        questions.some(({ type, name: asked }) => type === record.type && asked === record.name),
      );
    await respond({ name, target, addresses: ['127.0.0.1'], records });
    await respond({ name: `${name}-host`, addresses: [], records });
    expect(await find(name)).toMatchObject({ via: 'mdns', address: '127.0.0.1', port: 8266 });
  });

  it.each([
    ['ÄPFEL', 'äpfel'],
    ['Lamp v1.2', 'LAMP V1.2.local'],
  ])('finds %s as %s', async (name, host) => {
    const unique = freshName();
    await respond({ name: `${name} ${unique}`, addresses: ['127.0.0.1'], pointer: 'alone' });
    expect(await find(host.replace(/(\.local)?$/, ` ${unique}$1`))).toMatchObject({
      via: 'mdns',
      port: 8266,
    });
  });

  it('asks where the device was last, which may hear nothing else', async () => {
    const name = freshName();
    const on = '127.0.0.7';
    await respond({ name, addresses: [on], on: '127.0.0.1', from: on, hears: 'unicast' });
    await expect(find(name, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'NAME_NOT_RESOLVED' });
    expect(await find(name, { lastSeen: on })).toMatchObject({ address: on, via: 'mdns', port: 8266 });
    expect(await find(name, { lastSeen: on, timeoutMs: 2_000 })).toMatchObject({ address: on });
    await expect(find(name, { lastSeen: '127.0.0.8', timeoutMs: 500 })).rejects.toMatchObject({
      code: 'NAME_NOT_RESOLVED',
    });
  });

  it('prefers IPv4, and takes IPv6 where there is nothing else', async () => {
    const [both, one] = [freshName(), freshName()];
    await respond({ name: both, addresses: ['2001:db8::7', '198.51.100.7'] });
    await respond({ name: one, addresses: ['2001:db8::7'] });
    expect(await find(both)).toMatchObject({ address: '198.51.100.7' });
    expect(await find(one)).toMatchObject({ address: '2001:db8::7' });
  });

  it('does not choose between two devices of one name', async () => {
    const name = freshName();
    await respond({ name, addresses: ['198.51.100.7'] });
    await respond({ name, addresses: ['198.51.100.8'], from: '127.0.0.2' });
    await expect(find(name)).rejects.toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message: expect.stringMatching(
        /contradict.*198\.51\.100\.7.*198\.51\.100\.8|contradict.*198\.51\.100\.8.*198\.51\.100\.7/,
      ),
    });
  });

  it('is not led astray by garbage and floods', async () => {
    const name = freshName();
    const flooder = await openShared('127.0.0.3', '127.0.0.1');
    let flooding = true;
    afterwards.push(() => {
      flooding = false;
      flooder.close();
    });
    const flood = () => {
      if (!flooding) return;
      const bytes = Buffer.from(
        Array.from({ length: 12 + Math.floor(Math.random() * 200) }, () => Math.random() * 256),
      );
      bytes[2] = 0x84;
      flooder.send(bytes, 5353, '224.0.0.251', () => setImmediate(flood));
    };
    flood();
    await respond({ name, addresses: [], bytes: () => Buffer.from('000084000000ffffffffffff', 'hex') });
    await respond({ name, addresses: ['127.0.0.1'], fromQuestion: 3 });
    expect(await find(name)).toMatchObject({ via: 'mdns', address: '127.0.0.1' });
  });

  it('hears nothing that does not come from port 5353', async () => {
    const name = freshName();
    const responder = await respond({ name, addresses: [], bytes: () => Buffer.alloc(0) });
    const stranger = createSocket('udp4');
    afterwards.push(() => stranger.close());
    const { encode } = await import('dns-packet');
    const answer = encode({ type: 'response', answers: recordsOf({ name, addresses: ['198.51.100.9'] }) });
    const failure = find(name, { timeoutMs: 600 });
    await expect.poll(() => responder.askedFrom.find((port) => port !== 5353)).toBeDefined();
    for (const port of new Set(responder.askedFrom)) stranger.send(answer, port, '127.0.0.1');
    await expect(failure).rejects.toMatchObject({ code: 'NAME_NOT_RESOLVED' });
  });
});

describe("with the system's resolver", () => {
  it('takes its answer where mDNS stays silent', async () => {
    expect(await find(freshName(), { lookUp: knows('192.0.2.7'), platform: 'esp32' })).toEqual({
      address: '192.0.2.7',
      via: 'os',
      platform: 'esp32',
    });
  });

  it('asks it alone, and takes its word at once, for a dotted name', async () => {
    const asked: string[] = [];
    const lookUp: LookUp = async (name) => {
      asked.push(name);
      return { type: 'answered', addresses: ['192.0.2.7'] };
    };
    expect(await find('device.example.com', { lookUp })).toEqual({ address: '192.0.2.7', via: 'os' });
    expect(asked).toEqual(['device.example.com']);
  });

  it('prefers mDNS, for the port', async () => {
    const name = freshName();
    await respond({ name, addresses: ['198.51.100.7'], delayMs: 300 });
    const lookUp = knows('2001:db8::7', '198.51.100.7');
    expect(await find(name, { lookUp })).toMatchObject({ via: 'mdns', port: 8266, address: '198.51.100.7' });
  });

  it('refuses two answers that contradict each other', async () => {
    const name = freshName();
    await respond({ name, addresses: ['198.51.100.7'], delayMs: 300 });
    await expect(find(name, { lookUp: knows('198.51.100.8') })).rejects.toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message: expect.stringContaining('two answers contradict each other'),
      details: { os: ['198.51.100.8'], mdns: [{ addresses: ['198.51.100.7'] }] },
    });
  });

  it('holds an IPv4 and an IPv6 answer for one device', async () => {
    const name = freshName();
    await respond({ name, addresses: ['198.51.100.7'], delayMs: 300 });
    expect(await find(name, { lookUp: knows('2001:db8::7') })).toMatchObject({ address: '198.51.100.7' });
  });

  it('really asks it', async () => {
    const found = await find('localhost', { lookUp: lookUpInSystem });
    expect(found).toEqual({ address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/), via: 'os' });
  });

  it('many times at once', async () => {
    const found = await Promise.all(
      Array.from({ length: 9 }, () => lookUpInSystem('localhost', new AbortController().signal)),
    );
    expect(found.map(({ type }) => type)).toEqual(Array.from({ length: 9 }, () => 'answered'));
  });
});

describe('where nobody answers', () => {
  it('says who was asked, and what to do', async () => {
    const name = freshName();
    await expect(find(name, { timeoutMs: 400 })).rejects.toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message: expect.stringMatching(
        /'the device' was not found: no mDNS answer for .*\.local on .* within 0\.4 s, and/,
      ),
      hint: expect.any(String),
      details: { asked: { mdns: `${name}.local`, os: name }, os: 'ENOTFOUND' },
    });
  });

  it('names the interfaces that exist where a chosen one does not', async () => {
    await expect(find(freshName(), { interfaces: ['no-such-interface'] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('127.0.0.1'),
    });
  });

  it('goes on without an endpoint that cannot be used', async () => {
    const problems: string[] = [];
    const endpoint = { name: 'eth9', family: 'IPv4', address: '203.0.113.9', zone: 'eth9' } as const;
    const kind = { loopback: false };
    const mdns = openMdns({
      endpoints: [{ ...endpoint, ...kind, multicastInterface: '203.0.113.9' }],
      onRecords: () => undefined,
      onProblem: ({ way, message }) => problems.push(`${way}: ${message}`),
      zoneOfSender: () => undefined,
      limits: { perSender: 100, total: 100, windowMs: Infinity },
    });
    afterwards.push(() => mdns.close());
    await mdns.ask(questionsAbout(freshName()), 'ephemeral');
    await mdns.ask(questionsAbout(freshName()), 'shared');
    expect(problems).toEqual([
      expect.stringMatching(/^ephemeral: .*EADDRNOTAVAIL/),
      expect.stringMatching(/^shared: .*(EADDRNOTAVAIL|ENODEV)/),
    ]);
  });

  it('ends at once when aborted', async () => {
    const controller = new AbortController();
    const name = freshName();
    const responder = await respond({ name, addresses: [], bytes: () => Buffer.alloc(0) });
    const waiting = find(name, {
      signal: controller.signal,
      lookUp: () => new Promise(() => undefined),
      timeoutMs: 60_000,
    });
    await expect.poll(() => responder.askedFrom.length).toBeGreaterThan(0);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(find(name, { signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
