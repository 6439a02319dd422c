import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkFile } from '../../../src/config/check-file.ts';
import { parseSecrets } from '../../../src/config/secrets-file.ts';
import type { FoundDevice } from '../../../src/model/announcement.ts';
import {
  foundDevices,
  isSameDevice,
  typedDevice,
  suggestedVariable,
  withOwnNames,
} from '../../../src/init/device-choice.ts';
import { envLine, withoutValues } from '../../../src/init/env-file.ts';
import { otarcText } from '../../../src/init/otarc-file.ts';

const livingroom: FoundDevice = {
  name: 'livingroom',
  host: 'livingroom.local',
  addresses: ['192.0.2.7'],
  port: 8266,
  board: 'd1_mini',
  platform: 'esp8266',
  authRequired: true,
};
const hall: FoundDevice = { name: 'Hall lamp', host: 'esp-17.local', addresses: ['192.0.2.8'], port: 4000 };

describe('a device that is typed', () => {
  it.each([
    ['livingroom', { name: 'livingroom', host: 'livingroom.local' }],
    ['livingroom.local', { name: 'livingroom', host: 'livingroom.local' }],
    ['esp.example.com:8267', { name: 'esp.example.com', host: 'esp.example.com', port: 8267 }],
    ['192.0.2.9', { name: '192.0.2.9', host: '192.0.2.9' }],
    ['[2001:db8::1]:3232', { name: '2001:db8::1', host: '2001:db8::1', port: 3232 }],
    ['küche=192.0.2.9:8266', { name: 'küche', host: '192.0.2.9', port: 8266 }],
    ['comet', { name: 'comet', host: 'comet.local' }],
    ['Hall 2=esp-18', { name: 'Hall 2', host: 'esp-18.local' }],
  ])('%s', (text, expected) => {
    expect(typedDevice(text, [])).toEqual(expected);
  });

  it.each([
    '',
    '=',
    '=192.0.2.9',
    'a=',
    'a/b',
    '192.0.2.300',
    'a:70000',
    'http://a',
    '-x=192.0.2.9',
    'a\u001Bb=192.0.2.9',
    '../a',
    'COM4',
    'lamp=com12',
    'ttyUSB0',
    'cu.usbserial-110',
    '/dev/ttyUSB0',
  ])('%j is none', (text) => {
    expect(typedDevice(text, [])).toBeUndefined();
  });

  it('has the name and the facts of the one that was found there', () => {
    const facts = { authRequired: true, platform: 'esp8266' };
    expect(typedDevice('192.0.2.7', [livingroom])).toEqual({
      name: 'livingroom',
      host: '192.0.2.7',
      ...facts,
    });
    expect(typedDevice('LivingRoom', [livingroom])).toMatchObject({ host: 'livingroom.local', ...facts });
    expect(typedDevice('192.0.2.7:9', [livingroom])).toEqual({
      name: '192.0.2.7',
      host: '192.0.2.7',
      port: 9,
    });
    expect(typedDevice('192.0.2.8', [hall])).toEqual({ name: 'Hall lamp', host: '192.0.2.8', port: 4000 });
  });
});

describe('devices that were found', () => {
  it('are known by their host names; a port is noted where it is not the usual one', () => {
    expect(foundDevices([livingroom, hall])).toEqual([
      { name: 'livingroom', host: 'livingroom.local', platform: 'esp8266', authRequired: true },
      { name: 'Hall lamp', host: 'esp-17.local', port: 4000 },
    ]);
  });

  it('of one name are kept apart by address and number', () => {
    const twin = { ...livingroom, addresses: ['192.0.2.9'], port: 8267 };
    expect(foundDevices([livingroom, twin]).map(({ name, host, port }) => [name, host, port])).toEqual([
      ['livingroom', '192.0.2.7', 8266],
      ['livingroom-2', '192.0.2.9', 8267],
    ]);
  });

  it('never share a password variable, with one another or with a flag', () => {
    const names = ['hall-1', 'hall_1', 'file'].map((name) => ({ name, host: 'a.local' }));
    expect(withOwnNames(names).map(({ name }) => name)).toEqual(['hall-1', 'hall_1-2', 'file-2']);
  });

  it('are recognised by name or address', () => {
    const device = { name: 'a', host: '192.0.2.7' };
    expect(isSameDevice(device, { name: 'b', host: '192.0.2.7', port: 1 })).toBe(true);
    expect(isSameDevice(device, { name: 'x', host: 'A.local' })).toBe(true);
    expect(isSameDevice({ ...device, port: 2 }, { name: 'b', host: '192.0.2.7', port: 1 })).toBe(false);
    expect(isSameDevice(device, { name: 'b', host: '192.0.2.8' })).toBe(false);
  });

  it.each([
    ['livingroom', 'LIVINGROOM_PW'],
    ['hall-2', 'HALL_2_PW'],
    ['127.0.0.1', 'DEVICE_127_0_0_1_PW'],
    ['küche', 'K_CHE_PW'],
    ['лампа', 'DEVICE_PW'],
  ])('%s has the variable %s', (name, expected) => {
    expect(suggestedVariable(name)).toBe(expected);
  });
});

