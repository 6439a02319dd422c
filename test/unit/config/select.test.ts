import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/model/errors.ts';
import { Secret } from '../../../src/model/secret.ts';
import { doubtOf, isForNobody, selectDevices, type Selection } from '../../../src/config/select.ts';
import type { Config, DeviceConfig, Invocation } from '../../../src/config/types.ts';

const device = (name: string, more: Partial<DeviceConfig> = {}): DeviceConfig => ({
  name,
  host: name,
  credentialSource: { type: 'text', secret: new Secret(`pw of ${name}`) },
  acceptFrom: 'device',
  engine: 'espota',
  interfaces: [],
  ...(more.port !== undefined && { ownPort: more.port }),
  ...more,
});

const config = (devices: DeviceConfig[], more: Partial<Config> = {}): Config => ({
  projectDir: '/p',
  build: { sketch: '/p', args: [] },
  kind: 'firmware',
  devices,
  groups: {},
  adHoc: {
    device: {
      credentialSource: { type: 'env', variable: 'OTARC_PASSWORD' },
      acceptFrom: 'device',
      engine: 'espota',
      interfaces: [],
    },
    invocation: {
      projectDir: '/p',
      flags: {},
      overrides: {},
      passwordVariables: new Set(['OTARC_PASSWORD', 'OTARC_PASSWORD_192_0_2_9']),
    },
  },
  watch: { paths: [], ignore: [], ignoreDir: '/p' },
  push: { filesystem: 'never', skipUnchanged: true },
  hook: { pushOnBuild: false },
  files: [],
  origins: [],
  ...more,
});

const house = config(
  [
    device('livingroom', { environment: 'd1' }),
    device('hall', { host: '192.0.2.11', port: 8266, environment: 'd1' }),
    device('attic', { host: '2001:db8::1', environment: 's3' }),
    device('nat1', { host: '192.0.2.50', port: 1001 }),
    device('nat2', { host: '192.0.2.50', port: 1002 }),
  ],
  { groups: { upstairs: ['attic', 'hall'] } },
);
const none = config([]);

const names = (where: Config, ...targets: string[]) =>
  selectDevices(where, { targets }).map(({ name }) => name);

function failure(where: Config, selection: Partial<Selection>): OtaError {
  try {
    selectDevices(where, { targets: [], ...selection });
  } catch (error) {
    if (error instanceof OtaError) return error;
  }
  throw new Error('it was accepted');
}

