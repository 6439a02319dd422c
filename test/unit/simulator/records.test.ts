import { expect, test } from 'vitest';

import { asLegacy, recordsOf, replyTo } from '../../../src/simulator/records.ts';

const service = { name: 'livingroom', board: 'esp32', password: false, port: 3232 };
const records = recordsOf(service, '192.0.2.11');

test('the records of a device', () => {
  expect(records).toMatchObject([
    { type: 'PTR', name: '_arduino._tcp.local', data: 'livingroom._arduino._tcp.local' },
    { type: 'SRV', name: 'livingroom._arduino._tcp.local', data: { port: 3232, target: 'livingroom.local' } },
    { type: 'TXT', data: ['tcp_check=no', 'ssh_upload=no', 'board=esp32', 'auth_upload=no'] },
    { type: 'A', name: 'livingroom.local', data: '192.0.2.11' },
  ]);
  expect(recordsOf(service, '2001:db8::1').at(-1)).toMatchObject({ type: 'AAAA', data: '2001:db8::1' });
  expect(recordsOf(service, '192.0.2.11', 0).every((record) => 'ttl' in record && record.ttl === 0)).toBe(
    true,
  );
});

test.each([
  ['PTR', '_arduino._tcp.local', ['PTR'], 3],
  ['PTR', '_services._dns-sd._udp.local', ['PTR'], 4],
  ['A', 'LivingRoom.local', ['A'], 3],
  ['SRV', 'livingroom._arduino._tcp.local', ['SRV'], 3],
] as const)('%s of %s', (type, name, answers, additionals) => {
  const reply = replyTo([{ type, name }], records);
  expect(reply?.answers.map((record) => record.type)).toEqual(answers);
  expect(reply?.additionals.length).toBe(additionals);
});

test('silence where it is somebody else', () => {
  expect(replyTo([{ type: 'A', name: 'kitchen.local' }], records)).toBeUndefined();
  expect(replyTo([{ type: 'AAAA', name: 'livingroom.local' }], records)).toBeUndefined();
  expect(replyTo([], records)).toBeUndefined();
});

test('a legacy answer is short-lived and flushes nothing', () => {
  const legacy = asLegacy({ answers: records, additionals: [] });
  for (const record of legacy.answers) expect(record).toMatchObject({ ttl: 10, flush: false });
});

const items = ['md5=d41d8cd98f00b204e9800998ecf8427e', 'run=0123abcd'];

test('what the sketch says stands behind the items of the update service', () => {
  const said = recordsOf({ ...service, proof: { items, place: 'beside' } }, '192.0.2.11');
  expect(said).toHaveLength(records.length);
  expect(said).toContainEqual(
    expect.objectContaining({
      type: 'TXT',
      data: ['tcp_check=no', 'ssh_upload=no', 'board=esp32', 'auth_upload=no', ...items],
    }),
  );
});

test('or in a service of its own, which is listed, and asked for by its own name', () => {
  const said = recordsOf({ ...service, proof: { items, place: 'own-service' } }, '192.0.2.11');
  expect(said).toEqual(expect.arrayContaining(records));
  const name = '_otarc._tcp.local';
  expect(replyTo([{ type: 'PTR', name }], said)?.answers).toMatchObject([{ data: `livingroom.${name}` }]);
  expect(said).toContainEqual(
    expect.objectContaining({ type: 'TXT', name: `livingroom.${name}`, data: items }),
  );
  const list = replyTo([{ type: 'PTR', name: '_services._dns-sd._udp.local' }], said);
  expect(list?.answers.map((answer) => 'data' in answer && answer.data)).toEqual([
    '_arduino._tcp.local',
    name,
  ]);
});
