import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { main } from '../../src/cli/program.ts';
import type { LogSource } from '../../src/model/log-source.ts';
import { openLogs, type OpenLogs } from '../../src/network/logs/open.ts';
import { freePort } from '../support/free-port.ts';
import { bootedConsole, Printed } from '../support/log-console.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { quickDevice } from '../support/otarc.ts';
import { imageOf, push } from '../support/push.ts';
import { startVirtualDevice } from '../../src/simulator/index.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Logged {
  readonly logs: OpenLogs;
  readonly printed: Printed;
  readonly notes: Printed;
  readonly stop: () => Promise<void>;
}

function opened(sources: Readonly<Record<string, LogSource>>, address = '127.0.0.1'): Logged {
  const controller = new AbortController();
  const [printed, notes] = [new Printed(), new Printed()];
  const logs = openLogs({
    devices: Object.entries(sources).map(([name, source]) => ({
      name,
      host: address,
      interfaces: [],
      logs: source,
    })),
    signal: controller.signal,
    env: process.env,
    secretVariables: [],
    print: printed.add,
    note: notes.add,
  });
  logs.ended.catch(() => {});
  const stop = async (): Promise<void> => {
    controller.abort();
    await logs.ended;
  };
  onTestFinished(() => controller.abort());
  return { logs, printed, notes, stop };
}

