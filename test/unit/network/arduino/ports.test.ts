import { describe, expect, it } from 'vitest';
import type { FoundDevice } from '../../../../src/model/announcement.ts';
import type { Platform } from '../../../../src/model/types.ts';
import { eventsBetween } from '../../../../src/network/arduino/serve.ts';
import { type ConfiguredPort, portsOf } from '../../../../src/network/arduino/ports.ts';

const configured = (name: string, more: Partial<ConfiguredPort> = {}): ConfiguredPort => ({
  name,
  host: name,
  engine: 'espota',
  hasPassword: false,
  ...more,
});
const found = (name: string, address: string, more: Partial<FoundDevice> = {}): FoundDevice => ({
  name,
  host: `${name}.local`,
  addresses: [address],
  port: 8266,
  ...more,
});
const ports = (
  devices: readonly ConfiguredPort[],
  seen: readonly FoundDevice[] = [],
  lastResort: Platform | undefined = 'esp8266',
) => portsOf({ configured: devices, found: seen, lastResort });
/** `address:port label` */
const brief = (...all: Parameters<typeof ports>) =>
  ports(...all).map(({ address, label, properties }) => `${address}:${properties['port']} ${label}`);

describe('a port', () => {
  it('is a device that announces itself', () => {
    const seen = found('kitchen', '192.0.2.17', { board: 'esp32', authRequired: true, port: 3232 });
    expect(ports([], [seen])).toEqual([
      {
        address: 'kitchen.local',
        label: 'kitchen at 192.0.2.17 (otarc)',
        protocol: 'network',
        protocolLabel: 'Network Port',
        properties: {
          name: 'kitchen',
          hostname: 'kitchen.local',
          address: '192.0.2.17',
          port: '3232',
          board: 'esp32',
          auth_upload: 'yes',
          tcp_check: 'no',
          ssh_upload: 'no',
          configured: 'no',
        },
      },
    ]);
  });

  it('is a device of the configuration that nobody sees, with the same properties', () => {
    const [port] = ports([configured('hall', { host: '192.0.2.11', port: 8267, hasPassword: true })]);
    const [announced] = ports([], [found('kitchen', '192.0.2.17')]);
    expect(Object.keys(port?.properties ?? {})).toEqual(Object.keys(announced?.properties ?? {}));
    expect(port).toMatchObject({
      address: '192.0.2.11',
      label: 'hall at 192.0.2.11 (otarc)',
      properties: { hostname: '192.0.2.11', port: '8267', board: '', auth_upload: 'yes', configured: 'yes' },
    });
  });

  it.each([
    ['hall', 'hall.local'],
    ['hall.local', 'hall.local'],
    ['hall.example.org', 'hall.example.org'],
    ['2001:db8::7', '2001:db8::7'],
    ['My Hall', 'My Hall.local'],
  ])('of the host %s has the address %s', (host, address) => {
    expect(ports([configured('x', { host, port: 1 })])).toMatchObject([{ address }]);
  });

  it('has the port that the configuration says, else the announced, else the one of its platform, else a guess', () => {
    const seen = [found('hall', '192.0.2.7', { port: 1111, platform: 'esp32' })];
    expect(brief([configured('hall', { port: 99 })], seen)).toEqual([
      'hall.local:99 hall at 192.0.2.7 (otarc)',
    ]);
    expect(brief([configured('hall')], seen)).toEqual(['hall.local:1111 hall at 192.0.2.7 (otarc)']);
    expect(brief([configured('hall', { platform: 'esp32' })])).toEqual(['hall.local:3232 hall (otarc)']);
    expect(brief([configured('hall')], [], 'rp2040')).toEqual(['hall.local:2040 hall (otarc)']);
  });

  it('is none while its number would be a guess that may soon be known', () => {
    const devices = [configured('hall'), configured('attic', { port: 1 })];
    expect(portsOf({ configured: devices, found: [], lastResort: undefined })).toMatchObject([
      { address: 'attic.local' },
    ]);
  });
});

