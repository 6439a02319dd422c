/** What a hint tells a person to type exists: each flag in it is one of the command that prints it, or of the one it names. */

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/program.ts';
import { flagOf, settingsOf, type CommandName } from '../../src/config/settings/index.ts';
import { errorCodes, type ErrorCode } from '../../src/model/errors.ts';
import { makeEsp32Image, makeEsp8266Image, makePartitionTable } from '../support/images.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'otarc-hints-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const commands = ['deploy', 'push', 'watch', 'devices', 'doctor', 'inspect', 'config', 'init'] as const;
const flagsOf = (command: CommandName): readonly string[] => [
  '--help',
  ...settingsOf(command).map(([, setting]) => flagOf(setting)),
];

/** The flags in a hint that its reader cannot type: `otarc push --file` is one of push, `--all (deploy, push)` of these. */
function untypable(hint: string, command: CommandName): readonly string[] {
  const wrong: string[] = [];
  const check = (said: string, these: readonly CommandName[]): void => {
    const flags = said.match(/(?<![\w-])--[a-z][a-z-]+/g) ?? [];
    wrong.push(...flags.filter((flag) => !these.every((each) => flagsOf(each).includes(flag))));
  };
  const rest = hint
    .replaceAll(/`?otarc ([a-z]+)([^`\n]*)`?/g, (_, name: string, said: string) => {
      check(said, [commands.find((each) => each === name) ?? command]);
      return '';
    })
    .replaceAll(/(`?--[a-z-]+`?) \(([a-z, ]+)\)/g, (_, flag: string, names: string) => {
      check(flag, names.split(', ') as CommandName[]);
      return '';
    });
  check(rest, [command]);
  return wrong;
}

it('the check itself knows whose flag is whose', () => {
  expect(untypable('To push it: --allow CODE.', 'inspect')).toEqual(['--allow']);
  expect(untypable('To push it: `otarc push --allow CODE`.', 'inspect')).toEqual([]);
  expect(untypable('Say `otarc deploy --file x`.', 'push')).toEqual(['--file']);
  expect(untypable('Give `--all` (deploy, push, watch).', 'doctor')).toEqual([]);
  expect(untypable('Give `--all` (deploy, doctor).', 'push')).toEqual(['--all']);
});

/** Which commands can fail with a code whose own hint names a flag; those not named here come of a push or its like. */
const failing: Partial<Record<ErrorCode, readonly CommandName[]>> = {
  USAGE: commands,
  CONFIG_INVALID: commands,
  CONFIG_UNREADABLE: commands,
  TIMEOUT: ['deploy', 'push', 'watch'],
};

it.each(Object.keys(errorCodes) as ErrorCode[])('the hint of %s itself', (code) => {
  const { hint } = errorCodes[code];
  for (const command of failing[code] ?? (['deploy', 'push', 'watch', 'doctor'] as const))
    expect(untypable(hint, command), command).toEqual([]);
});

interface Run {
  readonly argv: readonly string[];
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly says: RegExp;
}

const big = makeEsp32Image({ sizeBytes: 1_400_000 });
const small = makeEsp32Image({ sizeBytes: 20_000 });
const esp8266 = makeEsp8266Image({ sizeBytes: 20_000 });
const at = (more: object = {}): string =>
  JSON.stringify({ devices: { hall: { host: '127.0.0.1', ...more } } });

describe('what is printed names flags of its own command', () => {
  it.each<Run>([
    { argv: ['inspect', 'none.bin'], says: /IMAGE_NOT_FOUND.*\n.*Check the path/ },
    { argv: ['inspect', 'f.bin'], files: { 'f.bin': 'hello' }, says: /IMAGE_NOT_OTA/ },
    {
      argv: ['inspect', 'f.bin'],
      files: { 'f.bin': big, 'partitions.bin': makePartitionTable() },
      says: /IMAGE_TOO_LARGE.*\n.*otarc push --allow IMAGE_TOO_LARGE/,
    },
    {
      argv: ['inspect', 'f.bin', '--platform', 'esp8266'],
      files: { 'f.bin': small },
      says: /IMAGE_WRONG_CHIP.*\n.*otarc push --allow IMAGE_WRONG_CHIP/,
    },
    { argv: ['inspect', 'f.bin', '--filesystem'], files: { 'f.bin': esp8266 }, says: /--filesystem/ },
    { argv: ['inspect', 'f.bin'], files: { 'f.bin': esp8266.subarray(0, 9000) }, says: /IMAGE_INCOMPLETE/ },
    {
      argv: ['inspect', 'table.csv'],
      files: { 'table.csv': 'nvs, data, nvs, 0x9000, 0x5000\nboth, data, nvs, 0x9000, 0x5000\n' },
      says: /push +to any device: refused: IMAGE_NOT_OTA\nerror CONFIG_INVALID.*inside the partition/,
    },
    {
      argv: ['doctor', '-f', 'f.bin'],
      files: { 'f.bin': big, 'partitions.bin': makePartitionTable(), '.otarc': at() },
      says: /IMAGE_TOO_LARGE.*\n.*otarc push --allow IMAGE_TOO_LARGE/,
    },
    {
      argv: ['doctor', '-f', 'f.bin'],
      files: { 'f.bin': small, '.otarc': at({ port: 4000 }) },
      says: /IMAGE_WRONG_CHIP.*\n.*--platform esp32/,
    },
    { argv: ['doctor', '-f', 'none.bin'], files: { '.otarc': at({ port: 9 }) }, says: /none\.bin/ },
    {
      argv: ['doctor'],
      files: { '.otarc': '{"devices": {"hall": {}, "bath": {}}}' },
      says: /NO_TARGET.*\n.*`--all` \(deploy, push, watch, logs\)/,
    },
    {
      argv: ['doctor', 'hall', '--password-file', 'none'],
      files: { '.otarc': at({ port: 9 }) },
      says: /SECRET_UNAVAILABLE.*\n.*--password-file/,
    },
  ])('otarc $argv', async ({ argv, files = {}, says }) => {
    const folder = mkdtempSync(join(root, 'p-'));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const env = { HOME: root, USERPROFILE: root, PATH: process.env['PATH'] };
    const io = {
      stdout,
      stderr,
      stdin: process.stdin,
      env,
      cwd: folder,
      signal: new AbortController().signal,
    };
    await main({ argv, version: '0.0.0' }, io);
    stdout.end();
    stderr.end();
    const printed = (await text(stdout)) + (await text(stderr));
    expect(printed).toMatch(says);
    const command = argv[0] === 'inspect' ? 'inspect' : 'doctor';
    expect(untypable(printed, command)).toEqual([]);
  });
});
