import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startResponder, type ResponderOptions } from '../support/mdns-responder.ts';
import { createNetwork, whyNoNamespaces } from '../support/namespaces.ts';
import { isPlain, otarc, quickDevice, startOtarc } from '../support/otarc.ts';
import { hasPty, otarcOnTerminal } from '../support/pty.ts';
import { tempDir } from '../support/temp-dir.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-list-${process.pid}-${(count += 1)}`;
const onLoopback = ['--interface', '127.0.0.1'];

async function respond(options: Omit<ResponderOptions, 'addresses'>) {
  const responder = await startResponder({ addresses: ['127.0.0.1'], pointer: 'whole', ...options });
  onTestFinished(() => responder.close());
}

async function folder(otarcFile = ''): Promise<string> {
  const dir = await tempDir();
  await writeFile(join(dir, '.otarc'), otarcFile);
  return dir;
}

describe('otarc devices', () => {
  it('lists those of .otarc and those that announce themselves, in a pipe once at the end', async () => {
    const [own, other, missing] = [freshName(), freshName(), freshName()];
    await quickDevice({ name: own, model: 'esp32', password: 'geheim', announce: true });
    await quickDevice({ name: other, announce: true });
    const cwd = await folder(`devices:\n  ${missing}: {}\n  ${own}: { password: geheim }\n`);
    const { exitCode, stdout, stderr } = await otarc(['devices', ...onLoopback], { cwd });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(isPlain(stdout)).toBe(true);
    expect(stdout).not.toContain('geheim');
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^NAME +ADDRESS +PORT +PLATFORM +BOARD +PASSWORD +RUNS +STATE$/);
    expect(lines[1]).toMatch(new RegExp(`^${own} +127\\.0\\.0\\.1 +\\d+ +esp32 +esp32 +yes +— +here$`));
    expect(lines[2]).toMatch(new RegExp(`^${missing} +absent$`));
    expect(stdout).toMatch(
      new RegExp(`^${other} +127\\.0\\.0\\.1 +\\d+ +esp8266 +\\S+ +none +— +here, not in \\.otarc$`, 'm'),
    );
  });

  it('prints one JSON document', async () => {
    const name = freshName();
    const device = await quickDevice({ name, announce: true });
    const cwd = await folder(`devices: { ${name}: { password: geheim } }\n`);
    const { exitCode, stdout, stderr } = await otarc(['devices', '--json', ...onLoopback], { cwd });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).not.toContain('geheim');
    const document = JSON.parse(stdout) as { mdns: unknown; devices: unknown[] };
    expect(document.mdns).toEqual({ working: true, problems: [] });
    expect(document.devices[0]).toEqual({
      name,
      configured: true,
      state: 'here',
      host: `${name}.local`,
      address: '127.0.0.1',
      addresses: ['127.0.0.1'],
      port: device.port,
      platform: 'esp8266',
      board: 'ESP8266_WEMOS_D1MINI',
      authRequired: false,
      passwordConfigured: true,
      notes: ['it asks for no password'],
    });
  });

  it('tells one object a change while it watches, until it is interrupted', async () => {
    const name = freshName();
    const running = await startOtarc(['devices', '--watch', '--json', ...onLoopback], {
      cwd: await folder(`device: ${name}\n`),
    });
    await running.said(new RegExp(`"type":"absent".*"device":"${name}"`));
    const device = await quickDevice({ name, announce: true });
    await running.said(new RegExp(`"type":"arrived".*"device":"${name}".*"port":${device.port}`));
    await device.close();
    await running.said(new RegExp(`"type":"left".*"device":"${name}"`));
    running.kill('SIGINT');
    const { exitCode, stdout, stderr } = await running.ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: '' });
    const types = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { type: string; device?: string; at: string })
      .filter((event) => event.device === name)
      .map(({ type }) => type);
    expect(types).toEqual(['absent', 'arrived', 'left']);
  });

  it('ends when the device that is waited for is there, or when the time is over', async () => {
    const name = freshName();
    const cwd = await folder();
    const args = ['devices', '--wait-for', name, ...onLoopback];
    const late = await otarc([...args, '--timeout', '0.3', '--json'], { cwd });
    expect(late.exitCode).toBe(1);
    expect(JSON.parse(late.stdout)).toMatchObject({ type: 'failed', code: 'NAME_NOT_RESOLVED' });
    const waiting = otarc(args, { cwd });
    await quickDevice({ name, announce: true });
    const { exitCode, stdout, stderr } = await waiting;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^${name} +127\\.0\\.0\\.1 +\\d+ .*here$`, 'm'));
  });

  it('lets no control character of the network reach the terminal', async () => {
    const name = freshName();
    await respond({ name: `${name}\u001B[2J\u0007\u202Eevil`, text: ['board=\u001B]0;owned\u0007'] });
    const cwd = await folder();
    const [table, json, watched] = await Promise.all([
      otarc(['devices', ...onLoopback], { cwd }),
      otarc(['devices', '--json', ...onLoopback], { cwd }),
      otarc(['devices', '--watch', '--timeout', '5', ...onLoopback], { cwd }),
    ]);
    for (const { stdout, stderr } of [table, json, watched]) {
      const shown = String.raw`${name}\u001b[2J\u0007\u202eevil`;
      expect(stdout.replaceAll('\\\\', '\\')).toContain(shown);
      expect(isPlain(stdout + stderr)).toBe(true);
      expect(stdout).not.toMatch(/\u202E/);
    }
  });

  it('refuses what cannot be', async () => {
    const cwd = await folder();
    const both = await otarc(['devices', '--watch', '--wait-for', 'x'], { cwd });
    expect(both).toMatchObject({ exitCode: 2, stdout: '' });
    expect(both.stderr).toContain('USAGE');
    const nonsuch = await otarc(['devices', '--interface', 'nonsuch0'], { cwd });
    expect(nonsuch).toMatchObject({ exitCode: 2, stdout: '' });
    expect(nonsuch.stderr).toContain('nonsuch0');
  });

  it('ends when nobody reads what it says any more', async () => {
    const running = await startOtarc(['devices', '--watch', ...onLoopback], { cwd: await folder() });
    await quickDevice({ name: freshName(), announce: true });
    await running.said(/arrived/);
    running.stopReading();
    await quickDevice({ name: freshName(), announce: true });
    expect((await running.ended).exitCode).toBe(130);
  });
});

describe.skipIf(whyNoNamespaces() !== undefined)('otarc devices, where there are very many', () => {
  it('lists all of them', { timeout: 90_000 }, async () => {
    const network = createNetwork();
    onTestFinished(() => network.close());
    const [host, cwd, count] = [network.namespace('host'), await folder(), 250];
    const simulating = await host.otarc(['simulate', '--count', String(count)], cwd);
    await simulating.said(new RegExp(`^virtual-${count} .* is ready`, 'm'));
    // How long the answers of so many take is this computer's affair: it listens until all are there.
    const watching = await host.otarc(['devices', '--watch', '--json'], cwd);
    const arrived = () => watching.text().match(/"type":"arrived"/g)?.length;
    await expect.poll(arrived, { timeout: 60_000 }).toBe(count);
    const names = watching.text().match(/(?<="type":"arrived".*"device":")[^"]+/g);
    expect(new Set(names).size).toBe(count);
  });
});

describe.skipIf(!hasPty)('otarc devices on a terminal', () => {
  it('fills the table as answers come, and leaves it there', async () => {
    const [missing, name] = [freshName(), freshName()];
    const cwd = await folder(`devices: { ${missing}: {}, ${name}: {} }\n`);
    const terminal = await otarcOnTerminal(['devices', ...onLoopback], { cwd });
    await terminal.shows(new RegExp(`${missing} +…[^]*${name} +…[^]*listening for 3 s`));
    await quickDevice({ name, announce: true });
    await terminal.shows(new RegExp(`␛\\[\\d+A[^]*${missing} +…[^]*${name} +127\\.0\\.0\\.1[^]*here`));
    const { exitCode, text, left } = await terminal.ended;
    expect({ exitCode, left }).toEqual({ exitCode: 0, left: 'cooked' });
    const last = text.slice(text.lastIndexOf('NAME'));
    expect(last).toMatch(new RegExp(`${missing} +absent[^]*${name} .*here`));
    expect(last).not.toContain('listening');
  });

  it('is a live table while it watches, and an interruption leaves the terminal as it was', async () => {
    const name = freshName();
    const cwd = await folder(`device: ${name}\n`);
    const terminal = await otarcOnTerminal(['devices', '--watch', ...onLoopback], { cwd });
    await terminal.shows(new RegExp(`${name} [^]*watching; Ctrl-C ends it`));
    const device = await quickDevice({ name, announce: true });
    await terminal.shows(new RegExp(`${name} +127\\.0\\.0\\.1[^]*watching`));
    await device.close();
    await terminal.shows(new RegExp(`${name} +absent[^]*watching`));
    terminal.type('\u0003');
    expect(await terminal.ended).toMatchObject({ exitCode: 130, left: 'cooked' });
  });

  it('uses no colour where none is wanted', async () => {
    const cwd = await folder(`device: ${freshName()}\n`);
    const args = ['devices', '--timeout', '0.5', ...onLoopback];
    const [plain, coloured] = await Promise.all([
      otarcOnTerminal([...args, '--no-color'], { cwd }),
      otarcOnTerminal(args, { cwd: await folder(`device: ${freshName()}\n`) }),
    ]);
    expect((await plain.ended).text).not.toMatch(/␛\[\d+m/);
    expect((await coloured.ended).text).toMatch(/␛\[2m/);
  });
});
