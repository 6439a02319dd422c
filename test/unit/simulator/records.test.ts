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
