/** What a device of the RP2040 core says of its sketch, in a service beside that of ArduinoOTA. */

import type { Answer } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { devicesIn } from '../../../src/network/found-devices.ts';
import { learn, nothingSeen } from '../../../src/network/sightings.ts';
import { address, ptr, srv, txt } from '../../support/mdns-records.ts';

const run = 'run=0000000a';
const md5 = `md5=${'a'.repeat(32)}`;
const otarc = '_otarc._tcp.local';

const arduino = (name: string, at: string): Answer[] => [
  ptr(name),
  srv(name, `${name}.local`, { port: 2040 }),
  txt(name, ['board=rpipicow', 'auth_upload=yes']),
  address(`${name}.local`, at),
];
const own = (name: string, items: readonly string[], ttl = 4500): Answer[] => [
  { type: 'PTR', name: otarc, ttl, data: `${name}.${otarc}` },
  {
    type: 'SRV',
    name: `${name}.${otarc}`,
    ttl,
    flush: true,
    data: { target: `${name}.local`, port: 2040 },
  },
  { type: 'TXT', name: `${name}.${otarc}`, ttl, flush: true, data: [...items] },
];

function foundAfter(...packets: readonly (readonly [from: string, records: readonly Answer[]])[]) {
  const seen = packets.reduce(
    (sightings, [from, records], index) =>
      learn(sightings, {
        records,
        source: { address: from, way: 'shared' },
        nowMs: index * 10,
        own: new Set(),
      }),
    nothingSeen,
  );
  return devicesIn(seen, { own: new Set(), onLink: () => true });
}

const at = '192.0.2.7';

describe('a service of its own', () => {
  it.each([
    ['in one packet', [[at, [...arduino('pico', at), ...own('pico', [md5, run])]]]],
    [
      'in two, one after the other',
      [
        [at, arduino('pico', at)],
        [at, own('pico', [md5, run])],
      ],
    ],
  ] as const)('says what the device of the Arduino service runs, %s', (_, packets) => {
    expect(foundAfter(...packets)).toMatchObject([
      {
        name: 'pico',
        port: 2040,
        board: 'rpipicow',
        authRequired: true,
        txt: { board: 'rpipicow', md5: 'a'.repeat(32), run: '0000000a' },
        incarnation: 'run 0000000a',
      },
    ]);
  });

  it('says it anew after a restart, and changes neither board nor password', () => {
    const [pico, ...others] = foundAfter(
      [at, [...arduino('pico', at), ...own('pico', [md5, run])]],
      [at, own('pico', [md5, 'run=0000000b', 'board=other', 'auth_upload=no'])],
    );
    expect(others).toEqual([]);
    expect(pico).toMatchObject({ board: 'rpipicow', authRequired: true, incarnation: 'run 0000000b' });
    expect(pico?.txt['board']).toBe('rpipicow');
  });

  it('is no device by itself, and ends none', () => {
    expect(foundAfter([at, own('pico', [md5, run])])).toEqual([]);
    const found = foundAfter([at, arduino('pico', at)], [at, own('pico', [md5, run], 0)]);
    expect(found).toMatchObject([{ name: 'pico' }]);
    expect(found[0]?.txt['md5']).toBeUndefined();
  });

  it('is that of its own name alone', () => {
    const found = foundAfter([at, [...arduino('pico', at), ...own('other', [md5, run])]]);
    expect(found.map(({ txt: { md5: sum } }) => sum)).toEqual([undefined]);
  });
});
