import { expect, test } from 'vitest';
import type { HostFacts, HostInterface } from '../../../src/model/host-facts.ts';
import { legOfStep, warning } from '../../../src/doctor/leg.ts';
import { expectedMs } from '../../../src/engines/espota/probe-steps.ts';
import { hostStep, portStep } from '../../../src/engines/espota/way.ts';
import { legLines } from '../../../src/cli/report/legs.ts';
import type { Located } from '../../../src/network/index.ts';
import { nameLeg } from '../../../src/doctor/way.ts';
import type { ProbeStep } from '../../../src/engines/engine.ts';
import type { Device, Target } from '../../../src/model/types.ts';

const eth0: HostInterface = { name: 'eth0', address: '192.0.2.2', prefixBits: 24, kind: 'network' };
const wlan0: HostInterface = { name: 'wlan0', address: '203.0.113.2', prefixBits: 24, kind: 'network' };
const wg0: HostInterface = { name: 'wg0', address: '10.8.0.2', prefixBits: 24, kind: 'tunnel' };
const lo: HostInterface = { name: 'lo', address: '127.0.0.1', prefixBits: 8, kind: 'loopback' };
const host: HostFacts = { system: 'linux', interfaces: [lo, eth0], firewalls: [] };
const target: Target = {
  name: 'hall',
  address: '192.0.2.7',
  port: 8266,
  via: 'mdns',
  credential: { type: 'none' },
  acceptFrom: 'device',
};
const { signal } = new AbortController();
const device: Device = { ...target, host: 'hall.local', interfaces: [], engine: 'espota' };

interface Seen {
  readonly hostAddress?: string;
  readonly facts?: Partial<HostFacts>;
  readonly address?: string;
}

const legOf = (step: ProbeStep) =>
  legOfStep(step, { device, target, image: undefined, partitions: undefined, signal });

const legFor = ({ hostAddress = '192.0.2.2', facts = {}, address = target.address }: Seen) =>
  legOf(hostStep({ ...target, address }, hostAddress, { ...host, ...facts }));

test.each<[string, Seen, string, string]>([
  ['one network', {}, 'ok', 'the device will see 192.0.2.2 (eth0), in its own network'],
  [
    'several interfaces',
    { facts: { interfaces: [lo, eth0, wlan0] } },
    'ok',
    'the device will see 192.0.2.2 (eth0), in its own network, of 2 addresses of this computer',
  ],
  [
    'behind a router',
    { address: '198.51.100.7' },
    'ok',
    'the device will see 192.0.2.2 (eth0), through a router: no mDNS comes that way',
  ],
  [
    'the wrong interface',
    { hostAddress: '203.0.113.2', facts: { interfaces: [lo, eth0, wlan0] } },
    'warning',
    'the device will see 203.0.113.2 (wlan0)',
  ],
  [
    'a VPN',
    { hostAddress: '10.8.0.2', address: '198.51.100.7', facts: { interfaces: [lo, wg0] } },
    'warning',
    'the device will see 10.8.0.2 (wg0)',
  ],
  [
    'WSL 2',
    { hostAddress: '172.20.1.5', facts: { inside: 'wsl2', interfaces: [lo] } },
    'warning',
    'the device will see 172.20.1.5',
  ],
  [
    'a container',
    { hostAddress: '172.17.0.2', facts: { inside: 'container', interfaces: [lo] } },
    'warning',
    'the device will see 172.17.0.2',
  ],
  [
    'loopback',
    { hostAddress: '127.0.0.1', address: '127.0.0.1' },
    'ok',
    'the device will see 127.0.0.1 (lo), in its own network',
  ],
])('this computer: %s', async (_, seen, status, text) => {
  expect(await legFor(seen)).toMatchObject({ leg: 'this computer', status, text });
});

test.each<[string, Seen, RegExp]>([
  [
    'the wrong interface',
    { hostAddress: '203.0.113.2', facts: { interfaces: [lo, eth0, wlan0] } },
    /--host-address 192\.0\.2\.2/,
  ],
  [
    'WSL 2',
    { hostAddress: '172.20.1.5', facts: { inside: 'wsl2', interfaces: [lo] } },
    /networkingMode=mirrored/,
  ],
  [
    'a container',
    { hostAddress: '172.17.0.2', facts: { inside: 'container', interfaces: [lo] } },
    /--network host/,
  ],
])('the cure of %s, and nothing of firewalls', async (_, seen, cure) => {
  const { hint } = await legFor(seen);
  expect(hint).toMatch(cure);
  expect(hint).not.toContain('firewall');
});

