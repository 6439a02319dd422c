import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceRef, FoundDevice } from '../../../src/model/announcement.ts';
import { conflictsOf, match, matchesOf, pairUp, refOf, type Match } from '../../../src/network/match.ts';

const heard = (name: string, address = '192.0.2.7', more: Partial<FoundDevice> = {}): FoundDevice => ({
  name,
  host: `${name}.local`,
  addresses: [address],
  port: 8266,
  ...more,
});
const ref = (name: string, host = name, port?: number): DeviceRef => refOf({ name, host, port });

const hall = heard('hall');
const lamp = heard('A lamp', '192.0.2.7', { host: 'esp-17.local' });
const six = heard('hall', '2001:db8::7');
const linked = heard('hall', 'fe80::7%eth0');
const [composed, decomposed] = ['Küche'.normalize('NFC'), 'Küche'.normalize('NFD')];

describe('one reference and one announcement', () => {
  it.each<[title: string, meant: DeviceRef, announced: FoundDevice, expected: Match]>([
    ['the name', ref('hall'), hall, 'name'],
    ['the name in another case', ref('HALL'), hall, 'name'],
    ['letters beyond ASCII in another case', ref('ÄPFEL'), heard('Äpfel'), 'name'],
    ['the name with .local', ref('hall', 'hall.local'), hall, 'name'],
    ['the name with .local and the final dot', ref('hall', 'Hall.LOCAL.'), hall, 'name'],
    ['a composed name announced decomposed', ref(composed), heard(decomposed), 'name'],
    ['a decomposed name announced composed', ref(decomposed), heard(composed), 'name'],
    ['the host of a service of another name', ref('esp-17'), lamp, 'name'],
    ['the service of a host of another name', ref('A lamp'), lamp, 'name'],
    ['a name with a dot that is none of the DNS', ref('My Lamp v1.2'), heard('My Lamp v1.2'), 'name'],
    ['another name', ref('attic'), hall, 'none'],
    ['the first part of another name', ref('hal'), hall, 'none'],
    ['a name with a dot, cut at it', ref('My Lamp v1.2'), heard('My Lamp v1'), 'none'],
    ['a name of mDNS, cut at a dot', ref('hall.new.local'), hall, 'none'],

    ['a device known by host: under another name', ref('upstairs', 'hall.local'), hall, 'name'],
    ['the key of a device that has another host', ref('hall', 'esp-18.local'), hall, 'none'],

    ['the first part of a name of the DNS', ref('hall.fritz.box'), hall, 'label'],
    ['the same in another case', ref('HALL.Fritz.Box.'), hall, 'label'],
    ['the whole name of the DNS', ref('hall.fritz.box'), heard('hall.fritz.box'), 'name'],
    ['the second part of a name of the DNS', ref('fritz.hall.box'), hall, 'none'],
    ['the key of a device known by the DNS', ref('hall', 'esp-abc.example.com'), hall, 'label'],

    ['an address', ref('192.0.2.7'), hall, 'address'],
    ['an address, and the key', ref('hall', '192.0.2.7'), hall, 'name'],
    ['an address of a device that the user calls otherwise', ref('upstairs', '192.0.2.7'), hall, 'address'],
    ['the key, at another address than the configured one', ref('hall', '192.0.2.8'), hall, 'conflict'],
    ['another address and another key', ref('attic', '192.0.2.8'), hall, 'none'],
    ['the configured address, where the name decides', ref('attic', 'attic.local'), hall, 'none'],

    ['an IPv6 address in another spelling', ref('2001:DB8:0:0::7'), six, 'address'],
    ['an IPv6 address in another spelling, and the key', ref('hall', '2001:db8:0::0:7'), six, 'name'],
    ['an IPv4 address written as IPv6', ref('::ffff:192.0.2.7'), hall, 'address'],
    ['a link-local address with its zone', ref('FE80:0::7%eth0'), linked, 'address'],
    ['a link-local address without its zone', ref('fe80::7'), linked, 'address'],
    ['a link-local address on another link', ref('fe80::7%eth1'), linked, 'none'],

    ['the name, at another port', ref('hall', 'hall', 9999), hall, 'name'],
    ['the address, at its port', ref('192.0.2.7', '192.0.2.7', 8266), hall, 'address'],
    ['the address, at another port', ref('192.0.2.7', '192.0.2.7', 3232), hall, 'none'],
    ['the address and the key, at another port', ref('hall', '192.0.2.7', 3232), hall, 'name'],
  ])('%s', (_, meant, announced, expected) => {
    expect(match(meant, announced)).toBe(expected);
  });

  it('have one answer, whatever they are: the same for a name in each of its spellings', () => {
    const word = fc.oneof(
      fc.constantFrom('hall', 'Küche', '', '.', '%', 'a.b', '::1', '192.0.2.7', 'x.local', 'ﬀ'),
      fc.string({ unit: 'grapheme' }),
    );
    const spelled = fc.constantFrom<(text: string) => string>(
      (text) => text,
      (text) => text.normalize('NFD'),
      (text) => text.normalize('NFC'),
      // A name that ends in `.local` already would become another one.
      (text) => (/(?:\.|\.local)$/i.test(text) ? text : `${text}.local`),
    );
    const device = fc.record({
      name: word,
      host: word,
      addresses: fc.array(word, { maxLength: 3 }),
      port: fc.nat(),
    });
    fc.assert(
      fc.property(
        word,
        fc.array(word, { maxLength: 3 }),
        device,
        spelled,
        (name, hosts, announced, spell) => {
          const answer = match({ name, hosts }, announced);
          expect(['none', 'name', 'label', 'address', 'conflict']).toContain(answer);
          if (hosts.length === 0) return;
          const again = { ...announced, name: spell(announced.name), host: spell(announced.host) };
          if (answer === 'name') expect(match({ name, hosts }, again)).toBe('name');
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('one reference and all announcements', () => {
  const places = (found: readonly FoundDevice[], meant: DeviceRef) =>
    matchesOf(meant, found).map((each) => `${each.name} ${each.addresses[0]}:${each.port}`);
  const two = [hall, heard('hall', '192.0.2.7', { port: 3232 })];

  it('means the one at the configured port, of several services of one name on one host', () => {
    expect(places(two, ref('hall', 'hall', 3232))).toEqual(['hall 192.0.2.7:3232']);
    expect(places(two, ref('hall'))).toEqual(['hall 192.0.2.7:8266', 'hall 192.0.2.7:3232']);
  });

  it('means all of the name where none is at that port: the configuration goes before the announcement', () => {
    expect(places([hall], ref('hall', 'hall', 9999))).toEqual(['hall 192.0.2.7:8266']);
  });

  it('means two devices of one name, whatever their ports', () => {
    expect(places([...two, heard('hall', '192.0.2.8', { port: 2040 })], ref('hall', 'hall', 3232))).toEqual([
      'hall 192.0.2.7:3232',
      'hall 192.0.2.8:2040',
    ]);
  });

  it('means the one that has the name rather than another one at the address', () => {
    const kitchen = heard('kitchen', '192.0.2.7', { port: 3232 });
    expect(places([kitchen, hall], ref('hall', '192.0.2.7'))).toEqual(['hall 192.0.2.7:8266']);
  });

  it('means the one at the address, and knows who has the name elsewhere', () => {
    const [neighbour, owner] = [heard('kitchen'), heard('hall', '192.0.2.9')];
    expect(places([neighbour, owner], ref('hall', '192.0.2.7'))).toEqual(['kitchen 192.0.2.7:8266']);
    expect(conflictsOf(ref('hall', '192.0.2.7'), [neighbour, owner])).toEqual([owner]);
  });

  it('pairs each device with the only one that it means', () => {
    const devices = [
      { name: 'hall', host: 'hall' },
      { name: 'twice', host: 'twin.local' },
    ];
    const twins = [heard('twin', '192.0.2.1'), heard('twin', '192.0.2.2')];
    const { pairs, strangers } = pairUp(devices, [hall, ...twins, lamp]);
    expect(pairs).toEqual([
      { device: devices[0], found: hall, matches: [hall] },
      { device: devices[1], matches: twins },
    ]);
    expect(strangers).toEqual([...twins, lamp]);
  });
});
