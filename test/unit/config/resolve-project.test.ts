import { describe, expect, it } from 'vitest';
import { checkFile } from '../../../src/config/check-file.ts';
import type { ProjectFacts, ProjectUpload } from '../../../src/model/project-facts.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { selectDevices } from '../../../src/config/select.ts';
import type { ConfigSources } from '../../../src/config/sources.ts';
import type { Config, DeviceConfig } from '../../../src/config/types.ts';
import { OtaError } from '../../../src/model/errors.ts';
import { Secret } from '../../../src/model/secret.ts';

interface Spoken {
  readonly host?: string;
  readonly port?: number;
  readonly password?: string;
  readonly hostPort?: number;
  readonly serves?: readonly string[];
  readonly twinOf?: string;
}

/** What environment `name` says in platformio.ini. */
function upload(name: string, { host, port, password, hostPort, ...more }: Spoken): ProjectUpload {
  const origin = `platformio.ini [env:${name}]`;
  const flags = `${origin} upload_flags`;
  return {
    origin,
    environment: name,
    serves: [name],
    ...more,
    ...(host !== undefined && { host: { value: host, origin: `${origin} upload_port` } }),
    ...(port !== undefined && { port: { value: port, origin: flags } }),
    ...(password !== undefined && { password: { value: new Secret(password), origin: flags } }),
    ...(hostPort !== undefined && { hostPort: { value: hostPort, origin: flags } }),
  };
}

interface Project {
  readonly defaults?: readonly string[];
  readonly only?: string;
  readonly isFile?: boolean;
}

/** Resolves `otarc` (undefined: no file) in a project that says `uploads`. */
function resolved(
  otarc: object | undefined,
  uploads: readonly ProjectUpload[],
  { defaults = [], only, isFile, ...more }: Project & Partial<ConfigSources> = {},
): Config {
  const checked = checkFile(otarc ?? {});
  if (!checked.ok) throw new Error(JSON.stringify(checked.issues));
  const [first, ...others] = defaults;
  const own = first !== undefined && others.length === 0 ? first : only;
  const project: ProjectFacts = {
    tool: 'pio',
    environments: ['d1', 'd2'],
    ...(own !== undefined && { environment: { value: own, origin: 'platformio.ini default_envs' } }),
    defaultEnvironments: defaults,
    uploads,
    problems: [],
  };
  const { settings } = checked;
  const placeOf = (path: readonly PropertyKey[]): string => `/p/.otarc:${path.join('/')}`;
  return resolveConfig({
    projectDir: '/p',
    flags: {},
    overrides: {},
    passwordVariables: new Set(),
    defaultSketch: { value: '/p', origin: 'default: the working folder' },
    homeding: new Map(),
    file: otarc && { file: '/p/.otarc', settings, placeOf },
    project,
    isFile,
    ...more,
  });
}

const passwordOf = ({ credentialSource: source }: DeviceConfig): string | undefined =>
  source.type === 'text' ? source.secret.reveal() : undefined;

/** `name@host:port password environment`, as far as there is any. */
const told = (device: DeviceConfig): string => {
  const { name, host, port, environment } = device;
  const words = [`${name}@${host}${port === undefined ? '' : `:${port}`}`, passwordOf(device), environment];
  return words.filter((each) => each !== undefined).join(' ');
};

/** The devices that no target means, or the code of the error. */
function meant(config: Config): string[] | string {
  try {
    return selectDevices(config, { targets: [] }).map(told);
  } catch (error) {
    if (error instanceof OtaError) return error.code;
    throw error;
  }
}

const originOf = (config: Config, path: string) => config.origins.find((each) => each.path === path)?.origin;

const x = upload('x_ota', {
  host: 'porch.local',
  port: 8266,
  password: 'pw',
  serves: ['x_ota', 'x'],
  twinOf: 'x',
});
const a = upload('a', { host: '192.0.2.1', password: 'pw a' });
const b = upload('b', { host: '192.0.2.2', password: 'pw b' });

