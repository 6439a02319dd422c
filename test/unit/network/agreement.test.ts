/**
 * One question, one answer: all that ask which device is meant, asked of the same packets. Each says where it takes the
 * device to be; nowhere is an answer, too.
 */

import type { Answer } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { isSameAddress } from '../../../src/model/address.ts';
import { announcedBy } from '../../../src/diagnose/announced.ts';
import { typedDevice } from '../../../src/init/device-choice.ts';
import type { FoundDevice } from '../../../src/model/announcement.ts';
import { portsOf } from '../../../src/network/arduino/ports.ts';
import { locatedAmong } from '../../../src/network/await-announced.ts';
import { announcersAt } from '../../../src/network/confirm.ts';
import { devicesIn } from '../../../src/network/found-devices.ts';
import { entriesOf } from '../../../src/network/list/entries.ts';
import { questionFor } from '../../../src/network/names.ts';
import { onSearchInput, startSearch, type SearchStep } from '../../../src/network/search.ts';
import { sightingOf } from '../../../src/network/sighting.ts';
import { learn, nothingSeen, type Sightings } from '../../../src/network/sightings.ts';
import { awaitDeviceBack } from '../../../src/watch/return.ts';
import { address, device, ptr, srv, txt } from '../../support/mdns-records.ts';

interface Configured {
  readonly name: string;
  readonly host: string;
  readonly port?: number;
}

interface Packet {
  readonly from: string;
  readonly records: readonly Answer[];
}

const own = new Set(['192.0.2.2']);
const here = { own, onLink: (each: string) => each.startsWith('192.0.2.') };
const nowhere = 'nowhere';

function heard(packets: readonly Packet[], name: string): Sightings {
  const wanted = new Set([name.normalize('NFC').toLowerCase()]);
  return packets.reduce((sightings, { from, records }) => {
    const source = { address: from, zone: 'eth0', way: 'shared' as const };
    return learn(sightings, { records, source, nowMs: 0, own, wanted });
  }, nothingSeen);
}

const settingsOf = (configured: Configured) => ({
  ...configured,
  engine: 'espota' as const,
  interfaces: [],
  hasPassword: true,
});

/** Who asks, and where it takes the device to be. */
const consumers: Readonly<
  Record<string, (configured: Configured, scene: Scene) => string | Promise<string>>
> = {
  'the search for a name': (configured, scene) => searched(configured, scene),
  '--when-seen': (configured, { found }) => {
    try {
      return locatedAmong(settingsOf(configured), found).address;
    } catch {
      return nowhere;
    }
  },
  'the list of devices': (configured, { found }) => {
    const known = { configured: [settingsOf(configured)], checks: new Map(), isSettled: true, canAsk: true };
    const [entry] = entriesOf({ ...known, found });
    return entry?.state === 'here' ? (entry.addresses[0] ?? nowhere) : nowhere;
  },
  'the Arduino discovery': (configured, { found }) => {
    const [port] = portsOf({ configured: [settingsOf(configured)], found, lastResort: 'esp8266' });
    return port?.properties['board'] === '' ? nowhere : (port?.properties['address'] ?? nowhere);
  },
  "watch's return": async (configured, { found, expected }) => {
    const isBack = await awaitDeviceBack([settingsOf(configured)], {
      signal: new AbortController().signal,
      atOnce: true,
      browse: async ({ onChange }) => onChange(found),
    });
    return isBack ? expected : nowhere;
  },
  'doctor and the diagnosis': (configured, { found, os, expected }) => {
    const at = os?.[0] ?? (expected === nowhere ? configured.host : expected);
    const seen = announcedBy(found, { ...configured, address: at, port: configured.port ?? 8266 });
    // That it is somewhere else now is another finding.
    return typeof seen === 'object' && isSameAddress(seen.address, expected) ? expected : nowhere;
  },
  init: ({ host, port }, { found, expected }) => {
    const typed = port === undefined ? host : host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return typedDevice(`x=${typed}`, found)?.authRequired === undefined ? nowhere : expected;
  },
};

interface Scene {
  readonly sightings: Sightings;
  readonly found: readonly FoundDevice[];
  /** What the system's resolver says. */
  readonly os: readonly string[] | undefined;
  readonly expected: string;
}

