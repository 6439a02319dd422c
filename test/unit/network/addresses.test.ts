import { describe, expect, it } from 'vitest';
import { isUsableAddress, preferredAddress, relationOf } from '../../../src/network/addresses.ts';

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

it.each(['0.0.0.0', '::', '224.0.0.251', 'ff02::fb', '255.255.255.255', 'undefined.1.2.3', ''])(
  'no device is at %j',
  (address) => {
    expect(isUsableAddress(address)).toBe(false);
  },
);
