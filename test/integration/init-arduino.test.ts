/** The lines for boards and sketchbook, from the templates as they are. What arduino-cli makes of them: test/e2e/init-arduino.test.ts. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTemplates } from '../../src/init/look.ts';
import { planArduino } from '../../src/init/plan-arduino.ts';
import type { ArduinoFacts, Choices, Facts, FileEdit } from '../../src/init/types.ts';

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
  readonly more?: Partial<Facts>;
  readonly force?: boolean;
}

function plan({ files = {}, properties = esp8266, more = {}, force = false }: Given = {}) {
  const arduino: ArduinoFacts = {
    sketchbook: join('/', 'book'),
    core: { folder: core, fqbn: 'a:b:c', properties },
  };
  const facts: Facts = {
    folder: join('/', 'home', 'blink'),
    isPio: false,
    isSketch: true,
    files: new Map(Object.entries(files)),
    existing: new Set(['/', join('/', 'book'), core, installation.script]),
    configured: { isHere: false, devices: [] },
    ignoring: [],
    isInGit: false,
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
    expect(plan().after(local)).toContain('\notarc.cmd="/usr/bin/node" "/opt/otarc/dist/cli.js"\n');
    expect(plan().after(network)).toContain('\notarc.cmd="/usr/bin/node" "/opt/otarc/dist/cli.js"\n');
    const script = join('/', 'npm', '_npx', 'abc', 'node_modules', 'otarc', 'dist', 'cli.js');
    expect(plan({ more: { installation: { ...installation, script } } }).after(local)).toContain(
      '\notarc.cmd="otarc"\n',
    );
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