describe('the logs of a device', () => {
  it('come over TCP, and again after it was away', async () => {
    const device = await bootedConsole();
    const { printed, notes, stop } = opened({
      lamp: { type: 'tcp', address: `tcp://{address}:${device.port}` },
    });
    await printed.until('boot 1');
    device.say('\xff\xfb\u0001hello\r\n');
    device.halt();
    await notes.until('lamp: no logs at the moment: the connection ended');
    await device.boot();
    await printed.until('boot 2');
    await notes.until('lamp: the logs go on');
    await stop();
  });

  it('have the first lines after an update, though the old connection was never closed', async () => {
    const device = await bootedConsole();
    const { logs, printed, notes, stop } = opened({
      lamp: { type: 'tcp', address: `tcp://{address}:${device.port}` },
    });
    await printed.until('boot 1');
    logs.restarts('lamp');
    device.say('last words\n');
    await printed.until('last words');
    device.halt({ isSilent: true });
    await device.boot();
    await printed.until('boot 2');
    expect(notes.lines).toEqual([]);
    await stop();
  });

  it.each([
    ['says goodbye', false],
    ['lets its connections hang', true],
  ])('are those of the new sketch where a device that %s is read from its update on', async (_how, hangs) => {
    const device = await startVirtualDevice({
      model: 'esp8266',
      port: 0,
      announce: false,
      logs: { tcpPort: 0, everyMs: 50 },
      flash: { msPerSector: 0 },
      timing: { rebootMs: 1_500 },
      faults: { connectionsHang: hangs },
    });
    onTestFinished(() => device.close());
    const source = { type: 'tcp', address: `tcp://{address}:${device.logPort}` } as const;
    const before = opened({ lamp: source });
    await before.printed.until('counter 12');
    const image = makeEsp8266Image({ sizeBytes: 20_000 });
    const pushed = await push(device, imageOf(image));
    expect(pushed.error).toBeUndefined();
    const fresh = opened({ lamp: source });
    before.logs.restarts('lamp', '127.0.0.1');
    fresh.logs.restarts('lamp', '127.0.0.1');
    await before.printed.until('boot: software');
    await fresh.printed.until('counter 3');
    expect(fresh.printed.lines.slice(0, 2)).toEqual([
      'boot: software',
      expect.stringContaining('sketch: md5'),
    ]);
    // Neither twice nor left out.
    const counts = before.printed.lines.filter((line) => line.startsWith('counter'));
    const old = counts.slice(0, counts.lastIndexOf('counter 0'));
    expect(old.length).toBeGreaterThan(12);
    expect(new Set(old).size).toBe(old.length);
    expect(before.notes.lines.concat(fresh.notes.lines)).toEqual([]);
    await before.stop();
    await fresh.stop();
  });

  it('go on where a serial server keeps the connection over the restart', async () => {
    const server = await bootedConsole();
    const { logs, printed, stop } = opened({
      lamp: { type: 'tcp', address: `tcp://{address}:${server.port}` },
    });
    await printed.until('boot 1');
    logs.restarts('lamp');
    const talk = setInterval(() => server.say('x\n'), 100);
    onTestFinished(() => clearInterval(talk));
    // Longer than it is tried whether the device is away.
    await expect.poll(() => printed.lines.length, { timeout: 20_000 }).toBeGreaterThan(40);
    expect(printed.lines.filter((line) => line === 'boot 1')).toHaveLength(1);
    await stop();
  });

  it('go on at the address that it has then', async () => {
    const device = await bootedConsole();
    const source = { type: 'tcp', address: `tcp://{address}:${device.port}` } as const;
    const { logs, printed, stop } = opened({ lamp: source }, '127.0.0.9');
    logs.restarts('lamp', '127.0.0.1');
    await printed.until('boot 1');
    await stop();
  });

  it('come as server-sent events, without states and pings', async () => {
    const streams: ServerResponse[] = [];
    const server = createHttpServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      streams.push(response);
      response.write(
        'retry: 30000\nevent: ping\ndata: {}\n\nevent: log\ndata: \u001b[0;32m[I] one\u001b[0m\n\ndata: two\n\n',
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { printed, stop } = opened({ lamp: { type: 'http', url: `http://{address}:${port}/events` } });
    await printed.until('two');
    expect(printed.lines).toEqual(['[I] one', 'two']);
    streams[0]?.end();
    await expect.poll(() => streams.length, { timeout: 20_000 }).toBe(2);
    await stop();
    server.closeAllConnections();
  });

  it('come as syslog, each from its own address, with the name in front', async () => {
    const port = await freePort();
    const hall = opened({ hall: { type: 'udp', port } }, '127.0.0.3');
    const lamp = opened({ lamp: { type: 'udp', port } }, '127.0.0.2');
    for (const [from, text] of [
      ['127.0.0.2', '<134>lamp: on'],
      ['127.0.0.3', '<134>hall: on'],
      ['127.0.0.4', '<134>other'],
    ] as const) {
      const socket = createSocket('udp4').bind(0, from);
      await once(socket, 'listening');
      const send = setInterval(() => socket.send(text, port, '127.0.0.1'), 20);
      onTestFinished(() => {
        clearInterval(send);
        socket.close();
      });
    }
    await lamp.printed.until('lamp: on');
    await hall.printed.until('hall: on');
    await lamp.stop();
    await hall.stop();
    expect(new Set(lamp.printed.lines)).toEqual(new Set(['lamp: on']));
    expect(new Set(hall.printed.lines)).toEqual(new Set(['hall: on']));
  });

  it('say which device prints a line, where there are several', async () => {
    const device = await bootedConsole();
    const source = { type: 'tcp', address: `tcp://{address}:${device.port}` } as const;
    const { printed, stop } = opened({ lamp: source, kitchen: source });
    await printed.until('lamp    | boot 1');
    await printed.until('kitchen | boot 1');
    await stop();
  });

  it('come from a command, which knows the device and ends with otarc', async () => {
    const cwd = await tempDir();
    const code = `console.log(process.env.OTARC_DEVICE, process.argv[1]); console.error(String(process.pid)); setInterval(() => {}, 1000)`;
    const { printed, stop } = opened({
      lamp: { type: 'command', command: [process.execPath, '-e', code, '{address}'], cwd },
    });
    await printed.until('lamp 127.0.0.1');
    await expect
      .poll(() => printed.lines.find((each) => /^\d+$/.test(each)), { timeout: 20_000 })
      .toBeDefined();
    const pid = Number(printed.lines.find((each) => /^\d+$/.test(each)));
    await stop();
    // Node may not have heard of its end yet.
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 20_000 });
  });

  it('end where the port of this computer is taken', async () => {
    const socket = createSocket('udp6').bind(0);
    await once(socket, 'listening');
    onTestFinished(() => void socket.close());
    const { logs } = opened({ lamp: { type: 'udp', port: socket.address().port } });
    await expect(logs.ended).rejects.toMatchObject({ code: 'HOST_PORT_IN_USE' });
  });
});

