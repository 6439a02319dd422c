import type { Answer } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { folded } from '../../../src/model/host-name.ts';
import { interestOf, nothingToAsk, withName } from '../../../src/network/agenda.ts';
import { questionsDue } from '../../../src/network/asks.ts';
import { locatedOf } from '../../../src/network/located.ts';
import { sightingOf } from '../../../src/network/sighting.ts';
import { learn, nothingSeen, type Sightings } from '../../../src/network/sightings.ts';

const a = (name: string, data: string, ttl = 120): Answer => ({
  type: data.includes(':') ? 'AAAA' : 'A',
  name,
  ttl,
  data,
});
const srv = (name: string, target: string, port = 8266, ttl = 120): Answer => ({
  type: 'SRV',
  name: `${name}._arduino._tcp.local`,
  ttl,
  data: { target, port },
});
const txt = (name: string, ...data: string[]): Answer => ({
  type: 'TXT',
  name: `${name}._arduino._tcp.local`,
  ttl: 120,
  data,
});

type Heard = [sender: string, ...records: Answer[]];
const own = new Set(['127.0.0.1', '192.0.2.2']);
const after = (name: string, ...packets: Heard[]): Sightings =>
  packets.reduce((sightings, [address, ...records]) => {
    const source = { address, zone: 'eth0', way: 'shared' as const };
    return learn(sightings, { records, source, nowMs: 0, own, wanted: new Set([folded(name)]) });
  }, nothingSeen);
const sightingIn = (sightings: Sightings, mdnsName: string) =>
  sightingOf(sightings, { mdnsName, sinceMs: 0, own });
const sighting = (name: string, ...packets: Heard[]) => sightingIn(after(name, ...packets), name);
/** At once, where that name is looked for. */
const askedAbout = (sightings: Sightings, name: string) =>
  questionsDue(sightings, 0, interestOf(withName(nothingToAsk, { id: 1, name, nowMs: 0 }), 0))
    .packets.flat()
    .map((question) => `${question.type} ${question.name}`);
const host = (...addresses: string[]) => ({ type: 'host', host: expect.objectContaining({ addresses }) });

describe('what is believed', () => {
  it('reads address, port, board and password from one packet', () => {
    const packet: Heard = [
      '192.0.2.7',
      a('livingroom.local', '192.0.2.7'),
      srv('livingroom', 'livingroom.local'),
      txt('livingroom', 'board="ESP8266_NODEMCU"', 'auth_upload=yes'),
    ];
    expect(sighting('livingroom', packet)).toEqual({
      type: 'host',
      host: {
        addresses: ['192.0.2.7'],
        senders: ['192.0.2.7'],
        ports: [8266],
        board: 'ESP8266_NODEMCU',
        authRequired: true,
      },
    });
  });

  it('puts together what comes in several packets', () => {
    const seen = sighting(
      'livingroom',
      ['192.0.2.7', srv('livingroom', 'livingroom.local')],
      ['192.0.2.7', a('livingroom.local', '192.0.2.7')],
      ['192.0.2.7', a('livingroom.local', 'fe80::7')],
      ['fe80::7%eth0', txt('livingroom', 'auth_upload=no')],
    );
    expect(seen).toEqual({
      type: 'host',
      host: {
        addresses: ['192.0.2.7', 'fe80::7%eth0'],
        senders: ['192.0.2.7', 'fe80::7'],
        ports: [8266],
        authRequired: false,
      },
    });
  });

  it('compares names without the case of ASCII letters', () => {
    expect(sighting('LivingRoom', ['192.0.2.7', a('livingROOM.LOCAL', '192.0.2.7')])).toEqual(
      host('192.0.2.7'),
    );
  });

  it.each(['my living room', 'küche', '客厅'])('knows the name %s', (name) => {
    expect(sighting(name, ['192.0.2.7', a(`${name}.local`, '192.0.2.7')])).toEqual(host('192.0.2.7'));
  });

  it('ignores other devices', () => {
    const packet: Heard = ['192.0.2.8', a('hall.local', '192.0.2.8'), srv('hall', 'hall.local'), txt('hall')];
    expect(sighting('livingroom', packet)).toEqual({ type: 'nothing' });
    expect(
      sighting('livingroom', packet, [
        '192.0.2.7',
        a('livingroom.local', '192.0.2.7'),
        a('hall.local', '192.0.2.8'),
      ]),
    ).toEqual(host('192.0.2.7'));
  });

  it('follows the service to a host of another name, and asks for its address', () => {
    const pointing: Heard = ['192.0.2.7', srv('living room', 'ESP-ABC123.local')];
    expect(askedAbout(after('living room', pointing), 'living room')).toContain('A ESP-ABC123.local');
    const answered: Heard = ['192.0.2.7', a('esp-abc123.local', '192.0.2.7')];
    expect(sighting('living room', pointing, answered)).toEqual(host('192.0.2.7'));
    expect(askedAbout(after('living room', pointing, answered), 'living room')).toEqual([]);
  });

  it('asks for no address twice: the host of the name itself is asked for anyway', () => {
    const pointing: Heard = ['192.0.2.7', srv('livingroom', 'livingroom.local')];
    expect(askedAbout(after('livingroom', pointing), 'livingroom')).toEqual([]);
  });

  it('does not have this host flash itself because another device says 127.0.0.1', () => {
    expect(sighting('livingroom', ['192.0.2.7', a('livingroom.local', '127.0.0.1')])).toEqual({
      type: 'nothing',
    });
    expect(sighting('livingroom', ['127.0.0.1', a('livingroom.local', '127.0.0.1')])).toEqual(
      host('127.0.0.1'),
    );
  });

  it('keeps control characters of a board out of the terminal', () => {
    const seen = sighting('x', [
      '192.0.2.7',
      a('x.local', '192.0.2.7'),
      txt('x', 'board=\u001b[31mred\u0007'),
    ]);
    expect(seen).toMatchObject({ host: { board: String.raw`\u001b[31mred\u0007` } });
  });

  it('gives link-local addresses the zone they came in by', () => {
    expect(sighting('x', ['192.0.2.7', a('x.local', 'fe80::7')])).toEqual(host('fe80::7%eth0'));
  });
});

