import { describe, expect, it } from 'vitest';
import { checkFile, checkHomeding } from '../../../src/config/check-file.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { CheckedFile, ConfigSources } from '../../../src/config/sources.ts';
import type { HomedingFile } from '../../../src/config/schema.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { Config, CredentialSource } from '../../../src/config/types.ts';

/** Resolves with `value` as `/home/p/.otarc`; places are `FILE:path`. */
function resolved(value: unknown, more: Partial<ConfigSources> = {}): Config {
  const checked = checkFile(value);
  if (!checked.ok) throw new Error(JSON.stringify(checked.issues));
  return resolveConfig({
    projectDir: '/home/p/sub',
    flags: {},
    overrides: {},
    passwordVariables: new Set(),
    defaultSketch: { value: '/home/p/sub', origin: 'default: the working folder' },
    homeding: new Map(),
    file: {
      file: '/home/p/.otarc',
      settings: checked.settings,
      placeOf: (path) => `/home/p/.otarc:${path.join('/')}`,
    },
    ...more,
  });
}

const originOf = (config: Config, path: string) => config.origins.find((each) => each.path === path);
const sourceOf = (config: Config): CredentialSource | undefined => config.devices[0]?.credentialSource;

describe('resolveConfig', () => {
  it('works without any file', () => {
    const config = resolved({}, { file: undefined });
    expect(config).toMatchObject({
      projectDir: '/home/p/sub',
      build: { sketch: '/home/p/sub', args: [] },
      kind: 'firmware',
      devices: [],
      groups: {},
      adHoc: { device: { credentialSource: { type: 'none' }, interfaces: [] } },
    });
    expect('file' in config || 'defaultDevice' in config || 'tool' in config.build).toBe(false);
    expect(config.origins.every(({ origin }) => origin.startsWith('default'))).toBe(true);
  });

  it('applies every key, paths relative to the file', () => {
    const config = resolved({
      device: 'a',
      devices: {
        a: {
          host: '192.0.2.1',
          port: 1,
          platform: 'esp32',
          password: { file: 'pw.txt' },
          environment: 's3',
          hostAddress: '192.0.2.7',
          hostPort: 2,
          partitions: '../p.csv',
          acceptFrom: 'any',
          engine: 'espota',
        },
        b: null,
        c: '192.0.2.3:3232',
        d: 'd.local',
        e: { password: { command: ['pass', 'x'] }, host: '[::1]:5' },
      },
      groups: { g: ['a', 'b'] },
      build: { sketch: 'fw', image: 'out/x.bin', filesystemImage: '/abs/fs.bin', profile: 'p', args: ['-v'] },
      interfaces: ['eth0'],
    });
    const rest = { acceptFrom: 'device', engine: 'espota', interfaces: ['eth0'] };
    const none = { type: 'none' };
    expect(config.devices).toEqual([
      {
        name: 'a',
        host: '192.0.2.1',
        port: 1,
        ownPort: 1,
        platform: 'esp32',
        credentialSource: { type: 'file', path: '/home/p/pw.txt' },
        environment: 's3',
        hostAddress: '192.0.2.7',
        hostPort: 2,
        partitionsPath: '/home/p.csv',
        acceptFrom: 'any',
        engine: 'espota',
        interfaces: ['eth0'],
      },
      { name: 'b', host: 'b', credentialSource: none, ...rest },
      { name: 'c', host: '192.0.2.3', port: 3232, ownPort: 3232, credentialSource: none, ...rest },
      { name: 'd', host: 'd.local', credentialSource: none, ...rest },
      {
        name: 'e',
        host: '::1',
        port: 5,
        ownPort: 5,
        credentialSource: { type: 'command', command: ['pass', 'x'], cwd: '/home/p' },
        ...rest,
      },
    ]);
    expect(config.groups).toEqual({ g: ['a', 'b'] });
    expect(config.defaultDevice).toBe('a');
    expect(config.build).toEqual({
      sketch: '/home/p/fw',
      image: '/home/p/out/x.bin',
      filesystemImage: '/abs/fs.bin',
      profile: 'p',
      args: ['-v'],
    });
    expect(originOf(config, 'devices.a.port')).toEqual({
      path: 'devices.a.port',
      value: 1,
      origin: '/home/p/.otarc:devices/a/port',
    });
    expect(originOf(config, 'devices.c.port')?.origin).toBe('/home/p/.otarc:devices/c');
    expect(originOf(config, 'devices.b.host')).toEqual({
      path: 'devices.b.host',
      value: 'b',
      origin: 'default',
    });
    expect(originOf(config, 'build.sketch')?.origin).toBe('/home/p/.otarc:build/sketch');
    expect(originOf(resolved({}), 'build.sketch')).toEqual({
      path: 'build.sketch',
      value: '/home/p/sub',
      origin: 'default: the working folder',
    });
  });

  it('takes `device:` alone for one device found by that name or address', () => {
    const short = resolved({ device: 'livingroom' });
    expect(short.devices).toMatchObject([{ name: 'livingroom', host: 'livingroom' }]);
    expect(short.defaultDevice).toBe('livingroom');
    expect(originOf(short, 'devices.livingroom.host')?.origin).toBe('/home/p/.otarc:device');
    expect(resolved({ device: '192.0.2.1:9', devices: {} }).devices).toMatchObject([
      { name: '192.0.2.1:9', host: '192.0.2.1', port: 9 },
    ]);
  });

  it('lets a flag outrank a variable, and a variable the file, for every device', () => {
    const file = {
      devices: {
        a: { port: 1, platform: 'esp32', hostAddress: '192.0.2.1', hostPort: 1 },
        b: null,
      },
      build: { environment: 'file' },
      interfaces: ['file0'],
    };
    const flags = {
      port: 3,
      platform: 'rp2040',
      hostAddress: '192.0.2.3',
      hostPort: 3,
      environment: 'flag',
      interfaces: ['flag0'],
    } as const;
    const overrides = { ...flags, port: 2, environment: 'variable', interfaces: ['variable0'] } as const;

    const byFlag = resolved(file, { flags, overrides });
    for (const device of byFlag.devices)
      expect(device).toMatchObject({
        port: 3,
        platform: 'rp2040',
        hostAddress: '192.0.2.3',
        hostPort: 3,
        interfaces: ['flag0'],
      });
    expect(byFlag.adHoc.device).toMatchObject({ port: 3, platform: 'rp2040', interfaces: ['flag0'] });
    expect(byFlag.build.environment).toBe('flag');
    expect(originOf(byFlag, 'devices.b.port')?.origin).toBe('flag --port');
    expect(originOf(byFlag, 'interfaces')?.origin).toBe('flag --interface');

    const byVariable = resolved(file, { overrides });
    expect(byVariable.devices.map(({ port }) => port)).toEqual([2, 2]);
    expect(byVariable.adHoc.device.port).toBe(2);
    expect(byVariable.build.environment).toBe('variable');
    expect(originOf(byVariable, 'devices.a.hostAddress')?.origin).toBe('environment OTARC_HOST_ADDRESS');
    expect(byVariable.devices[0]?.interfaces).toEqual(['variable0']);
  });

  it('takes a command to build with for the tool', () => {
    expect(resolved({ build: { command: ['make'] } }).build.tool).toBe('command');
    expect(resolved({ build: { command: ['make'], tool: 'pio' } }).build.tool).toBe('pio');
  });

  it('has what watch, push and the hook go by, and who says so', () => {
    const none = resolved({}, { file: undefined });
    expect(none).toMatchObject({
      watch: { paths: [], ignore: [], ignoreDir: '/home/p/sub' },
      push: { filesystem: 'never' },
      hook: { pushOnBuild: false },
      files: [],
    });
    expect(none.hook).toEqual({ pushOnBuild: false });
    const config = resolved(
      {
        watch: { paths: ['../shared', '/abs', 'x.h'], ignore: ['*.orig', '!keep.orig'] },
        push: { filesystem: 'on-change' },
        hook: { pushOnBuild: true },
      },
      { folder: '/home/p' },
    );
    expect(config).toMatchObject({
      watch: {
        paths: ['/home/shared', '/abs', '/home/p/x.h'],
        ignore: ['*.orig', '!keep.orig'],
        ignoreDir: '/home/p',
      },
      push: { filesystem: 'on-change' },
      hook: { pushOnBuild: true, folder: '/home/p' },
      files: ['/home/p/.otarc'],
    });
    for (const path of ['watch.paths', 'watch.ignore', 'push.filesystem', 'hook.pushOnBuild']) {
      expect(originOf(config, path)?.origin).toBe(`/home/p/.otarc:${path.replace('.', '/')}`);
      expect(originOf(none, path)?.origin).toBe('default');
    }
    expect(resolved({ hook: { pushOnBuild: true } }).hook).toEqual({ pushOnBuild: true });
  });

  it('builds the file system where flag or variable says so', () => {
    expect(resolved({}, { flags: { filesystem: true } }).kind).toBe('filesystem');
    expect(resolved({}, { overrides: { filesystem: true } }).kind).toBe('filesystem');
  });
});