async function runIn(cwd: string, args: string[], signal: AbortSignal, bin?: string) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = { stdout: '', stderr: '' };
  const printed = new Printed();
  stdout.on('data', (chunk) => {
    texts.stdout += String(chunk);
    String(chunk).split('\n').forEach(printed.add);
  });
  stderr.on('data', (chunk) => (texts.stderr += String(chunk)));
  const io = {
    stdout,
    stderr,
    stdin: new PassThrough(),
    env: { HOME: cwd, PATH: [bin ?? [], process.env['PATH'] ?? []].flat().join(delimiter) },
    cwd,
    signal,
  };
  return { printed, texts, ended: main({ argv: args, version: '0' }, io) };
}

describe('otarc logs', () => {
  async function run(config: string, args: string[], signal: AbortSignal) {
    const cwd = await tempDir();
    await writeFile(join(cwd, '.otarc'), config);
    return runIn(cwd, ['logs', ...args], signal);
  }

  it('prints until it is interrupted', async () => {
    const device = await bootedConsole();
    const controller = new AbortController();
    const config = `devices: { lamp: { host: 127.0.0.1, logs: 'tcp://{address}:${device.port}' } }`;
    const { printed, ended, texts } = await run(config, [], controller.signal);
    await printed.until('boot 1');
    controller.abort();
    expect(await ended).toBe(130);
    expect(texts).toEqual({ stdout: 'boot 1\n', stderr: '' });
  });

  it('prints one object a line with --json', async () => {
    const device = await bootedConsole();
    const controller = new AbortController();
    const source = `'tcp://{address}:${device.port}'`;
    const config = `devices: { lamp: { host: 127.0.0.1, logs: ${source} }, hall: { host: 127.0.0.1, logs: ${source} } }`;
    const { ended, texts } = await run(config, ['--all', '--json'], controller.signal);
    await expect.poll(() => texts.stdout.split('\n').length, { timeout: 20_000 }).toBe(3);
    controller.abort();
    expect(await ended).toBe(130);
    const lines = texts.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const at = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(lines).toContainEqual({ at, device: 'lamp', line: 'boot 1' });
    expect(lines).toContainEqual({ at, device: 'hall', line: 'boot 1' });
  });

  it('runs the monitor of PlatformIO from where its installer puts it', async () => {
    const cwd = await tempDir();
    const bin = join(cwd, '.platformio', 'penv', 'bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, 'pio'), '#!/bin/sh\necho "$@" > ran\nexit 3\n', { mode: 0o755 });
    await writeFile(join(cwd, 'platformio.ini'), '[env:d1_mini]\n');
    await writeFile(
      join(cwd, '.otarc'),
      'devices: { lamp: { host: 127.0.0.1, environment: d1_mini, logs: serial } }',
    );
    const { ended } = await runIn(cwd, ['logs'], new AbortController().signal);
    expect(await ended).toBe(3);
    expect(await readFile(join(cwd, 'ran'), 'utf8')).toBe('device monitor -e d1_mini\n');
  });

  async function sketchWith(yaml: string): Promise<string> {
    const cwd = await tempDir();
    const bin = join(cwd, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'arduino-cli'), '#!/bin/sh\necho "$@" > ran\nexit 3\n', { mode: 0o755 });
    await writeFile(join(cwd, 'sketch.yaml'), yaml);
    const config = {
      build: { tool: 'arduino-cli' },
      devices: { lamp: { host: '127.0.0.1', logs: 'serial' } },
    };
    await writeFile(join(cwd, '.otarc'), JSON.stringify(config));
    return cwd;
  }

  it.each([
    ['default_port', 'default_port: /dev/ttyUSB7\n', '/dev/ttyUSB7'],
    [
      'the port of its profile',
      'default_port: lamp.local\ndefault_profile: d1\nprofiles: { d1: { fqbn: a:b:c, port: COM3 } }\n',
      'COM3',
    ],
  ])('runs the monitor of arduino-cli at %s', async (_what, yaml, port) => {
    const cwd = await sketchWith(yaml);
    const { ended } = await runIn(cwd, ['logs'], new AbortController().signal, `${cwd}/bin`);
    expect(await ended).toBe(3);
    expect(await readFile(join(cwd, 'ran'), 'utf8')).toBe(`monitor --port ${port}\n`);
  });

  it.each([
    ['no port', ''],
    ['a port of the network', 'default_port: 192.0.2.7\n'],
    ['a name of the network', 'default_port: lamp\ndefault_protocol: network\n'],
  ])('says what to set where sketch.yaml has %s for the monitor', async (_what, yaml) => {
    const cwd = await sketchWith(yaml);
    const { ended, texts } = await runIn(cwd, ['logs'], new AbortController().signal, `${cwd}/bin`);
    expect(await ended).toBe(2);
    expect(texts.stderr).toContain('Set `default_port:` in sketch.yaml');
  });

  it('says in one sentence what can be set', async () => {
    const { ended, texts } = await run('devices: { lamp: 127.0.0.1 }', [], new AbortController().signal);
    expect(await ended).toBe(2);
    expect(texts.stderr).toContain('lamp: nothing says where its output is read.');
    expect(texts.stderr).toContain('tcp://{address}:23');
  });

  it.each([
    ['tcp://{adress}:23', 'did you mean {address}?'],
    ['telnet://{address}', 'must be tcp://{address}:23'],
  ])('refuses %s', async (logs, words) => {
    const { ended, texts } = await run(
      `devices: { lamp: { logs: '${logs}' } }`,
      [],
      new AbortController().signal,
    );
    expect(await ended).toBe(2);
    expect(texts.stderr).toContain(words);
  });
});

