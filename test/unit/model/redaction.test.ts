import fc from 'fast-check';
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
    ['espota.py -aHunter2 -f x.bin', 'espota.py -a… -f x.bin'],
    ['true build.extra_flags=-DPW=Hunter2', 'true build.extra_flags=-DPW=…'],
    ['cc -DPWD=Hunter2 -DPSK="Hunter2" -DPWM=1', 'cc -DPWD… -DPSK… -DPWM=1'],
    ['make upload_flags=-aHunter2 --all', 'make upload_flags=-a… --all'],
    ['pio run -d /home/me/auth-lamp -e d1', 'pio run -d /home/me/auth-lamp -e d1'],
  ])('keeps all but secrets: %s', (line, shown) => {
    expect(redactedWords(line.split(' ')).join(' ')).toBe(shown);
  });
});

describe('a value that holds the next key as well', () => {
  const rest = fc
    .tuple(
      fc.constantFrom('password', 'passwd', 'passwordHash', 'pasword', 'secret', 'otaPassword'),
      fc.constantFrom(':', '=', '', '":'),
    )
    .map(([key, mark]) => `${key}${mark}Hunter2`);

  it('is refused wherever it stands, with no word of it', () => {
    const places: ((text: string) => object)[] = [
      (text) => ({ devices: { a: { host: 'x', homeding: `env.json ${text}` } } }),
      (text) => ({ devices: { a: { host: 'x', partitions: `a.csv ${text}` } } }),
      (text) => ({ devices: { a: { host: 'x', environment: `d1 ${text}` } } }),
      (text) => ({ devices: { a: { host: 'x', password: { file: `pw.txt ${text}` } } } }),
      (text) => ({ interfaces: ['lo', `eth0 ${text}`] }),
      (text) => ({ build: { sketch: `. ${text}` } }),
      (text) => ({ watch: { paths: [`src ${text}`] } }),
      (text) => ({ ota: { '0': { port: 1 } }, device: { '0': { name: `lamp ${text}` } } }),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...places), rest, (place, text) => {
        const result = checkFile(place(text));
        expect(result.ok).toBe(false);
        expect(JSON.stringify(result)).not.toContain('Hunter2');
      }),
    );
  });

  it.each([
    [{ build: { command: ['make', 'PASSWORD=x'], args: ['-DPW=x', 'my password'], image: 'a.bin' } }],
    [{ devices: { a: { partitions: 'My Passwords/lamp.csv', host: 'x' } } }],
    [{ devices: { a: { homeding: 'http://x/env.json?token=1' } } }],
    [{ devices: { a: { host: 'x', password: 'a password:x' } } }],
    [{ devices: { a: { host: 'x', password: { file: '../secrets/auth-lamp.txt' } } } }],
    [{ devices: { a: { host: 'x', password: { env: 'LAMP_PASSWORD' } } } }],
    [{ ota: { '0': { port: 1, info: 'pass: x' } }, device: { '0': { name: 'a', info: 'password: x' } } }],
  ])('is none of these: %j', (value) => {
    expect(checkFile(value)).toMatchObject({ ok: true });
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