describe('one device that is configured and announces itself', () => {
  it.each<[string, Partial<ConfiguredPort>]>([
    ['by its name', { host: 'livingroom' }],
    ['by its host name', { host: 'Livingroom.local' }],
    ['by its address', { host: '192.0.2.17' }],
    ['by its address and port', { host: '192.0.2.17', port: 8266 }],
  ])('is one port, %s', (_, more) => {
    const seen = found('livingroom', '192.0.2.17', { board: 'ESP8266_NODEMCU', authRequired: true });
    expect(ports([configured('living', more)], [seen])).toMatchObject([
      {
        label: 'living at 192.0.2.17 (otarc)',
        properties: {
          board: 'ESP8266_NODEMCU',
          auth_upload: 'yes',
          configured: 'yes',
          address: '192.0.2.17',
        },
      },
    ]);
  });

  it('is one, by the name of its service, where its host is called otherwise', () => {
    const seen = found('livingroom', '192.0.2.17', { host: 'esp-1.local' });
    expect(brief([configured('livingroom')], [seen])).toEqual([
      'livingroom.local:8266 livingroom at 192.0.2.17 (otarc)',
    ]);
  });

  it('is two where another port is meant', () => {
    const seen = found('livingroom', '192.0.2.17');
    expect(brief([configured('gate', { host: '192.0.2.17', port: 9999 })], [seen])).toEqual([
      '192.0.2.17:9999 gate at 192.0.2.17 (otarc)',
      'livingroom.local:8266 livingroom at 192.0.2.17 (otarc)',
    ]);
  });
});

describe('two devices', () => {
  it('of one name are two, by their addresses', () => {
    const twins = [found('hall', '192.0.2.7'), found('hall', '192.0.2.8', { host: 'HALL.local' })];
    expect(brief([], twins)).toEqual([
      '192.0.2.7:8266 hall at 192.0.2.7 (otarc)',
      '192.0.2.8:8266 hall at 192.0.2.8 (otarc)',
    ]);
    expect(brief([configured('hall')], twins)[0]).toBe('hall.local:8266 hall (otarc)');
    expect(brief([configured('hall')], twins)).toHaveLength(3);
  });

  it('behind one address are one: arduino-cli cannot tell them apart', () => {
    const devices = [
      configured('a', { host: '192.0.2.1', port: 1 }),
      configured('b', { host: '192.0.2.1', port: 2 }),
    ];
    expect(brief(devices)).toEqual(['192.0.2.1:1 a at 192.0.2.1 (otarc)']);
  });
});

describe('what a stranger announces', () => {
  it.each([
    'x" -f "/etc/passwd.local',
    '-i.local',
    '{build.path}.local',
    'a b.local',
    "a'b.local",
    'a;b.local',
  ])('is no address of a port: %s', (host) => {
    expect(ports([], [found('x', '192.0.2.9', { host })])).toMatchObject([{ address: '192.0.2.9' }]);
  });

  it('reaches a command line without quotes and braces', () => {
    const text = `a"b'c{d}e\\f`;
    expect(ports([], [found(text, '192.0.2.9', { board: text })])).toMatchObject([
      {
        address: '192.0.2.9',
        label: 'abcdef at 192.0.2.9 (otarc)',
        properties: { name: 'abcdef', board: 'abcdef', hostname: 'abcdef.local' },
      },
    ]);
  });

  it('may be beyond ASCII', () => {
    expect(brief([], [found('Küche', '192.0.2.9')])).toEqual(['Küche.local:8266 Küche at 192.0.2.9 (otarc)']);
  });
});

describe('events', () => {
  const [a = never(), b = never()] = ports([], [found('a', '192.0.2.1'), found('b', '192.0.2.2')]);

  it('add what is new and remove what is gone', () => {
    expect(eventsBetween([], [a, b])).toEqual([
      { eventType: 'add', port: a },
      { eventType: 'add', port: b },
    ]);
    expect(eventsBetween([a, b], [b])).toEqual([
      { eventType: 'remove', port: { address: 'a.local', protocol: 'network' } },
    ]);
    expect(eventsBetween([a, b], [b, { ...a }])).toEqual([]);
  });

  it('remove and add again what has changed', () => {
    const changed = { ...a, properties: { ...a.properties, port: '3232' } };
    expect(eventsBetween([a, b], [changed, b])).toEqual([
      { eventType: 'remove', port: { address: 'a.local', protocol: 'network' } },
      { eventType: 'add', port: changed },
    ]);
  });
});

function never(): never {
  throw new Error('there is no such port');
}
