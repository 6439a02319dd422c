import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entriesOf, type ConfiguredEntry, type KnownNetwork } from '../../../../src/network/list/entries.ts';
import type { FoundDevice } from '../../../../src/model/announcement.ts';

const configured = (name: string, more: Partial<ConfiguredEntry> = {}): ConfiguredEntry => ({
  name,
  host: name,
  engine: 'espota',
  interfaces: [],
  hasPassword: false,
  ...more,
});
const found = (name: string, more: Partial<FoundDevice> = {}): FoundDevice => ({
  name,
  host: `${name}.local`,
  addresses: ['192.0.2.11'],
  port: 8266,
  authRequired: false,
  ...more,
});
const entries = (known: Partial<KnownNetwork>) =>
  entriesOf({ configured: [], found: [], checks: new Map(), isSettled: true, canAsk: true, ...known });
const shown = (known: Partial<KnownNetwork>) => entries(known).map(({ name, state }) => `${name} ${state}`);

describe('the list of devices', () => {
  it('has those of the configuration first, each part by name, numbers as numbers', () => {
    const list = shown({
      configured: [configured('hall'), configured('Attic')],
      found: [found('v-10'), found('v-2', { addresses: ['192.0.2.2'] }), found('hall')],
    });
    expect(list).toEqual(['Attic absent', 'hall here', 'v-2 here', 'v-10 here']);
  });

  it('says what is known of a configured device that is not heard', () => {
    const devices = [configured('hall')];
    expect(shown({ configured: devices, isSettled: false })).toEqual(['hall awaited']);
    expect(shown({ configured: devices })).toEqual(['hall absent']);
    expect(shown({ configured: devices, canAsk: false })).toEqual(['hall unknown']);
    const check = { isNear: false, addresses: ['198.51.100.7'], notes: ['by a route'] };
    const [far] = entries({ configured: devices, checks: new Map([['hall', check]]) });
    expect(far).toMatchObject({ state: 'unknown', addresses: ['198.51.100.7'], notes: ['by a route'] });
  });

  it('takes what is configured before what is announced, and says where they differ', () => {
    const device = configured('hall', { port: 8266, platform: 'esp8266', hasPassword: true });
    const announced = found('hall', { port: 3232, platform: 'esp32', board: 'esp32' });
    const [entry, ...others] = entries({ configured: [device], found: [announced] });
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ port: 8266, platform: 'esp8266', board: 'esp32', authRequired: false });
    expect(entry?.notes).toEqual([
      'it announces port 3232',
      'it announces a board of esp32',
      'it asks for no password',
    ]);
    const [locked] = entries({
      configured: [configured('hall')],
      found: [found('hall', { authRequired: true })],
    });
    expect(locked?.notes).toEqual(['it asks for a password, and none is configured']);
  });

  it('knows a device by its address, and only at its port', () => {
    const byAddress = { host: '192.0.2.11' };
    expect(shown({ configured: [configured('hall', byAddress)], found: [found('other')] })).toEqual([
      'hall here',
    ]);
    const [entry] = entries({ configured: [configured('hall', byAddress)], found: [found('other')] });
    expect(entry?.notes).toEqual(['it announces itself as other']);
    const [own] = entries({ configured: [configured('hall', byAddress)], found: [found('Hall')] });
    expect(own?.notes).toEqual([]);
    const atPort = configured('hall', { ...byAddress, port: 8267 });
    expect(shown({ configured: [atPort], found: [found('other')] })).toEqual(['hall absent', 'other here']);
  });

  it('shows two devices of one name as two', () => {
    const twins = [found('hall'), found('HALL', { addresses: ['192.0.2.12'] })];
    const strangers = entries({ found: twins });
    expect(strangers.map(({ notes }) => notes)).toEqual([
      ['another device has this name'],
      ['another device has this name'],
    ]);
    const list = entries({ configured: [configured('hall')], found: twins });
    expect(list.map(({ state, addresses }) => [state, ...addresses])).toEqual([
      ['ambiguous'],
      ['here', '192.0.2.11'],
      ['here', '192.0.2.12'],
    ]);
  });

  it('lets no control character of a configuration through', () => {
    const [entry] = entries({ configured: [configured('ha\u001B[31mll', { host: 'ha\u0007ll' })] });
    expect(entry).toMatchObject({
      name: String.raw`ha\u001b[31mll`,
      host: String.raw`ha\u0007ll`,
    });
  });

  it('has every device exactly once, whatever is announced', () => {
    const name = fc.constantFrom('hall', 'attic', 'Hall', 'hall.local', 'büro');
    const address = fc.constantFrom('192.0.2.1', '192.0.2.2', 'fe80::1%eth0');
    const device = fc.record({ name, address, port: fc.constantFrom(8266, 3232) });
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { maxLength: 3 }),
        fc.uniqueArray(device, { selector: (each) => JSON.stringify(each), maxLength: 6 }),
        (names, devices) => {
          const list = entries({
            configured: names.map((each) => configured(each)),
            found: devices.map((each) => found(each.name, { port: each.port, addresses: [each.address] })),
          });
          const [own, others] = [true, false].map((isOwn) =>
            list.filter(({ isConfigured }) => isConfigured === isOwn),
          );
          expect(own).toHaveLength(names.length);
          const heard = new Set(
            list
              .filter(({ state }) => state === 'here')
              .map(({ addresses, port, host }) => JSON.stringify([host, addresses, port])),
          );
          for (const each of devices) {
            expect(heard).toContain(JSON.stringify([`${each.name}.local`, [each.address], each.port]));
          }
          expect(others?.length).toBeLessThanOrEqual(devices.length);
        },
      ),
    );
  });
});
