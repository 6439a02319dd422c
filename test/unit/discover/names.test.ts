import { describe, expect, it } from 'vitest';
import { folded, questionFor } from '../../../src/discover/names.ts';

describe('questionFor', () => {
  it.each([
    ['livingroom.local', { mdnsName: 'livingroom', osName: 'livingroom.local' }],
    ['Livingroom.LOCAL.', { mdnsName: 'Livingroom', osName: 'Livingroom.LOCAL' }],
    ['livingroom', { mdnsName: 'livingroom', osName: 'livingroom' }],
    ['device.example.com', { osName: 'device.example.com' }],
    ['localhost', { osName: 'localhost' }],
    ['my living room.local', { mdnsName: 'my living room' }],
    ['küche.local', { mdnsName: 'küche', osName: 'küche.local' }],
    ['42', { mdnsName: '42' }],
    ['42.local', { mdnsName: '42', osName: '42.local' }],
    ['a.b.local', { mdnsName: 'a.b', osName: 'a.b.local' }],
  ])('%s', (host, expected) => {
    expect(questionFor(host)).toEqual({ host, ...expected });
  });

  it.each(['192.168.1', '10.1', '1.2.3.4.5', '192.168.1.256', '10.0x7f'])(
    'takes %s for an address with a mistake, where the C library would take it for another address',
    (host) => {
      expect(() => questionFor(host)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(host) }),
      );
    },
  );

  it.each(['', '.', 'a..b', '.local', `${'x'.repeat(64)} y.local`])('refuses %j', (host) => {
    expect(() => questionFor(host)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('folded', () => {
  it('ignores the case of ASCII letters only', () => {
    expect(folded('LivingRoom')).toBe('livingroom');
    expect(folded('KÜCHE')).toBe('kÜche');
  });

  it('holds composed and decomposed letters for the same', () => {
    expect(folded('ku\u0308che')).toBe(folded('k\u00fcche'));
  });
});
