/** Every consumer of the table of settings on the same inputs: flag, variable, file, schema, origins. */

import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSwitchedOn, valuesFor, withFlags } from '../../../src/cli/commands/flags.ts';
import { checkFile } from '../../../src/config/check-file.ts';
import { readEnvironment } from '../../../src/config/environment.ts';
import { jsonSchema } from '../../../src/config/json-schema.ts';
import { complaint, type NumberKind, type SettingKind } from '../../../src/config/kinds.ts';
import { notYet } from '../../../src/config/not-yet.ts';
import { pathText } from '../../../src/config/problem.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import {
  flagOf,
  isConfiguration,
  settings,
  settingsOf,
  variableOf,
  type CommandName,
  type FlagSetting,
  type Setting,
  type SettingKey,
} from '../../../src/config/settings/index.ts';
import { OtaError } from '../../../src/model/errors.ts';

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
const table = Object.entries<Setting>(settings) as [SettingKey, Setting][];
const flagged = table.filter((row): row is [SettingKey, FlagSetting] => row[1].flag !== undefined);

/** Texts of a kind with what they mean, and texts that are none. */
function samples(kind: SettingKind): { good: [string, unknown][]; bad: string[] } {
  switch (kind.type) {
    case 'switch':
      return { good: [], bad: [] };
    case 'list': {
      const { good, bad } = samples(kind.of);
      return { good: good.map(([given, value]) => [given, [value]]), bad };
    }
    case 'choice':
      return {
        good: kind.values.map((each) => [each, each]),
        bad: ['', 'nonsense', `${kind.values[0]}x`],
      };
    case 'number': {
      const { isWhole, least, most } = kind;
      const good: [string, unknown][] = [[String(least), least]];
      if (most !== undefined) good.push([String(most), most]);
      if (!isWhole) good.push(['2.5', 2.5]);
      const beyond = most === undefined ? [] : [String(most + 1)];
      return { good, bad: ['', 'x', '-1', ' 1', '0x10', '1e1', ...beyond, ...(isWhole ? ['1.5'] : [])] };
    }
    case 'text': {
      if (kind.pattern !== undefined) return { good: [['0'.repeat(32), '0'.repeat(32)]], bad: ['', 'x'] };
      const good = [...(kind.accepts?.('livingroom') === false ? [] : ['livingroom']), '192.0.2.7', '::1'];
      const bad = kind.accepts === undefined ? [''] : ['', 'a..b'];
      return { good: good.map((each) => [each, each]), bad };
    }
  }
}

const numbersBeyond = ({ least, most, isWhole }: NumberKind): number[] => [
  least - 1,
  ...(most === undefined ? [] : [most + 1]),
  ...(isWhole ? [least + 0.5] : []),
];

type Said = { readonly value: unknown } | { readonly code: string; readonly message: string } | 'nothing';

/** What a command makes of its command line. */
function byFlag(name: CommandName, argv: readonly string[], key: SettingKey): Said {
  const command = withFlags(new Command(name), name);
  command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { code: 'USAGE', message: error.message };
  }
  const values: Partial<Record<SettingKey, unknown>> = valuesFor(name, command, {});
  return key in values ? { value: values[key] } : 'nothing';
}

function byVariable(name: CommandName, env: NodeJS.ProcessEnv, key: SettingKey): Said {
  const { values, problems } = readEnvironment(env, name);
  const own = problems.find((each) => each.key === key);
  if (own !== undefined) return { code: 'CONFIG_INVALID', message: own.problem.message };
  return key in values ? { value: values[key] } : 'nothing';
}

/** The same in a file, as a value of the kind that it means. */
function byFile(at: string, value: unknown): Said {
  const path = at.split('.').map((key) => (key === '*' ? 'lamp' : key));
  const file = path.reduceRight<unknown>((below, key) => ({ [key]: below }), value);
  const checked = checkFile(file);
  const own = checked.ok
    ? []
    : checked.issues.filter((issue) => pathText(issue.path).startsWith(pathText(path)));
  const [issue] = own;
  if (issue !== undefined) return { code: 'CONFIG_INVALID', message: issue.message };
  return { value };
}

const cases = flagged.flatMap(([key, setting]) =>
  setting.commands.map((command) => ({ key, setting, command, flag: flagOf(setting) })),
);
const valued = cases.filter(({ setting }) => setting.kind.type !== 'switch');

