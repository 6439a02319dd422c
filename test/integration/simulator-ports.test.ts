import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { afterEach, describe, expect, test } from 'vitest';

import {
  startVirtualDevice,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import { createWeb } from '../../src/simulator/web.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { RawClient, md5Of } from '../support/raw-client.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await thing.close();
});

const runs = makeEsp8266Image({ seed: 3 });
const image = makeEsp8266Image({ seed: 4 });

const start = async (options: VirtualDeviceOptions): Promise<VirtualDevice> => {
  const device = await startVirtualDevice({
    name: 'simports',
    runs,
    flash: { msPerSector: 0 },
    timing: { connectDelayMs: 0, verdictDelayMs: 0, closeDelayMs: 0, rebootMs: 30, openFlashMs: 0 },
    ...options,
  });
  open.push(device);
  return device;
};
const push = async (device: VirtualDevice): Promise<void> => {
  const client = await RawClient.open(device);
  open.push(client);
  const back = device.waitFor('runs');
  await (await client.flood(image)).untilText(/OK$/);
  await back;
};

interface Reader {
  readonly socket: Socket;
  readonly ended: Promise<unknown>;
  readonly text: () => string;
  readonly until: (pattern: RegExp) => Promise<string>;
}
const read = async (port: number | undefined, says = ''): Promise<Reader> => {
  const socket = connect({ host: '127.0.0.1', port: port ?? 0 });
  open.push({ close: () => socket.destroy() });
  let text = '';
  socket.on('error', () => {});
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  socket.write(says);
  socket.on('data', (bytes) => (text += bytes.toString('latin1')));
  const until = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(text))
      await once(socket, 'data', { signal: AbortSignal.timeout(10_000) }).catch(() => {
        throw new Error(`Only ${JSON.stringify(text)} came.`);
      });
    return text;
  };
  return { socket, ended, text: () => text, until };
};

describe('the log over TCP', () => {
  test('first lines, counters; dropped at a restart, and at the same port afterwards', async () => {
    const device = await start({ logs: { tcpPort: 0, everyMs: 20, recentLines: 1000 }, version: '1.0' });
    const port = device.logPort;
    const first = await read(port);
    const text = await first.until(/counter 1\r\n/);
    expect(text).toMatch(
      /^boot: power-on\r\nsketch: version 1\.0, md5 [0-9a-f]{32}, run [0-9a-f]{8}\r\nwifi: .*\r\nready\r\ncounter 0\r\ncounter 1\r\n/,
    );
    await push(device);
    await first.ended;
    expect(device.logPort).toBe(port);
    const second = await read(port);
    expect(await second.until(/counter 0\r\n/)).toMatch(/^boot: software\r\n/);
    expect(second.text()).toContain(`md5 ${md5Of(image)}`);
  });

  test('recentLines 0: who comes later has missed what was printed', async () => {
    const device = await start({ logs: { tcpPort: 0, everyMs: 20, recentLines: 0 } });
    const reader = await read(device.logPort);
    expect(await reader.until(/\r\n/)).toMatch(/^counter \d+\r\n/);
  });

  test('connectionsHang: not a word more, until somebody sends something', async () => {
    const device = await start({
      logs: { tcpPort: 0, everyMs: 20, recentLines: 1000 },
      faults: { connectionsHang: true },
    });
    const reader = await read(device.logPort);
    await reader.until(/counter 0\r\n/);
    await push(device);
    const another = await read(device.logPort);
    await another.until(/boot: software[^]*counter 3/);
    expect(reader.text()).not.toContain('boot: software');
    expect(reader.socket.closed).toBe(false);
    reader.socket.write('?');
    await reader.ended;
  });

  test('the first line after a crash has its reason', async () => {
    const device = await start({
      logs: { tcpPort: 0, everyMs: 1000 },
      faults: { crashesAfterMs: 200, crashingImages: md5Of(runs), crashReason: 'exception' },
    });
    await device.waitFor('crashed');
    delete device.faults.crashesAfterMs;
    await device.waitFor('runs');
    const reader = await read(device.logPort);
    expect(await reader.until(/ready/)).toMatch(/^boot: exception\r\n/);
  });

  test('a port that is taken: nothing is left open', async () => {
    const device = await start({ logs: { tcpPort: 0 } });
    const again = start({ logs: { tcpPort: device.logPort } });
    await expect(again).rejects.toMatchObject({ code: 'HOST_PORT_IN_USE' });
  });
});