describe('where a password comes from', () => {
  const file = { devices: { 'living-room': { password: 'written' } } };
  const passwordVariables = new Set(['OTARC_PASSWORD', 'OTARC_PASSWORD_LIVING_ROOM']);
  const overrides = { passwordFile: 'var.txt' };

  it('has an order', () => {
    const flags = { passwordFile: 'flag.txt' };
    expect(sourceOf(resolved(file, { flags, overrides, passwordVariables }))).toEqual({
      type: 'file',
      path: '/home/p/sub/flag.txt',
    });
    expect(sourceOf(resolved(file, { overrides, passwordVariables }))).toEqual({
      type: 'env',
      variable: 'OTARC_PASSWORD_LIVING_ROOM',
    });
    const general = new Set(['OTARC_PASSWORD']);
    expect(sourceOf(resolved(file, { overrides, passwordVariables: general }))).toEqual({
      type: 'env',
      variable: 'OTARC_PASSWORD',
    });
    expect(sourceOf(resolved(file, { overrides }))).toEqual({ type: 'file', path: '/home/p/sub/var.txt' });
    const written = sourceOf(resolved(file));
    expect(written?.type === 'text' && written.secret.reveal()).toBe('written');
    expect(sourceOf(resolved({ devices: { a: null } }))).toEqual({ type: 'none' });
  });

  it('has .otarc.env behind every variable of the environment', () => {
    const secret = (line: number) => ({ secret: new Secret('of the file'), line });
    const secretsOf = (...names: string[]) => ({
      file: '/home/p/.otarc.env',
      secrets: new Map(names.map((name, index) => [name, secret(index + 1)])),
    });
    const own = 'OTARC_PASSWORD_LIVING_ROOM';
    const both = secretsOf('OTARC_PASSWORD', own);
    const placeOf = (more: Partial<ConfigSources>): string | undefined =>
      originOf(resolved(file, more), 'devices.living-room.password')?.origin;
    expect(placeOf({ overrides, secretsFile: both, passwordVariables })).toBe(
      'environment OTARC_PASSWORD_FILE',
    );
    expect(placeOf({ secretsFile: secretsOf(own), passwordVariables })).toBe('environment OTARC_PASSWORD');
    expect(placeOf({ secretsFile: both, passwordVariables })).toBe('/home/p/.otarc.env:2');
    const general = {
      secretsFile: secretsOf('OTARC_PASSWORD'),
      passwordVariables: new Set(['OTARC_PASSWORD']),
    };
    expect(placeOf(general)).toBe('/home/p/.otarc.env:1');
  });

  it('may be stdin', () => {
    expect(sourceOf(resolved(file, { flags: { passwordFile: '-' } }))).toEqual({ type: 'stdin' });
  });

  it('may be a hash only', () => {
    const config = resolved({ devices: { a: { passwordHash: 'A'.repeat(32) } } });
    expect(sourceOf(config)?.type).toBe('hash');
    expect(originOf(config, 'devices.a.passwordHash')?.value).toBe('(secret, from the text itself)');
  });

  it('is told without the password', () => {
    const mark = (password: unknown) =>
      originOf(resolved({ devices: { a: { password } } }), 'devices.a.password')?.value;
    expect(mark('hunter2')).toBe('(secret, from the text itself)');
    expect(mark({ env: 'PW' })).toBe('(secret, from environment PW)');
    expect(mark({ file: 'pw' })).toBe('(secret, from file /home/p/pw)');
    expect(mark({ command: ['pass', 'show'] })).toBe('(secret, from command pass …)');
  });

  it('may be .otarc.env, which is named in place of the environment', () => {
    const secrets = new Map([
      ['PW', { secret: new Secret('from the file'), line: 2 }],
      ['OTARC_PASSWORD_A', { secret: new Secret('of a'), line: 3 }],
    ]);
    const secretsFile = { file: '/home/p/.otarc.env', secrets };
    const written = (variable: string) =>
      resolved({ devices: { a: { password: { env: variable } } } }, { secretsFile });
    expect(sourceOf(written('PW'))).toEqual({
      type: 'env',
      variable: 'PW',
      secretsFile: { file: '/home/p/.otarc.env', secret: secrets.get('PW')?.secret },
    });
    expect(originOf(written('PW'), 'devices.a.password')).toEqual({
      path: 'devices.a.password',
      value: '(secret, PW from /home/p/.otarc.env)',
      origin: '/home/p/.otarc:devices/a/password',
    });
    expect(originOf(written('OTHER'), 'devices.a.password')?.value).toBe('(secret, from environment OTHER)');
    expect(sourceOf(written('OTHER'))).toEqual({
      type: 'env',
      variable: 'OTHER',
      secretsFile: { file: '/home/p/.otarc.env' },
    });
    const own = resolved(
      { devices: { a: null } },
      { secretsFile, passwordVariables: new Set(['OTARC_PASSWORD_A']) },
    );
    expect(originOf(own, 'devices.a.password')).toEqual({
      path: 'devices.a.password',
      value: '(secret, OTARC_PASSWORD_A from /home/p/.otarc.env)',
      origin: '/home/p/.otarc.env:3',
    });
    expect(own.adHoc.invocation.secretsFile).toBe(secretsFile);
    expect(own.files).toEqual(['/home/p/.otarc', '/home/p/.otarc.env']);
    expect(JSON.stringify(own)).not.toContain('of a');
  });

  it('holds for ad-hoc targets where flag or variables say it', () => {
    expect(resolved({}, { passwordVariables }).adHoc).toMatchObject({
      device: { credentialSource: { type: 'env', variable: 'OTARC_PASSWORD' } },
      invocation: { passwordVariables },
    });
  });
});

