import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flagOf, settingsOf, type CommandName } from '../../src/config/settings/index.ts';
import { imageFile } from '../support/image-file.ts';
import { makeEsp32Image } from '../support/images.ts';
import { eventsOf, otarc, quickDevice, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

const commands: readonly CommandName[] = [
  'deploy',
  'push',
  'watch',
  'history',
  'rollback',
  'devices',
  'doctor',
  'inspect',
  'config',
  'init',
  'discovery',
  'demo',
];

interface Mistake {
  readonly args: string[];
  readonly says: RegExp;
  readonly exitCode?: number;
}

const mistakes: Mistake[] = [
  { args: ['depoly'], says: /unknown command 'depoly'\n.*deploy/ },
  { args: ['push', '--pasword-file', 'x'], says: /unknown option '--pasword-file'\n.*--password-file/ },
  { args: ['push', '--port', '99999'], says: /'--port <number>' argument '99999' is invalid.* 1 to 65535/ },
  { args: ['push', '--platform', 'avr'], says: /It must be esp8266, esp32, rp2040/ },
  {
    args: ['push', '192.0.2.1:9000', '--port', '8000'],
    says: /^error USAGE: "192\.0\.2\.1:9000" and `--port 8000`/,
  },
  { args: ['push', '--host-address', 'eth0'], says: /'eth0' is invalid.* an IP address/ },
  { args: ['push', '--environment', ''], says: /is invalid.* not be empty/ },
  { args: ['push', '--timeout', '0'], says: /a number of seconds/ },
  {
    args: ['push', '--allow', 'PASSWORD_WRONG'],
    says: /It must be IMAGE_WRONG_CHIP, IMAGE_TOO_LARGE, IMAGE_NOT_OTA/,
  },
  { args: ['push', 'nosuch.bin'], says: /^error TARGET_UNKNOWN: "nosuch\.bin".* image\.\n.*--file/ },
  { args: ['push', 'livingrom'], says: /^error TARGET_UNKNOWN: .*\n.*"livingroom"/ },
  { args: ['push', 'livingroom', '--all'], says: /^error USAGE: .*--all/ },
  { args: ['push', '--', 'make'], says: /^error USAGE: .*push.*--/ },
  { args: ['deploy', '--'], says: /^error USAGE: .*--/ },
  { args: ['push', '--config', 'missing.yaml'], says: /^error CONFIG_UNREADABLE: .*missing\.yaml/ },
  { args: ['push', '-C', 'missing'], says: /^error \w+: .*missing/ },
  { args: ['inspect'], says: /missing required argument 'file'/ },
  { args: ['push', '--file', 'missing.bin'], says: /^error IMAGE_NOT_FOUND: .*missing\.bin/m, exitCode: 1 },
  { args: ['inspect', 'missing.bin'], says: /^error IMAGE_NOT_FOUND: .*missing\.bin/, exitCode: 1 },
  { args: ['simulate', '--model', 'esp9'], says: /^error USAGE: .*esp9.*\n.*esp8266/ },
  { args: ['simulate', '--fault', 'nonsense'], says: /^error \w+: .*nonsense/ },
];

async function home() {
  const dir = await tempDir();
  const device = await quickDevice();
  await writeOtarc(dir, { livingroom: { at: device } });
  return { dir, device };
}

describe('a mistake on the command line', () => {
  it.each(mistakes)('otarc $args', async ({ args, says, exitCode = 2 }) => {
    const { dir, device } = await home();
    const run = await otarc(args, { cwd: dir });
    expect(run.stderr).toMatch(says);
    expect(run.exitCode).toBe(exitCode);
    expect(device.counters.datagrams).toBe(0);
  });

  it('is an event with --json, and the run has its end', async () => {
    const { dir } = await home();
    for (const args of [
      ['push', '--port', '99999'],
      ['deploy', '--nonsense'],
      ['push', 'livingrom'],
    ]) {
      const run = await otarc([...args, '--json'], { cwd: dir });
      expect(run.exitCode).toBe(2);
      const events = eventsOf(run.stdout);
      expect(events.map(({ type }) => type)).toEqual(['run-started', 'failed', 'done']);
      expect(events[1]).toMatchObject({
        code: expect.stringMatching(/^(USAGE|TARGET_UNKNOWN)$/),
        stage: 'config',
      });
      expect(events[2]).toMatchObject({ ok: false, exitCode: 2 });
    }
    const document = await otarc(['inspect', '--json'], { cwd: dir });
    expect(document.exitCode).toBe(2);
    expect(JSON.parse(document.stdout)).toMatchObject({ type: 'failed', code: 'USAGE' });
  });

  it('is to say no target where there is none, or several', async () => {
    const empty = await tempDir();
    await imageFile(empty);
    const none = await otarc(['push', '--file', 'firmware.bin'], { cwd: empty });
    expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^error NO_TARGET: /) });

    const devices = { one: { at: await quickDevice() }, two: { at: await quickDevice() } };
    await writeOtarc(empty, devices);
    const several = await otarc(['push', '--file', 'firmware.bin'], { cwd: empty });
    expect(several).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/NO_TARGET: .*one, two/) });
    expect(devices.one.at.counters.datagrams + devices.two.at.counters.datagrams).toBe(0);

    const all = await otarc(['push', '--file', 'firmware.bin', '--all'], { cwd: empty });
    expect(all).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^pushed to one, two in /) });
    expect(all.stdout.match(/\n/g)).toHaveLength(1);
  });
});

