import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as openConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';

import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Io } from '../../src/cli/commands/io.ts';
import { simulate, type SimulateOptions } from '../../src/cli/commands/simulate.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { RawClient, authentication, md5Of, sketch } from '../support/raw-client.ts';

let folder = '';
const clients: RawClient[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'otarc-simulate-'));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await rm(folder, { recursive: true });
});

interface Run {
  readonly stop: () => void;
  readonly done: Promise<number>;
  readonly printed: () => string;
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>;
}

const run = (options: SimulateOptions, env: NodeJS.ProcessEnv = {}, stdin = ''): Run => {
  const controller = new AbortController();
  const stdout = new PassThrough();
  let printed = '';
  let look = (): void => {};
  stdout.on('data', (bytes) => {
    printed += String(bytes);
    look();
  });
  const io: Io = {
    stdout,
    stderr: new PassThrough(),
    stdin: new PassThrough().end(stdin),
    env,
    cwd: folder,
    signal: controller.signal,
  };
  const done = simulate({ announce: false, port: 0, msPerSector: 0, rebootMs: 5, ...options }, io);
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      look = () => {
        const found = pattern.exec(printed);
        if (found) resolve(found);
      };
      done.then(() => reject(new Error(`It ended after: ${printed}`)), reject);
      look();
    });
  return { stop: () => controller.abort(), done, printed: () => printed, until };
};

const connect = async (port: string | undefined): Promise<RawClient> => {
  const client = await RawClient.open({ address: '127.0.0.1', port: Number(port) });
  clients.push(client);
  return client;
};

test('a line to try next, then what happens, until the first update is done', async () => {
  const simulation = run({ once: true, name: 'hall', model: 'esp32', out: 'got.bin' });
  const [ready, port] = await simulation.until(/^.* is ready at 127\.0\.0\.1:(\d+), .*$/m);
  expect(ready).toBe(
    `hall (esp32) is ready at 127.0.0.1:${port}, no password. Try: otarc push 127.0.0.1:${port} --file firmware.bin --platform esp32`,
  );
  const image = sketch(9000);
  await (await connect(port)).flood(image);
  expect(await simulation.done).toBe(0);
  const said = simulation
    .printed()
    .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
    .split('\n')
    .slice(1, -1);
  expect(said).toEqual([
    'hall: invited by HOST: sketch, 9000 bytes',
    'hall: connected to HOST',
    'hall: received 9000 of 9000 bytes',
    'hall: says OK',
    'hall: restarts',
    `hall: now runs ${md5Of(image)} (9000 bytes)`,
  ]);
  expect(await readFile(join(folder, 'got.bin'))).toEqual(image);
});

test('as JSON, several devices, until it is stopped', async () => {
  const simulation = run({ json: true, count: 3, name: 'room' });
  await simulation.until(/(.*"listening".*\n[^]*){3}/);
  simulation.stop();
  expect(await simulation.done).toBe(130);
  const events = simulation
    .printed()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; device: string; at: string });
  expect(events.filter(({ type }) => type === 'listening').map(({ device }) => device)).toEqual([
    'room-1',
    'room-2',
    'room-3',
  ]);
  expect(events.filter(({ type }) => type === 'closed')).toHaveLength(3);
  expect(events.every(({ at }) => !Number.isNaN(Date.parse(at)))).toBe(true);
});

test('the password comes from a file, stdin, the environment or HomeDing, and is never printed', async () => {
  await writeFile(join(folder, 'pw'), 'geheim\n');
  const env = { ota: { 0: { port: 8266, passwd: 'geheim' } }, device: { 0: { name: 'stairs' } } };
  await writeFile(join(folder, 'env.json'), JSON.stringify(env));
  const runs = [
    run({ passwordFile: 'pw' }),
    run({ passwordFile: '-' }, {}, 'geheim'),
    run({}, { OTARC_SIMULATE_PASSWORD: 'geheim' }),
    run({ homeding: 'env.json', port: 0 }),
  ];
  const convince = async (simulation: Run): Promise<void> => {
    const [, port] = await simulation.until(/ is ready at 127\.0\.0\.1:(\d+), with a password/);
    const client = await connect(port);
    const connection = await client.flood(sketch(100), {
      prove: (nonce) => authentication('md5', md5Of('geheim'), nonce),
    });
    await connection.untilText(/OK$/);
    simulation.stop();
    expect(await simulation.done).toBe(130);
    expect(simulation.printed()).not.toContain('geheim');
  };
  await Promise.all(runs.map(convince));
  expect(runs[3]?.printed()).toMatch(/^stairs \(esp8266\)/);
});

