import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';

import {
  startVirtualDevice,
  type Faults,
  type Model,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import { RawClient, authentication, md5Of, sketch } from '../support/raw-client.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((thing) => thing.close()));
});

const start = async (
  faults: Faults,
  options: VirtualDeviceOptions = {},
): Promise<{ device: VirtualDevice; client: RawClient }> => {
  const device = await startVirtualDevice({
    flash: { msPerSector: 0 },
    timing: {
      connectDelayMs: 0,
      verdictDelayMs: 5,
      closeDelayMs: 5,
      rebootMs: 5,
      openFlashMs: 0,
    },
    ...options,
    faults,
  });
  const client = await RawClient.open(device);
  open.push(device, client);
  return { device, client };
};

const prove = (nonce: string): string => authentication('md5', md5Of('secret'), nonce);
const image = sketch(20_000);

test('lostInvitations: the first gets silence, the second an answer', async () => {
  const { device, client } = await start({ lostInvitations: 1 });
  const lost = device.waitFor('lost');
  client.invite(image);
  expect(await lost).toMatchObject({ direction: 'in' });
  expect(device.faults.lostInvitations).toBe(0);
  client.invite(image);
  expect(await client.answer()).toBe('OK');
});

test('lostChallenges: the next invitation is swallowed, the one after it gets a nonce', async () => {
  const { device, client } = await start({ lostChallenges: 1 }, { password: 'secret' });
  const lost = device.waitFor('lost');
  client.invite(image);
  expect(await lost).toMatchObject({ direction: 'out', what: 'AUTH' });
  const ignored = device.waitFor('ignored');
  client.invite(image);
  await ignored;
  client.invite(image);
  expect(await client.answer()).toMatch(/^AUTH /);
  expect(client.unread).toBe(0);
});

test('lostAuthentications: the device still waits, and takes the second', async () => {
  const { device, client } = await start({ lostAuthentications: 1 }, { password: 'secret' });
  client.invite(image);
  const proof = prove((await client.answer()).slice(5));
  const lost = device.waitFor('lost');
  client.send(proof);
  await lost;
  expect(device.state).toBe('waiting-for-auth');
  client.send(proof);
  expect(await client.answer()).toBe('OK');
});

test('lostOks: no OK, but a connection', async () => {
  const { client } = await start({ lostOks: 1 });
  client.invite(image);
  const connection = await client.connection();
  connection.socket.write(image);
  expect(await connection.untilText(/OK$/)).toMatch(/^\d+OK$/);
  expect(client.unread).toBe(0);
});

test('duplicatedChallenge and duplicatedOk', async () => {
  const { client } = await start({ duplicatedChallenge: true, duplicatedOk: true }, { password: 'secret' });
  client.invite(image);
  const challenge = await client.answer();
  expect(await client.answer()).toBe(challenge);
  client.send(prove(challenge.slice(5)));
  expect(await client.answer()).toBe('OK');
  expect(await client.answer()).toBe('OK');
});

test('silent', async () => {
  const { device, client } = await start({ silent: true });
  const ignored = device.waitFor('ignored');
  client.invite(image);
  expect((await ignored).reason).toBe('silent');
  device.faults.silent = false;
  client.invite(image);
  expect(await client.answer()).toBe('OK');
  expect(client.unread).toBe(0);
});

test('garbageOverUdp', async () => {
  const { device, client } = await start({ garbageOverUdp: true });
  client.invite(image);
  expect(await client.answer()).not.toMatch(/^(OK|AUTH|ERR)/);
  expect(device.state).toBe('idle');
});

test.each<[Faults, string]>([
  [{ refusesToBegin: 'ERROR[8]: Flash config wrong' }, 'ERROR[8]: Flash config wrong'],
  [{ error11: true }, 'ERROR[11]: '],
  [{ error15: true }, 'ERROR[15]: '],
])('%j: ERR over UDP from an ESP8266, and a retry works when it is gone', async (faults, error) => {
  const { device, client } = await start(faults);
  const ended = device.waitFor('update-ended');
  client.invite(image);
  expect(await client.answer()).toContain(`ERR: ${error}`);
  expect((await ended).update.result).toBe('refused');
  for (const name of Object.keys(faults) as (keyof Faults)[]) delete device.faults[name];
  client.invite(image);
  expect(await client.answer()).toBe('OK');
});

