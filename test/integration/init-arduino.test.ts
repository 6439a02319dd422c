/** The lines for boards and sketchbook, from the templates as they are. What arduino-cli makes of them: test/e2e/init-arduino.test.ts. */

import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { blocksOf, withBlock } from '../../src/init/block.ts';
import { readTemplates } from '../../src/init/look.ts';
import { planArduino } from '../../src/init/plan-arduino.ts';
import { withoutStamp, withStamp } from '../../src/init/stamp.ts';
import type { ArduinoFacts, Choices, ProjectSituation, FileEdit } from '../../src/init/types.ts';

const names = [
  'platform.local.txt',
  'hardware/otarc/network/platform.txt',
  'hardware/otarc/network/boards.txt',
];
const templates = await readTemplates(names.map((name) => `arduino-cli/${name}`));
const core = join('/', 'core');
const [local, network, boards] = [
  join(core, 'platform.local.txt'),
  join('/', 'book', 'hardware', 'otarc', 'network', 'platform.txt'),
  join('/', 'book', 'hardware', 'otarc', 'network', 'boards.txt'),
];
const esp8266 = {
  'upload.tool': 'esptool',
  'upload.tool.default': 'esptool',
  'upload.tool.network': 'esptool__pluggable_network',
};
const installation = { node: '/usr/bin/node', script: '/opt/otarc/dist/cli.js', isFindable: true };

interface Given {
  readonly files?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, string>>;
  readonly more?: Partial<ProjectSituation>;
  readonly force?: boolean;
}

function plan({ files = {}, properties = esp8266, more = {}, force = false }: Given = {}) {
  const arduino: ArduinoFacts = {
    sketchbook: join('/', 'book'),
    core: { folder: core, fqbn: 'a:b:c', properties },
  };
  const facts: ProjectSituation = {
    folder: join('/', 'home', 'blink'),
    isPio: false,
    isSketch: true,
    files: new Map(Object.entries(files)),
    existing: new Set(['/', join('/', 'book'), core, installation.script]),
    configured: { isHere: false, devices: [] },
    ignoring: [],
    arduino,
    templates,
    installation,
    ...more,
  };
  const choices: Choices = {
    devices: [],
    password: { type: 'none' },
    hooks: ['arduino'],
    tool: 'arduino-cli',
    force,
  };
  const { edits, notes, conflicts } = planArduino(facts, choices);
  const after = (path: string): string | undefined => edits.find((edit) => edit.path === path)?.after;
  return { edits, notes, conflicts, after };
}

const applied = (edits: readonly FileEdit[]): Record<string, string> =>
  Object.fromEntries(edits.map(({ path, after = '' }) => [path, after]));
