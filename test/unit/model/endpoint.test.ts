import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHost } from '../../../src/model/endpoint.ts';
import { canonicalHost } from '../../../src/model/host-name.ts';
import { nearest } from '../../../src/config/nearest.ts';

describe('parseHost', () => {
  it.each([
    ['192.0.2.1', { host: '192.0.2.1' }],
    ['192.0.2.1:8266', { host: '192.0.2.1', port: 8266 }],
    ['::1', { host: '::1' }],
    ['[::1]:1', { host: '::1', port: 1 }],
    ['a-b_c.local', { host: 'a-b_c.local' }],
    ['küche', { host: 'küche' }],
    ['Living Room', { host: 'Living Room' }],
    ['Living Room.local:8266', { host: 'Living Room.local', port: 8266 }],
    ['My Lamp v1.2', { host: 'My Lamp v1.2' }],
    ["Anna's lamp (hall)", { host: "Anna's lamp (hall)" }],
    ['💡', { host: '💡' }],
    ['name:65535', { host: 'name', port: 65_535 }],
  ])('reads %s', (text, expected) => {
    expect(parseHost(text)).toEqual(expected);
  });

  it.each([
    '',
    ':1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '[::1',
    '::1]',
    '[1.2.3.4]',
    'a:b',
    'a/b',
    '-a',
    ' a',
    'a ',
    'a\tb',
    'a\\b',
    'x:1:2',
  ])('refuses %j', (text) => {
    expect(parseHost(text)).toBeUndefined();
  });

  it('gives an answer to anything, soon', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), fc.nat(65_534), (text, port) => {
        const parsed = parseHost(text);
        if (parsed && !text.includes(':')) expect(parseHost(`${text}:${port + 1}`)?.host).toBe(parsed.host);
        expect(parsed === undefined || parsed.host.length > 0).toBe(true);
      }),
    );
    expect(parseHost(`${'a'.repeat(300)}!`)).toBeUndefined();
  });
});

describe('canonicalHost', () => {
  it.each([
    ['LIVINGROOM.local.', 'livingroom'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
    ['::1', '::1'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
  ])('%s → %s', (host, expected) => {
    expect(canonicalHost(host)).toBe(expected);
  });
});

describe('nearest', () => {
  it.each([
    ['prot', 'port'],
    ['password_hash', 'passwordHash'],
    ['passwd', 'password'],
    ['HOSTPORT', 'hostPort'],
    ['zzz', undefined],
    ['', undefined],
  ])('%s → %s', (typed, expected) => {
    expect(nearest(typed, ['host', 'port', 'password', 'passwordHash', 'hostPort'])).toBe(expected);
  });
});