test('error15 of an RP2040: no error has a number for it, and the one before is repeated', async () => {
  const { device, client } = await start({ error15: true }, { model: 'rp2040' });
  const refused = device.waitFor('update-ended');
  client.invite(image);
  expect(await client.answer()).toBe('ERR: ERROR[0]: No Error\r\n');
  await refused;
  device.faults.error15 = false;
  device.faults.failsMd5 = true;
  const connection = await client.flood(image);
  await connection.ended;
  expect(device.updates.at(-1)?.answer).toContain('ERROR[7]');
  device.faults.error15 = true;
  client.invite(image);
  expect(await client.answer()).toBe(`ERR: ${device.updates[1]?.answer}\r\n`);
});

test.each<Faults>([{ neverConnects: true }, { refusesToBegin: 'no' }])(
  '%j: OK from an ESP32, and no connection',
  async (faults) => {
    const { device, client } = await start(faults, { model: 'esp32' });
    const ended = device.waitFor('update-ended');
    client.invite(image);
    expect(await client.answer()).toBe('OK');
    await ended;
    expect(device.counters.connections).toBe(0);
  },
);

test('connectsLateMs', async () => {
  const { client } = await start({ connectsLateMs: 80 });
  // From before its beginning: a busy computer makes it longer, never shorter.
  const invitedAtMs = performance.now();
  client.invite(image);
  await client.answer();
  await client.connection();
  expect(performance.now() - invitedAtMs).toBeGreaterThan(79);
});

test('foreignConnection: a stranger first, then the device', async () => {
  const { device, client } = await start({ foreignConnection: '127.0.0.2' });
  client.invite(image);
  const stranger = await client.connection();
  expect(stranger.from).toBe('127.0.0.2');
  expect(await stranger.untilText(/OK/)).toBe('OK');
  const connection = await client.connection();
  expect(connection.from).toBe('127.0.0.1');
  connection.socket.write(image);
  await connection.untilText(/OK$/);
  expect(device.counters).toMatchObject({ connections: 1, foreignConnections: 1 });
});

test.each<[Faults, 'end' | 'reset']>([
  [{ closesAtBytes: 6000 }, 'end'],
  [{ resetsAtBytes: 6000 }, 'reset'],
])('%j', async (faults, how) => {
  const { device, client } = await start(faults);
  const connection = await client.flood(image);
  expect(await connection.ended).toBe(how);
  expect(connection.text()).not.toContain('OK');
  expect(device.updates).toMatchObject([{ result: 'interrupted', receivedBytes: 6000 }]);
  expect(device.state).toBe('idle');
});

test('restartsAtBytes: nothing comes until it runs again, and then it knows of no connection', async () => {
  const { device, client } = await start({ restartsAtBytes: 6000 });
  const [ended, runs] = [device.waitFor('update-ended'), device.waitFor('runs')];
  const connection = await client.flood(image);
  expect((await ended).update).toMatchObject({ result: 'interrupted', receivedBytes: 6000 });
  expect(await runs).toMatchObject({ changed: false });
  expect(device.counters.reboots).toBe(1);
  await connection.ended;
  expect(connection.text()).not.toContain('OK');
  expect(device.running).toBeUndefined();
});