describe('a setting', () => {
  it.each(valued)(
    '$key of $command: flag, variable and file take the same values',
    ({ key, setting, command, flag }) => {
      const { good } = samples(setting.kind);
      expect(good.length).toBeGreaterThan(0);
      const variable = variableOf(setting);
      for (const [given, value] of good) {
        expect(byFlag(command, [flag, given], key)).toEqual({ value });
        if (variable !== undefined)
          expect(byVariable(command, { [variable]: given }, key)).toEqual({ value });
        if (setting.file !== undefined) expect(byFile(setting.file, value)).toEqual({ value });
      }
    },
  );

  it.each(valued)(
    '$key of $command: each refuses the same, in the same words',
    ({ key, setting, command, flag }) => {
      const { bad } = samples(setting.kind);
      expect(bad.length).toBeGreaterThan(0);
      const variable = variableOf(setting);
      for (const given of bad) {
        const words = complaint(setting.kind, given);
        const typed = byFlag(command, [flag, given], key);
        expect(typed).toMatchObject({ code: 'USAGE', message: expect.stringContaining(`It ${words}.`) });
        if (variable !== undefined) {
          // An empty variable is one that is not set.
          const expected = given === '' ? 'nothing' : { code: 'CONFIG_INVALID', message: words };
          expect(byVariable(command, { [variable]: given }, key)).toEqual(expected);
        }
      }
    },
  );

  it.each(
    table.flatMap(([key, setting]) =>
      setting.file === undefined ? [] : [{ key, file: setting.file, setting }],
    ),
  )('$key: a file has its words at $file', ({ file, setting: { kind } }) => {
    const { good, bad } = samples(kind);
    for (const [, value] of good) {
      const refused = notYet.some(({ path, asIs }) => path.join('.') === file && !asIs.includes(value));
      if (!refused) expect(byFile(file, value)).toEqual({ value });
    }
    const item = kind.type === 'list' ? kind.of : kind;
    const wrong = item.type === 'number' ? numbersBeyond(item) : bad;
    for (const given of wrong) {
      expect(byFile(file, kind.type === 'list' ? [given] : given)).toEqual({
        code: 'CONFIG_INVALID',
        message: complaint(item, String(given)),
      });
    }
  });

  it('means the same as a flag and as a variable, whatever the text', () => {
    const single = valued.filter(
      ({ setting }) => setting.kind.type !== 'list' && variableOf(setting) !== undefined,
    );
    const text = fc.oneof(fc.string({ minLength: 1 }), fc.integer().map(String), fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(fc.constantFrom(...single), text, ({ key, setting, command, flag }, given) => {
        const typed = byFlag(command, [`${flag}=${given}`], key);
        const said = byVariable(command, { [variableOf(setting) ?? '']: given }, key);
        if (typeof typed === 'object' && 'value' in typed) expect(said).toEqual(typed);
        else expect(said).toMatchObject({ code: 'CONFIG_INVALID', message: complaint(setting.kind, given) });
      }),
    );
  });

  it.each(cases.filter(({ setting }) => setting.kind.type === 'switch'))(
    '$key of $command: a switch is on by flag and by variable',
    ({ key, setting, command, flag }) => {
      const value = !flag.startsWith('--no-');
      expect(byFlag(command, [flag], key)).toEqual({ value });
      expect(byFlag(command, [], key)).toBe('nothing');
      const variable = variableOf(setting);
      if (variable === undefined) return;
      for (const on of ['1', 'true', 'yes'])
        expect(byVariable(command, { [variable]: on }, key)).toEqual({ value });
      for (const off of ['', '0', 'false', 'no', 'off'])
        expect(byVariable(command, { [variable]: off }, key)).toBe('nothing');
    },
  );

  it.each(flagged.map(([key, setting]) => ({ key, setting })))(
    '$key counts for its commands alone',
    ({ key, setting }) => {
      const flag = flagOf(setting);
      const variable = variableOf(setting);
      const given = samples(setting.kind).good[0]?.[0];
      for (const command of commands) {
        const isOwn = setting.commands.includes(command);
        const isSameFlag = settingsOf(command).some(([, other]) => flagOf(other) === flag);
        const typed = byFlag(command, given === undefined ? [flag] : [flag, given], key);
        if (isOwn) expect(typed).toHaveProperty('value');
        else if (isSameFlag) expect(typed).not.toHaveProperty('value');
        else
          expect(typed).toMatchObject({ code: 'USAGE', message: expect.stringContaining('unknown option') });
        const said =
          variable === undefined ? 'nothing' : byVariable(command, { [variable]: given ?? '1' }, key);
        expect(said !== 'nothing', `${variable} for ${command}`).toBe(isOwn && variable !== undefined);
        // What is wrong with a variable is the business of those whose variable it is.
        if (!isOwn && variable !== undefined && !isSameFlag)
          expect(readEnvironment({ [variable]: '\0' }, command)).toEqual({ values: {}, problems: [] });
      }
    },
  );

  it('has a flag, a variable and a key of its own', () => {
    const variables = flagged.flatMap(([, setting]) => variableOf(setting) ?? []);
    // A dry run is one for every command that has the flag.
    expect(variables.filter((each, index) => variables.indexOf(each) !== index)).toEqual(['OTARC_DRY_RUN']);
    const files = table.flatMap(([, { file }]) => file ?? []);
    expect(new Set(files).size).toBe(files.length);
    for (const command of commands) {
      const flags = settingsOf(command).flatMap(([, { flag }]) => flag.match(/--?[a-z][a-z-]*/g) ?? []);
      expect(new Set(flags).size, command).toBe(flags.length);
    }
  });
});

