import { type Answer, encode } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { devicesIn } from '../../../src/network/found-devices.ts';
import { parseResponse } from '../../../src/network/packets.ts';
import { forget, learn, nothingSeen, type Sightings } from '../../../src/network/sightings.ts';
import { address, device, ptr, srv, txt } from '../../support/mdns-records.ts';

const own = new Set(['127.0.0.1', '192.0.2.2', '198.51.100.2']);
const onLink = (each: string) => each.startsWith('192.0.2.');

interface Heard {
  readonly at?: number;
  readonly from: string;
  readonly way?: 'ephemeral' | 'shared';
  readonly records: readonly Answer[];
}

/** Time is in seconds. */
const after = (...packets: readonly Heard[]): Sightings =>
  packets.reduce((sightings, { at = 0, from, way = 'shared', records }) => {
    const nowMs = at * 1000;
    const source = { address: from, zone: 'eth0', way };
    return learn(forget(sightings, nowMs), { records, source, nowMs, own });
  }, nothingSeen);
const shown = (sightings: Sightings, at = 0) => devicesIn(forget(sightings, at * 1000), { own, onLink });
/** `name address:port` */
const brief = (sightings: Sightings, at = 0) =>
  shown(sightings, at).map(({ name, addresses, port }) => `${name} ${addresses.join(' ')}:${port}`);

const hall: Heard = { from: '192.0.2.7', records: device('hall', '192.0.2.7') };

describe('a device', () => {
  it('is described by one packet', () => {
    expect(shown(after(hall))).toEqual([
      {
        name: 'hall',
        host: 'hall.local',
        addresses: ['192.0.2.7'],
        port: 8266,
        board: 'ESP8266_NODEMCU',
        authRequired: false,
        platform: 'esp8266',
        service: '_arduino._tcp',
        txt: { board: 'ESP8266_NODEMCU', auth_upload: 'no' },
        texts: [{ sender: '192.0.2.7', txt: { board: 'ESP8266_NODEMCU', auth_upload: 'no' } }],
        heardAtMs: 0,
        incarnation: 'since 0',
      },
    ]);
  });

  it('is put together from several packets, in whatever order of services and text', () => {
    const from = '192.0.2.7';
    const pieces = [ptr('hall'), srv('hall', 'esp-1.local'), txt('hall', ['board=esp32', 'auth_upload=yes'])];
    for (const order of [pieces, pieces.toReversed()]) {
      const packets = [...order, address('esp-1.local', from), ...pieces];
      const seen = shown(after(...packets.map((record) => ({ from, records: [record] }))));
      expect(seen).toEqual([
        {
          name: 'hall',
          host: 'esp-1.local',
          addresses: [from],
          port: 8266,
          board: 'esp32',
          authRequired: true,
          platform: 'esp32',
          service: '_arduino._tcp',
          txt: { board: 'esp32', auth_upload: 'yes' },
          texts: [{ sender: from, txt: { board: 'esp32', auth_upload: 'yes' } }],
          heardAtMs: 0,
          incarnation: 'since 0',
        },
      ]);
    }
  });

  it('is not shown before its address and its port are known', () => {
    expect(shown(after({ from: '192.0.2.7', records: [ptr('hall')] }))).toEqual([]);
    expect(shown(after({ from: '192.0.2.7', records: [ptr('hall'), srv('hall', 'hall.local')] }))).toEqual(
      [],
    );
    const wrongHost = [ptr('hall'), srv('hall', 'hall.local'), address('attic.local', '192.0.2.7')];
    expect(shown(after({ from: '192.0.2.7', records: wrongHost }))).toEqual([]);
    const withoutPort = device('hall', '192.0.2.7', { port: 0 });
    expect(shown(after({ from: '192.0.2.7', records: withoutPort }))).toEqual([]);
  });

  it.each(['My Living Room', 'Küche', '客厅', "Anna's 2.4 GHz"])('may be called %s', (name) => {
    const records = parseResponse(encode({ type: 'response', answers: device(name, '192.0.2.7') })) ?? [];
    expect(shown(after({ from: '192.0.2.7', records }))).toMatchObject([{ name, host: `${name}.local` }]);
  });

  it('is fit for a terminal, whatever it calls itself', () => {
    const [seen] = shown(after({ from: '192.0.2.7', records: device('ha\u001b[2Jll\u202e', '192.0.2.7') }));
    expect(seen).toMatchObject({
      name: String.raw`ha\u001b[2Jll\u202e`,
      host: String.raw`ha\u001b[2Jll\u202e.local`,
    });
  });

  it('is one, however it writes its name, and on whatever interface or family it is heard', () => {
    const both = [...device('hall', '192.0.2.7'), address('hall.local', 'fe80::7')];
    const seen = after(
      { from: '192.0.2.7', records: both },
      { from: 'fe80::7%eth0', records: both },
      { from: '192.0.2.7', records: device('HALL', '192.0.2.7') },
      { from: '192.0.2.7', way: 'ephemeral', records: both },
    );
    expect(brief(seen)).toEqual(['hall 192.0.2.7 fe80::7%eth0:8266']);
  });

  it('is one where its IPv4 and its IPv6 side speak apart', () => {
    const seen = after(hall, { from: 'fe80::7%eth0', records: device('hall', 'fe80::7') });
    expect(brief(seen)).toEqual(['hall 192.0.2.7 fe80::7%eth0:8266']);
  });

  it('on this host is one, whatever interface it is heard on', () => {
    const seen = after(
      { from: '192.0.2.2', records: device('hall', '192.0.2.2') },
      { from: '198.51.100.2', records: device('hall', '198.51.100.2') },
    );
    expect(brief(seen)).toEqual(['hall 192.0.2.2 198.51.100.2:8266']);
  });

  it('does not make this host flash itself', () => {
    expect(shown(after({ from: '192.0.2.7', records: device('hall', '127.0.0.1') }))).toEqual([]);
    expect(brief(after({ from: '127.0.0.1', records: device('hall', '127.0.0.1') }))).toHaveLength(1);
  });

  it.each(['0.0.0.0', '224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::ffff:192.0.2.7'])(
    'is not at %s',
    (unusable) => {
      expect(shown(after({ from: '192.0.2.7', records: device('hall', unusable) }))).toEqual([]);
    },
  );
});

