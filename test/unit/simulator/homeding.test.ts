import fc from 'fast-check';
import { expect, test } from 'vitest';

import { OtaError } from '../../../src/model/errors.ts';
import { parseHomeding } from '../../../src/simulator/homeding.ts';

test('name, port and password', () => {
  const text =
    '{"device": {"0": {"name": "livingroom", "x": 1}}, "ota": {"0": {"port": "8267", "passwd": "123"}}}';
  expect(parseHomeding(text, 'env.json')).toEqual({ name: 'livingroom', port: 8267, password: '123' });
});

test('what is not there has a default', () => {
  expect(parseHomeding('{"ota": {"0": {}}}', 'env.json')).toEqual({ port: 8266 });
  expect(parseHomeding('{"other": {}}', 'env.json')).toEqual({ port: 8266 });
});

test('mistakes name their place, and no password', () => {
  expect(() => parseHomeding('{"ota": {"0": {"port": 99999}}}', 'env.json')).toThrow(/ota\.0\.port/);
  expect(() => parseHomeding('[]', 'env.json')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  const broken = '{"ota": {"0": {"passwd": "geheim",}}}';
  expect(() => parseHomeding(broken, 'env.json')).toThrow(
    expect.objectContaining({ code: 'CONFIG_UNREADABLE' }),
  );
  expect(() => parseHomeding(broken, 'env.json')).not.toThrow(/geheim/);
});

test('any text gives a device or an OtaError', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        expect(parseHomeding(text, 'env.json').port).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(OtaError);
      }
    }),
  );
});