describe('a new .otarc', () => {
  const name = fc.oneof(
    fc.constantFrom(
      'livingroom',
      'true',
      'on',
      '12',
      '1e3',
      '0x1',
      '127.0.0.1',
      '::1',
      'a: b',
      '# x',
      '- y',
      '*a',
      'Hall lamp',
      'null',
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  );

  it('says what was meant, whatever the names are', () => {
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('none', 'env'),
        fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
        (names, type, port) => {
          const devices = withOwnNames(
            names.map((each) => ({ name: each, host: '192.0.2.7', ...(port !== undefined && { port }) })),
          );
          const text = otarcText({
            devices,
            password: { type },
            build: { fqbn: 'a:b:c' },
            isSaidElsewhere: false,
          });
          const value: unknown = parse(text);
          expect(checkFile(value)).toMatchObject({ ok: true });
          const password = (each: string) =>
            type === 'env' ? { password: { env: suggestedVariable(each) } } : {};
          const entries = devices.map((each) => [
            each.name,
            { host: '192.0.2.7', ...(port !== undefined && { port }), ...password(each.name) },
          ]);
          expect(value).toEqual({ devices: Object.fromEntries(entries), build: { fqbn: 'a:b:c' } });
        },
      ),
    );
  });

  it('without a device is an example, and an empty configuration', () => {
    const text = otarcText({ devices: [], password: { type: 'none' }, build: {}, isSaidElsewhere: false });
    expect(parse(text)).toBeNull();
    const example: unknown = parse(text.replaceAll(/^# (?=devices|  |hook)/gm, ''));
    expect(checkFile(example)).toMatchObject({ ok: true });
    expect(example).toMatchObject({ devices: { livingroom: { password: { env: 'LIVINGROOM_PW' } } } });
  });
});

describe('.otarc.env', () => {
  it('gives a password back as it was', () => {
    const hard = fc.string({
      unit: fc.constantFrom('a', ' ', '#', '"', "'", '`', '\\', 'n', '$', '{', '=', 'é'),
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ minLength: 1 }), hard), (password) => {
        const line = lineOf(password);
        if (line === undefined) {
          expect(password).toMatch(/[\r\n]|(?=.*')(?=.*`)(?=.*(?:"|\\n))/s);
          return;
        }
        expect(parseEnv(line)['X_PW']).toBe(password);
        const { secretsFile, problems } = parseSecrets(
          { file: '.otarc.env', text: `A=1\n${line}\nB=2\n` },
          {},
        );
        expect(problems).toEqual([]);
        expect(secretsFile.secrets.get('X_PW')?.secret.reveal()).toBe(password);
      }),
      { numRuns: 2000 },
    );
  });

  it('shows names alone', () => {
    const text = '# mine\n# >>> otarc init 0123abcd new (x)\nA_PW=geheim\nexport B = "zwei\nzeilen"\n\n';
    expect(withoutValues(text)).toBe(
      '# mine\n# >>> otarc init •••••••• new (x)\nA_PW=••••\nexport B =••••\n••••\n\n',
    );
  });
});

function lineOf(password: string): string | undefined {
  try {
    return envLine('X_PW', password);
  } catch {
    return undefined;
  }
}