test('a slow loop: the OK comes in its next round, whenever it was asked for', async () => {
  const simulation = run({ loopMs: 50, json: true, once: true });
  const [, port] = await simulation.until(/"address":"127\.0\.0\.1","port":(\d+)/);
  const client = await connect(port);
  client.invite(sketch(100));
  client.invite(sketch(100));
  expect(await client.answer()).toBe('OK');
  await simulation.until(/"type":"ignored","reason":"updating"/);
  await (await client.connection()).socket.write(sketch(100));
  expect(await simulation.done).toBe(0);
  expect(client.unread).toBe(0);
});

test('faults by name', async () => {
  const simulation = run({ faults: ['refusesToBegin=ERROR[2]: Flash Erase Failed'] });
  const [, port] = await simulation.until(/ is ready at 127\.0\.0\.1:(\d+)/);
  const client = await connect(port);
  client.invite(sketch(100));
  expect(await client.answer()).toContain('ERROR[2]');
  await simulation.until(/cannot begin: ERROR\[2\]/);
  simulation.stop();
  expect(await simulation.done).toBe(130);
});

test('--proof, --runs and --sketch-version: what it announces of the sketch, as an event and in words', async () => {
  const image = makeEsp8266Image({ flashMode: 2 });
  await writeFile(join(folder, 'runs.bin'), image);
  const options = { proof: true, runs: 'runs.bin', sketchVersion: '1.4', flashMode: 'DIO' };
  const asJson = run({ ...options, json: true });
  const [booted = ''] = await asJson.until(/^.*"booted".*$/m);
  expect(JSON.parse(booted)).toMatchObject({ md5: md5Of(image), boot: 'power-on', version: '1.4' });
  const inWords = run(options);
  await inWords.until(
    new RegExp(`^virtual: announces md5=${md5Of(image)} run=[0-9a-f]{8} boot=power-on$`, 'm'),
  );
  for (const simulation of [asJson, inWords]) simulation.stop();
  await Promise.all([asJson.done, inWords.done]);
});

test('--http-port, --sysinfo, --log-port: where it serves what', async () => {
  const simulation = run({ httpPort: 0, sysinfo: 'Nov  3 2026', logPort: 0, logEveryMs: 5000, count: 2 });
  const [, web] = await simulation.until(/virtual-2: serves (http:\/\/127\.0\.0\.1:\d+)\//);
  const [, log] = await simulation.until(/virtual-2: prints its log at tcp:\/\/127\.0\.0\.1:(\d+)/);
  const answer = await fetch(`${web}/api/sysinfo`);
  expect(await answer.json()).toMatchObject({ build: 'Nov  3 2026', devicename: 'virtual-2' });
  const socket = openConnection({ host: '127.0.0.1', port: Number(log) });
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(String(bytes)).toMatch(/^boot: power-on\r\n/);
  simulation.stop();
  expect(await simulation.done).toBe(130);
});

test.each<[string, SimulateOptions, string]>([
  ['an unknown flash mode', { flashMode: 'qdio' }, 'USAGE'],
  ['an image that is not there', { runs: 'nowhere.bin' }, 'USAGE'],
  ['HomeDing without web pages', { sysinfo: 'Nov  3 2026' }, 'USAGE'],
  ['a syslog server without a port', { syslog: '127.0.0.1' }, 'USAGE'],
  ['a syslog server beyond the last port', { syslog: '127.0.0.1:70000' }, 'USAGE'],
  ['web ports beyond the last', { httpPort: 65_530, count: 20 }, 'USAGE'],
  ['an unknown fault', { faults: ['lostOk'] }, 'USAGE'],
  ['an unknown model', { model: 'esp9000' }, 'USAGE'],
  ['a count of 0', { count: 0 }, 'USAGE'],
  ['a round of more than an hour', { loopMs: 4_000_000 }, 'USAGE'],
  ['ports beyond the last', { port: 65_530, count: 20 }, 'USAGE'],
  ['a password file that is not there', { passwordFile: 'nowhere' }, 'SECRET_UNAVAILABLE'],
  ['a HomeDing file that is not there', { homeding: 'nowhere' }, 'CONFIG_UNREADABLE'],
  ['an address of another host', { host: '203.0.113.77' }, 'USAGE'],
])('%s', async (_, options, code) => {
  await expect(run(options).done).rejects.toMatchObject({ code });
});

test('a port that is taken: the devices that started are closed again', async () => {
  const first = run({});
  const [, port] = await first.until(/ is ready at 127\.0\.0\.1:(\d+)/);
  await expect(run({ port: Number(port) }).done).rejects.toMatchObject({ code: 'HOST_PORT_IN_USE' });
  first.stop();
  expect(await first.done).toBe(130);
});

test('--fault list: each with what it does', async () => {
  const { done, printed } = run({ faults: ['list'] });
  expect(await done).toBe(0);
  expect(printed()).toMatch(/^restartsAtBytes=<bytes> {2,}loses its power after N bytes, and restarts$/m);
  expect(printed()).toMatch(/^safeMode {2,}announces itself, .*HomeDing/m);
});