describe('a device without IPv4', () => {
  const six = a('x.local', '2001:db8::7');
  const nsec = (...rrtypes: string[]): Answer => ({
    type: 'NSEC',
    name: 'X.local',
    ttl: 120,
    data: { nextDomain: 'x.local', rrtypes },
  });
  const lacks = { host: { lacksIpv4: true } };

  it.each<[string, boolean, Answer[]]>([
    ['answers for address and service in one packet, and leaves it out', true, [six, srv('x', 'x.local')]],
    ['says so', true, [six, nsec('AAAA')]],
    ['says more in another packet', false, [six]],
    ['says that there is one', false, [six, nsec('A', 'AAAA')]],
    ['has one', false, [six, a('x.local', '192.0.2.7'), srv('x', 'x.local')]],
  ])('%s: %s', (_, expected, records) => {
    const seen = sighting('x', ['fe80::7%eth0', ...records]);
    if (expected) expect(seen).toMatchObject(lacks);
    else expect(seen).not.toMatchObject(lacks);
  });
});

describe('goodbyes', () => {
  const hello: Heard = ['192.0.2.7', a('x.local', '192.0.2.7'), srv('x', 'x.local')];

  it('erase what was said', () => {
    const gone = sighting('x', hello, [
      '192.0.2.7',
      a('x.local', '192.0.2.7', 0),
      srv('x', 'x.local', 8266, 0),
    ]);
    expect(gone).toEqual({ type: 'nothing' });
  });

  it('are forgotten when the device is back', () => {
    expect(sighting('x', hello, ['192.0.2.7', a('x.local', '192.0.2.7', 0)], hello)).toEqual(
      host('192.0.2.7'),
    );
  });

  it('announce nothing, and touch no other address', () => {
    expect(sighting('x', ['192.0.2.7', a('x.local', '192.0.2.7', 0)])).toEqual({ type: 'nothing' });
    expect(sighting('x', hello, ['192.0.2.8', a('x.local', '192.0.2.8', 0)])).toEqual(host('192.0.2.7'));
  });

  it('let a device change its address', () => {
    const moved = sighting('x', hello, [
      '192.0.2.9',
      a('x.local', '192.0.2.7', 0),
      a('x.local', '192.0.2.9'),
      srv('x', 'x.local'),
    ]);
    expect(moved).toEqual(host('192.0.2.9'));
  });
});

