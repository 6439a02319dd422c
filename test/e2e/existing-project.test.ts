import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { imageFile } from '../support/image-file.ts';
import { addressOf, eventsOf, otarc, quickDevice } from '../support/otarc.ts';
import { arduinoFqbn, makeArduinoSketch, makePioProject, type Project } from '../support/projects.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const password = 'Zwölf-Boxkämpfer';
const board = 'platform = lx106local\nboard = d1_mini\n';

/** An environment that is pushed over the air, as PlatformIO's own users write it. */
const wireless = (name: string, { port }: VirtualDevice, more = ''): string => `
[env:${name}]
${more}upload_protocol = espota
upload_port = 127.0.0.1
upload_flags =
    --auth=\${sysenv.OTA_PW}
    --port=${port}
`;

async function pioProject(ini: string): Promise<Project> {
  const project = await makePioProject(join(await tempDir(), 'mein gärtchen'), { ini });
  return { ...project, env: { ...project.env, OTA_PW: password } };
}

const run = ({ dir, env }: Project, ...args: string[]) => otarc(args, { cwd: dir, env });

const imageOf = ({ dir }: Project, environment: string): Promise<Buffer> =>
  readFile(join(dir, '.pio', 'build', environment, 'firmware.bin'));

describe.skipIf(requireTools('pio'))('a PlatformIO project that is pushed over the air already', () => {
  it('works without a word of configuration, and its password is never printed', async () => {
    const device = await quickDevice({ password });
    const project = await pioProject(wireless('d1', device, board));

    const first = await run(project, 'deploy');
    expect(first).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^pushed to 127\.0\.0\.1 in /),
    });
    expect(device.running?.bytes).toEqual(await imageOf(project, 'd1'));

    for (const args of [['-v'], ['--json'], ['127.0.0.1'], ['--dry-run'], ['--all', '-q']]) {
      const next = await run(project, 'push', ...args);
      expect(next.exitCode).toBe(0);
      expect(first.stderr + next.stdout + next.stderr).not.toContain(password);
    }
    expect(device.updates.filter(({ result }) => result === 'accepted')).toHaveLength(5);
  });

  it('may name its device by the flags and variables of pio', async () => {
    const device = await quickDevice({ password });
    const project = await pioProject(`[env:d1]\n${board}upload_protocol = espota\n`);
    const env = {
      ...project.env,
      PLATFORMIO_UPLOAD_PORT: '127.0.0.1',
      PLATFORMIO_UPLOAD_FLAGS: `--auth=${password}\n--port=${device.port}`,
    };
    expect(await otarc(['deploy'], { cwd: project.dir, env })).toMatchObject({ exitCode: 0 });
    expect(device.running?.bytes).toEqual(await imageOf(project, 'd1'));
  });

  it('with a wrong password is told so, without either of them', async () => {
    const device = await quickDevice({ password: `${password}?` });
    const project = await pioProject(wireless('d1', device, board));
    const wrong = await run(project, 'deploy', '--json');
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stdout).toContain('PASSWORD_WRONG');
    expect(wrong.stdout + wrong.stderr).not.toContain(password);
  });

  it('with twin environments pushes whichever is built to the one device', async () => {
    const device = await quickDevice({ password });
    const twins = `[env:d1]\n${board}upload_port = COM4\n${wireless('d1_ota', device, 'extends = env:d1\n')}`;
    const project = await pioProject(twins);

    expect(await run(project, 'deploy')).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(project.dir, '.pio/build/d1'))).toBe(false);
    expect(device.updates.at(-1)?.bytes).toEqual(await imageOf(project, 'd1_ota'));

    const chosen = await run(project, 'deploy', '-e', 'd1', '--json');
    expect(eventsOf(chosen.stdout).find(({ type }) => type === 'build-started')).toMatchObject({
      environment: 'd1',
    });
    expect(device.updates.at(-1)?.bytes).toEqual(await imageOf(project, 'd1'));

    await writeFile(join(project.dir, 'platformio.ini'), `[platformio]\ndefault_envs = d1\n${twins}`);
    const byDefault = await run(project, 'deploy', '--json');
    expect(byDefault.exitCode).toBe(0);
    const built = eventsOf(byDefault.stdout).flatMap((each) =>
      each.type === 'build-started' ? each.environment : [],
    );
    expect(built).toEqual(['d1']);
    expect(device.updates).toHaveLength(3);
  });

  it('with two devices asks which, goes by the environment, and gives each its own with --all', async () => {
    const [hall, attic] = [await quickDevice({ password }), await quickDevice({ password })];
    const flags = (name: string): string => `${board}build_flags = -DROOM_${name}\n`;
    const project = await pioProject(
      wireless('hall', hall, flags('hall')) + wireless('attic', attic, flags('attic')),
    );

    const several = await run(project, 'deploy');
    expect(several.exitCode).toBe(2);
    const names = [hall, attic].map(addressOf).join(', ');
    expect(several.stderr).toContain(
      `NO_TARGET: No target was given, and several devices are configured: ${names}.`,
    );
    expect(several.stderr).toMatch(/→ Name one, choose one by `-e hall`, .*`--all`/);
    expect(hall.counters.datagrams + attic.counters.datagrams).toBe(0);

    expect(await run(project, 'deploy', '-e', 'attic')).toMatchObject({ exitCode: 0 });
    expect(attic.running?.bytes).toEqual(await imageOf(project, 'attic'));
    expect(hall.counters.datagrams).toBe(0);

    const both = await run(project, 'deploy', '--all');
    expect(both.exitCode).toBe(0);
    expect(hall.running?.bytes).toEqual(await imageOf(project, 'hall'));
    expect(attic.updates.at(-1)?.bytes).toEqual(await imageOf(project, 'attic'));

    const one = await run(project, 'push', addressOf(hall));
    expect(one.exitCode).toBe(0);
    expect(hall.updates.at(-1)?.bytes).toEqual(await imageOf(project, 'hall'));
  });

  it('gives each device of .otarc its own image, whatever is built by default, and that of a hook to its own', async () => {
    const [hall, attic] = [await quickDevice({ password }), await quickDevice({ password })];
    const flags = (name: string): string => `${board}build_flags = -DROOM_${name}\n`;
    const rooms = wireless('hall', hall, flags('hall')) + wireless('attic', attic, flags('attic'));
    const project = await pioProject(`[platformio]\ndefault_envs = hall\n${rooms}`);
    const at = ({ port }: VirtualDevice) => ({ host: '127.0.0.1', port });
    const otarcFile = { devices: { hall: at(hall), attic: at(attic) }, hook: { pushOnBuild: true } };
    const write = (more: object): Promise<void> =>
      writeFile(join(project.dir, '.otarc'), JSON.stringify({ ...otarcFile, ...more }));

    await write({});
    expect(await run(project, 'deploy', '--all')).toMatchObject({ exitCode: 0 });
    expect(await run(project, 'push', 'attic')).toMatchObject({ exitCode: 0 });
    expect(hall.running?.bytes).toEqual(await imageOf(project, 'hall'));
    for (const { bytes } of attic.updates) expect(bytes).toEqual(await imageOf(project, 'attic'));

    const image = join('.pio', 'build', 'attic', 'firmware.bin');
    for (const more of [{}, { device: 'hall' }]) {
      await write(more);
      const hook = await run(project, 'push', '--hook', '-e', 'attic', '--file', image);
      expect(hook).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^pushed to attic in /) });
    }
    expect(hall.updates).toHaveLength(1);
    expect(attic.updates).toHaveLength(4);
  });

  it('adds to what .otarc says, and its passwords may lie beside that, out of sight of the build', async () => {
    const [hall, attic] = [await quickDevice({ password }), await quickDevice({ password: 'Lachsersatz' })];
    const project = await pioProject(wireless('hall', hall, board));
    const devices = {
      hall: { host: '127.0.0.1', environment: 'hall' },
      attic: { host: '127.0.0.1', port: attic.port, password: { env: 'ATTIC_PW' } },
    };
    await writeFile(join(project.dir, '.otarc'), JSON.stringify({ devices }));
    await writeFile(join(project.dir, '.otarc.env'), "ATTIC_PW='Lachsersatz'\n");

    const built = await run(
      project,
      'deploy',
      'hall',
      'attic',
      '--',
      'sh',
      '-c',
      'env; exec pio run -e hall',
    );
    expect(built.exitCode).toBe(0);
    expect(built.stderr).toContain('OTARC_SESSION=');
    expect(built.stdout + built.stderr).not.toContain('Lachsersatz');
    for (const device of [hall, attic]) expect(device.running?.bytes).toEqual(await imageOf(project, 'hall'));
  });

  it('is shown by `otarc config` with the place of each value', async () => {
    const device = await quickDevice({ password });
    const project = await pioProject(wireless('d1', device, board));
    await writeFile(
      join(project.dir, 'env.json'),
      '{"device": {"0": {"name": "Bath"}},\n "ota": {"0": {"passwd": "123x"}}}',
    );

    const { stdout, stderr, exitCode } = await run(project, 'config');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const row = (path: string): string[] | undefined =>
      stdout
        .split('\n')
        .flatMap((line) => (line.startsWith(path) ? [line.slice(path.length).trim().split(/ {2,}/)] : []))[0];
    const place = 'platformio.ini [env:d1]';
    const name = 'devices["127.0.0.1"]';
    expect(row(`${name}.host`)).toEqual(['127.0.0.1', `${place} upload_port`]);
    expect(row(`${name}.port`)).toEqual([String(device.port), `${place} upload_flags`]);
    expect(row(`${name}.password`)).toEqual(['(secret, from the text itself)', `${place} upload_flags`]);
    expect(row(`${name}.environment`)).toEqual(['d1', place]);
    expect(row('build.tool')).toEqual(['pio', 'default: found from the folder']);
    expect(row('build.environment')).toEqual(['d1', 'default: its only one']);
    const json = await run(project, 'config', '--json');
    expect(stdout + json.stdout).not.toContain(password);

    await writeFile(
      join(project.dir, '.otarc'),
      'devices:\n  bath: {homeding: env.json}\nwatch: {paths: [lib]}\n',
    );
    const homeding = await run(project, 'config');
    expect(homeding.stdout).toMatch(/devices\.bath\.host +Bath +\S.*env\.json:1\n/);
    expect(homeding.stdout).toMatch(/devices\.bath\.password +\(secret, .*\) +\S.*env\.json:2\n/);
    expect(homeding.stdout).toMatch(/watch\.paths +\[.*\/lib\] +\S.*\.otarc:3\n/);
    expect(homeding.stdout).not.toContain('123x');
  });

  it('shows less where pio is missing, and fails nothing by it', async () => {
    const device = await quickDevice();
    const project = await pioProject(wireless('d1', device, board));
    const env = { ...project.env, PATH: '/nowhere' };
    const { stdout, exitCode } = await otarc(['config'], { cwd: project.dir, env });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/build\.tool +pio +default: found from the folder\n/);
    expect(stdout).toMatch(/build\.environment +– what the project says, else its only one +default\n/);
    const deploy = await otarc(['deploy'], { cwd: project.dir, env });
    expect(deploy).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('error BUILD_TOOL_MISSING'),
    });
  });

  it('is not asked by a push of a file to an address', async () => {
    const device = await quickDevice();
    const project = await pioProject(wireless('d1', device, board));
    const bin = join(dirname(project.dir), 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'pio'), `#!/bin/sh\ntouch '${bin}/asked'\nexit 1\n`, { mode: 0o755 });
    await imageFile(project.dir);
    const env = { ...project.env, PATH: `${bin}:/usr/bin:/bin` };
    const push = (...args: string[]) =>
      otarc(['push', '--file', 'firmware.bin', ...args], { cwd: project.dir, env });

    expect(await push(addressOf(device))).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(bin, 'asked'))).toBe(false);
    expect(await push()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('NO_TARGET') });
    expect(existsSync(join(bin, 'asked'))).toBe(true);
  });
});

describe.skipIf(requireTools('arduino-cli'))('a sketch whose sketch.yaml names a network port', () => {
  it('is pushed there, built for the board that it names', async () => {
    const device = await quickDevice();
    const sketchYaml = `default_fqbn: ${arduinoFqbn}\ndefault_port: 127.0.0.1\ndefault_protocol: network\n`;
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'), { sketchYaml });

    const deployed = await run(sketch, 'deploy', '--port', String(device.port), '--json');
    expect(deployed.exitCode).toBe(0);
    const ready = eventsOf(deployed.stdout).find(({ type }) => type === 'image-ready');
    expect(ready).toMatchObject({ md5: device.running?.md5, path: expect.stringContaining('Blink.ino.bin') });

    const { stdout } = await run(sketch, 'config');
    expect(stdout).toMatch(/devices\["127\.0\.0\.1"\]\.host +127\.0\.0\.1 +sketch\.yaml:2 default_port\n/);
    expect(stdout).toMatch(new RegExp(`build\\.fqbn +${arduinoFqbn} +sketch\\.yaml:1 default_fqbn\\n`));
    expect(stdout).toMatch(/build\.tool +arduino-cli +default: found from the folder\n/);
  });
});