describe("HomeDing's JSON", () => {
  const env = { ota: { '0': { port: 9000, passwd: '123' } }, device: { '0': { name: 'Bath' } } };

  const expectBath = (config: Config, name: string): void => {
    expect(config.devices).toMatchObject([{ name, host: 'Bath', port: 9000 }]);
    const source = sourceOf(config);
    expect(source?.type === 'text' && source.secret.reveal()).toBe('123');
  };

  it('is a device', () => {
    const config = resolved({ devices: { livingroom: env } });
    expectBath(config, 'livingroom');
    expect(originOf(config, 'devices.livingroom.port')?.origin).toBe(
      '/home/p/.otarc:devices/livingroom/ota/0/port',
    );
  });

  it('is a whole configuration', () => {
    const config = resolved(env);
    expectBath(config, 'Bath');
    expect(config.defaultDevice).toBe('Bath');
    expect(originOf(config, 'devices.Bath.host')?.origin).toBe('/home/p/.otarc:device/0/name');
    expect(resolved({ ota: env.ota, device: 'hall' }).devices).toMatchObject([
      { name: 'hall', host: 'hall', port: 9000 },
    ]);
  });

  it('is a file that a device names', () => {
    const checked = checkHomeding(env);
    if (!checked.ok) throw new Error('not accepted');
    const own: CheckedFile<HomedingFile> = {
      file: '/home/p/data/env.json',
      settings: checked.settings,
      placeOf: (path) => `/home/p/data/env.json:${path.join('/')}`,
    };
    const homeding = new Map([['a', own]]);
    const config = resolved({ devices: { a: { homeding: 'data/env.json' } } }, { homeding });
    expectBath(config, 'a');
    expect(config.devices[0]?.isHomeding).toBe(true);
    expect(resolved({ devices: { a: { port: 8266 } } }).devices[0]?.isHomeding).toBeUndefined();
    expect(originOf(config, 'devices.a.password')?.origin).toBe('/home/p/data/env.json:ota/0/passwd');
    const overruled = resolved(
      { devices: { a: { homeding: 'data/env.json', host: 'x', port: 1, password: { env: 'PW' } } } },
      { homeding },
    );
    expect(overruled.devices).toMatchObject([{ host: 'x', port: 1, credentialSource: { type: 'env' } }]);
  });

  it('means port 8266 on every chip, and no password where it has none', () => {
    const config = resolved({ devices: { a: { ota: { '0': { passwd: '' } }, platform: 'esp32' } } });
    expect(config.devices).toMatchObject([
      { name: 'a', host: 'a', port: 8266, credentialSource: { type: 'none' } },
    ]);
    expect(resolved({ devices: { a: { ota: { '0': { port: '3232' } } } } }).devices[0]?.port).toBe(3232);
    expect(resolved({ devices: { a: { ota: { '0': { port: '' } } } } }).devices[0]?.port).toBe(8266);
  });
});