describe('without configured devices', () => {
  it('each upload target is one, with its origins', () => {
    const config = resolved(undefined, [{ ...x, hostAddress: { value: '192.0.2.9', origin: 'o' } }]);
    expect(config.devices.map(told)).toEqual(['porch@porch.local:8266 pw x_ota']);
    expect(config.devices[0]).toMatchObject({
      hostAddress: '192.0.2.9',
      acceptFrom: 'device',
      engine: 'espota',
    });
    expect(originOf(config, 'devices.porch.host')).toBe('platformio.ini [env:x_ota] upload_port');
    expect(originOf(config, 'devices.porch.port')).toBe('platformio.ini [env:x_ota] upload_flags');
    expect(originOf(config, 'devices.porch.environment')).toBe('platformio.ini [env:x_ota]');
    const row = config.origins.find(({ path }) => path === 'devices.porch.password');
    expect(row).toEqual({
      path: 'devices.porch.password',
      value: '(secret, from the text itself)',
      origin: 'platformio.ini [env:x_ota] upload_flags',
    });
    expect(JSON.stringify(config)).not.toContain('"pw');
  });

  it('a file without devices counts as none', () => {
    expect(meant(resolved({ build: { args: ['-v'] } }, [x]))).toEqual(['porch@porch.local:8266 pw x_ota']);
    expect(meant(resolved({ devices: null }, [x]))).toEqual(['porch@porch.local:8266 pw x_ota']);
  });

  it.each<{
    what: string;
    uploads: ProjectUpload[];
    project?: Project;
    flag?: string;
    expected: string[] | string;
  }>([
    {
      what: 'builds the wireless twin where nobody chooses',
      uploads: [x],
      expected: ['porch@porch.local:8266 pw x_ota'],
    },
    {
      what: 'builds what the flag says, for the same device',
      uploads: [x],
      flag: 'x',
      expected: ['porch@porch.local:8266 pw x'],
    },
    {
      what: 'builds what the project has for its default, for the same device',
      uploads: [x],
      project: { defaults: ['x'] },
      expected: ['porch@porch.local:8266 pw x'],
    },
    {
      what: 'builds the wireless one of two default twins',
      uploads: [x],
      project: { defaults: ['x', 'x_ota'] },
      expected: ['porch@porch.local:8266 pw x_ota'],
    },
    { what: 'means none for another environment', uploads: [x], flag: 'y', expected: 'NO_TARGET' },
    {
      what: 'means none for another default',
      uploads: [x],
      project: { defaults: ['y'] },
      expected: 'NO_TARGET',
    },
    {
      what: 'means the only one for a file, whatever the default is',
      uploads: [x],
      project: { defaults: ['y'], isFile: true },
      expected: ['porch@porch.local:8266 pw x_ota'],
    },
    {
      what: 'means none for a file of another environment',
      uploads: [x],
      project: { isFile: true },
      flag: 'y',
      expected: 'NO_TARGET',
    },
    { what: 'means nobody where there are several', uploads: [a, b], expected: 'NO_TARGET' },
    {
      what: 'means nobody of several defaults',
      uploads: [a, b],
      project: { defaults: ['a', 'b'] },
      expected: 'NO_TARGET',
    },
    { what: 'goes by the flag', uploads: [a, b], flag: 'b', expected: ['192.0.2.2@192.0.2.2 pw b b'] },
    {
      what: 'goes by the default',
      uploads: [a, b],
      project: { defaults: ['a'] },
      expected: ['192.0.2.1@192.0.2.1 pw a a'],
    },
    {
      what: 'goes by the flag before the default',
      uploads: [a, b],
      project: { defaults: ['a'] },
      flag: 'b',
      expected: ['192.0.2.2@192.0.2.2 pw b b'],
    },
    {
      what: 'counts one host in several environments once, and leaves the environment open',
      uploads: [upload('p', { host: 'porch' }), upload('q', { host: 'Porch.local.', password: 'pw' })],
      expected: ['porch@porch pw'],
    },
    {
      what: 'takes of one host in several environments what the chosen one says',
      uploads: [upload('p', { host: 'porch', password: '1' }), upload('q', { host: 'porch', password: '2' })],
      flag: 'q',
      expected: ['porch@porch 2 q'],
    },
    {
      what: 'takes the wireless twin of one host in both',
      uploads: [
        upload('x', { host: 'porch', password: '1' }),
        upload('x_ota', { host: 'porch', password: '2', twinOf: 'x' }),
      ],
      expected: ['porch@porch 2 x_ota'],
    },
    { what: 'is nobody without a host', uploads: [upload('x', { password: 'pw' })], expected: 'NO_TARGET' },
    {
      what: 'is nobody at an impossible host',
      uploads: [upload('x', { host: 'a..b' })],
      expected: 'NO_TARGET',
    },
  ])('$what', ({ uploads, project, flag, expected }) => {
    const flags = flag === undefined ? {} : { flags: { environment: flag } };
    expect(meant(resolved(undefined, uploads, { ...project, ...flags }))).toEqual(expected);
  });

  it('one host with two ports is two devices; without a port it is the one that is known', () => {
    const at = (name: string, port?: number) =>
      upload(name, { host: '192.0.2.1', ...(port !== undefined && { port }) });
    expect(resolved(undefined, [at('a', 1), at('b', 2)]).devices.map(told)).toEqual([
      '192.0.2.1:1@192.0.2.1:1 a',
      '192.0.2.1:2@192.0.2.1:2 b',
    ]);
    expect(resolved(undefined, [at('a'), at('b', 2)]).devices.map(told)).toEqual(['192.0.2.1@192.0.2.1:2']);
    const inHost = upload('a', { host: '[2001:db8::1]:3232' });
    expect(resolved(undefined, [inHost]).devices.map(told)).toEqual(['2001:db8::1@2001:db8::1:3232 a']);
  });

  it('all means each with its own image', () => {
    for (const project of [{}, { defaults: ['a'] }, { defaults: ['a', 'b'] }]) {
      const all = selectDevices(resolved(undefined, [a, b], project), { targets: [], all: true });
      expect(all.map(told)).toEqual(['192.0.2.1@192.0.2.1 pw a a', '192.0.2.2@192.0.2.2 pw b b']);
    }
  });

  it('is outranked by flag and variable', () => {
    const config = resolved(undefined, [x], {
      flags: { port: 1 },
      overrides: { port: 2, hostPort: 3 },
      passwordVariables: new Set(['OTARC_PASSWORD_PORCH']),
    });
    expect(config.devices[0]).toMatchObject({
      port: 1,
      hostPort: 3,
      credentialSource: { type: 'env', variable: 'OTARC_PASSWORD_PORCH' },
    });
  });

  it('is found by name, by NAME.local and by address', () => {
    const config = resolved(undefined, [x, a]);
    for (const target of ['porch', 'porch.local', 'Porch.local:8266'])
      expect(selectDevices(config, { targets: [target] }).map(told)).toEqual([
        'porch@porch.local:8266 pw x_ota',
      ]);
    expect(selectDevices(config, { targets: ['192.0.2.1'] }).map(told)).toEqual([
      '192.0.2.1@192.0.2.1 pw a a',
    ]);
    const [stranger] = selectDevices(config, { targets: ['192.0.2.3'] });
    expect(stranger?.credentialSource).toEqual({ type: 'none' });
  });
});

