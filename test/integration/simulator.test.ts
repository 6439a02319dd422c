import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';

import { afterEach, expect, test } from 'vitest';

import {
  models,
  startVirtualDevice,
  type Model,
  type VirtualDevice,
  type VirtualDeviceEvent,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import { RawClient, authentication, md5Of, sketch } from '../support/raw-client.ts';

const fast: VirtualDeviceOptions = {
  flash: { msPerSector: 0 },
  timing: { connectDelayMs: 0, verdictDelayMs: 5, closeDelayMs: 5, rebootMs: 5, openFlashMs: 0 },
};

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((thing) => thing.close()));
});

const start = async (
  options: VirtualDeviceOptions = {},
): Promise<{ device: VirtualDevice; client: RawClient; events: VirtualDeviceEvent[] }> => {
  const events: VirtualDeviceEvent[] = [];
  const device = await startVirtualDevice({
    ...fast,
    ...options,
    flash: { ...fast.flash, ...options.flash },
    timing: { ...fast.timing, ...options.timing },
    tell: (event) => events.push(event),
  });
  const client = await RawClient.open(device);
  open.push(device, client);
  return { device, client, events };
};

const esp8266Like: Model[] = ['esp8266', 'rp2040'];
const esp32Like: Model[] = ['esp32', 'esp32-3.3.1', 'esp32-3.3.1-md5'];

test.each(models)('%s takes a sketch, restarts and runs it', async (model) => {
  const { device, client } = await start({ model });
  const image = sketch(10_000);
  const runs = device.waitFor('runs');
  const connection = await client.flood(image);
  await connection.ended;
  await runs;
  expect(connection.text()).toMatch(/^\d+OK$/);
  expect(device.running?.md5).toBe(md5Of(image));
  expect(Buffer.from(device.running?.bytes ?? []).equals(image)).toBe(true);
  expect(device.updates).toMatchObject([
    { command: 0, sizeBytes: 10_000, receivedBytes: 10_000, result: 'accepted' },
  ]);
  expect(device.state).toBe('idle');
});

test('the counts of an ESP32 are its reads, those of an ESP8266 are one sum when nothing is left', async () => {
  const perRead = await start({ model: 'esp32' });
  const first = await perRead.client.flood(sketch(4000));
  expect(await first.untilText(/OK$/)).toBe('146014601080OK');
  const whenDry = await start({ model: 'esp8266' });
  const second = await whenDry.client.flood(sketch(4000));
  expect(await second.untilText(/OK$/)).toBe('4000OK');
});

test.each(esp8266Like)('%s says ERR: in place of OK when the image is too large, or empty', async (model) => {
  const { device, client } = await start({ model, flash: { slotBytes: 5000 } });
  client.invite(sketch(5001));
  expect(await client.answer()).toBe('ERR: ERROR[4]: Not Enough Space\r\n');
  await device.waitFor('update-ended');
  client.invite(new Uint8Array());
  expect(await client.answer()).toBe('ERR: ERROR[5]: Bad Size Given\r\n');
  expect(client.waitingConnections).toBe(0);
});

test.each(esp32Like)('%s says OK and never connects when the image is too large', async (model) => {
  const { device, client } = await start({ model, flash: { slotBytes: 5000 } });
  const ended = device.waitFor('update-ended');
  client.invite(sketch(5001));
  expect(await client.answer()).toBe('OK');
  expect((await ended).update).toMatchObject({ result: 'refused', answer: 'ERROR[4]: Not Enough Space' });
  expect(device.state).toBe('idle');
  expect(device.counters.connections).toBe(0);
});

test.each([
  ['unknown-command', '7 1234 100 0123456789abcdef0123456789abcdef\n'],
  ['md5-length', '0 1234 100 0123456789abcdef\n'],
  // No digits at all: the firmware reads a 0, and then no MD5.
  ['md5-length', 'hello'],
  ['md5-length', ''],
])('silence (%s) for %j', async (reason, text) => {
  const { device, client } = await start();
  const ignored = device.waitFor('ignored');
  client.send(text);
  expect((await ignored).reason).toBe(reason);
  client.invite(sketch(100));
  expect(await client.answer()).toBe('OK');
});

const passwords = [
  ['esp8266', 'md5', md5Of('secret')],
  ['rp2040', 'md5', md5Of('secret')],
  ['esp32', 'md5', md5Of('secret')],
  ['esp32-3.3.1', 'sha256', '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'],
  ['esp32-3.3.1-md5', 'sha256', md5Of('secret')],
] as const;