describe('several devices', () => {
  it('are shown in one order, whichever was heard first', () => {
    const attic = { from: '192.0.2.8', records: device('attic', '192.0.2.8') };
    expect(brief(after(hall, attic))).toEqual(['attic 192.0.2.8:8266', 'hall 192.0.2.7:8266']);
    expect(brief(after(attic, hall))).toEqual(brief(after(hall, attic)));
  });

  it('of one name are two', () => {
    const other = { from: '192.0.2.8', records: device('hall', '192.0.2.8') };
    expect(brief(after(hall, other))).toEqual(['hall 192.0.2.7:8266', 'hall 192.0.2.8:8266']);
  });

  it('of one name are two behind one reflector, which sends the packets of both', () => {
    const from = '192.0.2.1';
    const seen = after(
      { from, records: device('hall', '192.0.2.7') },
      { from, records: device('hall', '192.0.2.8') },
    );
    expect(brief(seen)).toEqual(['hall 192.0.2.7:8266', 'hall 192.0.2.8:8266']);
  });

  it('of one name and one address keep what each says of itself', () => {
    const from = '192.0.2.7';
    const both = [8266, 3232].map((port) => ({
      from,
      records: [
        ...device('hall', from, { port }).filter(({ type }) => type !== 'TXT'),
        txt('hall', [`own=${port}`]),
      ],
    }));
    expect(shown(after(...both)).map(({ port, txt: own }) => [port, own['own']])).toEqual([
      [3232, '3232'],
      [8266, '8266'],
    ]);
  });

  it('of one name and one address are told apart by their ports', () => {
    const other = { from: '192.0.2.7', records: device('hall', '192.0.2.7', { port: 8267 }) };
    expect(brief(after(hall, other))).toEqual(['hall 192.0.2.7:8266', 'hall 192.0.2.7:8267']);
  });

  it('of one name stay two while both answer each question', () => {
    const other = { from: '192.0.2.8', records: device('hall', '192.0.2.8') };
    const rounds = [0, 64, 128, 192].flatMap((at) => [
      { ...hall, at },
      { ...other, at: at + 0.1 },
    ]);
    const seen = after(...rounds);
    for (const at of [193, 200, 300]) expect(brief(seen, at)).toHaveLength(2);
  });
});

