import { describe, expect, it } from 'vitest';
import { mayNameSecret, redacted, redactedWords, withoutWordsOf } from '../../../src/model/redaction.ts';
import { checkFile } from '../../../src/config/check-file.ts';

describe('a text that is quoted', () => {
  it.each([
    ['password:Hunter2', 'password…'],
    ['passwordHunter2', 'password…'],
    ['pasword: Hunter2', 'pasword…'],
    ['pas sword Hunter2', 'pas sw…'],
    ['wifi_psk=Hunter2', 'wifi_psk…'],
    ['otaPw=Hunter2', 'otaPw…'],
    ['--auth=Hunter2', '--auth…'],
    ["No section: 'secrets'", "No section: 'secrets'"],
    ['livingroom', 'livingroom'],
    ['pwm-fan', 'pwm-fan'],
    ['x'.repeat(300), `${'x'.repeat(200)}…`],
  ])('is cut behind a word that may name a secret: %s', (text, shown) => {
    expect(redacted(text)).toBe(shown);
  });

  it('of a megabyte is looked through', () => {
    expect(mayNameSecret('psps'.repeat(250_000))).toBe(false);
    expect(mayNameSecret(`${'pasw'.repeat(250_000)}ord`)).toBe(true);
  });

  it('of a program has no word of a source that may hold a secret', () => {
    const isKnown = (word: string): boolean => word === 'host';
    expect(withoutWordsOf('Hunter2 is not defined', 'password: Hunter2', isKnown)).toBe('… is not defined');
    expect(withoutWordsOf('host is not defined', 'host, password: Hunter2', isKnown)).toBe(
      'host is not defined',
    );
    expect(withoutWordsOf('lamp is not defined', 'device: lamp', isKnown)).toBe('lamp is not defined');
  });
});

describe('a command line that is quoted', () => {
  it.each([
    ['make PASSWORD=Hunter2 all', 'make PASSWORD… all'],
    ['espota.py -a Hunter2 -f x.bin', 'espota.py -a … -f x.bin'],
    ['tool --auth Hunter2 --port 1', 'tool --auth … --port 1'],
    ['tool --authHunter2', 'tool --auth…'],
    ['pio run -d /home/me/auth-lamp -e d1', 'pio run -d /home/me/auth-lamp -e d1'],
  ])('keeps all but secrets: %s', (line, shown) => {
    expect(redactedWords(line.split(' ')).join(' ')).toBe(shown);
  });
});

describe('a password that stands where a name stands', () => {
  it.each([
    [{ devices: { lamp: '192.0.2.1', password: 'Hunter2' } }, 'devices.password'],
    [{ devices: { lamp: '192.0.2.1', pasword: 'Hunter2' } }, 'devices.pasword'],
    [{ devices: { lamp: '192.0.2.1', 'password:Hunter2': null } }, 'devices.password:Hunter2'],
    [{ devices: { lamp: '192.0.2.1' }, groups: { password: ['Hunter2'] } }, 'groups.password'],
  ])('is refused alone: %j', (value, path) => {
    const result = checkFile(value);
    expect(result.ok || result.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });

  it('is refused as a host', () => {
    const result = checkFile({ devices: { lamp: 'passwordHunter2' } });
    expect(result.ok || result.issues.map(({ path }) => path)).toEqual([['devices', 'lamp']]);
  });

  it('leaves devices their names', () => {
    const devices = { 'auth-server': null, 'pwm-fan': null, 'token-ring': '192.0.2.1', compass: {} };
    expect(checkFile({ devices }).ok).toBe(true);
  });
});