describe('targets', () => {
  it('are devices and groups, in order, each once', () => {
    expect(names(house, 'livingroom')).toEqual(['livingroom']);
    expect(names(house, 'upstairs')).toEqual(['attic', 'hall']);
    expect(names(house, 'hall', 'upstairs', 'livingroom', 'hall')).toEqual(['hall', 'attic', 'livingroom']);
  });

  it.each([
    ['192.0.2.11', 'hall'],
    ['192.0.2.11:8266', 'hall'],
    ['livingroom.local', 'livingroom'],
    ['LivingRoom.local.', 'livingroom'],
    ['hall.local', 'hall'],
    ['2001:DB8:0::1', 'attic'],
    ['[2001:db8::1]', 'attic'],
    ['192.0.2.50:1002', 'nat2'],
  ])('%s is the configured device %s, with its password', (target, name) => {
    const [found, ...others] = selectDevices(house, { targets: [target] });
    expect(found).toBe(house.devices.find((each) => each.name === name));
    expect(others).toEqual([]);
  });

  it('take a port for a device that has none of its own', () => {
    expect(selectDevices(house, { targets: ['livingroom.local:3232'] })).toEqual([
      { ...house.devices[0], port: 3232 },
    ]);
    expect(selectDevices(house, { targets: ['livingroom:3232'] })[0]?.port).toBe(3232);
    expect(selectDevices(house, { targets: ['[2001:db8::1]:3232'] })[0]).toMatchObject({
      name: 'attic',
      port: 3232,
    });
  });

  it('at another port of a configured address are another device, without its password', () => {
    expect(selectDevices(house, { targets: ['192.0.2.11:9'] })[0]).toMatchObject({
      name: '192.0.2.11:9',
      host: '192.0.2.11',
      port: 9,
      credentialSource: { type: 'env', variable: 'OTARC_PASSWORD' },
    });
  });

  describe('have one port', () => {
    /** As `loadConfig` leaves it: flag and variable stand in every device, and what the files say beside them. */
    const invoked = (invocation: Pick<Invocation, 'flags' | 'overrides'>): Config => {
      const said = invocation.flags.port ?? invocation.overrides.port;
      const withPort = <T extends object>(each: T): T =>
        said === undefined ? each : { ...each, port: said };
      const { device: stranger, invocation: before } = house.adHoc;
      return {
        ...house,
        devices: house.devices.map(withPort),
        adHoc: { device: withPort(stranger), invocation: { ...before, ...invocation } },
      };
    };
    const flag = invoked({ flags: { port: 1002 }, overrides: {} });
    const variable = invoked({ flags: {}, overrides: { port: 1002 } });

    it.each<[string, string, number | undefined, number | 'USAGE', number]>([
      // target, device, its port without flag and variable, with --port 1002, with OTARC_PORT=1002
      ['livingroom', 'livingroom', undefined, 1002, 1002],
      ['livingroom:9', 'livingroom', 9, 'USAGE', 9],
      ['livingroom:1002', 'livingroom', 1002, 1002, 1002],
      ['hall', 'hall', 8266, 1002, 1002],
      ['192.0.2.11', 'hall', 8266, 1002, 1002],
      ['192.0.2.11:8266', 'hall', 8266, 'USAGE', 8266],
      ['192.0.2.11:9', '192.0.2.11:9', 9, 'USAGE', 9],
      ['192.0.2.50:1001', 'nat1', 1001, 'USAGE', 1001],
      ['192.0.2.50:1002', 'nat2', 1002, 1002, 1002],
      ['192.0.2.9', '192.0.2.9', undefined, 1002, 1002],
      ['192.0.2.9:9', '192.0.2.9:9', 9, 'USAGE', 9],
    ])('%s is %s, whatever stands before its port', (target, name, bare, byFlag, byVariable) => {
      const found = (where: Config) => {
        const [{ name: own, port } = device('none')] = selectDevices(where, { targets: [target] });
        return { own, port };
      };
      expect(found(house)).toEqual({ own: name, port: bare });
      expect(found(variable)).toEqual({ own: name, port: byVariable });
      if (byFlag !== 'USAGE') expect(found(flag)).toEqual({ own: name, port: byFlag });
      else
        expect(failure(flag, { targets: [target] })).toMatchObject({
          code: 'USAGE',
          message: expect.stringContaining(`"${target}" and \`--port 1002\``),
        });
    });

    it('which tells several devices at one address apart', () => {
      expect(selectDevices(flag, { targets: ['192.0.2.50'] })[0]?.name).toBe('nat2');
      expect(failure(house, { targets: ['192.0.2.50'] }).code).toBe('TARGET_UNKNOWN');
      expect(failure(variable, { targets: ['192.0.2.50'] }).code).toBe('TARGET_UNKNOWN');
    });
  });

  it.each<{ what: string; invocation: Partial<Invocation>; expected: object }>([
    { what: 'its own', invocation: {}, expected: { variable: 'OTARC_PASSWORD_192_0_2_9' } },
    {
      what: 'its own before that of a file',
      invocation: { overrides: { passwordFile: 'x' } },
      expected: { variable: 'OTARC_PASSWORD_192_0_2_9' },
    },
    {
      what: 'that of the flag before all',
      invocation: { flags: { passwordFile: 'x' } },
      expected: { type: 'file', path: '/p/x' },
    },
    {
      what: 'that of the environment before its own in .otarc.env',
      invocation: {
        secretsFile: {
          file: '/p/.otarc.env',
          secrets: new Map([['OTARC_PASSWORD_192_0_2_9', { secret: new Secret('x'), line: 1 }]]),
        },
      },
      expected: { variable: 'OTARC_PASSWORD' },
    },
  ])('have of several passwords $what', ({ invocation, expected }) => {
    const { adHoc } = house;
    const where = { ...house, adHoc: { ...adHoc, invocation: { ...adHoc.invocation, ...invocation } } };
    const [found] = selectDevices(where, { targets: ['192.0.2.9'] });
    expect(found?.credentialSource).toMatchObject(expected);
  });

  it('that several devices share need more', () => {
    expect(failure(house, { targets: ['192.0.2.50'] })).toMatchObject({ code: 'TARGET_UNKNOWN' });
  });

  it.each([
    [
      '192.0.2.9',
      { host: '192.0.2.9', credentialSource: { type: 'env', variable: 'OTARC_PASSWORD_192_0_2_9' } },
    ],
    ['kitchen.local', { host: 'kitchen.local' }],
    ['kitchen.example.org:3232', { host: 'kitchen.example.org', port: 3232 }],
    ['::1', { host: '::1' }],
    ['[fe80::1%eth0]:8266', { host: 'fe80::1%eth0', port: 8266 }],
  ])('%s is an ad-hoc device beside configured ones', (target, expected) => {
    const [found] = selectDevices(house, { targets: [target] });
    expect(found).toMatchObject({ name: target, ...expected });
    expect(found?.port).toBe('port' in expected ? expected.port : undefined);
  });

  it('that are bare words are looked up where no device is configured', () => {
    expect(selectDevices(none, { targets: ['kitchen'] })[0]).toMatchObject({
      name: 'kitchen',
      host: 'kitchen',
    });
    expect(selectDevices(none, { targets: ['kitchen:8266'] })[0]).toMatchObject({
      host: 'kitchen',
      port: 8266,
    });
  });

  it('that are other bare words are unknown where devices are', () => {
    expect(failure(house, { targets: ['livingrom'] })).toMatchObject({
      code: 'TARGET_UNKNOWN',
      hint: 'Did you mean "livingroom"?',
      details: { nearest: 'livingroom' },
    });
    expect(failure(house, { targets: ['upstair'] }).hint).toBe('Did you mean "upstairs"?');
    expect(failure(house, { targets: ['zzz'] }).hint).toContain('livingroom, hall, attic');
    expect(failure(house, { targets: ['kitchen:8266'] }).code).toBe('TARGET_UNKNOWN');
  });

  it.each(['', ' ', '192.0.2.300', 'http://x/', 'a..b', 'x:0', 'x:99999', '-f', 'constructor ', '[1.2.3.4]'])(
    'are never %j',
    (target) => {
      expect(failure(none, { targets: [target] }).code).toBe('TARGET_UNKNOWN');
      expect(failure(house, { targets: [target] }).code).toBe('TARGET_UNKNOWN');
    },
  );

  it.each(['firmware.bin', '.pio/build/d1/firmware.bin', 'x\\y'])(
    'that look like an image say so: %s',
    (target) => {
      expect(failure(none, { targets: [target] }).hint).toContain('otarc push --file');
    },
  );

  it('do not find what every object has', () => {
    expect(failure(house, { targets: ['constructor'] }).code).toBe('TARGET_UNKNOWN');
  });
});

