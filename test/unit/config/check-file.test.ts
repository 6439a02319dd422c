import { describe, expect, it } from 'vitest';
import { checkFile, checkHomeding } from '../../../src/config/check-file.ts';
import { notYet } from '../../../src/config/not-yet.ts';
import { pathText } from '../../../src/config/problem.ts';

/** `path: message` of every mistake. */
function mistakes(value: unknown): string[] {
  const checked = checkFile(value);
  return checked.ok ? [] : checked.issues.map(({ path, message }) => `${pathText(path)}: ${message}`);
}

const whole = {
  $schema: './otarc.schema.json',
  device: 'livingroom',
  devices: {
    livingroom: {
      host: 'livingroom.local',
      port: 8266,
      platform: 'esp8266',
      password: { env: 'LIVINGROOM_PW' },
      environment: 'd1_mini',
      hostAddress: '192.0.2.7',
      hostPort: 48266,
      partitions: 'partitions.csv',
      acceptFrom: 'device',
      engine: 'espota',
    },
    hall: '192.0.2.11',
    attic: { homeding: 'data/env.json', passwordHash: 'A'.repeat(64) },
    cellar: null,
    v6: '[2001:db8::1]:3232',
  },
  groups: { upstairs: ['livingroom', 'hall'] },
  build: {
    tool: 'command',
    environment: 'd1_mini',
    fqbn: 'esp8266:esp8266:d1_mini',
    profile: 'p',
    sketch: '.',
    args: [],
    command: ['make', 'firmware'],
    image: 'build/firmware.bin',
    filesystemImage: 'build/littlefs.bin',
  },
  watch: { paths: ['shared'], ignore: ['*.orig'] },
  push: { filesystem: 'on-change' },
  hook: { pushOnBuild: true },
  interfaces: ['eth0'],
};

