/** Where a device is read that is off, moves, or ends each connection at once; and one port of this host for all. */

import dgram, { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OtaError } from '../../src/model/errors.ts';
import { followLogs, type FollowLogsOptions, type LogFollower } from '../../src/network/logs/follow.ts';
import { openLogs } from '../../src/network/logs/open.ts';
import { freePort } from '../support/free-port.ts';
import { bootedConsole, Printed } from '../support/log-console.ts';

type Wanted = Pick<FollowLogsOptions, 'source' | 'place'> & Partial<FollowLogsOptions>;

interface Followed extends LogFollower {
  readonly printed: Printed;
  readonly notes: Printed;
  readonly stop: () => Promise<void>;
}

function followed(wanted: Wanted): Followed {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const [printed, notes] = [new Printed(), new Printed()];
  const { ended, restarts } = followLogs({
    name: 'lamp',
    env: process.env,
    secretVariables: [],
    signal: controller.signal,
    print: printed.add,
    note: notes.add,
    ...wanted,
  });
  const stop = async (): Promise<void> => {
    controller.abort();
    await ended;
  };
  return { ended, restarts, printed, notes, stop };
}

const immediately = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const notFound = (): OtaError =>
  new OtaError('NAME_NOT_RESOLVED', "'lamp' was not found.", { hint: 'Look.' });

/** Of a device that is searched for: it is found when the search is answered, or never. */
const endless = (signal: AbortSignal): Promise<string> =>
  new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(new OtaError('CANCELLED', ''))),
  );

describe('the logs of a device that is off', () => {
  it('wait for it, with one note', async () => {
    const device = await bootedConsole();
    let searches = 0;
    const { printed, notes, stop } = followed({
      source: { type: 'tcp', address: `tcp://{address}:${device.port}` },
      pause: immediately,
      async place() {
        if (++searches < 4) throw notFound();
        return '127.0.0.1';
      },
    });
    await printed.until('boot 1');
    expect(notes.lines).toEqual(["no logs at the moment: 'lamp' was not found. Look.", 'the logs go on']);
    await stop();
  });

  it('begin where a run has found it, whatever the search does', async () => {
    const device = await bootedConsole();
    const { restarts, printed, notes, stop } = followed({
      source: { type: 'tcp', address: `tcp://{address}:${device.port}` },
      place: endless,
    });
    restarts('127.0.0.1');
    await printed.until('boot 1');
    expect(notes.lines).toEqual([]);
    await stop();
  });

  it('begin where a run has found it after its search has failed, though the follower pauses', async () => {
    const device = await bootedConsole();
    const { restarts, printed, notes, stop } = followed({
      source: { type: 'tcp', address: `tcp://{address}:${device.port}` },
      pause: (_ms, signal) =>
        endless(signal).then(
          () => {},
          () => {},
        ),
      place: () => Promise.reject(notFound()),
    });
    await notes.until("no logs at the moment: 'lamp' was not found. Look.");
    restarts('127.0.0.1');
    await printed.until('boot 1');
    await stop();
  });

  it('come back at the address that a run has learnt, though the search finds another one', async () => {
    const device = await bootedConsole();
    const searched: string[] = [];
    const { restarts, printed, stop } = followed({
      source: { type: 'tcp', address: `tcp://{address}:${device.port}` },
      hurryMs: 0,
      pause: immediately,
      async place() {
        searched.push('127.0.0.9');
        if (searched.length === 4) await device.boot();
        return '127.0.0.9';
      },
    });
    restarts('127.0.0.1');
    await printed.until('boot 1');
    device.halt();
    await printed.until('boot 2');
    await stop();
  });

  it('are not searched for while its restart is awaited', async () => {
    const device = await bootedConsole();
    device.halt();
    let [pauses, searches] = [0, 0];
    const { restarts, printed, stop } = followed({
      source: { type: 'tcp', address: `tcp://{address}:${device.port}` },
      async pause() {
        if (++pauses === 30) await device.boot();
      },
      place(signal) {
        searches++;
        return endless(signal);
      },
    });
    restarts('127.0.0.1');
    await printed.until('boot 2');
    expect(searches).toBeLessThan(2);
    await stop();
  });

  it('end no other', async () => {
    const device = await bootedConsole();
    const controller = new AbortController();
    onTestFinished(() => controller.abort());
    const [printed, notes] = [new Printed(), new Printed()];
    const source = { type: 'tcp', address: `tcp://{address}:${device.port}` } as const;
    const { ended, restarts } = openLogs({
      devices: [
        { name: 'attic', host: 'otarc-test-nobody.local', interfaces: [], logs: source },
        {
          name: 'hall',
          host: '127.0.0.1',
          interfaces: [],
          logs: { type: 'command', command: ['/no/such'], cwd: '/' },
        },
        { name: 'lamp', host: '127.0.0.1', interfaces: [], logs: source },
      ],
      signal: controller.signal,
      env: process.env,
      secretVariables: [],
      print: printed.add,
      note: notes.add,
    });
    await printed.until('lamp  | boot 1');
    await expect
      .poll(() => notes.lines, { timeout: 20_000 })
      .toEqual([expect.stringMatching(/^hall: .*cannot be run/)]);
    device.say('still here\n');
    await printed.until('lamp  | still here');
    const note = expect.stringMatching(/^attic: no logs at the moment: .*was not found/) as unknown;
    await expect.poll(() => notes.lines, { timeout: 20_000 }).toContainEqual(note);
    restarts('attic', '127.0.0.1');
    await printed.until('attic | boot 1');
    controller.abort();
    await ended;
  });
});

