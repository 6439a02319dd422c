import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesBetween } from '../../../../src/network/list/changes.ts';
import type { Entry } from '../../../../src/network/list/entries.ts';

const entry = (name: string, address?: string, more: Partial<Entry> = {}): Entry => ({
  name,
  isConfigured: false,
  state: 'here',
  host: `${name}.local`,
  addresses: address === undefined ? [] : [address],
  port: 8266,
  notes: [],
  ...more,
});
const told = (before: readonly Entry[], after: readonly Entry[]) =>
  changesBetween(before, after).map(({ type, entry: { name, addresses } }) =>
    [type, name, ...addresses].join(' '),
  );

describe('changes of the list', () => {
  it('are arrivals and departures', () => {
    const [hall, attic] = [entry('hall', '192.0.2.1'), entry('attic', '192.0.2.2')];
    expect(told([], [hall])).toEqual(['arrived hall 192.0.2.1']);
    expect(told([hall], [attic])).toEqual(['left hall 192.0.2.1', 'arrived attic 192.0.2.2']);
    expect(told([hall, attic], [attic, hall])).toEqual([]);
  });

  it('see one device where it has another address, and two where there is a second one', () => {
    const hall = entry('hall', '192.0.2.1');
    expect(told([hall], [entry('hall', '192.0.2.9')])).toEqual(['changed hall 192.0.2.9']);
    expect(told([hall], [hall, entry('hall', '192.0.2.9')])).toEqual(['arrived hall 192.0.2.9']);
    expect(told([hall, entry('hall', '192.0.2.9')], [entry('hall', '192.0.2.9')])).toEqual([
      'left hall 192.0.2.1',
    ]);
  });

  it('say of a configured one when it is absent, but not while it is awaited', () => {
    const own = (state: Entry['state'], address?: string) =>
      entry('hall', address, { isConfigured: true, state });
    expect(told([], [own('awaited')])).toEqual([]);
    expect(told([own('awaited')], [own('absent')])).toEqual(['absent hall']);
    expect(told([own('absent')], [own('here', '192.0.2.1')])).toEqual(['arrived hall 192.0.2.1']);
    expect(told([own('here', '192.0.2.1')], [own('absent')])).toEqual(['left hall']);
    expect(told([own('absent')], [own('absent')])).toEqual([]);
  });

  it('make the one list of the other', () => {
    const device = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      address: fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3'),
    });
    const list = fc
      .uniqueArray(device, { selector: ({ name, address }) => `${name} ${address}`, maxLength: 8 })
      .map((all) => all.map(({ name, address }) => entry(name, address)));
    fc.assert(
      fc.property(list, list, (before, after) => {
        const changes = changesBetween(before, after);
        const count = (type: string) => changes.filter((change) => change.type === type).length;
        expect(before.length + count('arrived') - count('left')).toBe(after.length);
        expect(changesBetween(after, after)).toEqual([]);
      }),
    );
  });
});
