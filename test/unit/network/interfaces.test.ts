import { describe, expect, it } from 'vitest';
import {
  endpointsOf,
  type HostAddress,
  isOnLink,
  selectAddresses,
  withZone,
} from '../../../src/network/interfaces.ts';

const address = (name: string, text: string, prefixBits: number): HostAddress => ({
  name,
  address: text,
  family: text.includes(':') ? 'IPv6' : 'IPv4',
  prefixBits,
  loopback: name === 'lo',
  zone: name,
});

const lo = address('lo', '127.0.0.1', 8);
const lo6 = address('lo', '::1', 128);
const eth = address('eth0', '192.0.2.2', 24);
const eth2 = address('eth0', '198.51.100.2', 24);
const ethGlobal = address('eth0', '2001:db8::2', 64);
const ethLink = address('eth0', 'fe80::2', 64);
const tun = address('tun0', '2001:db8:1::2', 64);
const all = [lo, lo6, eth, eth2, ethGlobal, ethLink, tun];

describe('selectAddresses', () => {
  it('takes all when nothing is wanted', () => {
    expect(selectAddresses(all, [])).toEqual(all);
  });

  it('takes interfaces by name and by address', () => {
    expect(selectAddresses(all, ['lo'])).toEqual([lo, lo6]);
    expect(selectAddresses(all, ['192.0.2.2', 'tun0'])).toEqual([eth, tun]);
    expect(selectAddresses(all, ['FE80::2%eth0'])).toEqual([ethLink]);
  });

  it('names those that exist where one does not', () => {
    expect(() => selectAddresses(all, ['lo', 'wlan0'])).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: "This host has no network interface 'wlan0'.",
        hint: 'Choose among lo (127.0.0.1, ::1), eth0 (192.0.2.2, 198.51.100.2, 2001:db8::2, fe80::2) and tun0 (2001:db8:1::2).',
      }),
    );
  });
});

describe('endpointsOf', () => {
  it('asks from each IPv4 address, and once an interface over IPv6 except on loopback', () => {
    expect(endpointsOf(all).map((endpoint) => `${endpoint.address} ${endpoint.multicastInterface}`)).toEqual([
      '127.0.0.1 127.0.0.1',
      '192.0.2.2 192.0.2.2',
      '198.51.100.2 198.51.100.2',
      'fe80::2%eth0 ::%eth0',
      '2001:db8:1::2 ::%tun0',
    ]);
  });
});

describe('isOnLink', () => {
  it.each([
    [eth, '192.0.2.77', true],
    [eth, '192.0.3.77', false],
    [eth, '2001:db8::7', false],
    [ethGlobal, '2001:db8::7', true],
    [ethLink, 'fe80::7%eth0', true],
    [ethLink, 'fe80::7%eth1', false],
    [lo, '127.5.5.5', true],
  ])('$address, %s: %s', (own, remote, expected) => {
    expect(isOnLink(own, remote)).toBe(expected);
  });
});

it('gives a zone to link-local addresses only, and only once', () => {
  expect(withZone('fe80::7', 'eth0')).toBe('fe80::7%eth0');
  expect(withZone('fe80::7%eth1', 'eth0')).toBe('fe80::7%eth1');
  expect(withZone('2001:db8::7', 'eth0')).toBe('2001:db8::7');
  expect(withZone('192.0.2.7', 'eth0')).toBe('192.0.2.7');
});
