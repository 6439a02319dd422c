import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { isUsableAddress } from '../../../src/model/address.ts';
import { parseHost } from '../../../src/model/endpoint.ts';
import { preferredAddress, relationOf } from '../../../src/network/addresses.ts';

describe('relationOf', () => {
  const own = new Set(['127.0.0.1', '192.0.2.2']);

  it.each([
    [['192.0.2.7'], ['192.0.2.7', '192.0.2.8'], 'same'],
    [['192.0.2.7'], ['192.0.2.8'], 'different'],
    [['192.0.2.7'], ['fe80::7'], 'unknown'],
    [['192.0.2.7', 'fe80::7'], ['192.0.2.8', 'fe80::7%eth0'], 'same'],
    [['192.0.2.7', 'fe80::7'], ['fe80::8'], 'different'],
    [['127.0.0.1'], ['192.0.2.2'], 'same'],
    [['127.0.0.1'], ['127.0.0.2'], 'different'],
    [['192.0.2.7'], [], 'unknown'],
  ] as const)('%j and %j: %s', (left, right, relation) => {
    expect(relationOf(left, right, own)).toBe(relation);
    expect(relationOf(right, left, own)).toBe(relation);
  });
});

describe('preferredAddress', () => {
  const onLink = (address: string) => address.startsWith('192.0.2.') || address.startsWith('2001:db8::');

  it.each([
    [['2001:db8::7', '192.0.2.7'], '192.0.2.7'],
    [['198.51.100.7', '192.0.2.7'], '192.0.2.7'],
    [['198.51.100.7', '2001:db8::7'], '198.51.100.7'],
    [['fe80::7', '2001:db8::7'], '2001:db8::7'],
    [['fe80::7%eth0'], 'fe80::7%eth0'],
    [['fe80::7'], undefined],
    [[], undefined],
  ])('of %j takes %s', (addresses, expected) => {
    expect(preferredAddress(addresses, onLink)).toBe(expected);
  });
});

const impossible = [
  '0.0.0.0',
  '0.1.2.3',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '0:0:0:0:0:0:0:0',
  'ff02::fb',
  'FF02::1%eth0',
  '::ffff:224.0.0.1',
  '0:0:0:0:0:ffff:e000:1',
  '::FFFF:255.255.255.255',
];

it.each([...impossible, '::ffff:192.0.2.7', '::ffff:c000:207', 'undefined.1.2.3', ''])(
  'no device is at %j',
  (address) => {
    expect(isUsableAddress(address)).toBe(false);
  },
);

it.each(impossible)('%s is no target and no host, with a port or without', (address) => {
  const withPort = address.includes(':') ? `[${address}]:8266` : `${address}:8266`;
  expect([address, withPort].map(parseHost)).toEqual([undefined, undefined]);
});

it('every other address of four numbers is one of a device', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 223 }), byte, byte, byte, (...bytes) => {
      const address = bytes.join('.');
      expect(isUsableAddress(address)).toBe(true);
      expect(isUsableAddress(`::ffff:${address}`)).toBe(false);
      expect(parseHost(`${address}:8266`)).toEqual({ host: address, port: 8266 });
    }),
  );
});
