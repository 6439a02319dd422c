import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { createInbox } from '../../src/engines/espota/inbox.ts';
import { openTransport, type ExchangeInput, type Transport } from '../../src/engines/espota/transport.ts';
import { freePort } from '../support/free-port.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((thing) => thing.close()));
});
const { signal } = new AbortController();
const longMs = 20_000;

/** A device that only listens, and the sockets of an exchange with it. */
async function scene(options: { hostPort?: number; hostAddress?: string; newSocket?: () => Socket } = {}) {
  const device = createSocket('udp4').bind(0, '127.0.0.1');
  await once(device, 'listening');
  open.push(device);
  const came = createInbox<{ text: string; port: number; address: string }>(() => performance.now());
  device.on('message', (bytes, { port, address }) => came.put({ text: String(bytes), port, address }));
  const inbox = createInbox<ExchangeInput>(() => performance.now());
  const transport = await openTransport({ device: device.address(), tell: inbox.put, ...options });
  open.push(transport);
  const next = async (): Promise<{ text: string; port: number; address: string }> => {
    const datagram = await came.next({ untilMs: performance.now() + longMs, signal });
    if (datagram === undefined) throw new Error('No datagram came.');
    return datagram;
  };
  const heard = (): Promise<ExchangeInput | undefined> =>
    inbox.next({ untilMs: performance.now() + longMs, signal });
  return { device, transport, next, heard };
}

const answer = (device: Socket, text: string, port: number): void => device.send(text, port, '127.0.0.1');

test('each invitation has a port of its own, and an answer names it, however late', async () => {
  const { device, transport, next, heard } = await scene();
  const ports: number[] = [];
  for (const invitation of [1, 2, 3]) {
    transport.send(`reset ${invitation}`, invitation);
    transport.send(`invite ${invitation}`, invitation);
    const [reset, invited] = [await next(), await next()];
    expect([reset.text, invited.text]).toEqual([`reset ${invitation}`, `invite ${invitation}`]);
    expect(reset.port).toBe(invited.port);
    ports.push(invited.port);
  }
  expect(new Set(ports).size).toBe(3);
  for (const [index, port] of [...ports.entries()].toReversed()) {
    answer(device, 'AUTH', port);
    expect(await heard()).toMatchObject({ type: 'datagram', invitation: index + 1 });
  }
});

test('with an address and a port to be connected to, every invitation comes from that address, and from other ports', async () => {
  const hostPort = await freePort();
  const { transport, next } = await scene({ hostAddress: '127.0.0.5', hostPort });
  expect(transport.local).toEqual({ address: '127.0.0.5', port: hostPort });
  for (const invitation of [1, 2]) {
    transport.send('invite', invitation);
    expect(await next()).toMatchObject({ address: '127.0.0.5' });
  }
});

test('a push that invites for an hour keeps the sockets of the last eight invitations', async () => {
  const { device, transport, next, heard } = await scene();
  const ports: number[] = [];
  for (let invitation = 1; invitation <= 30; invitation += 1) {
    transport.send('invite', invitation);
    ports.push((await next()).port);
  }
  // The system may give the port of a closed socket to a later one.
  const kept = ports.slice(-8);
  const closed = ports.slice(0, -8).filter((port) => !kept.includes(port));
  for (const port of [...closed, ...kept]) answer(device, 'AUTH', port);
  const heardOf: unknown[] = [];
  for (let count = 0; count < 8; count += 1) {
    const input = await heard();
    if (input?.type === 'datagram') heardOf.push(input.invitation);
  }
  expect(heardOf).toEqual([23, 24, 25, 26, 27, 28, 29, 30]);
});

test('what was sent before the sockets are closed goes out, also from a socket that is only being opened', async () => {
  const { transport, next } = await scene();
  transport.send('invite', 1);
  transport.send('reset', 2);
  await transport.close();
  const texts = [(await next()).text, (await next()).text];
  expect(texts.toSorted()).toEqual(['invite', 'reset']);
  const closed: Transport = transport;
  expect(() => closed.send('late', 3)).not.toThrow();
});

test('a network that is lost before the second invitation: each error is reported once, and nothing throws', async () => {
  let made = 0;
  const lost = Object.assign(new Error('bind'), { code: 'EADDRNOTAVAIL' });
  const newSocket = (): Socket => {
    const socket = createSocket('udp4');
    made += 1;
    if (made === 2)
      socket.bind = () => {
        process.nextTick(() => socket.emit('error', lost));
        return socket;
      };
    return socket;
  };
  const { device, transport, next, heard } = await scene({ newSocket });
  transport.send('first', 1);
  expect((await next()).text).toBe('first');
  transport.send('reset 2', 2);
  transport.send('invite 2', 2);
  expect(await heard()).toEqual({ type: 'undeliverable', code: 'EADDRNOTAVAIL' });
  // The socket that has nowhere to send to is left alone, and the next invitation has one of its own.
  transport.send('again 2', 2);
  transport.send('third', 3);
  const { text, port } = await next();
  expect(text).toBe('third');
  answer(device, 'AUTH', port);
  // The one error was heard already.
  expect(await heard()).toMatchObject({ type: 'datagram', invitation: 3 });
  expect(made).toBe(3);
});