describe('help', () => {
  it('begins with what most people need, and is no error', async () => {
    const dir = await tempDir();
    const bare = await otarc([], { cwd: dir });
    expect(bare).toMatchObject({ exitCode: 0, stderr: '' });
    const first = [...bare.stdout.matchAll(/otarc (\w+)/g)].slice(0, 3).map(([, name]) => name);
    expect(first).toEqual(['deploy', 'push', 'demo']);
    expect(await otarc(['--help'], { cwd: dir })).toEqual(bare);
    expect((await otarc(['help', 'push'], { cwd: dir })).stdout).toContain('--file <image>');
  });

  it.each(commands)('of %s lists the flags that apply to it, and no other', async (name) => {
    const { stdout } = await otarc([name, '--help'], { cwd: await tempDir() });
    const flags = stdout.match(/(?<=^ {2}(?:-\w, )?)--[a-z-]+/gm);
    expect(flags).toEqual([...settingsOf(name).map(([, setting]) => flagOf(setting)), '--help']);
  });
});

describe('a variable', () => {
  it('that is wrong is reported with all others, where its command is called', async () => {
    const { dir } = await home();
    const env = { HOME: dir, OTARC_TIMEOUT: 'soon', OTARC_PORT: 'x' };
    const push = await otarc(['push', 'livingroom'], { cwd: dir, env });
    expect(push.exitCode).toBe(2);
    expect(push.stderr).toMatch(
      /^error CONFIG_INVALID: 2 mistakes[^]*OTARC_PORT: must be a port[^]*OTARC_TIMEOUT: must be a number/,
    );
    const devices = await otarc(['devices', '--timeout', '0.1', '--interface', '127.0.0.1'], {
      cwd: dir,
      env,
    });
    expect(devices.exitCode).toBe(0);
  });

  it('stands for its flag: image, folder, device', async () => {
    const { dir, device } = await home();
    await imageFile(dir);
    const elsewhere = await tempDir();
    const env = { HOME: dir, OTARC_CWD: dir, OTARC_FILE: 'firmware.bin', OTARC_ALL: '1' };
    expect(await otarc(['push'], { cwd: elsewhere, env })).toMatchObject({ exitCode: 0 });
    expect(device.updates).toHaveLength(1);
  });
});

describe('an image for another chip', () => {
  it('goes nowhere until that is allowed, or forced', async () => {
    const dir = await tempDir();
    const device = await quickDevice();
    await writeFile(join(dir, 'esp32.bin'), makeEsp32Image({ sizeBytes: 20_000 }));
    await writeOtarc(dir, { livingroom: { at: device, platform: 'esp8266' } });
    const push = (...more: string[]) => otarc(['push', '--file', 'esp32.bin', ...more], { cwd: dir });

    const refused = await push();
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/error IMAGE_WRONG_CHIP: .*livingroom.*\n {2}→ /);
    expect((await push('--allow', 'IMAGE_TOO_LARGE')).exitCode).toBe(1);
    const env = { HOME: dir, OTARC_ALLOW: 'IMAGE_WRONG_CHIP', OTARC_FORCE: '1' };
    expect((await otarc(['push', '--file', 'esp32.bin'], { cwd: dir, env })).exitCode).toBe(1);
    expect(device.counters.datagrams).toBe(0);

    const dry = await push('--force', '--dry-run');
    expect(dry).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('warning: ') });
    expect(device.counters.datagrams).toBe(0);

    for (const flags of [['--force'], ['--allow', 'IMAGE_WRONG_CHIP']]) {
      const forced = await push(...flags);
      expect(forced.stderr).toMatch(/warning: livingroom: IMAGE_WRONG_CHIP was allowed/);
      expect(device.updates.at(-1)?.receivedBytes).toBe(20_000);
    }
    expect(device.updates).toHaveLength(2);
  });
});

describe('otarc config', () => {
  it('shows each value with its origin, and the schema as JSON', async () => {
    const { dir, device } = await home();
    const text = await otarc(['config', '--host-port', '48266'], { cwd: dir });
    expect(text.exitCode).toBe(0);
    expect(text.stdout).toMatch(
      new RegExp(`devices\\.livingroom\\.port +${device.port} +\\S.*\\.otarc:4\\n`),
    );
    expect(text.stdout).toMatch(/hostPort +48266 +flag --host-port/);

    const json = await otarc(['config', '--json'], { cwd: dir });
    expect(JSON.parse(json.stdout)).toMatchObject({ file: join(dir, '.otarc'), projectDir: dir });
    const schema = await otarc(['config', '--schema'], { cwd: dir });
    expect(schema.exitCode).toBe(0);
    expect(JSON.parse(schema.stdout)).toMatchObject({
      type: 'object',
      properties: { devices: {}, build: {}, groups: {} },
    });
    const broken = await otarc(['config'], { cwd: dir, env: { HOME: dir, OTARC_PORT: 'x' } });
    expect(broken).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('OTARC_PORT') });
  });
});