describe('a new start', () => {
  const incarnation = (...packets: readonly Heard[]) =>
    shown(after(...packets), packets.at(-1)?.at)[0]?.incarnation;
  const running = (at: number, run: string): Heard => ({
    from: '192.0.2.7',
    at,
    records: [
      ...device('hall', '192.0.2.7').filter(({ type }) => type !== 'TXT'),
      txt('hall', [`run=${run}`]),
    ],
  });

  it('shows by what the device says of it', () => {
    expect(incarnation(running(0, 'a'), running(9, 'b'))).not.toBe(incarnation(running(0, 'a')));
    expect(incarnation(running(0, 'a'), running(9, 'a'))).toBe(incarnation(running(0, 'a')));
  });

  it('shows, where it says nothing, by its having been away', () => {
    const first = incarnation(hall);
    expect(incarnation(hall, { ...hall, at: 60 })).toBe(first);
    expect(incarnation(hall, { ...hall, at: 500 })).not.toBe(first);
    const goodbye = { ...hall, at: 5, records: device('hall', '192.0.2.7', { ttl: 0 }) };
    expect(incarnation(hall, goodbye, { ...hall, at: 5.5 })).not.toBe(first);
  });
});

describe('time', () => {
  it('ends what is not said again', () => {
    const seen = after(hall);
    expect(brief(seen, 119)).toHaveLength(1);
    expect(brief(seen, 120)).toEqual([]);
    expect(brief(after(hall, { ...hall, at: 100 }), 219)).toHaveLength(1);
  });

  it('is not cut short by an answer to an ephemeral port, which says 10 s to everybody', () => {
    const legacy = { ...hall, way: 'ephemeral' as const, records: device('hall', '192.0.2.7', { ttl: 10 }) };
    expect(brief(after(legacy), 119)).toHaveLength(1);
    expect(brief(after(legacy), 120)).toEqual([]);
    const long = { ...hall, records: device('hall', '192.0.2.7', { ttl: 1000 }) };
    expect(brief(after(long, legacy), 999)).toHaveLength(1);
  });

  it('has an end, whatever is promised', () => {
    const forever = { ...hall, records: device('hall', '192.0.2.7', { ttl: 2 ** 31 }) };
    expect(brief(after(forever), 4499)).toHaveLength(1);
    expect(after(forever).size).toBe(1);
    expect(forget(after(forever), 4500 * 1000).size).toBe(0);
  });

  it('of a goodbye is one second', () => {
    const goodbye = { ...hall, at: 5, records: device('hall', '192.0.2.7', { ttl: 0 }) };
    const seen = after(hall, goodbye);
    expect(brief(seen, 5.9)).toHaveLength(1);
    expect(brief(seen, 6)).toEqual([]);
    expect(brief(after(hall, goodbye, { ...hall, at: 5.5 }), 60)).toHaveLength(1);
  });

  it.each([
    ['the pointer', [ptr('hall', 0)]],
    ['the service', [srv('hall', 'hall.local', { ttl: 0 })]],
    ['the address', [address('hall.local', '192.0.2.7', { ttl: 0 })]],
  ])('of a goodbye of %s alone, too', (_, records) => {
    expect(brief(after(hall, { from: '192.0.2.7', at: 5, records }), 6)).toEqual([]);
  });

  it('goes on for a twin when one of two says goodbye', () => {
    const other = { from: '192.0.2.8', records: device('hall', '192.0.2.8') };
    const goodbye = { from: '192.0.2.8', at: 5, records: device('hall', '192.0.2.8', { ttl: 0 }) };
    expect(brief(after(hall, other, goodbye), 6)).toEqual(['hall 192.0.2.7:8266']);
    expect(brief(after(other, hall, goodbye), 6)).toEqual(['hall 192.0.2.7:8266']);
  });

  it('ends both sides of a device that says goodbye on one', () => {
    const both = [...device('hall', '192.0.2.7'), address('hall.local', 'fe80::7')];
    const goodbye = { from: '192.0.2.7', at: 5, records: device('hall', '192.0.2.7', { ttl: 0 }) };
    const seen = after({ ...hall, records: both }, { from: 'fe80::7%eth0', records: both }, goodbye);
    expect(brief(seen, 6)).toEqual([]);
  });

  it('of doubt: an address that was replaced is gone in seconds, unless its owner speaks up', () => {
    const moved = { from: '192.0.2.9', at: 30, records: device('hall', '192.0.2.9') };
    expect(brief(after(hall, moved), 31)).toHaveLength(2);
    expect(brief(after(hall, moved), 34)).toEqual(['hall 192.0.2.9:8266']);
    expect(brief(after(hall, moved, { ...hall, at: 31 }), 100)).toHaveLength(2);
  });

  it('of doubt: a port that was replaced, too', () => {
    const changed = { from: '192.0.2.7', at: 30, records: device('hall', '192.0.2.7', { port: 3232 }) };
    expect(brief(after(hall, changed), 34)).toEqual(['hall 192.0.2.7:3232']);
  });

  it('replaces a text at once', () => {
    const changed = { from: '192.0.2.7', at: 1, records: [txt('hall', ['board=esp32', 'auth_upload=yes'])] };
    expect(shown(after(hall, changed), 1)).toMatchObject([
      { board: 'esp32', authRequired: true, platform: 'esp32' },
    ]);
  });
});

