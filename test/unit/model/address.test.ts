import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isSameAddress } from '../../../src/model/address.ts';
import { canonicalHost } from '../../../src/model/host-name.ts';

it('means one IPv4 address by all of its spellings, to names and addresses alike', () => {
  const byte = fc.nat({ max: 255 });
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte, byte), fc.nat({ max: 31 }), (bytes, other) => {
      const plain = bytes.join('.');
      const half = (high = 0, low = 0) => (high * 256 + low).toString(16);
      const hex = `${half(bytes[0], bytes[1])}:${half(bytes[2], bytes[3])}`;
      const spellings = [plain, `::ffff:${plain}`, `::FFFF:${hex}`, `0:0:0:0:0:ffff:${hex}`];
      for (const one of spellings) {
        expect(canonicalHost(one)).toBe(plain);
        for (const two of spellings) expect(isSameAddress(one, two)).toBe(true);
        const neighbour = [...bytes.slice(0, 3), bytes[3] ^ (other + 1)].join('.');
        expect(isSameAddress(one, neighbour)).toBe(false);
      }
    }),
  );
});

it('is told by its zone among hosts, and without it among addresses', () => {
  expect(canonicalHost('FE80:0::1%eth0')).toBe('fe80::1%eth0');
  expect(isSameAddress('FE80:0::1%eth0', 'fe80::1')).toBe(true);
});
