import { expect, it } from 'vitest';
import { hostAddressFor } from '../../src/network/host-address.ts';

const invalid = (message: RegExp) => ({
  code: 'CONFIG_INVALID',
  message: expect.stringMatching(message),
  hint: expect.stringContaining('127.0.0.1'),
});

it.each(['127.0.0.1', '::1'])('on the way to %s this host has that very address', async (address) => {
  expect(await hostAddressFor(address, { interfaces: [] })).toBe(address);
});

it('takes the configured address if it is of this host', async () => {
  expect(await hostAddressFor('127.0.0.1', { interfaces: [], hostAddress: '127.0.0.1' })).toBe('127.0.0.1');
});

it.each([
  ['203.0.113.9', /203\.0\.113\.9 is not an address of this host/],
  ['::1', /is IPv6/],
  ['0.0.0.0', /is not an address/],
  ['this-host', /is not an address/],
])('refuses %s as the address of this host', async (hostAddress, message) => {
  await expect(hostAddressFor('127.0.0.1', { interfaces: [], hostAddress })).rejects.toMatchObject(
    invalid(message),
  );
});

it('takes the address of the chosen interface, in the family of the device', async () => {
  expect(await hostAddressFor('127.0.0.5', { interfaces: ['127.0.0.1'] })).toBe('127.0.0.1');
  await expect(hostAddressFor('::1', { interfaces: ['127.0.0.1'] })).rejects.toMatchObject(
    invalid(/no IPv6 address/),
  );
});

it('names the interfaces that exist where the chosen one does not', async () => {
  await expect(hostAddressFor('127.0.0.1', { interfaces: ['no-such'] })).rejects.toMatchObject(
    invalid(/'no-such'/),
  );
});