describe('a configuration file', () => {
  it('may hold everything that this version does', () => {
    expect(mistakes(whole)).toEqual([]);
  });

  it('may leave sections empty, as YAML has them while they are written', () => {
    const empty = {
      devices: null,
      groups: null,
      build: null,
      push: null,
      watch: null,
      hook: null,
      verify: null,
    };
    expect(mistakes({ ...empty, interfaces: null })).toEqual([]);
    expect(mistakes({})).toEqual([]);
  });

  it.each([
    [['a'], ': holds a list instead of settings: write `key: value` lines, or JSON in braces'],
    ['text', ': holds only a text instead of settings: write `key: value` lines, or JSON in braces'],
    [() => ({}), ': must export an object, not a function'],
  ])('is an object: %j', (value, message) => {
    expect(mistakes(value)).toEqual([message]);
  });

  it('reports every mistake at once, whatever kind it is of', () => {
    const found = mistakes({
      device: 'livingrom',
      devices: {
        livingroom: { prot: 1, platform: 'esp8226', pasword: 'hunter2', port: 0, acceptFrom: true },
        hall: { password: 123, hostAddress: 'eth0' },
      },
      groups: { up: ['hal'] },
      push: { parallel: 32 },
      build: { args: ['-j', 4] },
      port: 8266,
      fqbn: 'a:b:c',
    });
    expect(found.toSorted()).toEqual(
      [
        'build.args[1]: must be text: put it in quotes',
        'device: "livingrom" is not under devices; did you mean "livingroom"?',
        'devices.hall.hostAddress: must be an IP address',
        'devices.hall.password: must be text, {env: NAME}, {file: PATH} or {command: [PROGRAM, …]}: put it in quotes',
        'devices.livingroom.acceptFrom: must be device, any',
        'devices.livingroom.pasword: unknown key; did you mean "password"?',
        'devices.livingroom.platform: must be esp8266, esp32, rp2040; did you mean "esp8266"?',
        'devices.livingroom.port: must be a port, 1 to 65535',
        'devices.livingroom.prot: unknown key; did you mean "port"?',
        'fqbn: unknown key here; it belongs under build',
        'groups.up[0]: "hal" is not under devices; did you mean "hall"?',
        'port: unknown key here; it belongs under devices.NAME',
        'push.parallel: is not supported in this version; remove it',
      ].toSorted(),
    );
  });

  it.each([
    ['8266', 'must be a port, 1 to 65535, without quotes'],
    [8266.5, 'must be a port, 1 to 65535'],
    [70_000, 'must be a port, 1 to 65535'],
    [-1, 'must be a port, 1 to 65535'],
    [null, 'must be a port, 1 to 65535'],
  ])('takes no port %j', (port, message) => {
    const [first] = mistakes({ devices: { a: { port } } });
    expect(first).toContain(`devices.a.port: ${message}`);
  });

  it.each(['http://x/', 'a\tb', '192.0.2.300', 'a..b', '', '[::1', 'host:0', 'host:65536'])(
    'takes no host %j',
    (host) => {
      expect(mistakes({ devices: { a: { host } } })).toHaveLength(1);
      expect(mistakes({ devices: { a: host } })).toHaveLength(1);
    },
  );

  it.each(['xyz', 'a'.repeat(31), 'a'.repeat(33), 'g'.repeat(32), ''])(
    'takes no password hash %j',
    (passwordHash) => {
      expect(mistakes({ devices: { a: { passwordHash } } })).toEqual([
        'devices.a.passwordHash: must be 32 or 64 hexadecimal digits',
      ]);
    },
  );

  it('takes a password or a hash, not both', () => {
    expect(mistakes({ devices: { a: { password: 'x', passwordHash: 'a'.repeat(32) } } })).toEqual([
      'devices.a.passwordHash: not together with `password`: remove one of them',
    ]);
  });

  it('refuses an empty password and an empty command', () => {
    expect(mistakes({ devices: { a: { password: '' } } })).toEqual([
      'devices.a.password: must not be empty; leave the key out where there is no password',
    ]);
    expect(mistakes({ devices: { a: { password: { command: [] } } } })).toHaveLength(1);
    expect(mistakes({ devices: { a: { password: { evn: 'X' } } } })[0]).toContain('did you mean "env"?');
  });

  it('refuses two devices whose password variables have one name, and one that has the name of a flag', () => {
    expect(mistakes({ devices: { 'living-room': {}, living_room: null } })).toEqual([
      'devices.living_room: its password variable OTARC_PASSWORD_LIVING_ROOM is also that of devices.living-room; rename it',
    ]);
    expect(mistakes({ devices: { file: '192.0.2.1' } })).toHaveLength(1);
  });

  it('refuses a name that nothing can be looked up by', () => {
    const message = 'devices["hall/2"]: needs a `host`, because its name is no host name';
    expect(mistakes({ devices: { 'hall/2': null } })).toEqual([message]);
    expect(mistakes({ devices: { 'hall/2': { port: 1 } } })).toEqual([message]);
    expect(mistakes({ devices: { 'hall/2': '192.0.2.1' } })).toEqual([]);
  });

  it('refuses a port that differs from the one in the host', () => {
    expect(mistakes({ devices: { a: { host: 'a:1', port: 2 } } })).toHaveLength(1);
    expect(mistakes({ devices: { a: { host: 'a:1', port: 1 } } })).toEqual([]);
  });

  it('holds groups to devices', () => {
    const devices = { a: null, b: null };
    expect(mistakes({ devices, groups: { a: ['b'] } })).toEqual([
      'groups.a: has the name of a device; rename one of them',
    ]);
    expect(mistakes({ devices, groups: { g: ['a'], h: ['g'] } })).toEqual([
      'groups.h[0]: "g" is a group: list its devices',
    ]);
    expect(mistakes({ devices, groups: { g: [] } })).toEqual(['groups.g: must not be empty']);
    expect(mistakes({ devices, groups: { g: ['a'] }, device: 'g' })).toEqual([
      'device: "g" is a group; the default target is one device',
    ]);
  });
});