/** An address is not searched for: it is what it is. */
function searched(configured: Configured, { sightings, found, os, expected }: Scene): string {
  if (/^[\d.]+$|:/.test(configured.host)) return expected;
  const question = questionFor(configured.host);
  const { mdnsName } = question;
  const request = settingsOf(configured);
  const sighting =
    mdnsName === undefined
      ? { type: 'nothing' as const }
      : sightingOf(sightings, { mdnsName, sinceMs: 0, own });
  const setup = {
    question,
    canAskByName: mdnsName !== undefined,
    portConfigured: configured.port !== undefined,
    timeoutMs: 5000,
    own,
  };
  const steps: SearchStep[] = [startSearch(setup, true)];
  const take = (input: Parameters<typeof onSearchInput>[1], nowMs: number): void => {
    const [last] = steps.at(-1) ?? startSearch(setup, true);
    steps.push(onSearchInput(last, input, nowMs));
  };
  const announcers = announcersAt(found, { addresses: os ?? [], request });
  if (os !== undefined) take({ type: 'os', answer: { type: 'answered', addresses: os }, near: os }, 10);
  take({ type: 'heard', sighting, announcers }, 20);
  take({ type: 'time' }, 6000);
  for (const action of steps.flatMap(([, actions]) => actions)) {
    if (action.type !== 'answered') continue;
    const { decision } = action;
    if (decision.type === 'found-by-mdns') return decision.host.addresses[0] ?? nowhere;
    if (decision.type === 'found-by-os') return decision.announced?.addresses[0] ?? nowhere;
  }
  return nowhere;
}

const hall = { from: '192.0.2.7', records: device('hall', '192.0.2.7') };
const named = (name: string, host: string, at: string, port = 8266): Packet => ({
  from: at,
  records: [
    ptr(name),
    srv(name, host, { port }),
    txt(name, ['board=esp32', 'auth_upload=yes']),
    address(host, at),
  ],
});
const [composed, decomposed] = ['Küche'.normalize('NFC'), 'Küche'.normalize('NFD')];

describe.each<{
  title: string;
  configured: Configured;
  packets: readonly Packet[];
  os?: readonly string[];
  expected: string;
}>([
  {
    title: 'a composed name, announced decomposed',
    configured: { name: composed, host: composed },
    packets: [named(decomposed, `${decomposed}.local`, '192.0.2.7')],
    expected: '192.0.2.7',
  },
  {
    title: 'a decomposed name, announced composed',
    configured: { name: decomposed, host: `${decomposed}.local` },
    packets: [named(composed, `${composed}.local`, '192.0.2.7')],
    expected: '192.0.2.7',
  },
  {
    title: 'hall.fritz.box, announced as hall',
    configured: { name: 'hall', host: 'hall.fritz.box' },
    packets: [hall],
    os: ['192.0.2.7'],
    expected: '192.0.2.7',
  },
  {
    title: 'a device known by host: under another name',
    configured: { name: 'upstairs', host: 'hall.local' },
    packets: [hall, named('attic', 'attic.local', '192.0.2.8')],
    expected: '192.0.2.7',
  },
  {
    title: 'a device known by host:, whose service has another name',
    configured: { name: 'upstairs', host: 'esp-17' },
    packets: [named('A lamp', 'esp-17.local', '192.0.2.7')],
    expected: '192.0.2.7',
  },
  {
    title: 'the key of a device, announced by another one than its host',
    configured: { name: 'hall', host: 'esp-17.local' },
    packets: [hall],
    expected: nowhere,
  },
  {
    title: 'an IPv6 address in another spelling',
    configured: { name: 'hall', host: '2001:db8:0:0::7' },
    packets: [named('hall', 'hall.local', '2001:db8::7')],
    expected: '2001:db8:0:0::7',
  },
  ...['::ffff:192.0.2.7', '::FFFF:c000:207'].map((host) => ({
    title: `an IPv4 address as ${host}`,
    configured: { name: 'hall', host },
    packets: [hall],
    expected: host,
  })),
  {
    title: 'a link-local address in another spelling',
    configured: { name: 'hall', host: 'FE80:0::7%eth0' },
    packets: [named('hall', 'hall.local', 'fe80::7')],
    expected: 'FE80:0::7%eth0',
  },
  {
    title: 'one of two services at an address, by its port',
    configured: { name: 'upstairs', host: '192.0.2.7', port: 3232 },
    packets: [hall, named('other', 'hall.local', '192.0.2.7', 3232)],
    expected: '192.0.2.7',
  },
  {
    title: 'a service at that address, at another port',
    configured: { name: 'upstairs', host: '192.0.2.7', port: 9999 },
    packets: [hall],
    expected: nowhere,
  },
  {
    title: 'the name, at another address than the configured one',
    configured: { name: 'hall', host: '192.0.2.8' },
    packets: [hall],
    expected: nowhere,
  },
  {
    title: 'another name',
    configured: { name: 'attic', host: 'attic.local' },
    packets: [hall],
    expected: nowhere,
  },
])('$title', ({ configured, packets, os, expected }) => {
  it.each(Object.entries(consumers))('is the same to %s', async (_, ask) => {
    const sightings = heard(packets, configured.host.replace(/\.local$/, ''));
    const found = devicesIn(sightings, here);
    const place = await ask(configured, { sightings, found, os, expected });
    expect(place).toBe(expected);
  });
});