describe('what passes a check', () => {
  it('has to be typed', () => {
    const env = { OTARC_FORCE: '1', OTARC_ALLOW: 'IMAGE_WRONG_CHIP' };
    for (const command of commands)
      expect(readEnvironment(env, command)).toEqual({ values: {}, problems: [] });
    const push = withFlags(new Command('push'), 'push').parse(['--allow', 'IMAGE_TOO_LARGE'], {
      from: 'user',
    });
    expect(valuesFor('push', push, env)).toEqual({ allow: ['IMAGE_TOO_LARGE'] });
  });
});

describe('a variable', () => {
  it.each<[string, string, CommandName]>([
    ['OTARC_TIMEOUT', '60', 'devices'],
    ['OTARC_PORT', '8266', 'devices'],
    ['OTARC_PORT', '8266', 'discovery'],
    ['OTARC_HOOK', '1', 'init'],
    ['OTARC_DEVICE', 'livingroom', 'init'],
    ['OTARC_PASSWORD_FILE', 'pw', 'init'],
    ['OTARC_ENVIRONMENT', 'd1', 'init'],
    ['OTARC_WATCH', '1', 'push'],
  ])('%s=%s is not meant for %s', (variable, value, command) => {
    expect(readEnvironment({ [variable]: value }, command)).toEqual({ values: {}, problems: [] });
  });

  it('of --json and --hook counts before the command line is parsed, where the command has the flag', () => {
    const env = { OTARC_JSON: '1', OTARC_HOOK: '1' };
    const isOn = (key: 'json' | 'hook', command: string | undefined) =>
      isSwitchedOn(key, { command, argv: [], env });
    expect(commands.filter((name) => isOn('json', name))).toEqual(
      commands.filter((name) => !['discovery', 'demo'].includes(name)),
    );
    expect(commands.filter((name) => isOn('hook', name))).toEqual(['push']);
    expect(['espota', 'simulate', undefined].some((name) => isOn('json', name))).toBe(false);
  });

  it('is outranked by its flag, and a wrong one is reported all the same', () => {
    const parsed = () => withFlags(new Command('push'), 'push').parse(['--timeout', '5'], { from: 'user' });
    expect(valuesFor('push', parsed(), { OTARC_TIMEOUT: '9' })).toEqual({ timeout: 5 });
    const failing = () => valuesFor('push', parsed(), { OTARC_WHEN_SEEN: 'x', OTARC_PORT: 'y' });
    expect(failing).toThrow(OtaError);
    expect(failing).toThrow(/2 mistakes[^]*OTARC_PORT[^]*OTARC_WHEN_SEEN/);
  });
});

