import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { loadConfig, resolveCredential } from '../../src/config/index.ts';
import { readFromDevice, type FindHost } from '../../src/config/homeding-device.ts';
import type { WantedTargets } from '../../src/config/resolve-question.ts';
import { findHost } from '../../src/network/find-host.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'otarc-homeding-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function device(answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const env = '{"device": {"0": {"name": "Bathroom"}},\n "OTA": {"on": {"port": "8267", "passwd": 4711}}}';
const here: FindHost = () => Promise.resolve('127.0.0.1');

async function load(
  url: string,
  { findHost = here, signal = AbortSignal.timeout(20_000), more = '' } = {},
): ReturnType<typeof loadConfig> {
  const folder = mkdtempSync(join(root, 'project-'));
  writeFileSync(
    join(folder, '.otarc'),
    `devices:\n  bath: { homeding: "${url}"${more} }\n  hall: 192.0.2.1\n`,
  );
  return loadConfig({
    command: 'deploy',
    flags: { cwd: folder },
    env: { HOME: root, USERPROFILE: root },
    signal,
    findHost,
  });
}

describe('a HomeDing JSON that the device itself has', () => {
  it('is read: port and password from it, the host from its address', async () => {
    const asked: (string | undefined)[] = [];
    const port = await device((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.host}`);
      response.end(env);
    });
    const url = `http://bath.local:${port}/env.json`;
    const { config, warnings } = await load(url);
    expect(warnings).toEqual([]);
    expect(asked).toEqual([`GET /env.json bath.local:${port}`]);
    const [bath] = config.devices;
    expect(bath).toMatchObject({ name: 'bath', host: 'bath.local', port: 8267, isHomeding: true });
    expect(config.origins.find(({ path }) => path === 'devices.bath.password')).toEqual({
      path: 'devices.bath.password',
      value: '(secret, from the text itself)',
      origin: `${url}:2`,
    });
    if (bath === undefined) throw new Error('no device');
    const context = { env: {}, stdin: process.stdin, signal: AbortSignal.timeout(20_000) };
    const credential = await resolveCredential(bath, context);
    expect(credential.type === 'password' && credential.secret.reveal()).toBe('4711');
    expect(JSON.stringify(config)).not.toContain('4711');
    // Nobody can watch it as a file.
    expect(config.files.filter((file) => file.includes('env.json'))).toEqual([]);
  });

  it('asks where the name is as for a push', async () => {
    const port = await device((_, response) => response.end(env));
    const asked: string[] = [];
    const findHost: FindHost = (host) => {
      asked.push(host);
      return Promise.resolve('127.0.0.1');
    };
    await load(`http://Bad.local:${port}/env.json`, { findHost });
    await load(`http://127.0.0.1:${port}/env.json`, { findHost });
    expect(asked).toEqual(['bad.local']);
  });

  it('gives way to what the configuration says', async () => {
    const port = await device((_, response) => response.end(env));
    const { config } = await load(`http://bath.local:${port}/env.json`, {
      more: ', host: 192.0.2.9, port: 1',
    });
    expect(config.devices[0]).toMatchObject({ host: '192.0.2.9', port: 1 });
  });

  it.each<[string, RequestListener, string]>([
    ['no such file', (_, response) => response.writeHead(404).end('gone'), 'it has no such file (404)'],
    [
      'a redirection',
      (_, response) => response.writeHead(302, { location: '/' }).end(),
      'it answers with status 302',
    ],
    ['no end', (_, response) => void response.write('x'.repeat(300_000)), 'it sends more than 262,144 bytes'],
    ['no HTTP', (request) => request.socket.end('220 lamp FTP\r\n'), 'Parse Error'],
    ['nothing', (request) => request.socket.destroy(), 'socket hang up'],
  ])('is a warning where there is none: %s', async (_, answer, reason) => {
    const port = await device(answer);
    const { config, warnings } = await load(`http://bath.local:${port}/env.json?key=geheim`);
    expect(warnings).toEqual([
      expect.stringContaining(`http://bath.local:${port}/env.json cannot be read: ${reason}`),
    ]);
    expect(warnings[0]).not.toContain('geheim');
    // The others can be pushed to, and this one as far as it is known.
    expect(config.devices).toMatchObject([{ host: 'bath.local', port: 8266 }, { host: '192.0.2.1' }]);
  });

  it('is a warning where nobody has the name', async () => {
    const findHost: FindHost = () => Promise.reject(new Error('nobody answers for bath.local'));
    const { warnings } = await load('http://bath.local/env.json', { findHost });
    expect(warnings).toEqual([expect.stringContaining('cannot be read: nobody answers for bath.local.')]);
  });

  it('ends with the time where nobody answers, finds the name, or comes to an end', async () => {
    const silent = await device(() => {});
    const slow = await device((_, response) => void response.write('{'));
    const options = { signal: AbortSignal.timeout(20_000), timeoutMs: 50 };
    for (const [port, findHost] of [
      [silent, here],
      [slow, here],
      [silent, () => new Promise<string>(() => {})],
    ] as const) {
      const reading = readFromDevice(new URL(`http://bath.local:${port}/env.json`), { ...options, findHost });
      await expect(reading).rejects.toMatchObject({
        code: 'CONFIG_UNREADABLE',
        message: `http://bath.local:${port}/env.json cannot be read: no whole answer within 0.05 s.`,
      });
    }
  });

  it('is asked for where the device is meant, on the interfaces of the configuration, beside each other', async () => {
    const folder = mkdtempSync(join(root, 'project-'));
    writeFileSync(
      join(folder, '.otarc'),
      `interfaces: [lan]
devices:
  lamp: { homeding: "http://lamp.local/env.json" }
  bath: { homeding: "http://bath.local/env.json", environment: d1 }
  attic: { homeding: "http://attic.local/env.json", environment: d2 }
  hall: 192.0.2.1
`,
    );
    const loading = async (
      wanted: Partial<WantedTargets> | 'everything' | undefined,
      interfaces?: string[],
    ) => {
      const asked: string[] = [];
      let running = 0;
      let most = 0;
      await loadConfig({
        command: 'push',
        flags: { cwd: folder, ...(interfaces && { interfaces }) },
        env: { HOME: root, USERPROFILE: root },
        signal: AbortSignal.timeout(20_000),
        findHost: async (host, options) => {
          asked.push(`${host} ${options.interfaces.join(' ')}`);
          most = Math.max(most, (running += 1));
          await new Promise((resolve) => setImmediate(resolve));
          running -= 1;
          throw new Error('it is off');
        },
        ...(wanted && {
          project: {
            wanted: wanted === 'everything' ? wanted : { targets: [], all: false, isFile: true, ...wanted },
            ask: () => Promise.resolve(undefined),
          },
        }),
      });
      expect(most).toBe(asked.length);
      return asked;
    };
    const all = ['lamp.local lan', 'bath.local lan', 'attic.local lan'];
    expect(await loading({ targets: ['hall'] })).toEqual([]);
    expect(await loading({ targets: ['192.0.2.9'] })).toEqual([]);
    expect(await loading({ targets: ['hall', 'bath'] })).toEqual(['bath.local lan']);
    expect(await loading({ targets: ['bath.local'] }, ['wifi'])).toEqual(['bath.local wifi']);
    expect(await loading({ targets: ['halll'] })).toEqual([]);
    expect(await loading({ imageOf: 'd1' })).toEqual(['lamp.local lan', 'bath.local lan']);
    expect(await loading({})).toEqual(all);
    expect(await loading({ all: true })).toEqual(all);
    expect(await loading('everything')).toEqual(all);
    expect(await loading(undefined)).toEqual(all);
  });

  it('gives the reason of the search for its name where nobody has that', async () => {
    const { warnings } = await load(`http://otarc-nobody-${process.pid}.local/env.json`, {
      findHost: (host, { signal }) => findHost(host, { signal, interfaces: ['127.0.0.1'] }),
    });
    expect(warnings).toEqual([expect.stringMatching(/cannot be read: .*(answer|found|name)/)]);
    expect(warnings[0]).not.toContain('no whole answer');
  });

  it('is left with the signal', async () => {
    const controller = new AbortController();
    const port = await device(() => controller.abort());
    await expect(
      load(`http://bath.local:${port}/env.json`, { signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('is a warning where it says that OTA never starts', async () => {
    const port = await device((_, response) =>
      response.end('{"device": {"0": {"name": "bath",\n "safemode": "true"}}, "ota": {"0": {}}}'),
    );
    const { warnings } = await load(`http://bath.local:${port}/env.json`);
    expect(warnings).toEqual([
      `http://bath.local:${port}/env.json:2: bath is in HomeDing's safe mode, in which it starts no OTA: a push finds nobody. Set "safemode" to "false" and restart it.`,
    ]);
  });
});