test.each(passwords)(
  '%s is convinced by the right password, and by no other',
  async (model, scheme, stored) => {
    const { device, client } = await start({ model, password: 'secret' });
    const wrong = (nonce: string): string => authentication(scheme, md5Of('guess'), nonce);
    await expect(client.flood(sketch(100), { prove: wrong })).rejects.toThrow('Authentication Failed');
    expect(device.state).toBe('idle');
    const right = (nonce: string): string => {
      expect(nonce).toMatch(scheme === 'md5' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{64}$/);
      return authentication(scheme, stored, nonce);
    };
    const connection = await client.flood(sketch(100), { prove: right });
    expect(await connection.untilText(/OK$/)).toBe('100OK');
    expect(device.counters).toMatchObject({ invitations: 2, authentications: 2, failedAuthentications: 1 });
  },
);

test('a device may know only the hash, and compares it in the case that it was given', async () => {
  const stored = md5Of('secret').toUpperCase();
  const { device, client } = await start({ passwordHash: stored });
  const proof = (hash: string) => (nonce: string) => authentication('md5', hash, nonce);
  await expect(client.flood(sketch(100), { prove: proof(md5Of('secret')) })).rejects.toThrow(
    'Authentication Failed',
  );
  expect(device.state).toBe('idle');
  const connection = await client.flood(sketch(100), { prove: proof(stored) });
  expect(await connection.untilText(/OK$/)).toBe('100OK');
});

test('a second invitation while it waits for the password is swallowed, the third gets a fresh nonce', async () => {
  const { device, client } = await start({ password: 'secret' });
  client.invite(sketch(100));
  const first = await client.answer();
  expect(device.state).toBe('waiting-for-auth');
  const ignored = device.waitFor('ignored');
  client.invite(sketch(100));
  expect((await ignored).reason).toBe('not-an-authentication');
  expect(device.state).toBe('idle');
  expect(client.unread).toBe(0);
  client.invite(sketch(100));
  const third = await client.answer();
  expect(third).toMatch(/^AUTH /);
  expect(third).not.toBe(first);
});

test.each([
  ['esp8266', 'invitation'],
  ['rp2040', 'invitation'],
  ['esp32', 'packet'],
] as const)('%s answers the port of the %s', async (model, port) => {
  const { client } = await start({ model, password: 'secret' });
  const other = createSocket('udp4').bind(0, '127.0.0.1');
  open.push(other);
  await once(other, 'listening');
  const atOther = once(other, 'message').then(() => 'packet' as const);
  client.invite(sketch(100));
  const nonce = (await client.answer()).slice(5);
  client.send(authentication('md5', md5Of('secret'), nonce), other);
  expect(await Promise.race([atOther, client.answer().then(() => 'invitation')])).toBe(port);
});

test('a second invitation and a second authentication during the update are ignored', async () => {
  const { device, client } = await start({ password: 'secret' });
  const image = sketch(9000);
  client.invite(image);
  const proof = authentication('md5', md5Of('secret'), (await client.answer()).slice(5));
  client.send(proof);
  expect(await client.answer()).toBe('OK');
  const connection = await client.connection();
  connection.socket.write(image.subarray(0, 5000));
  await connection.untilText(/^\d+/);
  for (const again of [() => client.invite(image), () => client.send(proof)]) {
    const ignored = device.waitFor('ignored');
    again();
    expect((await ignored).reason).toBe('updating');
  }
  connection.socket.write(image.subarray(5000));
  expect(await connection.untilText(/OK$/)).toMatch(/OK$/);
  expect(client.unread).toBe(0);
});

test('an ESP32 without data says its last count three times more, then gives up without a verdict', async () => {
  // With the patience of a real one: the data has to come within it.
  const { device, client } = await start({ model: 'esp32' });
  const image = sketch(3000);
  client.invite(image);
  const connection = await client.connection();
  connection.socket.write(image.subarray(0, 2000));
  expect(await connection.ended).toBe('end');
  expect(connection.text()).toBe('1460540540540540');
  expect(device.updates).toMatchObject([{ result: 'gave-up', receivedBytes: 2000 }]);
  expect(device.state).toBe('idle');
});