const properties = (text = ''): string[] => text.split('\n').filter((line) => /^[^#]/.test(line));

describe('the lines for the boards', () => {
  it.each([
    ['made for IDE 1', esp8266, 'tools.esptool.upload.network_pattern', '{serial.port}'],
    [
      'with a tool for the network',
      { 'upload.tool.default': 'a', 'upload.tool.network': 'esp_ota' },
      'tools.esp_ota.upload.pattern',
      '{upload.port.address}',
    ],
    [
      'that know no network at all',
      { 'upload.tool': 'flasher' },
      'tools.flasher.upload.network_pattern',
      '{serial.port}',
    ],
  ])('%s name the tool for the network', (_name, given, key, field) => {
    const line = properties(plan({ properties: given }).after(local)).find((each) =>
      each.startsWith(`${key}=`),
    );
    expect(line).toContain(`{otarc.cmd} espota -i "${field}"`);
  });

  it('leave an Upload alone whose tool is that of the cable', () => {
    const { after, notes } = plan({ properties: { 'upload.tool.default': 'x', 'upload.tool.network': 'x' } });
    expect(properties(after(local)).map((line) => line.split('=')[0])).toEqual([
      'otarc.cmd',
      'recipe.hooks.postbuild.99.pattern',
    ]);
    expect(notes).toEqual([expect.stringContaining('a:b:c has one tool for cable and network')]);
  });

  it('name node and otarc in full; the one that npx has fetched is gone tomorrow', () => {
    const named = /^otarc\.cmd=\/bin\/sh -c '[^'{}]*' "\/usr\/bin\/node" "\/opt\/otarc\/dist\/cli\.js"$/m;
    expect(plan().after(local)).toMatch(named);
    expect(plan().after(network)).toMatch(named);
    const script = join('/', 'npm', '_npx', 'abc', 'node_modules', 'otarc', 'dist', 'cli.js');
    expect(plan({ more: { installation: { ...installation, script } } }).after(local)).toContain(
      `' "/usr/bin/env" "otarc"\n`,
    );
  });

  it('of an otarc that had no guard for them get one, and nothing else', () => {
    const fresh = applied(plan().edits);
    const plain = (text = ''): string => text.replace(/^(otarc\.cmd=)\/bin\/sh .*' (?=")/m, '$1');
    const [block] = blocksOf(plain(fresh[local]));
    const old = {
      [local]: withBlock('', block?.lines ?? [], { madeFile: true }),
      [network]: withStamp(plain(withoutStamp(fresh[network] ?? '')), '#', 3),
      [boards]: fresh[boards] ?? '',
    };
    expect(old[local]).toContain('\notarc.cmd="/usr/bin/node" "/opt/otarc/dist/cli.js"\n');
    const renewed = plan({ files: old });
    expect(renewed.after(local)).toBe(fresh[local]);
    expect(properties(renewed.after(network))).toEqual(properties(fresh[network]));
    expect(plan({ files: { ...old, ...applied(renewed.edits) } }).edits).toEqual([]);
  });

  it('are there once, whichever sketch comes first', () => {
    const files = { [local]: 'mine=1\n', ...applied(plan({ files: { [local]: 'mine=1\n' } }).edits) };
    expect(plan({ files }).edits).toEqual([]);
    const more = { folder: join('/', 'home', 'other') };
    const second = plan({ files, more });
    expect(properties(second.after(local))).toEqual(properties(files[local]));
    expect(second.after(local)?.match(/^# used by: .*$/gm)).toEqual([
      '# used by: /home/blink',
      '# used by: /home/other',
    ]);
    expect(second.after(network)?.match(/^# used by: .*$/gm)).toHaveLength(2);
    expect(second.after(boards)).toBeUndefined();
    expect(plan({ files: { ...files, ...applied(second.edits) }, more }).edits).toEqual([]);
  });

  it('are renewed when the otarc that they name is gone, unless somebody has changed them', () => {
    const files = applied(plan().edits);
    const newer = { ...installation, script: '/new/dist/cli.js' };
    const still = { installation: newer };
    expect(plan({ files, more: still }).edits).toEqual([]);
    const gone = { installation: newer, existing: new Set(['/', '/book', core, newer.script]) };
    const renewed = plan({ files, more: gone });
    expect(renewed.after(local)).toContain('"/new/dist/cli.js"');
    expect(renewed.after(local)?.match(/>>> otarc init/g)).toHaveLength(1);
    expect(renewed.after(network)).toContain('"/new/dist/cli.js"');

    const changed = { ...files, [local]: files[local]?.replace('push --hook', 'push --hook -v') ?? '' };
    const kept = plan({ files: changed, more: gone });
    expect(kept.after(local)).toBeUndefined();
    expect(kept.notes).toEqual([
      expect.stringContaining('the lines of otarc were changed since, and are kept'),
    ]);
    expect(plan({ files: changed, more: gone, force: true }).after(local)).toContain('"/new/dist/cli.js"');
  });

  it('get the pattern of another board of theirs beside what is there', () => {
    const files = applied(plan().edits);
    const other = { 'upload.tool.default': 'picotool', 'upload.tool.network': 'uf2conv-network' };
    const after = properties(plan({ files, properties: other }).after(local));
    expect(after.slice(0, 3)).toEqual(properties(files[local]));
    expect(after.some((line) => line.startsWith('tools.uf2conv-network.upload.pattern='))).toBe(true);
  });

  it('stay away from a sketchbook that has the folder of the template already', () => {
    const text = templates.texts['arduino-cli/hardware/otarc/network/platform.txt'] ?? '';
    expect(plan({ files: { [network]: text, [boards]: '' } }).after(network)).toBeUndefined();
  });
});

describe.skipIf(process.platform === 'win32')('the command of an otarc that is gone', () => {
  const [, guard = ''] = /^otarc\.cmd=\/bin\/sh -c '(.*)' /m.exec(plan().after(local) ?? '') ?? [];
  const run = async (command: string, input = '') =>
    execa('/bin/sh', ['-c', guard, process.execPath, '/gone/cli.js', command], { input, reject: false });

  it('answers arduino-cli that there are no ports, until it may go', async () => {
    const commands = ['HELLO 1 "cli"', 'START', 'LIST', 'STOP', 'START_SYNC', 'STOP', 'WHAT', 'QUIT', 'LIST'];
    const { exitCode, stdout } = await run('discovery', `${commands.join('\n')}\n`);
    expect(exitCode).toBe(0);
    const ok = (eventType: string, more = {}) => ({ eventType, message: 'OK', ...more });
    expect(stdout.split('\n').map((line): unknown => JSON.parse(line))).toEqual([
      ok('hello', { protocolVersion: 1 }),
      ok('start'),
      ok('list', { ports: [] }),
      ok('stop'),
      ok('start_sync'),
      ok('stop'),
      ok('command_error', { error: true }),
      ok('quit'),
    ]);
  });

  it.each([
    ['push', 0],
    ['espota', 1],
  ])('says so in one line for %s, and ends with %d', async (command, exitCode) => {
    const stderr =
      'otarc is not installed any more: nothing is pushed (otarc init --remove, or npm install --global otarc)';
    expect(await run(command)).toMatchObject({ exitCode, stdout: '', stderr });
  });
});