describe('a deploy that goes on to the logs', () => {
  it.each(['deploy', 'watch'])(
    '%s --logs prints what the device prints after its result',
    async (command) => {
      const device = await bootedConsole();
      const target = await quickDevice();
      const cwd = await tempDir();
      await mkdir(join(cwd, 'src'));
      await writeFile(join(cwd, 'src', 'image'), makeEsp8266Image({ sizeBytes: 20_000 }));
      const config = {
        build: { command: ['cp', 'src/image', 'firmware.bin'], image: 'firmware.bin' },
        devices: {
          lamp: { host: '127.0.0.1', port: target.port, logs: `tcp://{address}:${device.port}` },
        },
      };
      await writeFile(join(cwd, '.otarc'), JSON.stringify(config));
      const controller = new AbortController();
      const { printed, texts, ended } = await runIn(cwd, [command, '--logs'], controller.signal);
      await printed.until('boot 1');
      await expect.poll(() => texts.stdout, { timeout: 20_000 }).toContain('lamp');
      controller.abort();
      expect(await ended).toBe(130);
      expect(target.updates).toHaveLength(1);
    },
  );

  it('ends where nothing can be read, and says why', async () => {
    const target = await quickDevice();
    const cwd = await tempDir();
    await writeFile(join(cwd, 'image'), makeEsp8266Image({ sizeBytes: 20_000 }));
    const config = {
      build: { command: ['cp', 'image', 'firmware.bin'], image: 'firmware.bin' },
      devices: { lamp: { host: '127.0.0.1', port: target.port } },
    };
    await writeFile(join(cwd, '.otarc'), JSON.stringify(config));
    const { texts, ended } = await runIn(cwd, ['deploy', '--logs'], new AbortController().signal);
    expect(await ended).toBe(0);
    expect(texts.stderr).toContain('lamp: nothing says where its output is read.');
  });
});
