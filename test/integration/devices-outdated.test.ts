/** What devices say that they run, and the last build beside it: over real mDNS on loopback. */

import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readLastBuilds } from '../../src/deploy/outdated.ts';
import { devices } from '../support/devices.ts';
import { imageFile } from '../support/image-file.ts';
import { isPlain } from '../support/otarc.ts';
import { startResponder } from '../support/mdns-responder.ts';
import { makePioProject } from '../support/projects.ts';
import { Sink } from '../support/sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-runs-${process.pid}-${(count += 1)}`;
const otherSum = '3f9a1b2c'.padEnd(32, '0');

/** A device that announces itself with these items, as they are at each answer. */
async function announce(name: string, items: () => readonly string[]): Promise<void> {
  const text = ['board=ESP8266_NODEMCU', 'auth_upload=no'];
  const responder = await startResponder({
    name,
    addresses: ['127.0.0.1'],
    pointer: 'whole',
    get text() {
      return [...text, ...items()];
    },
  });
  onTestFinished(() => responder.close());
}

/** Whose own command has left an image, for devices of these names. */
async function builtProject(
  names: readonly string[],
): Promise<{ dir: string; path: string; md5: string; md5AsDout: string }> {
  const dir = await tempDir();
  const { path, bytes } = await imageFile(dir);
  const config = {
    devices: Object.fromEntries(names.map((name) => [name, { platform: 'esp8266' }])),
    build: { command: ['false'], image: path },
  };
  await writeFile(join(dir, '.otarc'), JSON.stringify(config));
  // The updater writes the flash mode of the device into the image, which is a part of the sum.
  const asDout = Buffer.from(bytes);
  asDout[2] = 3;
  return { dir, path, md5: md5Of(bytes), md5AsDout: md5Of(asDout) };
}

const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

describe('otarc devices', () => {
  it('shows what each device runs, as it says itself', async () => {
    const [talking, silent] = [freshName(), freshName()];
    await announce(talking, () => [`md5=${otherSum}`, 'run=0000000a', 'boot=watchdog', 'version=1.4.2']);
    await announce(silent, () => []);
    const dir = await tempDir();
    await writeFile(join(dir, '.otarc'), JSON.stringify({ devices: { [talking]: {}, [silent]: {} } }));
    const [table, document] = await Promise.all([
      devices(dir, { timeoutMs: 3000 }),
      devices(dir, { timeoutMs: 3000, json: true }),
    ]);
    expect(table.stdout).toMatch(new RegExp(`^${talking} .* none +1\\.4\\.2 +here$`, 'm'));
    expect(table.stdout).toMatch(new RegExp(`^${silent} .* none +— +here$`, 'm'));
    const [first, second] = (JSON.parse(document.stdout) as { devices: unknown[] }).devices;
    const running = { md5: otherSum, version: '1.4.2' };
    expect(first).toMatchObject({ name: talking, running, boot: 'watchdog', run: '0000000a' });
    expect(Object.keys(second as object)).not.toEqual(expect.arrayContaining(['running']));
  });

  it('lets nothing that a device says reach the terminal as it is', async () => {
    const name = freshName();
    await announce(name, () => [
      'md5=no sum',
      'run=x',
      'boot=\u001B[2J',
      `version=\u001B]0;owned\u0007\u202E`,
    ]);
    const dir = await tempDir();
    const [table, document] = await Promise.all([
      devices(dir, { timeoutMs: 3000 }),
      devices(dir, { timeoutMs: 3000, json: true }),
    ]);
    expect(table.stdout).toContain(String.raw`\u001b]0;owned\u0007\u202e`);
    expect(isPlain(table.stdout)).toBe(true);
    expect(table.stdout).not.toMatch(/\u202E/);
    const { devices: all } = JSON.parse(document.stdout) as { devices: { name: string; running: unknown }[] };
    const own = all.find((each) => each.name === name);
    expect(own).not.toHaveProperty('run');
    expect(own?.running).toEqual({ version: String.raw`\u001b]0;owned\u0007\u202e` });
  });

  it('says with --watch that a device has started with another sketch', async () => {
    const name = freshName();
    let words = [`md5=${otherSum}`, 'run=0000000a', 'version=1.4.2'];
    await announce(name, () => words);
    const over = new AbortController();
    const dir = await tempDir();
    await writeFile(join(dir, '.otarc'), JSON.stringify({ devices: { [name]: {} } }));
    let said = '';
    const { stdout } = await devices(dir, {
      watch: true,
      signal: over.signal,
      onWrite: (text) => {
        said += text;
        if (said.includes(`${name} at`)) {
          words = [`md5=${'1'.repeat(32)}`, 'run=0000000b', 'boot=software', 'version=1.4.3'];
        }
        if (said.includes('runs 1.4.3 now')) over.abort();
      },
    });
    const own = stdout.split('\n').filter((line) => line.includes(`${name} at`));
    expect(own.map((line) => line.replace(/^[\d:]+ +/, ''))).toEqual([
      `arrived  ${name} at 127.0.0.1:8266, ESP8266_NODEMCU, no password, runs 1.4.2`,
      `changed  ${name} at 127.0.0.1:8266, ESP8266_NODEMCU, no password, restarted (software), runs 1.4.3 now`,
    ]);
  });
});

