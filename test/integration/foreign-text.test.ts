/** What a project, a network or a command line of others says reaches the terminal as text, and never as a command to it. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeEsp8266Image } from '../support/images.ts';
import { quickDevice } from '../support/otarc.ts';
import { runMain as run } from '../support/run-main.ts';
import { tempDir } from '../support/temp-dir.ts';

/** A colour, a title of the window, a line that goes back over itself, C1, and a mark that turns the direction. */
const hostile = 'la\u001B[31mmp\u001B]0;evil\u0007\r\u009B2J\u202Egpj';
/** As `.otarc` may write the same. */
const quoted = JSON.stringify(hostile);
const unfit = /[^\P{C}\n\t]|[\u2028\u2029]/u;

async function project(more = ''): Promise<{ cwd: string; address: string }> {
  const cwd = await tempDir();
  const device = await quickDevice();
  await writeFile(join(cwd, 'firmware.bin'), makeEsp8266Image());
  await writeFile(join(cwd, `${hostile}.bin`), makeEsp8266Image());
  await writeFile(join(cwd, 'broken.bin'), 'nothing');
  await mkdir(join(cwd, 'home'));
  await writeFile(
    join(cwd, '.otarc'),
    `devices:
  ${quoted}: { host: ${device.address}, port: ${device.port}, platform: esp8266 }
groups: { ${quoted.replace('la', 'all')}: [${quoted}] }
build: { tool: command, command: [node, -e, process.exit(3), ${quoted}], image: firmware.bin }
interfaces: [127.0.0.1]
${more}`,
  );
  return { cwd, address: `${device.address}:${device.port}` };
}

interface Case {
  readonly argv: readonly string[];
  readonly more?: string;
  readonly input?: string;
  readonly until?: RegExp;
}

const shown = String.raw`la\u001b[31mmp`;

const cases: readonly Case[] = [
  { argv: ['push', '--file', 'firmware.bin'] },
  { argv: ['push', '--file', 'firmware.bin', '-v'] },
  { argv: ['push', '--file', 'firmware.bin', '--dry-run'] },
  { argv: ['push', '--file', `${hostile}.bin`] },
  { argv: ['push', '--file', `missing-${hostile}.bin`] },
  { argv: ['push', '--file', 'firmware.bin', '--json'] },
  { argv: ['push', `${hostile}x`, '--file', 'firmware.bin'] },
  { argv: ['push', `${hostile}x`, '--json'] },
  { argv: ['push', '--file', 'firmware.bin', '--interface', hostile] },
  { argv: ['push', '--config', `${hostile}.yaml`] },
  { argv: ['deploy'] },
  { argv: ['deploy', '-q'] },
  { argv: ['watch'], until: /BUILD_FAILED[^]*→/ },
  { argv: ['doctor', '--file', 'firmware.bin'] },
  { argv: ['doctor', '--file', 'firmware.bin', '--json'] },
  { argv: ['doctor', '--file', `${hostile}.bin`] },
  { argv: ['devices', '--timeout', '0.3'] },
  { argv: ['devices', '--timeout', '0.3', '--json'] },
  { argv: ['devices', '--watch', '--timeout', '0.3'] },
  { argv: ['config'] },
  { argv: ['config', '--json'] },
  { argv: ['config'], more: `${quoted}: 1` },
  { argv: ['config'], more: `device: ${quoted.replace('la', 'other')}` },
  { argv: ['inspect', `${hostile}.bin`] },
  { argv: ['inspect', `${hostile}.bin`, '--json'] },
  { argv: ['inspect', `missing-${hostile}.bin`] },
  { argv: ['init', '--yes', '--no-scan', '--dry-run', '--device', `${hostile}=192.0.2.7`] },
  { argv: ['init', '--yes', '--no-scan', '--dry-run', '--json', '--hook', hostile] },
  { argv: ['discovery'], input: 'HELLO 1 "test"\nSTART\nLIST\nQUIT\n' },
  { argv: ['simulate', '--port', '0', '--no-announce', '--name', hostile], until: /ready/ },
  { argv: ['simulate', '--port', '0', '--no-announce', '--name', hostile, '--json'], until: /listening/ },
  { argv: ['simulate', '--model', hostile] },
  { argv: ['espota', '-i', hostile, '-f', 'firmware.bin'] },
  { argv: ['espota', '-i', '127.0.0.1', '-f', `missing-${hostile}.bin`] },
  { argv: [hostile] },
  { argv: ['push', `--${hostile}`] },
];

