/** What a project, a network or a command line of others says reaches the terminal as text, and never as a command to it. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/cli/program.ts';
import { makeEsp8266Image } from '../support/images.ts';
import { quickDevice } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

class Sink extends Writable {
  text = '';
  onText = (_text: string): void => {};
  readonly isTTY: boolean;
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onText(this.text);
    done();
  }
}

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

interface Surroundings {
  readonly cwd: string;
  readonly input?: string;
  /** Ends it as Ctrl-C does, as soon as what it has printed matches. */
  readonly until?: RegExp;
  readonly env?: NodeJS.ProcessEnv;
  readonly isTTY?: boolean;
}

async function run(
  argv: readonly string[],
  { cwd, input = '', until, env, isTTY = false }: Surroundings,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const [stdout, stderr, stdin] = [new Sink(isTTY), new Sink(isTTY), new PassThrough()];
  const ended = new AbortController();
  stdout.onText = stderr.onText = (text) => {
    if (until?.test(text) === true) ended.abort();
  };
  stdin.end(input);
  const home = join(cwd, 'home');
  const all = { HOME: home, USERPROFILE: home, PATH: process.env['PATH'], TERM: 'xterm', ...env };
  const io = { stdout, stderr, stdin, env: all, cwd, signal: ended.signal };
  const exitCode = await main({ argv, version: '0.0.0' }, io);
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
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