describe('a source that ends as soon as it is opened', () => {
  it.each([
    ['without a word', ''],
    ['with a line', 'busy\n'],
  ])('%s is opened less and less often, and noted once', async (_how, words) => {
    const server = createServer((socket) => socket.on('error', () => {}).end(words)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const pauses: number[] = [];
    const all = new AbortController();
    const { notes, ended } = followed({
      source: { type: 'tcp', address: `tcp://{address}:${port}` },
      place: () => Promise.resolve('127.0.0.1'),
      signal: all.signal,
      async pause(ms) {
        pauses.push(ms);
        if (pauses.length === 8) all.abort();
        await immediately();
      },
    });
    await ended;
    expect(pauses).toEqual([200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000]);
    const ends = notes.lines.filter((line) => line.startsWith('no logs at the moment'));
    expect(ends.length).toBeLessThanOrEqual(words === '' ? 1 : 2);
    expect(notes.lines.length - ends.length).toBeLessThanOrEqual(1);
  });

  it('is a command that fails, too', async () => {
    const pauses: number[] = [];
    const all = new AbortController();
    const { notes, ended } = followed({
      source: { type: 'command', command: [process.execPath, '-e', 'process.exit(1)'], cwd: '/' },
      place: () => Promise.resolve('127.0.0.1'),
      signal: all.signal,
      async pause(ms) {
        pauses.push(ms);
        if (pauses.length === 5) all.abort();
        await immediately();
      },
    });
    await ended;
    expect(pauses).toEqual([200, 400, 800, 1_600, 2_000]);
    expect(notes.lines).toHaveLength(1);
  });

  it('is a good one again once it lasts', async () => {
    const device = await bootedConsole();
    const pauses: number[] = [];
    const { printed, stop } = followed({
      source: { type: 'tcp', address: `tcp://{address}:${device.port}` },
      place: () => Promise.resolve('127.0.0.1'),
      lastingMs: 0,
      async pause(ms) {
        pauses.push(ms);
        await device.boot();
      },
    });
    for (const boot of [1, 2, 3]) {
      await printed.until(`boot ${boot}`);
      if (boot < 3) device.halt();
    }
    expect(pauses).toEqual([200, 200]);
    await stop();
  });
});

/** Sockets as they are, and what becomes of them. */
function observeSockets(change: (socket: Socket, type: string) => void): void {
  const { createSocket: original } = dgram;
  onTestFinished(() => {
    dgram.createSocket = original;
    syncBuiltinESMExports();
  });
  dgram.createSocket = ((options: dgram.SocketOptions | dgram.SocketType) => {
    const socket = typeof options === 'string' ? original(options) : original(options);
    change(socket, typeof options === 'string' ? options : options.type);
    return socket;
  }) as typeof original;
  syncBuiltinESMExports();
}

const failure = (code: string): Error => Object.assign(new Error(`bind ${code} ::`), { code });

describe('a UDP port of this host', () => {
  async function send(port: number): Promise<void> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const timer = setInterval(() => socket.send('<134>hello', port, '127.0.0.1'), 20);
    onTestFinished(() => {
      clearInterval(timer);
      socket.close();
    });
  }
  const place = (): Promise<string> => Promise.resolve('127.0.0.1');

  it('is opened again after its socket has failed, for every device', async () => {
    const port = await freePort();
    await send(port);
    const sockets: Socket[] = [];
    observeSockets((socket) => void sockets.push(socket));
    const both = [1, 2].map(() => followed({ source: { type: 'udp', port }, place, pause: immediately }));
    for (const { printed } of both) await printed.until('hello');
    expect(sockets).toHaveLength(1);
    sockets[0]?.emit('error', failure('ENETDOWN'));
    for (const { printed, notes } of both) {
      await notes.until('no logs at the moment: bind ENETDOWN ::');
      printed.lines.length = 0;
      await printed.until('hello');
    }
    expect(sockets).toHaveLength(2);
    for (const { stop } of both) await stop();
  });

  it('is read over IPv4 where this host has no IPv6', async () => {
    const port = await freePort();
    await send(port);
    // As the kernel answers that was started with `ipv6.disable=1`.
    observeSockets((socket, type) => {
      if (type !== 'udp6') return;
      socket.bind = () => {
        setImmediate(() => socket.emit('error', failure('EAFNOSUPPORT')));
        return socket;
      };
    });
    const { printed, stop } = followed({ source: { type: 'udp', port }, place });
    await printed.until('hello');
    await stop();
  });

  it.each([
    ['EADDRINUSE', 'HOST_PORT_IN_USE'],
    ['EACCES', 'CONFIG_INVALID'],
  ])('that is not opened for %s is %s', async (code, error) => {
    observeSockets((socket) => {
      socket.bind = () => {
        setImmediate(() => socket.emit('error', failure(code)));
        return socket;
      };
    });
    const { ended } = followed({ source: { type: 'udp', port: 514 }, place });
    await expect(ended).rejects.toMatchObject({ code: error });
  });

  it('that is not opened for want of memory is tried again', async () => {
    const port = await freePort();
    await send(port);
    let count = 0;
    observeSockets((socket) => {
      if (++count > 2) return;
      socket.bind = () => {
        setImmediate(() => socket.emit('error', failure('ENOBUFS')));
        return socket;
      };
    });
    const { printed, notes, stop } = followed({ source: { type: 'udp', port }, place, pause: immediately });
    await printed.until('hello');
    expect(notes.lines[0]).toBe(
      `no logs at the moment: UDP port ${port} for the logs cannot be opened: bind ENOBUFS ::`,
    );
    await stop();
  });
});