test('an ESP32 that never got a byte gives up at once; an ESP8266 waits on, until the host closes', async () => {
  const impatient = await start({ model: 'esp32', timing: { silenceMs: 20 } });
  impatient.client.invite(sketch(3000));
  const first = await impatient.client.connection();
  expect(await first.ended).toBe('end');
  expect(first.text()).toBe('');

  const patient = await start({ model: 'esp8266' });
  const connected = patient.device.waitFor('connected');
  patient.client.invite(sketch(3000));
  const second = await patient.client.connection();
  await connected;
  expect(patient.device.state).toBe('updating');
  const ended = patient.device.waitFor('update-ended');
  second.socket.resetAndDestroy();
  expect((await ended).update.result).toBe('interrupted');
  expect(patient.device.state).toBe('idle');
});

test.each(models)(
  '%s, host half-closes after the last byte: no verdict, yet the sketch is staged',
  async (model) => {
    const { device, client } = await start({ model, timing: { verdictDelayMs: 5000 } });
    const image = sketch(5000);
    const runs = device.waitFor('runs');
    const connection = await client.flood(image);
    connection.socket.end();
    expect(await connection.ended).toBe('reset');
    expect(connection.text()).not.toContain('OK');
    await runs;
    expect(device.running?.md5).toBe(md5Of(image));
    expect(device.updates[0]?.result).toBe('staged');
  },
);

test('a reset in the middle is an abort: the old sketch stays', async () => {
  const { device, client } = await start({ flash: { msPerSector: 20 } });
  const image = sketch(200_000);
  const ended = device.waitFor('update-ended');
  const connection = await client.flood(image);
  await device.waitFor('received');
  connection.socket.resetAndDestroy();
  const { update } = await ended;
  expect(update.result).toBe('interrupted');
  expect(update.receivedBytes).toBeLessThan(image.length);
  expect(update.bytes.length).toBe(update.receivedBytes);
  expect(device.running).toBeUndefined();
});

test.each([
  ['a wrong first byte', Buffer.alloc(5000, 0x02), 'ERROR[10]: Magic byte is not 0xE9'],
  ['a wrong first byte and flash mode', Buffer.alloc(5000, 0x42), 'ERROR[7]: '],
  ['a flash larger than the chip', Buffer.from([0xe9, 1, 2, 0x80, ...Buffer.alloc(5000)]), 'ERROR[9]: '],
])('an ESP8266 takes %s whole, then says so', async (_, image, error) => {
  const { device, client } = await start();
  const connection = await client.flood(image);
  expect(await connection.ended).toBe('end');
  expect(connection.text()).toContain(error);
  expect(device.updates[0]).toMatchObject({ result: 'rejected', receivedBytes: image.length });
  expect(device.running).toBeUndefined();
});

test('an ESP32 refuses a wrong first sector; a reset takes its words along', async () => {
  const { device, client } = await start({ model: 'esp32' });
  const connection = await client.flood(Buffer.alloc(20_000, 0x42));
  await connection.ended;
  expect(connection.text()).toBe('14601460');
  expect(device.updates[0]).toMatchObject({ result: 'rejected', answer: 'Wrong Magic Byte' });
});

test('a wrong MD5 is glued to the last count on an ESP8266, and a bare text on an ESP32', async () => {
  const wrong = { md5: '0'.repeat(32) };
  const numbered = await start({ model: 'esp8266' });
  const first = await numbered.client.flood(sketch(84), wrong);
  await first.ended;
  expect(first.text()).toMatch(/^84ERROR\[7\]: MD5 Failed: expected:0{32}, calculated:[0-9a-f]{32}\r\n$/);
  expect(first.reads.length).toBe(1);
  const bare = await start({ model: 'esp32' });
  const second = await bare.client.flood(sketch(84), wrong);
  await second.ended;
  expect(second.text()).toBe('84MD5 Check Failed\r\n');
});

test('an ESP8266 inflates a gzip when it boots; the file-system command takes anything', async () => {
  const { device, client } = await start();
  const image = sketch(30_000);
  const inflated = device.waitFor('runs');
  await client.flood(gzipSync(image));
  await inflated;
  expect(device.running?.md5).toBe(md5Of(image));

  const restarted = device.waitFor('runs');
  const filesystem = Buffer.alloc(8192, 7);
  await client.flood(filesystem, { command: 100 });
  await restarted;
  expect(device.filesystem).toEqual(filesystem);
  expect(device.running?.md5).toBe(md5Of(image));
});

