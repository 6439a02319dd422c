import { appendFile, readdir, readFile, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { documentsIn, startDiscovery } from '../support/discovery.ts';
import { otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { packed } from '../support/packed.ts';
import { processesOf } from '../support/processes.ts';
import { arduinoFqbn, makeArduinoSketch } from '../support/projects.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools, toolPaths } from '../support/tools.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-port-${process.pid}-${(count += 1)}`;

const hello = 'HELLO 1 "arduino-cli 1.0.4"';
const added = (address: string) => (message: { eventType: string; port?: { address: string } }) =>
  message.eventType === 'add' && message.port?.address === address;
const removed = (address: string) => (message: { eventType: string; port?: { address: string } }) =>
  message.eventType === 'remove' && message.port?.address === address;

describe('otarc discovery', () => {
  it('tells the devices of .otarc, those that announce themselves, and when these leave', async () => {
    const dir = await tempDir();
    await writeFile(
      join(dir, '.otarc'),
      'devices:\n  hall: { host: 192.0.2.11, port: 8267, password: { env: NOWHERE } }\n',
    );
    const device = await quickDevice({ name: freshName(), model: 'esp32', password: 'x', announce: true });
    const discovery = await startDiscovery(await tempDir(), ['-C', dir, '--interface', '127.0.0.1']);

    discovery.send(hello);
    discovery.send('START_SYNC');

    expect(await discovery.until(added('192.0.2.11'))).toMatchObject({
      port: {
        label: 'hall at 192.0.2.11 (otarc)',
        protocol: 'network',
        protocolLabel: 'Network Port',
        properties: { port: '8267', auth_upload: 'yes', board: '', hostname: '192.0.2.11' },
      },
    });
    expect(await discovery.until(added(`${device.name}.local`))).toMatchObject({
      port: {
        label: `${device.name} at 127.0.0.1 (otarc)`,
        properties: { port: String(device.port), auth_upload: 'yes', board: 'esp32' },
      },
    });
    await device.close();
    await discovery.until(removed(`${device.name}.local`));

    discovery.send('QUIT');
    expect(await discovery.ended).toBe(0);
    expect(discovery.said().map(({ eventType }) => eventType)).toEqual(
      expect.arrayContaining(['hello', 'start_sync', 'add', 'remove', 'quit']),
    );
    expect(discovery.said().at(-1)).toEqual({ eventType: 'quit', message: 'OK' });
    expect(discovery.stderr()).toBe('');
  });

  it('is one port where a device is configured by name and announces itself', async () => {
    const dir = await tempDir();
    const device = await quickDevice({ name: freshName(), announce: true });
    await writeFile(join(dir, '.otarc'), `device: ${device.name}\n`);
    const discovery = await startDiscovery(dir);
    discovery.send(hello);
    discovery.send('START_SYNC');
    await discovery.until(
      ({ port }) =>
        port !== undefined && 'properties' in port && port.properties['port'] === String(device.port),
    );
    const other = await quickDevice({ name: freshName(), announce: true });
    await discovery.until(added(`${other.name}.local`));
    const present = discovery.said().filter((message) => added(`${device.name}.local`)(message)).length;
    const gone = discovery.said().filter((message) => removed(`${device.name}.local`)(message)).length;
    expect(present - gone).toBe(1);
  });

  it('takes up what is edited in .otarc', async () => {
    const dir = await tempDir();
    const file = join(dir, '.otarc');
    const discovery = await startDiscovery(dir);
    discovery.send(hello);
    discovery.send('START_SYNC');
    await discovery.until(({ eventType }) => eventType === 'start_sync');
    await writeFile(file, 'devices: { hall: { host: 192.0.2.11, port: 1 } }');
    await discovery.until(added('192.0.2.11'));
    await writeFile(file, 'devices: { hall: { host: 192.0.2.12, port: 1 }');
    await utimes(file, 1, 1);
    await expect.poll(() => discovery.stderr(), { timeout: 20_000 }).toContain('.otarc');
    await writeFile(file, 'devices: { hall: { host: 192.0.2.12, port: 1 } }');
    await discovery.until(added('192.0.2.12'));
    await discovery.until(removed('192.0.2.11'));
    await rm(file);
    await discovery.until(removed('192.0.2.12'));
  });

  it('lets no configuration that is a program print into the protocol', async () => {
    const dir = await tempDir();
    await writeFile(
      join(dir, '.otarc.mjs'),
      `console.log('Good morning'); export default { devices: { hall: { host: '192.0.2.11', port: 1 } } };`,
    );
    const discovery = await startDiscovery(dir);
    discovery.send(hello);
    discovery.send('START_SYNC');
    await discovery.until(added('192.0.2.11'));
    expect(discovery.stderr()).toBe('Good morning\n');
  });

  it('lists what is in .otarc by now', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, '.otarc'), 'devices: { hall: { host: 192.0.2.11, port: 1 } }');
    const discovery = await startDiscovery(dir);
    for (const line of [hello, 'START', 'LIST']) discovery.send(line);
    const { ports } = await discovery.until(({ eventType }) => eventType === 'list');
    expect(ports).toContainEqual(expect.objectContaining({ address: '192.0.2.11' }));
  });

  it.each([
    ['broken', 'devices: [\n'],
    ['wrong', 'devices: { hall: { prot: 1 } }\n'],
  ])('goes on with a configuration that is %s, and says so', async (_, text) => {
    const dir = await tempDir();
    await writeFile(join(dir, '.otarc'), text);
    const device = await quickDevice({ name: freshName(), announce: true });
    const discovery = await startDiscovery(dir);
    discovery.send(hello);
    discovery.send('START_SYNC');
    await discovery.until(added(`${device.name}.local`));
    expect(discovery.stderr()).toContain('Going on without');
  });

  it('goes on where nobody can be asked, says so, and asks when it is told where', async () => {
    const dir = await tempDir();
    await writeFile(
      join(dir, '.otarc'),
      'interfaces: [nonsuch0]\ndevices: { hall: { platform: esp32 }, attic: {} }',
    );
    const discovery = await startDiscovery(dir, []);
    discovery.send(hello);
    discovery.send('START_SYNC');
    expect(await discovery.until(added('hall.local'))).toMatchObject({
      port: { properties: { port: '3232' } },
    });
    expect(await discovery.until(added('attic.local'))).toMatchObject({
      port: { properties: { port: '8266' } },
    });
    expect(discovery.stderr()).toContain("no network interface 'nonsuch0'");
    const device = await quickDevice({ name: freshName(), announce: true });
    await writeFile(join(dir, '.otarc'), 'interfaces: [127.0.0.1]');
    await discovery.until(added(`${device.name}.local`));
    await discovery.until(removed('hall.local'));
  });

  it.each<[string, (discovery: Awaited<ReturnType<typeof startDiscovery>>) => void, number]>([
    ['stdin is closed', ({ closeInput }) => closeInput(), 0],
    ['SIGTERM comes', ({ kill }) => kill('SIGTERM'), 143],
  ])('ends when %s, at once and without a word', async (_, end, status) => {
    const discovery = await startDiscovery(await tempDir());
    discovery.send(hello);
    discovery.send('START_SYNC');
    await discovery.until(({ eventType }) => eventType === 'start_sync');
    end(discovery);
    expect(await discovery.ended).toBe(status);
    expect(discovery.stderr()).toBe('');
  });

  it('ends without a word when nobody reads any more', async () => {
    const discovery = await startDiscovery(await tempDir());
    discovery.send(hello);
    await discovery.until(({ eventType }) => eventType === 'hello');
    discovery.stopReading();
    discovery.send('START_SYNC');
    expect(await discovery.ended).toBe(0);
    expect(discovery.stderr()).toBe('');
  });

  it('answers nonsense with errors, in JSON, and is of use afterwards', async () => {
    const discovery = await startDiscovery(await tempDir());
    for (const line of ['', 'START', 'x'.repeat(100_000), '{"a":1}', hello, 'LIST', 'STOP', 'START']) {
      discovery.send(line);
    }
    await discovery.until(({ eventType, error }) => eventType === 'start' && error !== true);
    expect(
      discovery.said().map(({ eventType, error }) => `${eventType}${error === true ? '!' : ''}`),
    ).toEqual([
      'command_error!',
      'command_error!',
      'command_error!',
      'command_error!',
      'hello',
      'list!',
      'stop!',
      'start',
    ]);
  });

  it('loads zod and yaml only where there is a configuration', async () => {
    const dir = await tempDir();
    const loadedIn = async (cwd: string, name: string) => {
      const coverage = join(dir, name);
      const { stdout } = await otarc(['discovery', '--interface', '127.0.0.1'], {
        cwd,
        env: { HOME: cwd, NODE_V8_COVERAGE: coverage },
        input: `${hello}\nSTART\nLIST\nQUIT\n`,
      });
      expect(stdout).toContain('"quit"');
      const [file = ''] = await readdir(coverage);
      const { result } = JSON.parse(await readFile(join(coverage, file), 'utf8')) as {
        result: { url: string }[];
      };
      const urls = result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
      const texts = await Promise.all(urls.map((url) => readFile(new URL(url), 'utf8')));
      return ['ZodError', 'YAMLParseError'].filter((word) => texts.some((text) => text.includes(word)));
    };
    expect(await loadedIn(await tempDir(), 'without')).toEqual([]);
    await writeFile(join(dir, '.otarc'), 'devices: { hall: { platform: esp32 } }');
    expect(await loadedIn(dir, 'with')).toEqual(['ZodError', 'YAMLParseError']);
  });
});

describe.skipIf(requireTools('arduino-cli'))('arduino-cli, with otarc for its discovery', () => {
  /** A sketch whose boards find their network ports by otarc, and upload to them with it. */
  async function sketchWithPorts() {
    const { bin } = await packed();
    const script = await realpath(bin);
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'));
    const platform = join(`${sketch.dir}.tools`, 'user', 'hardware', 'otarc', 'esp8266');
    const command = `"${process.execPath}" "${script}"`;
    const target = '-i "{upload.port.address}" -p "{upload.port.properties.port}"';
    await appendFile(
      join(platform, 'platform.local.txt'),
      [
        `pluggable_discovery.otarc.pattern=${command} discovery --interface 127.0.0.1`,
        'tools.air.upload.protocol=espota',
        'tools.air.upload.field.password=Password',
        'tools.air.upload.field.password.secret=true',
        `tools.air.upload.pattern=${command} espota ${target} "--auth={upload.field.password}" -f "{build.path}/{build.project_name}.bin"`,
        '',
      ].join('\n'),
    );
    await writeFile(
      join(platform, 'boards.local.txt'),
      'd1_mini.upload.tool.network=air\nd1_mini.upload_port.1.board=ESP8266_WEMOS_D1MINI\n',
    );
    const run = (...args: string[]) =>
      execa(toolPaths().arduinoCli, args, { cwd: sketch.dir, env: sketch.env, extendEnv: false });
    return { ...sketch, run };
  }

  interface Listed {
    readonly detected_ports: readonly {
      readonly matching_boards?: readonly { readonly fqbn: string }[];
      readonly port: {
        readonly address: string;
        readonly label: string;
        readonly properties: Record<string, string>;
      };
    }[];
  }

  it('lists a device that only .otarc knows, one that announces itself, and knows its board', async () => {
    const device = await quickDevice({ name: freshName(), announce: true });
    const sketch = await sketchWithPorts();
    await writeFile(
      join(sketch.dir, '.otarc'),
      `devices: { hall: 192.0.2.11, ${device.name}: { password: { env: NOWHERE } } }`,
    );

    const { stdout } = await sketch.run('board', 'list', '--json');

    const { detected_ports: ports } = JSON.parse(stdout) as Listed;
    const byAddress = (address: string) => ports.find(({ port }) => port.address === address);
    expect(byAddress('192.0.2.11')).toMatchObject({
      port: {
        label: 'hall at 192.0.2.11 (otarc)',
        protocol: 'network',
        protocol_label: 'Network Port',
        properties: { port: '8266', configured: 'yes' },
      },
    });
    expect(byAddress(`${device.name}.local`)).toMatchObject({
      matching_boards: [{ fqbn: arduinoFqbn }],
      port: {
        label: `${device.name} at 127.0.0.1 (otarc)`,
        properties: { port: String(device.port), board: 'ESP8266_WEMOS_D1MINI', configured: 'yes' },
      },
    });
  });

  it('uploads to a device of .otarc, with its password', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const sketch = await sketchWithPorts();
    await writeOtarc(sketch.dir, { hall: { at: device } });
    await sketch.run('compile', '-b', arduinoFqbn, sketch.dir);

    await sketch.run('upload', '-b', arduinoFqbn, '-p', device.address, '-F', 'password=geheim', sketch.dir);

    expect(Buffer.from(device.running?.bytes ?? []).toString('latin1')).toContain('fw-version:1.0.0');
  });

  it('sees devices come and go, and leaves no discovery behind when it is killed', async () => {
    const sketch = await sketchWithPorts();
    const watching = sketch.run('board', 'list', '--watch', '--json');
    onTestFinished(() => void watching.kill('SIGKILL'));
    let output = '';
    watching.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    watching.catch(() => undefined);
    const events = () => documentsIn(output).map(({ eventType, port }) => `${eventType} ${port?.address}`);
    const said = (event: string) => expect.poll(events, { timeout: 20_000 }).toContain(event);
    const device = await quickDevice({ name: freshName(), announce: true });
    await said(`add ${device.name}.local`);
    await device.close();
    await said(`remove ${device.name}.local`);
    watching.kill('SIGKILL');
    if (process.platform === 'linux') {
      await expect.poll(() => processesOf(sketch.env['HOME'] ?? ''), { timeout: 20_000 }).toEqual([]);
    }
  });
});