describe('a name or path with control characters', () => {
  it.each(cases)('is shown, and not obeyed: otarc $argv', async ({ argv, more, input, until }) => {
    const { cwd } = await project(more);
    const said = await run(argv, {
      cwd,
      ...(input !== undefined && { input }),
      ...(until !== undefined && { until }),
    });
    expect(said.stdout).not.toMatch(unfit);
    expect(said.stderr).not.toMatch(unfit);
    if (argv[0] !== 'discovery') expect(said.stdout + said.stderr).not.toBe('');
  });

  it('stays readable, and has the same value in JSON', async () => {
    const { cwd } = await project();
    expect((await run(['push', '--file', 'firmware.bin'], { cwd })).stdout).toContain(`pushed to ${shown}`);
    expect((await run(['config'], { cwd })).stdout).toContain(shown);
    const { stdout } = await run(['push', '--file', 'firmware.bin', '--json'], { cwd });
    const events = stdout.split('\n').filter((line) => line !== '');
    expect(events.map((line) => (JSON.parse(line) as { device?: string }).device)).toContain(hostile);
  });

  it('leaves otarc its own colours', async () => {
    const { cwd } = await project();
    const { stdout } = await run(['push', '--file', 'firmware.bin'], { cwd, env: { FORCE_COLOR: '1' } });
    expect(stdout).toContain(`\u001B[32mpushed to ${shown}`);
    const doctor = await run(['doctor', '--file', 'firmware.bin'], { cwd, env: { FORCE_COLOR: '1' } });
    expect(doctor.stdout).toContain('\u001B[32m✓\u001B[39m');
  });
});

/** Where text of others stands that the table above has nothing of. */
interface Source {
  readonly source: string;
  readonly files: Readonly<Record<string, string>>;
  readonly argv: readonly (readonly string[])[];
}

const devices = 'devices: { hall: { host: 192.0.2.7, platform: esp32, partitions: t.csv } }\n';
const everywhere = [
  ['config'],
  ['config', '--json'],
  ['push', '--file', 'firmware.bin', '--dry-run'],
] as const;

const sources: readonly Source[] = [
  {
    source: 'a line with a syntax error',
    files: { '.otarc': `device: hall\nhost${hostile}: a: b\n` },
    argv: everywhere,
  },
  {
    source: 'a label of a partition table',
    files: { '.otarc': devices, 't.csv': `${hostile},app,ota_0,0x10000,0x100000\nx,app,${hostile},,\n` },
    argv: [...everywhere, ['inspect', 't.csv'], ['inspect', 't.csv', '--json']],
  },
  {
    source: 'an environment of platformio.ini',
    files: { 'platformio.ini': `[env:${hostile}]\nplatform = x\n[env:b]\nplatform = x\n` },
    argv: [...everywhere, ['deploy'], ['init', '--yes', '--no-scan', '--dry-run', '--device', 'hall']],
  },
  {
    source: 'the name of a variable',
    files: { '.otarc': `devices: { hall: { host: 192.0.2.7, password: { env: ${quoted} } } }\n` },
    argv: everywhere,
  },
  {
    source: 'the path of a password file, and a command',
    files: {
      '.otarc': `devices: { a: { host: 192.0.2.7, password: { file: ${quoted} } }, b: { host: 192.0.2.8, password: { command: [${quoted}] } } }\n`,
    },
    argv: [...everywhere, ['push', 'a', 'b', '--file', 'firmware.bin'], ['doctor', 'a']],
  },
  {
    source: 'a line of .otarc.env',
    files: { '.otarc': 'device: 192.0.2.7\n', '.otarc.env': `OTARC_${hostile}=x\n${hostile}\n` },
    argv: everywhere,
  },
  {
    source: 'an interface',
    files: { '.otarc': `device: 192.0.2.7\ninterfaces: [${quoted}]\n` },
    argv: [...everywhere, ['devices', '--timeout', '0.2'], ['doctor', '192.0.2.7']],
  },
  {
    source: 'the board and the profile of a sketch',
    files: {
      'sketch.yaml': `default_fqbn: ${quoted}\ndefault_profile: ${quoted}\ndefault_port: ${quoted}\n`,
    },
    argv: everywhere,
  },
  {
    source: 'what a script that is a configuration throws',
    files: { 'otarc.config.cjs': `throw new Error(${quoted});\n` },
    argv: everywhere,
  },
];

describe('text in a file of the project', () => {
  it.each(sources)('is shown, and not obeyed: $source', async ({ files, argv }) => {
    // The folder has such a name as well.
    const cwd = join(await tempDir(), `${hostile}.d`);
    await mkdir(join(cwd, 'home'), { recursive: true });
    await writeFile(join(cwd, 'firmware.bin'), makeEsp8266Image());
    for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
    for (const words of argv) {
      const { stdout, stderr } = await run(words, { cwd });
      expect(stdout + stderr, words.join(' ')).not.toBe('');
      expect(stdout + stderr, words.join(' ')).not.toMatch(unfit);
    }
  });
});

describe('colours', () => {
  const on = { isTTY: true, env: {} };

  it.each([
    { argv: ['config'] },
    { argv: ['init', '--yes', '--no-scan', '--dry-run', '--force', '--device', 'hall=192.0.2.7'] },
  ])('of otarc $argv are switched off by flag and variable', async ({ argv }) => {
    const { cwd } = await project();
    expect((await run(argv, { cwd, ...on })).stdout).toContain('\u001B[');
    expect((await run([...argv, '--no-color'], { cwd, ...on })).stdout).not.toMatch(unfit);
    expect((await run(argv, { cwd, isTTY: true, env: { OTARC_NO_COLOR: '1' } })).stdout).not.toMatch(unfit);
  });
});