test('an interrupted file-system image leaves half a file system', async () => {
  const { device, client } = await start();
  const done = device.waitFor('runs');
  await client.flood(Buffer.alloc(16_384, 1), { command: 100 });
  await done;
  const ended = device.waitFor('update-ended');
  device.faults.resetsAtBytes = 9000;
  await client.flood(Buffer.alloc(16_384, 2), { command: 100 });
  expect((await ended).update.result).toBe('interrupted');
  expect(device.filesystem).toEqual(Buffer.concat([Buffer.alloc(8192, 2), Buffer.alloc(8192, 1)]));
});

test('a device that restarts is deaf', async () => {
  const { device, client } = await start({ timing: { rebootMs: 60_000 } });
  const rebooting = device.waitFor('rebooting');
  await client.flood(sketch(100));
  await rebooting;
  const ignored = device.waitFor('ignored');
  client.invite(sketch(100));
  expect((await ignored).reason).toBe('rebooting');
  expect(device.state).toBe('rebooting');
  expect(device.running).toBeUndefined();
});

test('a host that takes no connection ends the update', async () => {
  const { device, client } = await start();
  client.stopListening();
  const ended = device.waitFor('update-ended');
  client.invite(sketch(100));
  expect((await ended).update.result).toBe('never-connected');
  expect(device.state).toBe('idle');
});

test('IPv6, and another address of this host', async () => {
  const six = await start({ host: '::1' });
  const first = await six.client.flood(sketch(100));
  expect(first.from).toBe('::1');
  expect(await first.untilText(/OK$/)).toBe('100OK');
  const other = await start({ host: '127.0.0.9' });
  const second = await other.client.flood(sketch(100));
  expect(second.from).toBe('127.0.0.9');
});

test('a port that is taken, an address that is not here', async () => {
  const { device } = await start();
  await expect(startVirtualDevice({ port: device.port })).rejects.toMatchObject({ code: 'HOST_PORT_IN_USE' });
  await expect(startVirtualDevice({ host: '203.0.113.77' })).rejects.toMatchObject({ code: 'USAGE' });
});

test('waiting has a limit and can be called off; closing twice is fine', async () => {
  const { device } = await start();
  await expect(device.waitFor('connected', { timeoutMs: 5 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  const controller = new AbortController();
  const waiting = device.waitFor((event) => event.type === 'runs', { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await Promise.all([device.close(), device.close()]);
});

test('lost datagrams: the seed decides which', async () => {
  const lostOf = async (seed: number): Promise<string> => {
    const { device, client, events } = await start({
      password: 'secret',
      link: { datagramLoss: 0.5, seed },
    });
    let arrived = 0;
    for (let sent = 1; sent <= 20; sent += 1) {
      const seen = device.waitFor(
        (event) => event.type === 'lost' || event.type === 'ignored' || event.type === 'challenged',
      );
      client.send('7');
      if ((await seen).type !== 'lost') arrived += 1;
    }
    expect(arrived).toBe(device.counters.datagrams);
    return events.map(({ type }) => type).join();
  };
  const [first, again, other] = [await lostOf(1), await lostOf(1), await lostOf(2)];
  expect(first).toContain('lost');
  expect(first).toContain('ignored');
  expect(again).toBe(first);
  expect(other).not.toBe(first);
});

test('datagrams and bytes take half a round trip each way, and the flash its time', async () => {
  const { client } = await start({ link: { roundTripMs: 40 }, flash: { msPerSector: 10 } });
  const begunMs = performance.now();
  client.invite(sketch(40_960));
  await client.answer();
  expect(performance.now() - begunMs).toBeGreaterThan(39);
  const connection = await client.connection();
  const connectedMs = performance.now();
  connection.socket.write(sketch(40_960));
  await connection.untilText(/OK$/);
  // Ten sectors of 10 ms, each with the round trip that its second window takes.
  expect(performance.now() - connectedMs).toBeGreaterThan(10 * (10 + 40));
});

test('a flood of more than it takes at once arrives whole', async () => {
  const sizeBytes = 10 * 1024 * 1024;
  const { device, client } = await start({
    model: 'esp32',
    link: { windowBytes: 65_536, segmentBytes: 65_536 },
    flash: { slotBytes: sizeBytes },
  });
  const image = sketch(sizeBytes);
  const runs = device.waitFor('runs');
  await client.flood(image);
  await runs;
  expect(device.running?.md5).toBe(md5Of(image));
});