describe('the origin', () => {
  const shown = table.flatMap(([key, { file, kind }]) =>
    file !== undefined && isConfiguration(key) ? [{ key, file, kind }] : [],
  );

  it.each(shown)(
    'of $key is the flag, the variable, the file or the default, in that order',
    ({ key, file, kind }) => {
      const setting = settings[key];
      const path = file.replace('*', 'lamp');
      const [value, other] = samples(kind).good.map((each) => each[1]);
      const source = (ranked: { flag?: boolean; variable?: boolean; file?: boolean }) => {
        const written = path
          .split('.')
          .reduceRight<unknown>((below, name) => ({ [name]: below }), other ?? value);
        const checked = checkFile(ranked.file === true ? written : { devices: { lamp: null } });
        if (!checked.ok) throw new Error(JSON.stringify(checked.issues));
        const { origins } = resolveConfig({
          projectDir: '/p',
          flags: ranked.flag === true ? { [key]: value } : {},
          overrides: ranked.variable === true ? { [key]: value } : {},
          passwordVariables: new Set(),
          defaultSketch: { value: '/p', origin: 'default' },
          homeding: new Map(),
          file: {
            file: '/p/.otarc',
            settings: checked.settings,
            placeOf: (at) => `/p/.otarc:${at.join('.')}`,
          },
        });
        return origins.find((each) => each.path === path);
      };
      // A path is made absolute.
      const shown = (given: unknown) => (key === 'historyDir' ? resolve('/p', String(given)) : given);
      const all = { flag: true, variable: true, file: true };
      expect(source(all)).toMatchObject({ value: shown(value), origin: `flag ${flagOf(setting)}` });
      expect(source({ ...all, flag: false })).toMatchObject({
        value: shown(value),
        origin: `environment ${variableOf(setting)}`,
      });
      expect(source({ file: true })).toMatchObject({
        value: shown(other ?? value),
        origin: `/p/.otarc:${path}`,
      });
      expect(source({})).toMatchObject({
        origin: 'default',
        note: 'unsaid' in setting ? setting.unsaid : '',
      });
    },
  );
});

describe('the contract', () => {
  /** Flags "that mean the same everywhere", in this version. */
  const everywhere =
    '--config --cwd --environment --password-file --port --platform --host-address --host-port --interface --filesystem --force --allow --timeout --verify --no-verify --dry-run --json --quiet --verbose --no-color --all';
  /** Flags of single commands. */
  const single =
    '--file --hook --no-build --once --when-seen --watch --schema --active --wait-for --poll --notify --exec --debug-log --keep --logs --yes --device --fqbn --no-scan --remove --history-dir --number --to --outdated';

  it('knows each flag, and each of its flags is known', () => {
    const flags = new Set(flagged.map(([, setting]) => flagOf(setting)));
    expect([...flags].toSorted()).toEqual(`${everywhere} ${single}`.split(' ').toSorted());
    for (const flag of everywhere.split(' '))
      for (const command of ['deploy', 'push', 'watch'] as const)
        expect(settingsOf(command).map(([, setting]) => flagOf(setting))).toContain(flag);
  });

  it('has the same flags of a configuration for every command that pushes or shows what a push would do', () => {
    const own = (command: CommandName) =>
      settingsOf(command).flatMap(([key]) => (isConfiguration(key) ? [key] : []));
    for (const command of ['deploy', 'watch', 'doctor', 'config'] as const)
      expect(own(command)).toEqual(own('push'));
  });

  it('has each key of a file in the schema, with the words of the table', () => {
    interface Node {
      readonly description?: string;
      readonly properties?: Record<string, Node>;
      readonly additionalProperties?: Node;
      readonly anyOf?: readonly Node[];
    }
    const at = (nodes: readonly Node[], path: readonly string[]): readonly Node[] =>
      path.reduce<readonly Node[]>((found, key) => {
        const open = found.flatMap((node) => [node, ...(node.anyOf ?? [])]);
        return open.flatMap(
          (node) => (key === '*' ? node.additionalProperties : node.properties?.[key]) ?? [],
        );
      }, nodes);
    const known = table.flatMap(([key, { file, about }]) =>
      file === undefined ? [] : [{ key, file, about }],
    );
    expect(known.length).toBeGreaterThan(25);
    for (const { file, about } of known) {
      const path = file.split('.');
      const isLater = notYet.some((row) => row.asIs.length === 0 && row.path.join('.') === file);
      const nodes = at([jsonSchema()], path);
      expect(nodes.length, file).toBe(isLater ? 0 : 1);
      for (const { description } of nodes) expect(description?.toLowerCase()).toContain(about.toLowerCase());
    }
  });
});