describe('contradictions', () => {
  it('two devices with one name', () => {
    const seen = sighting(
      'x',
      ['192.0.2.7', a('x.local', '192.0.2.7'), srv('x', 'x.local')],
      ['192.0.2.8', a('x.local', '192.0.2.8'), srv('x', 'x.local', 3232)],
    );
    expect(seen).toEqual({
      type: 'contradiction',
      hosts: [
        { addresses: ['192.0.2.7'], senders: ['192.0.2.7'], ports: [8266] },
        { addresses: ['192.0.2.8'], senders: ['192.0.2.8'], ports: [3232] },
      ],
    });
  });

  it('also where a reflector relays both', () => {
    const seen = sighting(
      'x',
      ['192.0.2.1', a('x.local', '192.0.2.7')],
      ['192.0.2.1', a('x.local', '192.0.2.8')],
    );
    expect(seen).toMatchObject({ type: 'contradiction' });
  });

  it('a service of the name on a host of another name', () => {
    const seen = sighting(
      'x',
      ['192.0.2.7', a('x.local', '192.0.2.7')],
      ['192.0.2.8', srv('x', 'y.local'), a('y.local', '192.0.2.8')],
    );
    expect(seen).toMatchObject({ type: 'contradiction' });
  });

  it('none: several addresses of one device', () => {
    expect(sighting('x', ['192.0.2.7', a('x.local', '192.0.2.7'), a('x.local', '198.51.100.7')])).toEqual(
      host('192.0.2.7', '198.51.100.7'),
    );
  });

  it('none: heard twice, on two interfaces, in two orders', () => {
    const seen = sighting(
      'x',
      ['192.0.2.7', a('x.local', '192.0.2.7'), a('x.local', 'fe80::7')],
      ['fe80::7%eth0', a('x.local', 'fe80::7')],
      ['fe80::7%eth0', a('x.local', 'fe80::7'), a('x.local', '192.0.2.7')],
    );
    expect(seen).toEqual(host('192.0.2.7', 'fe80::7%eth0'));
  });

  it('none: joined by a packet that comes last', () => {
    const seen = sighting(
      'x',
      ['192.0.2.7', a('x.local', '192.0.2.7')],
      ['198.51.100.7', a('x.local', '198.51.100.7')],
      ['192.0.2.7', a('x.local', '192.0.2.7'), a('x.local', '198.51.100.7')],
    );
    expect(seen).toEqual(host('192.0.2.7', '198.51.100.7'));
  });

  it('none: IPv4 in one packet, IPv6 in another', () => {
    const seen = sighting(
      'x',
      ['192.0.2.7', a('x.local', '192.0.2.7')],
      ['fe80::9%eth0', a('x.local', 'fe80::9')],
    );
    expect(seen).toEqual(host('192.0.2.7', 'fe80::9%eth0'));
  });

  it('none: a virtual device on this host, on loopback and on the network', () => {
    const seen = sighting(
      'x',
      ['127.0.0.1', a('x.local', '127.0.0.1')],
      ['192.0.2.2', a('x.local', '192.0.2.2')],
    );
    expect(seen).toEqual(host('127.0.0.1', '192.0.2.2'));
  });

  it('shows two ports of one host', () => {
    const seen = sighting(
      'x',
      ['192.0.2.7', a('x.local', '192.0.2.7'), srv('x', 'x.local', 8266)],
      ['192.0.2.7', a('x.local', '192.0.2.7'), srv('x', 'x.local', 8267)],
    );
    expect(seen).toMatchObject({ type: 'host', host: { ports: [8266, 8267] } });
  });

  it('keeps what each of two services says apart', () => {
    const seen = sighting(
      'x',
      ['192.0.2.7', a('x.local', '192.0.2.7'), srv('x', 'x.local', 8266), txt('x', 'board=esp8266')],
      ['192.0.2.7', a('x.local', '192.0.2.7'), srv('x', 'x.local', 3232), txt('x', 'auth_upload=yes')],
    );
    if (seen.type !== 'host') throw new Error('It is one host.');
    const request = { name: 'x', host: 'x', interfaces: [] };
    const place = { address: '192.0.2.7', via: 'mdns', host: seen.host } as const;
    expect(locatedOf({ ...request, port: 3232 }, place).announced).toEqual({
      port: 3232,
      authRequired: true,
    });
    expect(locatedOf({ ...request, port: 8266 }, place)).toMatchObject({
      platform: 'esp8266',
      announced: { port: 8266, board: 'esp8266' },
    });
  });
});

it('stays small under a flood of different answers', () => {
  const flood = Array.from({ length: 5000 }, (_, index): Heard => {
    const address = `10.0.${index >> 8}.${index & 255 || 1}`;
    return [
      address,
      ...Array.from({ length: 50 }, (__, n) => a('x.local', `10.${n + 1}.${index >> 8}.${index & 255}`)),
    ];
  });
  const sightings = after('x', ...flood);
  expect([...sightings.keys()]).toEqual(['x']);
  expect(sightings.get('x')?.facts.length).toBeLessThanOrEqual(48);
  expect(sightingIn(sightings, 'x').type).toBe('contradiction');
});