describe('what is of no interest', () => {
  it('leaves everything as it is', () => {
    const before = after(hall);
    const records: Answer[] = [
      { type: 'PTR', name: '_printer._tcp.local', ttl: 120, data: 'Laser._printer._tcp.local' },
      { type: 'PTR', name: '_arduino._tcp.local', ttl: 120, data: '_arduino._tcp.local' },
      { type: 'PTR', name: '_arduino._tcp.local', ttl: 120, data: 'hall._http._tcp.local' },
      {
        type: 'SRV',
        name: 'Laser._printer._tcp.local',
        ttl: 120,
        data: { port: 631, target: 'laser.local' },
      },
      txt('nobody', ['board=esp32']),
      address('laser.local', '192.0.2.99'),
      address('laser.local', '192.0.2.99', { ttl: 0 }),
      ptr('nobody', 0),
    ];
    for (const record of records) {
      const source = { address: '192.0.2.99', way: 'shared' as const };
      expect(learn(before, { records: [record], source, nowMs: 0, own })).toBe(before);
    }
  });
});

describe('a flood', () => {
  it('of names stays bounded, and those that were there stay', () => {
    const flood = Array.from({ length: 5000 }, (_, index) => ({
      from: '192.0.2.66',
      records: [ptr(`n${index}`)],
    }));
    const seen = after(hall, ...flood);
    expect(seen.size).toBe(1000);
    expect(brief(seen)).toEqual(['hall 192.0.2.7:8266']);
    const late = { from: '192.0.2.8', records: device('late', '192.0.2.8') };
    const later = after(hall, ...flood, late, ...flood.slice(0, 10));
    expect(later.size).toBe(1000);
    expect(brief(later)).toEqual(['hall 192.0.2.7:8266', 'late 192.0.2.8:8266']);
  });

  it('of addresses of a host with many services costs no more than its records', () => {
    const names = Array.from({ length: 60 }, (_, index) => `n${index}`);
    const seen = after(
      hall,
      ...names.map((name) => ({ from: '192.0.2.66', records: [ptr(name), srv(name, 'esp.local')] })),
    );
    let reads = 0;
    const counted = (record: Answer): Answer =>
      new Proxy(record, {
        get: (target, key) => {
          if (key === 'data') reads += 1;
          return Reflect.get(target, key) as unknown;
        },
      });
    const source = { address: '192.0.2.66', zone: 'eth0', way: 'shared' as const };
    const flood = (round: number) =>
      Array.from({ length: 200 }, (_, n) => counted(address('esp.local', `10.${round & 255}.1.${n + 1}`)));
    let flooded = seen;
    // Once, each of them took 700 ms.
    for (let round = 0; round < 400; round += 1) {
      flooded = learn(flooded, { records: flood(round), source, nowMs: round, own });
    }
    expect(reads).toBeLessThanOrEqual(400 * 200);
    const facts = [...flooded.values()].map((instance) => instance.facts.length);
    expect(Math.max(...facts)).toBeLessThanOrEqual(48);
    const once = learn(seen, { records: flood(1), source, nowMs: 1, own }).get('n7')?.facts ?? [];
    expect(once.filter(({ type }) => type === 'address')).toHaveLength(8);
    expect(brief(flooded)).toContain('hall 192.0.2.7:8266');
  });

  it('about one name stays bounded', () => {
    const flood = Array.from({ length: 1000 }, (_, index) => {
      const from = `10.0.${index >> 8}.${index & 255}`;
      return { from, records: device('hall', from, { port: index + 1 }) };
    });
    const facts = after(hall, ...flood).get('hall')?.facts ?? [];
    expect(facts.length).toBeLessThan(60);
    expect(brief(after(hall, ...flood))).toContain('hall 192.0.2.7:8266');
  });

  it('of anything at all throws nothing, and is forgotten', () => {
    const name = fc.constantFrom('hall', 'HALL', 'a.b', '', '.', 'x'.repeat(63));
    const target = fc.constantFrom('hall.local', 'esp.local', '', '.');
    const ttl = fc.constantFrom(0, 1, 10, 120, 4500, 2 ** 32 - 1);
    const where = fc.constantFrom('192.0.2.7', '192.0.2.8', 'fe80::7', '::', '127.0.0.1');
    const flush = fc.boolean();
    const record: fc.Arbitrary<Answer> = fc.oneof(
      fc.record({ name, ttl }).map(({ name: each, ttl: time }) => ptr(each, time)),
      fc
        .record({ name, target, ttl, flush, port: fc.constantFrom(0, 1, 8266) })
        .map(({ name: each, target: host, ...rest }) => srv(each, host, rest)),
      name.map((each) => txt(each, ['board', '=', 'board=x', 'auth_upload=maybe'])),
      fc
        .record({ target, where, ttl, flush })
        .map(({ target: host, where: data, ...rest }) => address(host, data, rest)),
    );
    const packet = fc.record({
      at: fc.nat({ max: 5000 }),
      from: where,
      way: fc.constantFrom('ephemeral' as const, 'shared' as const),
      records: fc.array(record, { maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 12 }), (packets) => {
        const ordered = packets.toSorted((a, b) => a.at - b.at);
        const seen = after(...ordered);
        for (const each of shown(seen, ordered.at(-1)?.at ?? 0)) {
          expect(each.addresses.length).toBeGreaterThan(0);
          expect(each.port).toBeGreaterThan(0);
        }
        expect(forget(seen, 10_000_000).size).toBe(0);
      }),
    );
  });
});
