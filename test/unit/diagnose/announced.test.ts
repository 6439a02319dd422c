import { expect, test } from 'vitest';
import { announcedBy, type WantedDevice } from '../../../src/diagnose/announced.ts';
import { returnOf } from '../../../src/diagnose/listen.ts';

const hall = { name: 'hall', host: 'hall.local', addresses: ['fe80::7', '192.0.2.7'], port: 8266 };
const at = (name: string, host: string, address: string, port = 8266): WantedDevice => ({
  name,
  host,
  address,
  port,
});
const seen = { address: '192.0.2.7', port: 8266 };

test('by name, however it is written', () => {
  expect(announcedBy([hall], at('hall', 'hall.local', '192.0.2.7'))).toEqual(seen);
  expect(announcedBy([hall], at('HALL', 'HALL', '192.0.2.7'))).toEqual(seen);
  expect(announcedBy([hall], at('hall', '192.0.2.9', '192.0.2.9'))).toEqual({
    address: 'fe80::7',
    port: 8266,
  });
  expect(announcedBy([], at('hall', 'hall', '192.0.2.7'))).toBe('nothing');
});

test('two of one name: the one at the port or at the configured address, else several', () => {
  const other = { ...hall, port: 3232 };
  expect(announcedBy([hall, other], at('hall', 'hall', '192.0.2.7'))).toEqual(seen);
  expect(announcedBy([hall, other], at('hall', 'hall', '192.0.2.7', 2040))).toBe('several');
  const twin = { ...hall, addresses: ['192.0.2.8'] };
  expect(announcedBy([twin, hall], at('hall', 'hall', '192.0.2.7'))).toBe('several');
  expect(announcedBy([twin, hall], at('hall', '192.0.2.7', '192.0.2.7'))).toEqual(seen);
  expect(announcedBy([twin, hall], at('hall', '192.0.2.9', '192.0.2.9'))).toBe('several');
});

test('nobody has the name: who is at the address, and how that calls itself', () => {
  const foreign = { ...seen, foreignName: 'hall' };
  expect(announcedBy([hall], at('cellar', '192.0.2.7', '192.0.2.7'))).toEqual(foreign);
  expect(announcedBy([hall], at('cellar.fritz.box', 'cellar.fritz.box', '192.0.2.7'))).toEqual(foreign);
  expect(announcedBy([hall], at('cellar', 'cellar.local', '192.0.2.8'))).toBe('nothing');
  expect(announcedBy([hall], at('cellar', 'FE80:0::7%eth0', 'FE80:0::7%eth0'))).toMatchObject({
    address: 'fe80::7',
    foreignName: 'hall',
  });
});

test('what a router calls hall.fritz.box is no stranger, nor is one known by its address alone', () => {
  expect(announcedBy([hall], at('hall.fritz.box', 'hall.fritz.box', '192.0.2.7'))).toEqual(seen);
  expect(announcedBy([hall], at('192.0.2.7', '192.0.2.7', '192.0.2.7'))).toEqual(seen);
  expect(announcedBy([hall], at('192.0.2.7:8266', '192.0.2.7', '192.0.2.7'))).toEqual(seen);
  expect(announcedBy([hall], at('[fe80::7%eth0]:8266', 'fe80::7%eth0', 'fe80::7%eth0'))).toMatchObject({
    address: 'fe80::7',
  });
});

test.each(['127.0.0.1', '127.0.0.9', '::1'])('%s alone identifies nobody', (address) => {
  const virtual = { ...hall, name: 'virtual', host: 'virtual.local', addresses: [address] };
  expect(announcedBy([virtual], at(address, address, address))).toBeUndefined();
  const typed = address.includes(':') ? `[${address}]:9999` : `${address}:9999`;
  expect(announcedBy([virtual], at(typed, address, address, 9999))).toBeUndefined();
  expect(announcedBy([virtual], at('hall', address, address))).toBe('nothing');
  expect(announcedBy([virtual], at('virtual', address, address))).toEqual({ address, port: 8266 });
});

test('it has restarted if it denies the connection after a while; to have been away alone shows no more than that', () => {
  const reset = { systemCode: 'ECONNRESET' };
  expect(returnOf(20, { ...reset, lostBy: 'restart' })).toEqual({ cameBackWith: 'old-image' });
  expect(returnOf(2500, { ...reset, lostBy: 'closing' })).toEqual({ cameBackWith: 'old-image' });
  expect(returnOf(2500.4, {})).toEqual({ awayMs: 2500 });
  expect(returnOf(20, { ...reset, lostBy: 'closing' })).toEqual({});
  expect(returnOf(20, {})).toEqual({});
  expect(returnOf(undefined, { ...reset, lostBy: 'restart' })).toEqual({});
});
