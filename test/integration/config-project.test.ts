import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { loadConfig, resolveCredential, selectDevices, type Loaded } from '../../src/config/index.ts';
import { mayPushOnBuild } from '../../src/config/places.ts';
import { searchPlaces } from '../../src/config/places.ts';
import type { ProjectFacts } from '../../src/model/project-facts.ts';
import type { WantedTargets } from '../../src/config/resolve-question.ts';
import type { Config, Flags } from '../../src/config/types.ts';
import { OtaError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import { tempDir } from '../support/temp-dir.ts';

const facts: ProjectFacts = {
  tool: 'pio',
  environments: ['d1'],
  defaultEnvironments: [],
  uploads: [
    {
      origin: 'platformio.ini [env:d1]',
      environment: 'd1',
      serves: ['d1'],
      host: { value: '192.0.2.7', origin: 'platformio.ini [env:d1] upload_port' },
      password: { value: new Secret('geheim'), origin: 'platformio.ini [env:d1] upload_flags' },
    },
  ],
  problems: ['platformio.ini: something cannot be read.'],
};

interface Asked {
  readonly loaded: Loaded;
  readonly asked: number;
  /** Whether it was asked for the environments as well. */
  readonly environments: readonly boolean[];
}

interface Case {
  readonly files?: Record<string, string>;
  readonly wanted?: Partial<WantedTargets> | 'everything';
  readonly flags?: Flags;
  readonly env?: NodeJS.ProcessEnv;
  readonly answer?: () => Promise<ProjectFacts | undefined>;
}

async function folderWith(files: Record<string, string>): Promise<string> {
  const dir = await tempDir();
  await mkdir(join(dir, '.git'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  return dir;
}

/** Loads the configuration of a folder with these files, and counts how often the project is asked. */
async function load({ files = {}, wanted = {}, flags, env, answer }: Case): Promise<Asked> {
  const dir = await folderWith({ 'platformio.ini': '', ...files });
  const environments: boolean[] = [];
  const loaded = await loadConfig({
    command: 'push',
    flags: { cwd: dir, ...flags },
    env: { HOME: dir, USERPROFILE: dir, ...env },
    signal: new AbortController().signal,
    project: {
      wanted: wanted === 'everything' ? wanted : { targets: [], all: false, isFile: false, ...wanted },
      ask: async (_config, wants) => {
        environments.push(wants.environments);
        return answer === undefined ? facts : answer();
      },
    },
  });
  return { loaded, asked: environments.length, environments };
}

const all = 'devices: {hall: {host: 192.0.2.7, port: 1, password: x, hostAddress: 192.0.2.1, hostPort: 2}}';

describe('the project is asked', () => {
  it.each<Case & { what: string; times: number }>([
    { what: 'where no device is configured', times: 1 },
    { what: 'where a file is to be pushed nobody says where', wanted: { isFile: true }, times: 1 },
    { what: 'for a typed address', wanted: { targets: ['192.0.2.7'] }, times: 1 },
    { what: 'for a typed name', wanted: { targets: ['porch.local'], isFile: true }, times: 1 },
    { what: 'for all devices', wanted: { all: true }, times: 1 },
    {
      what: 'where a configured device leaves something open',
      files: { '.otarc': 'device: hall' },
      times: 1,
    },
    { what: 'to show everything', wanted: 'everything', files: { '.otarc': all }, times: 1 },
    { what: 'not for a file to a typed address', wanted: { targets: ['192.0.2.7'], isFile: true }, times: 0 },
    {
      what: 'not for a file to several',
      wanted: { targets: ['192.0.2.7:1', '[::1]:2'], isFile: true },
      times: 0,
    },
    { what: 'not where everything is configured', files: { '.otarc': all }, times: 0 },
    {
      what: 'not for a configured device',
      files: { '.otarc': all },
      wanted: { targets: ['hall'] },
      times: 0,
    },
    { what: 'not for its address', files: { '.otarc': all }, wanted: { targets: ['192.0.2.7'] }, times: 0 },
    { what: 'not for a command of its own', files: { '.otarc': 'build: {tool: command}' }, times: 0 },
    { what: 'not for what is no target', wanted: { targets: ['firmware.bin'] }, times: 0 },
    {
      what: 'not where flags say the rest',
      files: { '.otarc': 'device: 192.0.2.7' },
      flags: { port: 1, passwordFile: 'x', hostAddress: '192.0.2.1', hostPort: 2 },
      times: 0,
    },
    {
      what: 'not where variables say the rest',
      files: { '.otarc': 'devices: {hall: 192.0.2.7}' },
      env: { OTARC_PORT: '1', OTARC_PASSWORD: 'x', OTARC_HOST_ADDRESS: '192.0.2.1', OTARC_HOST_PORT: '2' },
      times: 0,
    },
  ])('$what', async ({ times, ...given }) => {
    expect((await load(given)).asked).toBe(times);
  });

  it.each<{ what: string; otarc: string; wanted?: Partial<WantedTargets>; environments: boolean[] }>([
    { what: 'where a device names none', otarc: all, environments: [true] },
    {
      what: 'not where the image is of none',
      otarc: all,
      wanted: { imageOf: undefined },
      environments: [],
    },
    { what: 'not for a target', otarc: all, wanted: { targets: ['hall'] }, environments: [] },
    { what: 'not for all', otarc: all, wanted: { all: true }, environments: [] },
    { what: 'not where each names one', otarc: 'devices: {hall: {environment: d1}}', environments: [false] },
    {
      what: 'not where the default device names one',
      otarc: 'device: hall\ndevices: {hall: {environment: d1}, attic: null}',
      environments: [false],
    },
    { what: 'not where none is configured', otarc: 'devices: {}', environments: [false] },
  ])('for its environments by an image of one: $what', async ({ otarc, wanted, environments }) => {
    const files = { '.otarc': otarc };
    const asked = await load({ files, wanted: { isFile: true, imageOf: 'd1', ...wanted } });
    expect(asked.environments).toEqual(environments);
  });

  it('only in a folder that a build tool takes for its own', async () => {
    const dir = await folderWith({ 'x.ino': '' });
    const ask = () => Promise.reject(new Error('it was asked'));
    const wanted = { targets: [], all: false, isFile: false };
    const { config } = await loadConfig({
      command: 'push',
      flags: { cwd: dir },
      env: { HOME: dir },
      signal: new AbortController().signal,
      project: { wanted, ask },
    });
    expect(config.devices).toEqual([]);
    expect(config.project).toBeUndefined();
  });

  it('and its words are the devices, with what it could not read as a warning', async () => {
    const { loaded } = await load({});
    expect(selectDevices(loaded.config, { targets: [] })).toMatchObject([
      { name: '192.0.2.7', environment: 'd1' },
    ]);
    expect(loaded.warnings).toEqual(facts.problems);
  });
});

describe('a project that cannot be asked', () => {
  const broken = () => Promise.reject(new OtaError('BUILD_TOOL_MISSING', 'There is no pio.'));

  it('is the reason where it alone could have named a target', async () => {
    await expect(load({ answer: broken })).rejects.toMatchObject({ code: 'BUILD_TOOL_MISSING' });
  });

  it('is a warning where no build will say it', async () => {
    const { loaded } = await load({ answer: broken, wanted: { isFile: true } });
    expect(loaded.warnings).toEqual([
      'What the project itself says about uploads is not known: There is no pio.',
    ]);
  });

  it('is left for the build to tell where there are devices', async () => {
    const { loaded, asked } = await load({ answer: broken, files: { '.otarc': 'device: hall' } });
    expect(asked).toBe(1);
    expect(loaded.warnings).toEqual([]);
  });

  it('and a mistake in otarc is one', async () => {
    const bug = () => Promise.reject(new TypeError('bug'));
    await expect(load({ answer: bug })).rejects.toThrow(TypeError);
  });
});

describe('.otarc.env', () => {
  const plain = async (files: Record<string, string>, env: NodeJS.ProcessEnv = {}, cwd = '.') => {
    const dir = await folderWith(files);
    // As `init` leaves it; one that others may read gets a warning.
    for (const name of Object.keys(files))
      if (name.endsWith('.otarc.env')) await chmod(join(dir, name), 0o600);
    return loadConfig({
      command: 'push',
      flags: { cwd: join(dir, cwd) },
      env: { HOME: dir, USERPROFILE: dir, ...env },
      signal: new AbortController().signal,
    });
  };

  const passwordOf = async (config: Config, target: string, env: NodeJS.ProcessEnv = {}): Promise<string> => {
    const [device] = selectDevices(config, { targets: [target] });
    if (device === undefined) throw new Error(`no ${target}`);
    const { signal } = new AbortController();
    const credential = await resolveCredential(device, { env, stdin: new PassThrough().end(), signal });
    return credential.type === 'none' ? '' : credential.secret.reveal();
  };

  const otarc = 'devices: {hall: {password: {env: HALL_PW}}, attic: null}';

  it('beside the configuration has what `env` names, and the OTARC_PASSWORD variables', async () => {
    const files = { '.otarc': otarc, '.otarc.env': 'HALL_PW=of hall\nOTARC_PASSWORD_ATTIC=of attic\n' };
    const { config, warnings } = await plain({ ...files, 'src/.otarc.env': 'HALL_PW=wrong' }, {}, 'src');
    expect(warnings).toEqual([]);
    expect(await passwordOf(config, 'hall')).toBe('of hall');
    expect(await passwordOf(config, 'attic')).toBe('of attic');
    expect(config.files.map((file) => file.slice(-10))).toEqual([
      expect.stringMatching(/\.otarc$/),
      '.otarc.env',
    ]);
  });

  it('gives way to the environment', async () => {
    const env = { HALL_PW: 'real', OTARC_PASSWORD_ATTIC: 'real too' };
    const files = { '.otarc': otarc, '.otarc.env': 'HALL_PW=x\nOTARC_PASSWORD_ATTIC=x\n' };
    const { config } = await plain(files, env);
    expect(await passwordOf(config, 'hall', env)).toBe('real');
    expect(await passwordOf(config, 'attic', env)).toBe('real too');
    expect(config.origins.find(({ path }) => path === 'devices.attic.password')?.origin).toBe(
      'environment OTARC_PASSWORD_ATTIC',
    );
  });

  it('counts without a configuration, in the folder of the project', async () => {
    const { config } = await plain({ '.otarc.env': 'OTARC_PASSWORD=x\nOTARC_PASSWORD_192_0_2_9=y\n' });
    expect(await passwordOf(config, '192.0.2.8')).toBe('x');
    expect(await passwordOf(config, '192.0.2.9')).toBe('y');
  });

  it('that lacks the name is told of with the cure', async () => {
    const { config } = await plain({ '.otarc': otarc, '.otarc.env': 'OTHER=hunter2\n' });
    const error: unknown = await passwordOf(config, 'hall').catch((each: unknown) => each);
    expect(error).toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      message: expect.stringMatching(/HALL_PW is not set, and .*\.otarc\.env has nothing under that name/),
      hint: expect.stringContaining('`HALL_PW=…`'),
    });
    expect(String(error)).not.toContain('hunter2');
  });

  it('with mistakes is CONFIG_INVALID, all of them at once, and without a word of it', async () => {
    const files = { '.otarc': 'devise: x', '.otarc.env': 'A=1\nhunter2\n"hunter3\n' };
    const error: unknown = await plain(files).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(String(error)).toMatch(
      /3 mistakes.*\.otarc:1: devise.*\.otarc\.env:2: must be.*\.otarc\.env:3: must/s,
    );
    expect(JSON.stringify(error)).not.toContain('hunter');
    expect(String(error)).not.toContain('hunter');
  });

  it('that is a folder is unreadable', async () => {
    await expect(plain({ '.otarc.env/x': '' })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  });
});

describe('whether a build may push', () => {
  const may = async (files: Record<string, string>): Promise<boolean> =>
    mayPushOnBuild(await folderWith(files), undefined);
  const says = { yes: 'hook: { pushOnBuild: true }', no: 'devices: {}' };

  it.each(searchPlaces)('is known from %s in that very folder', async (place) => {
    const script = /\.[cm]?[jt]s$/.test(place);
    const isPackage = place === 'package.json';
    const yes = isPackage ? '{"otarc": {"hook": {"pushOnBuild": true}}}' : says.yes;
    const no = isPackage ? '{"otarc": {}, "name": "x"}' : says.no;
    expect(await may({ [place]: yes })).toBe(true);
    expect(await may({ [place]: no })).toBe(script);
    expect(await may({ '.otarc': says.no, [place]: place === '.otarc' ? says.no : yes })).toBe(false);
  });

  it('is no where nothing stands there, or only above it', async () => {
    expect(await may({})).toBe(false);
    expect(await may({ 'package.json': '{"name": "pushOnBuild"}' })).toBe(false);
    const dir = await folderWith({ '.otarc': says.yes, 'sub/x': '' });
    expect(mayPushOnBuild(join(dir, 'sub'), undefined)).toBe(false);
    expect(mayPushOnBuild(join(dir, 'none'), undefined)).toBe(false);
  });

  it('goes by the file that flag or variable names, where that describes this folder', async () => {
    const dir = await folderWith({
      '.otarc': says.no,
      'my.yaml': says.yes,
      'ci/otarc.yaml': says.yes,
      '.config/o.yaml': says.yes,
    });
    expect(mayPushOnBuild(dir, 'my.yaml')).toBe(true);
    expect(mayPushOnBuild(dir, join(dir, '.config/o.yaml'))).toBe(true);
    expect(mayPushOnBuild(dir, 'ci/otarc.yaml')).toBe(false);
    expect(mayPushOnBuild(dir, '')).toBe(false);
  });

  it('is for the loader to say where the file cannot be read', async () => {
    const dir = await folderWith({});
    expect(mayPushOnBuild(dir, 'missing.yaml')).toBe(true);
  });
});