test('an ESP32 in its own network: nothing is wrong, and nothing is made up', async () => {
  const esp32: Target = { ...target, platform: 'esp32' };
  const firewalls = [{ tool: 'ufw', state: 'filters' }] as const;
  const leg = await legOf(hostStep(esp32, '192.0.2.2', { ...host, firewalls }));
  expect(leg).toMatchObject({
    status: 'ok',
    text: 'the device will see 192.0.2.2 (eth0), in its own network',
  });
  expect(leg.hint).toBeUndefined();
});

test('a firewall that only root may look at is no accusation', async () => {
  const interfaces = [{ ...eth0, address: '127.0.0.1' }];
  const facts: HostFacts = { ...host, interfaces, firewalls: [{ tool: 'nftables', state: 'unknown' }] };
  expect(await legOf(portStep(target, '127.0.0.1', facts))).toMatchObject({
    status: 'ok',
    text: 'any free port; nftables may judge what comes in: `sudo nft list ruleset` shows it',
  });
});

test('a firewall at work is a warning with the command that opens it', async () => {
  const facts: HostFacts = { ...host, firewalls: [{ tool: 'ufw', state: 'filters' }] };
  // An address of any host that runs this, which is no loopback one by its facts.
  const interfaces = [{ ...eth0, address: '127.0.0.1' }];
  expect(await legOf(portStep(target, '127.0.0.1', { ...facts, interfaces }))).toMatchObject({
    status: 'warning',
    text: 'any free port; ufw judges what comes in',
    hint: 'If the device cannot connect, let it in (and set `hostPort: 48266` in .otarc):\nsudo ufw allow proto tcp from 192.0.2.7 to any port 48266',
  });
  expect(await legOf(portStep(target, '127.0.0.1', facts))).toMatchObject({
    status: 'ok',
  });
});

test('by what a name was resolved, and how fast', () => {
  const address = '192.0.2.7';
  const leg = (via: Located['via'], tookMs: number) =>
    nameLeg(device, { located: { address, via }, tookMs, doubts: [] });
  expect(leg('mdns', 12.4).text).toBe('hall.local is 192.0.2.7, over mDNS in 12 ms');
  expect(leg('os', 104)).toMatchObject({
    status: 'ok',
    text: "hall.local is 192.0.2.7, by the system's resolver in 104 ms",
  });
  expect(leg('config', 0).text).toContain('no name to resolve');
});

test('a name that nobody confirms is told as a push tells it', () => {
  const located = { address: '192.0.2.7', via: 'os' } as const;
  expect(nameLeg(device, { located, tookMs: 104, doubts: ['Nobody there announces it.'] })).toMatchObject({
    status: 'warning',
    text: "hall.local is 192.0.2.7, by the system's resolver in 104 ms",
    hint: 'Nobody there announces it.',
  });
});

test('the expected time of a push: flash time at least, and more over a slow link', () => {
  const sizeBytes = 409_600;
  expect(expectedMs({ sizeBytes, platform: 'esp8266', roundTripMs: 0 })).toBe(5500);
  const near = expectedMs({ sizeBytes, platform: 'esp8266', roundTripMs: 20 });
  const far = expectedMs({ sizeBytes, platform: 'esp8266', roundTripMs: 50 });
  expect(near).toBeGreaterThan(6500);
  expect(near).toBeLessThan(9000);
  expect(far).toBeGreaterThan(near);
  expect(expectedMs({ sizeBytes, platform: 'esp32', roundTripMs: 50 })).toBeLessThan(far);
});

test('a leg in lines: the cure stands below the facts', () => {
  const leg = warning('device', 'nothing came back', 'Look at it.\nOr listen.');
  expect(legLines(leg, false)).toEqual([
    '! device             nothing came back',
    '                     → Look at it.',
    '                       Or listen.',
  ]);
  expect(legLines(leg, true)[0]).toContain('\u001b[33m!\u001b[39m device');
});