describe('otarc devices --outdated', () => {
  it('lists the devices that do not say that they run the last build, and ends with 1', async () => {
    const names = [freshName(), freshName(), freshName(), freshName(), freshName()] as const;
    const [current, moded, old, silent, absent] = names;
    const { dir, path, md5, md5AsDout } = await builtProject(names);
    await announce(current, () => [`md5=${md5}`]);
    await announce(moded, () => [`md5=${md5AsDout.toUpperCase()}`, 'version=2.0']);
    await announce(old, () => [`md5=${otherSum}`, 'version=1.4.2', 'boot=watchdog', 'run=0000000a']);
    await announce(silent, () => ['version=1.4.2']);
    const [table, document] = await Promise.all([
      devices(dir, { outdated: true, timeoutMs: 3000 }),
      devices(dir, { outdated: true, timeoutMs: 3000, json: true }),
    ]);
    const sum = md5.slice(0, 8);
    expect(table.exitCode).toBe(1);
    expect(
      table.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['NAME', 'RUNS', 'LAST BUILD', 'STATE'],
      [old, '1.4.2 (3f9a1b2c)', sum, 'outdated'],
      [silent, '1.4.2', sum, 'does not say what it runs'],
      [absent, sum, 'not heard'],
    ]);
    expect(table.stderr).toBe(
      '2 of 5 devices run the last build.\nA device whose sketch includes otarc.h says itself what it runs.\n',
    );
    expect(document.exitCode).toBe(1);
    const said = JSON.parse(document.stdout) as { devices: unknown[] };
    expect(said).toMatchObject({ ok: false, exitCode: 1, upToDate: [current, moded] });
    expect(said.devices).toMatchObject([
      {
        name: old,
        standing: 'outdated',
        running: { md5: otherSum, version: '1.4.2' },
        boot: 'watchdog',
        run: '0000000a',
        lastBuild: { path, md5, platform: 'esp8266' },
      },
      { name: silent, standing: 'unknown', running: { version: '1.4.2' } },
      { name: absent, standing: 'not-heard', lastBuild: { md5 } },
    ]);
  });

  it('ends with 0 where each says that it runs the last build, and prints no table', async () => {
    const name = freshName();
    const { dir, md5 } = await builtProject([name]);
    await announce(name, () => [`md5=${md5}`]);
    const { exitCode, stdout, stderr } = await devices(dir, { outdated: true, timeoutMs: 3000 });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `${name} runs the last build.\n`,
    });
  });

  it('reads the image of each build once, and knows those that are not there', async () => {
    const dir = await tempDir();
    const { path } = await imageFile(dir);
    const device = { engine: 'espota', interfaces: [], acceptFrom: 'device', host: 'x' } as const;
    const named = (name: string) => ({
      ...device,
      name,
      verify: { method: 'auto', isAskedFor: false, timeoutMs: 1 } as const,
      credentialSource: { type: 'none' } as const,
    });
    const imageOf = (key: string, image: string) => ({
      key,
      kind: 'firmware' as const,
      source: 'last-build' as const,
      request: { projectDir: dir, kind: 'firmware' as const, args: [], tool: 'command' as const, image },
    });
    const jobs = [
      { device: named('hall'), imageKey: 'one' },
      { device: named('attic'), imageKey: 'one' },
      { device: named('shed'), imageKey: 'other' },
    ];
    const plan = { images: [imageOf('one', path), imageOf('other', join(dir, 'none.bin'))], waves: [jobs] };
    const { signal } = new AbortController();
    const builds = await readLastBuilds(plan, { env: {}, output: new Sink(), signal });
    expect(builds.get('hall')).toMatchObject({ image: { path } });
    expect(builds.get('attic')).toBe(builds.get('hall'));
    expect(builds.get('shed')).toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it('says that there is no image to compare with, and listens no longer then', async () => {
    const name = freshName();
    const { dir, path } = await builtProject([name]);
    await rm(path);
    // The time to listen is longer than that of this test.
    await expect(devices(dir, { outdated: true, timeoutMs: 600_000 })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `There is no firmware image at ${path}.`,
      hint: 'Build first: nothing is built to compare with. `otarc deploy` builds and pushes.',
    });
  });

  it('names no flag that it does not have where the project is not known, or no device', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, '.otarc'), JSON.stringify({ devices: { [freshName()]: {} } }));
    const untold = await devices(dir, { outdated: true }).catch((error: unknown) => error);
    expect(untold).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.not.stringContaining('--file') });
    await writeFile(join(dir, '.otarc'), '{}');
    await expect(devices(dir, { outdated: true })).rejects.toMatchObject({
      code: 'NO_TARGET',
      message: 'No devices are configured: there is nothing to compare the last build with.',
    });
  });

  it('compares once', async () => {
    const dir = await tempDir();
    for (const more of [{ watch: true }, { waitFor: 'hall' }]) {
      await expect(devices(dir, { outdated: true, ...more })).rejects.toMatchObject({ code: 'USAGE' });
    }
  });
});