test('safeMode: its port is closed', async () => {
  const { device } = await start({ safeMode: true });
  const udp = createSocket('udp4');
  open.push(udp);
  udp.connect(device.port, device.address);
  await once(udp, 'connect');
  udp.send('0');
  expect(await once(udp, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
  expect(device.counters.datagrams).toBe(0);
});

test('stallsAtBytes: the connection stays, until the host ends it', async () => {
  const { device, client } = await start({ stallsAtBytes: 6000 });
  const halted = device.waitFor('halted');
  const connection = await client.flood(image);
  expect((await halted).receivedBytes).toBe(6000);
  expect(device.state).toBe('updating');
  const ended = device.waitFor('update-ended');
  connection.socket.resetAndDestroy();
  expect((await ended).update.result).toBe('interrupted');
});

test('errorAtBytes: ERROR[1] mid-way from an ESP8266', async () => {
  const eight = await start({ errorAtBytes: 9000 });
  const first = await eight.client.flood(image);
  await first.ended;
  expect(first.text()).toMatch(/^\d*ERROR\[1\]: Flash Write Failed\r\n$/);
  expect(eight.device.updates).toMatchObject([{ result: 'rejected' }]);
});

test('errorAtBytes: ERROR[4] mid-way from an RP2040, which writes the image as a file', async () => {
  const pico = await start({ errorAtBytes: 9000 }, { model: 'rp2040' });
  const connection = await pico.client.flood(image);
  await connection.ended;
  expect(connection.text()).toMatch(/ERROR\[4\]: Not Enough Space\r\n$/);
  expect(pico.device.updates).toMatchObject([{ result: 'rejected' }]);
});

test('errorAtBytes: a reset takes the words of an ESP32 along, where it leaves input unread', async () => {
  const flooded = await start({ errorAtBytes: 9000 }, { model: 'esp32' });
  const connection = await flooded.client.flood(image);
  await connection.ended;
  expect(connection.text()).toMatch(/^\d+$/);
  expect(flooded.device.updates).toMatchObject([{ result: 'rejected', answer: 'Flash Write Failed' }]);
});

test('acceptsAtBytes: OK for a part, and its count', async () => {
  const { device, client } = await start({ acceptsAtBytes: 9000 });
  const ended = device.waitFor('update-ended');
  const connection = await client.flood(image);
  await connection.untilText(/OK$/);
  expect(connection.text()).toMatch(/^\d+OK$/);
  await ended;
  expect(device.updates).toMatchObject([{ result: 'accepted', receivedBytes: 9000 }]);
});

test('garbageOverTcp', async () => {
  const { client } = await start({ garbageOverTcp: true });
  const connection = await client.flood(image);
  await connection.ended;
  expect(connection.text()).not.toMatch(/OK|^\d/);
  expect(connection.text()).not.toBe('');
});

test.each<[Model, RegExp]>([
  ['esp8266', /20000ERROR\[7\]/],
  ['esp32', /MD5 Check Failed\r\n$/],
])('failsMd5: %s, and a second try without it succeeds', async (model, verdict) => {
  const { device, client } = await start({ failsMd5: true }, { model });
  const connection = await client.flood(image);
  await connection.ended;
  expect(connection.text()).toMatch(verdict);
  device.faults.failsMd5 = false;
  const again = await client.flood(image);
  await again.untilText(/OK$/);
  await again.ended;
  expect(device.updates.map(({ result }) => result)).toEqual(['rejected', 'accepted']);
});

test('stallsBeforeVerdict: all taken, nothing said, nothing staged', async () => {
  const { device, client } = await start({ stallsBeforeVerdict: true });
  const connection = await client.flood(image);
  expect(await connection.untilText(/20000$/)).toBe('20000');
  const ended = device.waitFor('update-ended');
  connection.socket.resetAndDestroy();
  expect((await ended).update).toMatchObject({ result: 'interrupted', receivedBytes: 20_000 });
  expect(device.running).toBeUndefined();
});

test('gluedVerdict and splitVerdict', async () => {
  const glued = await start({ gluedVerdict: true });
  const first = await glued.client.flood(image);
  await first.untilText(/OK$/);
  expect(first.reads.map(({ text }) => text)).toContain('20000OK');
  const split = await start({ splitVerdict: true, failsMd5: true });
  const second = await split.client.flood(image);
  await second.ended;
  expect(second.text()).toMatch(/^20000ERROR\[7\].*\r\n$/);
  // The count, and the verdict in pieces: a busy system joins some of them.
  expect(second.reads.length).toBeGreaterThan(2);
  const hasty = await start({ splitVerdict: true }, { model: 'esp32' });
  const third = await hasty.client.flood(image);
  await third.ended;
  expect(third.text()).toMatch(/\dOK$/);
});

test('lateVerdictMs', async () => {
  const { client } = await start({ lateVerdictMs: 80 });
  // From before its beginning: a busy computer makes it longer, never shorter.
  const invitedAtMs = performance.now();
  const connection = await client.flood(image);
  expect(await connection.untilText(/OK$/)).toBe('20000OK');
  expect(performance.now() - invitedAtMs).toBeGreaterThan(79);
});

test.each<[Faults, string, boolean]>([
  [{ closesWithoutVerdict: true }, 'interrupted', false],
  [{ lostVerdict: true }, 'staged', true],
])('%j', async (faults, result, boots) => {
  const { device, client } = await start(faults);
  const runs = boots ? device.waitFor('runs') : undefined;
  const connection = await client.flood(image);
  expect(await connection.ended).toBe('end');
  expect(connection.text()).toBe('20000');
  expect(device.updates).toMatchObject([{ result }]);
  await runs;
  expect(device.running !== undefined).toBe(boots);
});

test('bootsOldImage and neverReturns', async () => {
  const { device, client } = await start({ bootsOldImage: true });
  const runs = device.waitFor('runs');
  await client.flood(image);
  expect(await runs).toMatchObject({ changed: false });
  expect(device.running).toBeUndefined();
  device.faults.bootsOldImage = false;
  device.faults.neverReturns = true;
  const rebooting = device.waitFor('rebooting');
  await client.flood(image);
  await rebooting;
  await expect(device.waitFor('runs', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(device.state).toBe('rebooting');
});