describe('no target', () => {
  it('means the default device', () => {
    expect(names({ ...house, defaultDevice: 'attic' })).toEqual(['attic']);
  });

  it('else the only device', () => {
    expect(names(config([device('only')]))).toEqual(['only']);
  });

  it('else those that take what is built', () => {
    const selected = selectDevices(house, { targets: [], builtEnvironment: 'd1' });
    expect(selected.map(({ name }) => name)).toEqual(['livingroom', 'hall']);
  });

  it('else nothing, and never the whole house', () => {
    const error = failure(house, { builtEnvironment: 'other' });
    expect(error).toMatchObject({
      code: 'NO_TARGET',
      details: { devices: house.devices.map(({ name }) => name) },
    });
    expect(error.message).toContain('livingroom, hall, attic');
    expect(failure(house, {}).code).toBe('NO_TARGET');
    expect(failure(none, {}).code).toBe('NO_TARGET');
  });
});

describe('no target for the image of one environment', () => {
  const lamp = device('lamp', { environment: 'd1' });
  const hall = device('hall');
  const of = (...environments: string[]): Partial<Config> => ({ project: { environments } });

  it.each<{
    what: string;
    devices: DeviceConfig[];
    more?: Partial<Config>;
    imageOf: string;
    expected: string[] | 'nobody' | 'doubt';
  }>([
    { what: 'means the device that takes it', devices: [lamp, hall], imageOf: 'd1', expected: ['lamp'] },
    {
      what: 'means the only device where nothing else is known',
      devices: [hall],
      imageOf: 'd1',
      expected: ['hall'],
    },
    {
      what: 'means the only device of a project with one',
      devices: [hall],
      more: of('d1'),
      imageOf: 'd1',
      expected: ['hall'],
    },
    {
      what: 'counts twins as one',
      devices: [hall],
      more: of('d1', 'd1_ota'),
      imageOf: 'd1_ota',
      expected: ['hall'],
    },
    {
      what: 'means not the only device of a project with several',
      devices: [hall],
      more: of('d1', 'd2'),
      imageOf: 'd1',
      expected: 'doubt',
    },
    {
      what: 'means not the default device of a project with several',
      devices: [hall, device('den')],
      more: { ...of('d1', 'd2'), defaultDevice: 'hall' },
      imageOf: 'd1',
      expected: 'doubt',
    },
    {
      what: 'means not the rest where another takes another',
      devices: [lamp, hall],
      imageOf: 'd2',
      expected: 'doubt',
    },
    {
      what: 'of a project that has no such one is for nobody',
      devices: [hall],
      more: of('d1'),
      imageOf: 'd9',
      expected: 'doubt',
    },
    {
      what: 'never falls from the default device to another',
      devices: [lamp, hall],
      more: { ...of('d2'), defaultDevice: 'lamp' },
      imageOf: 'd2',
      expected: 'nobody',
    },
    {
      what: 'goes from the default device to the one that takes it',
      devices: [lamp, device('den', { environment: 'd2' })],
      more: { defaultDevice: 'lamp' },
      imageOf: 'd2',
      expected: ['den'],
    },
    { what: 'is for nobody where all take another', devices: [lamp], imageOf: 'd2', expected: 'nobody' },
    {
      what: 'keeps the default device of a project with one',
      devices: [lamp, hall],
      more: { ...of('d1'), defaultDevice: 'hall' },
      imageOf: 'd1',
      expected: ['hall'],
    },
  ])('$what', ({ devices, more, imageOf, expected }) => {
    const where = config(devices, more);
    const selection = { targets: [], imageOf, builtEnvironment: imageOf };
    const isNobody = typeof expected === 'string';
    expect(isForNobody(where, selection)).toBe(isNobody);
    if (!isNobody) return expect(selectDevices(where, selection).map(({ name }) => name)).toEqual(expected);
    expect(doubtOf(where, selection) === undefined).toBe(expected === 'nobody');
    expect(failure(where, selection).code).toBe('NO_TARGET');
  });

  it('says who may be meant, and the cure', () => {
    const where = config([hall, device('den')], of('d1', 'd2'));
    expect(failure(where, { imageOf: 'd2' })).toMatchObject({
      message:
        'It is not certain whom the image of d2 is for: the project builds several environments, and hall, den name none of them.',
      hint: 'Write `environment: d2` at the device that is to get it, in .otarc. Or name the device on the command line.',
    });
    expect(failure(config([lamp, hall], { defaultDevice: 'lamp' }), { imageOf: 'd2' }).message).toBe(
      'No device takes the image of d2: lamp takes d1, hall names none.',
    );
  });

  it('counts for nothing where a device is named', () => {
    const where = config([lamp, hall], of('d1', 'd2'));
    expect(selectDevices(where, { targets: ['hall'], imageOf: 'd1' })).toEqual([hall]);
    expect(selectDevices(where, { targets: [], all: true, imageOf: 'd1' })).toEqual([lamp, hall]);
    expect(isForNobody(where, { targets: ['hall'], imageOf: 'd2' })).toBe(false);
  });
});

