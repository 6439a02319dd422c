import { describe, expect, it } from 'vitest';
import { fitsInLabel, fitsInLabels, hasOtherSpellings, questionFor } from '../../../src/network/names.ts';
import { folded } from '../../../src/model/host-name.ts';

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
    ['Living Room', { mdnsName: 'Living Room' }],
    ['My Lamp v1.2', { mdnsName: 'My Lamp v1.2' }],
    ['lamp-v1.2', { mdnsName: 'lamp-v1.2' }],
    ['lamp-v1.two', { osName: 'lamp-v1.two' }],
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
  it('ignores the case of all letters, as a person does', () => {
    expect(folded('LivingRoom')).toBe('livingroom');
    expect(folded('ÄPFEL')).toBe(folded('äpfel'));
  });

  it('holds composed and decomposed letters for the same', () => {
    expect(folded('ku\u0308che')).toBe(folded('k\u00fcche'));
  });

  it.each([
    ['LivingRoom-2', false],
    ['客厅', false],
    ['Küche', true],
    ['ÄPFEL', true],
  ])('%s: a device may compare it otherwise: %s', (name, expected) => {
    expect(hasOtherSpellings(name)).toBe(expected);
  });
});

describe('what a question can carry', () => {
  it('is one label of an instance, dots and all, and a host cut at its dots', () => {
    const long = `${'x'.repeat(40)}.${'y'.repeat(40)}`;
    expect([fitsInLabel('My Lamp v1.2'), fitsInLabel(long), fitsInLabels(long)]).toEqual([true, false, true]);
    expect([fitsInLabels('a..b'), fitsInLabel('')]).toEqual([false, false]);
  });

  it('is nothing that was no UTF-8', () => {
    const name = Buffer.from('h\xffall', 'latin1').toString();
    expect([fitsInLabel(name), fitsInLabels(`${name}.local`)]).toEqual([false, false]);
  });
});