test('syslog: every line as a message, from the address of the device', async () => {
  const server = createSocket('udp4').bind(0, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  const heard: string[] = [];
  const came = once(server, 'message', { signal: AbortSignal.timeout(10_000) });
  server.on('message', (bytes, { address }) => heard.push(`${address} ${bytes}`));
  const host = '127.0.0.16';
  const device = await start({
    host,
    logs: { syslog: { host: '127.0.0.1', port: server.address().port }, everyMs: 20 },
  });
  await came;
  await push(device);
  while (!heard.some((line) => line.endsWith('boot: software')))
    await once(server, 'message', { signal: AbortSignal.timeout(10_000) });
  expect(heard[0]).toBe('127.0.0.16 <14>1 - simports sketch - - - boot: power-on');
});

describe('the web pages', () => {
  const get = async (device: VirtualDevice, path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${device.webPort}${path}`);

  test('/version says what runs', async () => {
    const device = await start({ web: { port: 0 }, version: '2.1' });
    const { md5, run } = device.sketch;
    expect(await (await get(device, '/version')).text()).toBe(`version=2.1\nmd5=${md5}\nrun=${run}\n`);
    await push(device);
    expect(await (await get(device, '/version')).text()).toContain(`md5=${md5Of(image)}\n`);
    expect((await get(device, '/api/sysinfo')).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${device.webPort}/version`, { method: 'POST' })).status).toBe(405);
  });

  test("HomeDing's sysinfo: the time since the boot, and a date that an update leaves alone", async () => {
    let build = 'Nov  3 2026';
    const device = await start({ web: { port: 0, sysinfo: { build: () => build } } });
    const sysinfo = async (): Promise<unknown> => (await get(device, '/api/sysinfo')).json();
    expect(await sysinfo()).toMatchObject({
      devicename: 'simports',
      core: 'ESP8266',
      build,
      upTime: expect.any(Number),
      safemode: 'false',
    });
    await push(device);
    expect(await sysinfo()).toMatchObject({ build });
    build = 'Nov  4 2026';
    expect(await sysinfo()).toMatchObject({ build });
  });

  test('upTime counts whole seconds', async () => {
    const parts = { name: 'simports', core: 'ESP32', sysinfo: {}, recent: () => [] };
    const sketch = { md5: '', run: '', boot: 'power-on' };
    const server = createWeb({ ...parts, sketch: () => sketch, upTimeMs: () => 4999 }).create();
    open.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answer = await fetch(`http://127.0.0.1:${port}/api/sysinfo`);
    expect(await answer.json()).toMatchObject({ upTime: 4, core: 'ESP32', build: 'Jan  1 2026' });
  });

  test('/events: the log as server-sent events, in colour, as ESPHome has it', async () => {
    const device = await start({ web: { port: 0 }, logs: { everyMs: 20, recentLines: 1000 } });
    const reader = await read(device.webPort, 'GET /events HTTP/1.1\r\nHost: device\r\n\r\n');
    const text = await reader.until(/counter 1/);
    expect(text).toMatch(/content-type: text\/event-stream/i);
    expect(text).toContain('event: log\ndata: \u001B[0;32m[I][sketch:001]: boot: power-on\u001B[0m\n\n');
    await push(device);
    await reader.ended;
  });

  test('at the new address after a move', async () => {
    const device = await start({ web: { port: 0 }, faults: { returnsAtAddress: '127.0.0.17' } });
    await push(device);
    const answer = await fetch(`http://127.0.0.17:${device.webPort}/version`);
    expect(await answer.text()).toContain(md5Of(image));
  });
});