describe("no target among the project's own", () => {
  const a = device('a', { environment: 'x' });
  const b = device('b', { environment: 'y', onlyByName: true });

  it('means the one for what is built', () => {
    expect(names(config([a, b]))).toEqual(['a']);
    expect(names(config([a, b]), 'b')).toEqual(['b']);
    expect(selectDevices(config([a, b]), { targets: [], all: true })).toEqual([a, b]);
  });

  it('means none where none is for it, and names them with the cure', () => {
    const error = failure(config([b], { build: { sketch: '/p', args: [], environment: 'z' } }), {});
    expect(error).toMatchObject({ code: 'NO_TARGET', details: { devices: ['b'] } });
    expect(error.message).toContain('for the environment z; it names b');
    expect(error.hint).toContain('-e');
  });

  it('means none of several, and names the environment that would choose', () => {
    const error = failure(config([a, device('c', { environment: 'y' })]), {});
    expect(error).toMatchObject({ code: 'NO_TARGET', message: expect.stringContaining('a, c') });
    expect(error.hint).toContain('`-e x`');
    expect(error.hint).toContain('`--all`');
  });
});

describe("targets that only the project's own files name", () => {
  const known = device('porch', { host: '192.0.2.77', environment: 'x' });
  const beside = { ...house, adHoc: { ...house.adHoc, known: [known] } };

  it('count as that device where the address is typed, and are nobody else', () => {
    expect(selectDevices(beside, { targets: ['192.0.2.77'] })).toEqual([known]);
    expect(selectDevices(beside, { targets: ['porch.local'] })).toEqual([known]);
    expect(selectDevices(beside, { targets: ['192.0.2.77:9'] })).toEqual([{ ...known, port: 9 }]);
    expect(failure(beside, { targets: ['porch'] }).code).toBe('TARGET_UNKNOWN');
    expect(selectDevices(beside, { targets: [], all: true })).toEqual(house.devices);
  });
});

describe('--all', () => {
  it('means every device', () => {
    expect(selectDevices(house, { targets: [], all: true })).toEqual(house.devices);
  });

  it('means nothing without devices or with targets', () => {
    expect(failure(none, { all: true }).code).toBe('NO_TARGET');
    expect(failure(house, { all: true, targets: ['hall'] }).code).toBe('USAGE');
  });
});