describe('configured devices', () => {
  const only = (otarc: object, uploads: readonly ProjectUpload[], project: Project = {}): string[] =>
    resolved(otarc, uploads, project).devices.map(told);

  it.each<{ what: string; devices: object; uploads: ProjectUpload[]; expected: string[] }>([
    {
      what: 'take by their address what they do not say',
      devices: { hall: '192.0.2.1' },
      uploads: [a],
      expected: ['hall@192.0.2.1 pw a a'],
    },
    {
      what: 'take by their name what they do not say',
      devices: { porch: null },
      uploads: [x],
      expected: ['porch@porch.local:8266 pw x_ota'],
    },
    {
      what: 'keep what they say',
      devices: { porch: { host: 'porch', port: 1, password: 'own', environment: 'z' } },
      uploads: [x],
      expected: ['porch@porch:1 own z'],
    },
    {
      what: 'take by their environment nothing that stands beside the address of another',
      devices: { hall: { environment: 'x_ota' }, attic: { environment: 'x' } },
      uploads: [x],
      expected: ['hall@hall x_ota', 'attic@attic x'],
    },
    {
      what: 'take by the environment that theirs is the cable twin of',
      devices: { hall: { environment: 'x' } },
      uploads: [upload('x_ota', { password: 'pw', port: 8266, serves: ['x_ota', 'x'], twinOf: 'x' })],
      expected: ['hall@hall:8266 pw x'],
    },
    {
      what: 'take nothing of another address, of the same environment',
      devices: { hall: { host: '192.0.2.9', environment: 'a' } },
      uploads: [a],
      expected: ['hall@192.0.2.9 a'],
    },
    {
      what: 'take nothing of another port of their address',
      devices: { hall: { host: '192.0.2.1:99' } },
      uploads: [upload('a', { host: '192.0.2.1', port: 8266, password: 'pw' })],
      expected: ['hall@192.0.2.1:99'],
    },
    {
      what: 'take nothing by the environment of what another has by its address',
      devices: { hall: { host: '192.0.2.1', environment: 'a' }, attic: { environment: 'a' } },
      uploads: [a],
      expected: ['hall@192.0.2.1 pw a a', 'attic@attic a'],
    },
    {
      what: 'all take a password that stands without an address, by their environment',
      devices: {
        hall: { environment: 'a' },
        attic: { host: '192.0.2.9', environment: 'a' },
        den: { environment: 'b' },
      },
      uploads: [upload('a', { password: 'pw', port: 1 })],
      expected: ['hall@hall:1 pw a', 'attic@192.0.2.9:1 pw a', 'den@den b'],
    },
    {
      what: 'at one address are told apart by environment',
      devices: { hall: { host: '192.0.2.1', environment: 'b' } },
      uploads: [
        upload('a', { host: '192.0.2.1', port: 1, password: '1' }),
        upload('b', { host: '192.0.2.1', port: 2, password: '2' }),
      ],
      expected: ['hall@192.0.2.1:2 2 b'],
    },
    {
      what: 'at one address with nothing to tell them apart take nothing',
      devices: { hall: { host: '192.0.2.1' } },
      uploads: [
        upload('a', { host: '192.0.2.1', port: 1, password: '1' }),
        upload('b', { host: '192.0.2.1', port: 2, password: '2' }),
      ],
      expected: ['hall@192.0.2.1'],
    },
    {
      what: 'take nothing of strangers',
      devices: { hall: null, attic: { environment: 'z' } },
      uploads: [a, b, x],
      expected: ['hall@hall', 'attic@attic z'],
    },
  ])('$what', ({ devices, uploads, expected }) => {
    expect(only({ devices }, uploads)).toEqual(expected);
  });

  it('that know only a hash keep it', () => {
    const hash = '0'.repeat(32);
    const { devices } = resolved({ devices: { hall: { host: '192.0.2.1', passwordHash: hash } } }, [a]);
    expect(devices[0]?.credentialSource.type).toBe('hash');
  });

  it('the short form is one as well', () => {
    expect(only({ device: 'porch' }, [x])).toEqual(['porch@porch:8266 pw x_ota']);
  });

  it('keep the environment beside their address, whatever is built by default, unless .otarc says which', () => {
    const otarc = { devices: { hall: '192.0.2.1', attic: '192.0.2.2' } };
    const own = ['hall@192.0.2.1 pw a a', 'attic@192.0.2.2 pw b b'];
    expect(only(otarc, [a, b])).toEqual(own);
    expect(only(otarc, [a, b], { defaults: ['b'] })).toEqual(own);
    expect(only(otarc, [a, b], { only: 'a' })).toEqual(own);
    const none = ['hall@192.0.2.1 pw a', 'attic@192.0.2.2 pw b'];
    const built = { ...otarc, build: { environment: 'b' } };
    expect(only(built, [a, b])).toEqual(none);
    expect(resolved(otarc, [a, b], { overrides: { environment: 'b' } }).devices.map(told)).toEqual(own);
    expect(resolved(built, [a, b], { flags: { environment: 'b' } }).devices.map(told)).toEqual(own);
  });

  it('are the only devices; the rest is known by its address', () => {
    const config = resolved({ devices: { hall: '192.0.2.1', attic: '192.0.2.5' } }, [a, b]);
    expect(config.devices.map(({ name }) => name)).toEqual(['hall', 'attic']);
    expect(config.adHoc.known?.map(told)).toEqual(['192.0.2.2@192.0.2.2 pw b b']);
    expect(selectDevices(config, { targets: ['192.0.2.2'] }).map(told)).toEqual([
      '192.0.2.2@192.0.2.2 pw b b',
    ]);
    expect(config.origins.some(({ path }) => path.includes('192.0.2.2'))).toBe(false);
  });

  it('show where each value is from', () => {
    const config = resolved({ devices: { porch: { port: 1 } } }, [
      upload('x', { host: 'porch.local', hostPort: 2 }),
    ]);
    expect(originOf(config, 'devices.porch.port')).toBe('/p/.otarc:devices/porch/port');
    expect(originOf(config, 'devices.porch.host')).toBe('platformio.ini [env:x] upload_port');
    expect(originOf(config, 'devices.porch.hostPort')).toBe('platformio.ini [env:x] upload_flags');
  });
});

describe("what the project's tool says of itself", () => {
  it('is shown, and decides nothing', () => {
    const config = resolved({}, [], { defaults: ['d1'] });
    expect(config.origins).toContainEqual({
      path: 'build.tool',
      value: 'pio',
      origin: 'default: found from the folder',
    });
    expect(originOf(config, 'build.environment')).toBe('platformio.ini default_envs');
    expect(config.build).toEqual({ sketch: '/p', args: [] });
    expect(config.project).toEqual({ environment: 'd1', environments: ['d1', 'd2'] });
  });

  it('stands back behind what is configured', () => {
    const config = resolved({ build: { tool: 'command', environment: 'z' } }, [], { defaults: ['d1'] });
    expect(originOf(config, 'build.tool')).toBe('/p/.otarc:build/tool');
    expect(originOf(config, 'build.environment')).toBe('/p/.otarc:build/environment');
  });
});