describe.skipIf(requireTools('pio'))('otarc devices --outdated, in a project of PlatformIO', () => {
  it('compares each device with the build of its own environment', async () => {
    const [hall, attic, shed] = [freshName(), freshName(), freshName()];
    const dir = join(await tempDir(), 'project');
    const section = (name: string) => `[env:${name}]\nplatform = lx106local\nboard = d1_mini\n`;
    const environments = ['one', 'two', 'three'];
    const project = await makePioProject(dir, { ini: environments.map(section).join('\n') });
    const [one, two] = await Promise.all(
      ['one', 'two'].map(async (name, seed) => {
        const folder = join(dir, '.pio', 'build', name);
        await mkdir(folder, { recursive: true });
        const { bytes } = await imageFile(folder, { seed: seed + 1 });
        return md5Of(bytes);
      }),
    );
    const of = (environment: string) => ({ environment });
    const own = { [hall]: of('one'), [attic]: of('two'), [shed]: of('three') };
    await writeFile(join(dir, '.otarc'), JSON.stringify({ devices: own }));
    // Both run the image of the first environment.
    await Promise.all([hall, attic].map((name) => announce(name, () => [`md5=${one}`])));
    const { exitCode, stdout } = await devices(dir, { outdated: true, json: true, env: project.env });
    expect(exitCode).toBe(1);
    const said = JSON.parse(stdout) as { devices: unknown[] };
    expect(said).toMatchObject({ upToDate: [hall] });
    expect(said.devices).toMatchObject([
      { name: attic, standing: 'outdated', lastBuild: { md5: two, environment: 'two' } },
      { name: shed, standing: 'no-build', because: { code: 'IMAGE_NOT_FOUND' } },
    ]);
  });
});