describe("HomeDing's JSON", () => {
  const ota = { '0': { port: 8266, passwd: '123' } };
  const device = { '0': { name: 'livingroom', title: 'x' } };

  it('is a device, or a whole configuration of one', () => {
    expect(mistakes({ devices: { a: { ota, device } } })).toEqual([]);
    expect(mistakes({ devices: { a: { ota } } })).toEqual([]);
    expect(mistakes({ ota, device })).toEqual([]);
    expect(mistakes({ ota, device: 'livingroom' })).toEqual([]);
    expect(mistakes({ ota: { '0': { port: '3232' } }, device })).toEqual([]);
    expect(mistakes({ ota: { '0': { port: '' } }, device })).toEqual([]);
  });

  it.each(['99999', '0', '-1', 'x', '80 ', 99_999])('has no port %j', (port) => {
    expect(mistakes({ ota: { '0': { port } }, device })).toEqual(['ota.0.port: must be a port, 1 to 65535']);
  });

  it('may hold other elements, but no mistyped keys', () => {
    const elements = { ntptime: { '0': { zone: 'x' } }, ssdp: { '0': {} } };
    expect(mistakes({ ota, device, ...elements })).toEqual([]);
    expect(mistakes({ devices: { a: { ota, device, ...elements } } })).toEqual([]);
    expect(mistakes({ ota, device, biuld: { tool: 'pio' } })).toEqual([
      'biuld: unknown key; did you mean "build"?',
    ]);
  });

  it('needs a name where it stands alone, and stands alone', () => {
    const missing = 'device.0.name: is missing: it names the device that `ota` describes';
    expect(mistakes({ ota })).toEqual([missing]);
    expect(mistakes({ ota, device: { '0': {} } })).toEqual([missing]);
    expect(mistakes({ ota, device, devices: { a: null } })).toEqual([
      'ota: describes one device: put it under devices.NAME',
    ]);
    expect(mistakes({ device })).toEqual(['ota: is missing: `device.0` alone says no port or password']);
  });

  it('is recognised in a file of its own', () => {
    expect(checkHomeding({ ota, device, other: 1 })).toMatchObject({ ok: true });
    expect(checkHomeding({ other: 1 }).ok).toBe(false);
    expect(checkHomeding([]).ok).toBe(false);
    expect(checkHomeding({ ota: { '0': { port: 99_999 } } }).ok).toBe(false);
  });

  it('has a password of text', () => {
    const [first] = mistakes({ devices: { a: { ota: { '0': { passwd: 123 } } } } });
    expect(first).toBe('devices.a.ota.0.passwd: must be text: put it in quotes');
  });
});

describe('what this version does not do yet', () => {
  it.each([
    [{ push: { parallel: 32 } }, 'push.parallel'],
    [{ push: { gzip: true } }, 'push.gzip'],
    [{ push: { onFailure: 'stop' } }, 'push.onFailure'],
    [{ push: { canary: 1 } }, 'push.canary'],
    [{ push: { retries: 2 } }, 'push.retries'],
  ])('is not accepted in silence: %j', (value, path) => {
    expect(mistakes(value)).toEqual([`${path}: is not supported in this version; remove it`]);
  });

  it('is accepted where it asks for what happens anyway', () => {
    expect(
      mistakes({
        push: {
          parallel: 1,
          gzip: false,
          onFailure: 'continue',
          canary: 0,
          retries: 0,
        },
      }),
    ).toEqual([]);
  });

  it('is still checked for its form', () => {
    expect(mistakes({ push: { gzip: 'yes', paralel: 2 } })).toEqual([
      'push.gzip: must be true or false',
      'push.paralel: unknown key; did you mean "parallel"?',
    ]);
  });

  it('names keys that the schema knows', () => {
    for (const { path } of notYet) {
      const value = path.reduceRight<unknown>((below, key) => ({ [key]: below }), Symbol('wrong'));
      expect(mistakes(value).join('\n')).not.toContain('unknown key');
    }
  });
});
