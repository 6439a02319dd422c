import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { decode, encode, type Answer, type Packet, type Question } from 'dns-packet';
import multicastDns from 'multicast-dns';
import { afterEach, expect, test } from 'vitest';

import { startVirtualDevice, type VirtualDevice } from '../../src/simulator/index.ts';
import { RawClient, sketch } from '../support/raw-client.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((thing) => thing.close()));
});

const start = async (name: string, host = '127.0.0.1'): Promise<VirtualDevice> => {
  const device = await startVirtualDevice({
    name,
    host,
    announce: true,
    password: 'secret',
    flash: { msPerSector: 0 },
    timing: { connectDelayMs: 0, verdictDelayMs: 0, closeDelayMs: 0, rebootMs: 150, openFlashMs: 0 },
  });
  open.push(device);
  return device;
};

/** A questioner on an ephemeral port of loopback. */
const questioner = async (): Promise<Socket> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  open.push(socket);
  await once(socket, 'listening');
  socket.setMulticastInterface('127.0.0.1');
  return socket;
};

/** Asks until an answer comes that has one about `name`. */
const ask = async (socket: Socket, questions: Question[], name: string): Promise<Packet> => {
  const packet = encode({ type: 'query', id: 4711, questions });
  const again = setInterval(() => socket.send(packet, 5353, '224.0.0.251'), 200);
  socket.send(packet, 5353, '224.0.0.251');
  try {
    for (;;) {
      const [bytes] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
      const answer = decode(bytes);
      if (JSON.stringify(answer).includes(name)) return answer;
    }
  } finally {
    clearInterval(again);
  }
};

const all = (packet: Packet): Answer[] => [...(packet.answers ?? []), ...(packet.additionals ?? [])];

test('a legacy question about the service is answered to the port it came from', async () => {
  const device = await start('simannounce-a');
  const answer = await ask(
    await questioner(),
    [{ name: '_arduino._tcp.local', type: 'PTR' }],
    'simannounce-a',
  );
  expect(answer.id).toBe(4711);
  expect(answer.questions).toMatchObject([{ name: '_arduino._tcp.local', type: 'PTR' }]);
  const records = all(answer);
  expect(records).toContainEqual(
    expect.objectContaining({ type: 'PTR', data: 'simannounce-a._arduino._tcp.local' }),
  );
  expect(records.find(({ type }) => type === 'SRV')).toMatchObject({
    data: { port: device.port, target: 'simannounce-a.local' },
  });
  expect(records.find(({ type }) => type === 'A')).toMatchObject({
    name: 'simannounce-a.local',
    data: '127.0.0.1',
  });
  const text = records.find((record) => record.type === 'TXT');
  expect(String(text && 'data' in text ? text.data : '').split(',')).toEqual([
    'tcp_check=no',
    'ssh_upload=no',
    'board=ESP8266_WEMOS_D1MINI',
    'auth_upload=yes',
  ]);
});

test('a question about the host name gets its own address, in any case of letters', async () => {
  await start('SimAnnounce-b', '127.0.0.5');
  const answer = await ask(await questioner(), [{ name: 'simannounce-B.local', type: 'A' }], '127.0.0.5');
  expect(answer.answers).toMatchObject([{ type: 'A', data: '127.0.0.5' }]);
});

test('it is silent while it restarts, announces itself after, and says goodbye', async () => {
  const listener = multicastDns({ interface: '127.0.0.1', bind: '0.0.0.0' });
  open.push({ close: () => listener.destroy() });
  const heard: { type: string; ttl: number | undefined }[] = [];
  listener.on('response', (response) => {
    const pointer = response.answers?.find(
      (record) => record.type === 'PTR' && record.data === 'simannounce-c._arduino._tcp.local',
    );
    if (pointer && pointer.type === 'PTR') heard.push({ type: 'PTR', ttl: pointer.ttl });
  });
  await new Promise<void>((resolve) => listener.once('ready', resolve));
  const device = await startVirtualDevice({
    name: 'simannounce-c',
    announce: true,
    flash: { msPerSector: 0 },
    timing: { connectDelayMs: 0, verdictDelayMs: 0, closeDelayMs: 0, rebootMs: 300, openFlashMs: 0 },
  });
  const client = await RawClient.open(device);
  open.push(client, device);
  await until(() => heard.length > 0);

  const rebooting = device.waitFor('rebooting');
  const announced = device.waitFor('announced');
  await client.flood(sketch(100));
  await rebooting;
  const before = heard.length;
  listener.query([{ name: '_arduino._tcp.local', type: 'PTR' }]);
  await device.waitFor('runs');
  expect(heard.length).toBe(before);
  await announced;
  await until(() => heard.length > before);

  await device.close();
  await until(() => heard.at(-1)?.ttl === 0);
});

async function until(met: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  while (!met()) {
    deadline.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
