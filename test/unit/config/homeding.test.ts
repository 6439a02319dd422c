import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkFile, checkHomeding } from '../../../src/config/check-file.ts';
import { homedingUrl, shownUrl } from '../../../src/config/homeding-url.ts';
import { canonicalHomeding, isInSafeMode } from '../../../src/config/homeding.ts';
import { parseText } from '../../../src/config/parse-text.ts';

describe("HomeDing's own JSON", () => {
  it.each([
    [
      'in small letters',
      '{"ota": {"0": {"port": 8267, "passwd": "123"}}, "device": {"0": {"name": "bath"}}}',
    ],
    ['in capitals', '{"OTA": {"0": {"PORT": 8267, "PASSWD": "123"}}, "DEVICE": {"0": {"NAME": "bath"}}}'],
    ['mixed', '{"Ota": {"0": {"Port": "8267", "Passwd": "123"}}, "Device": {"0": {"Name": "bath"}}}'],
    ['with other ids', '{"ota": {"on": {"port": 8267, "passwd": "123"}}, "device": {"x": {"name": "bath"}}}'],
    ['with a number', '{"ota": {"0": {"port": 8267, "passwd": 123}}, "device": {"0": {"name": "bath"}}}'],
  ])('is read as the device reads it: %s', (_, text) => {
    const { value } = parseText('/p/env.json', text);
    const result = checkHomeding(value);
    expect(result.ok && result.settings).toMatchObject({
      ota: { '0': { passwd: '123' } },
      device: { '0': { name: 'bath' } },
    });
    expect(result.ok && Number(result.settings.ota?.['0'].port)).toBe(8267);
    expect(checkFile(value).ok).toBe(true);
    expect(checkFile({ devices: { bath: value } }).ok).toBe(true);
  });

  it.each(['0123', '123456789012345678901', '1e3', '12.0'])(
    'has the number %s as it is written',
    (digits) => {
      const { value } = parseText('/p/env.json', `{"ota": {"0": {"passwd": ${digits}}}}`);
      const result = checkHomeding(value);
      expect(result.ok && result.settings.ota?.['0'].passwd).toBe(digits);
    },
  );

  it('is written where its keys are', () => {
    const { written } = canonicalHomeding({ OTA: { on: { Port: 1 } }, x: 1 }, true);
    expect(written(['ota', '0', 'port'])).toEqual(['OTA', 'on', 'Port']);
    expect(written(['ota', '0', 'passwd'])).toEqual(['OTA', 'on', 'passwd']);
    expect(written(['ota'])).toEqual(['OTA']);
    expect(written(['x', 'y'])).toEqual(['x', 'y']);
    const issues = checkFile({ devices: { a: { Ota: { on: { PORT: 0 } } } } });
    expect(issues.ok || issues.issues.map(({ path }) => issues.written(path))).toEqual([
      ['devices', 'a', 'Ota', 'on', 'PORT'],
    ]);
  });

  it('leaves what is none of its elements alone', () => {
    const value = { Device: { a: { host: 'x' } }, device: 'a', Ota: 1 };
    expect(canonicalHomeding(value, false).value).toEqual(value);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (any) => {
        expect(() => [checkFile(any), checkHomeding(any)]).not.toThrow();
      }),
    );
  });

  it.each([
    [{ device: { '0': { safemode: 'true' } } }, true],
    [{ device: { '0': { safemode: true } } }, true],
    [{ device: { '0': { safemode: '1' } } }, true],
    [{ device: { '0': { safemode: 'false' } } }, false],
    [{ device: { '0': {} } }, false],
    [{}, false],
  ])('%j: in safe mode %s', (value, expected) => {
    expect(isInSafeMode(value)).toBe(expected);
  });
});

describe('the address of a HomeDing JSON', () => {
  it('is one of the device, without secrets', () => {
    expect(homedingUrl('http://lamp.local/env.json')?.hostname).toBe('lamp.local');
    for (const text of [
      'data/env.json',
      'C:\\env.json',
      'https://lamp/env.json',
      'http://me:pw@lamp/env.json',
    ])
      expect(homedingUrl(text), text).toBeUndefined();
    expect(shownUrl(new URL('http://lamp:81/env.json?key=x'))).toBe('http://lamp:81/env.json');
  });

  it('of another form is a mistake', () => {
    for (const homeding of ['https://lamp/env.json', 'http://me:geheim@lamp/env.json']) {
      const result = checkFile({ devices: { lamp: { homeding } } });
      expect(result.ok || result.issues).toEqual([
        {
          path: ['devices', 'lamp', 'homeding'],
          message: 'must be a path, or http://NAME/env.json without a user name',
        },
      ]);
    }
  });
});
