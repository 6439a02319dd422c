import { describe, expect, it } from 'vitest';
import type { Host } from '../../../src/network/sighting.ts';
import { nobody } from '../../../src/network/confirm.ts';
import { decide, type Evidence, isComplete, limits } from '../../../src/network/decide.ts';

const device: Host = { addresses: ['192.0.2.7'], senders: ['192.0.2.7'], ports: [8266] };
const nothing: Evidence = {
  sighting: { type: 'nothing' },
  mdnsImpossible: false,
  isMdnsName: true,
  os: { type: 'waiting' },
  announcers: nobody,
  portConfigured: false,
};
const seen = (host: Host): Evidence => ({
  ...nothing,
  sighting: { type: 'host', host },
  sightedAtMs: 100,
  completeAtMs: 100,
});
const answered = (...addresses: string[]) => ({ os: { type: 'answered', addresses }, osAtMs: 100 }) as const;
const at = (evidence: Evidence, nowMs: number) =>
  decide(evidence, { nowMs, timeoutMs: 5000, own: new Set() });

describe('mDNS', () => {
  it('waits a moment for a contradiction once the answer is whole', () => {
    expect(at(seen(device), 101)).toEqual({ type: 'wait', untilMs: 100 + limits.settleMs });
    expect(at(seen(device), 100 + limits.settleMs)).toEqual({ type: 'found-by-mdns', host: device });
  });

  it('costs less than 30 ms more than the answer', () => {
    expect(limits.settleMs).toBeLessThan(25);
  });

  it('waits longer for what is missing', () => {
    const partial = { ...seen({ ...device, ports: [] }), completeAtMs: undefined };
    expect(at(partial, 150)).toEqual({ type: 'wait', untilMs: 100 + limits.partialMs });
    expect(at(partial, 300)).toMatchObject({ type: 'found-by-mdns' });
  });

  it('takes what is there when the time is over', () => {
    const late = { ...seen(device), completeAtMs: 4999 };
    expect(at(late, 4999)).toEqual({ type: 'wait', untilMs: 5000 });
    expect(at(late, 5000)).toMatchObject({ type: 'found-by-mdns' });
  });

  it('never takes one of two', () => {
    const hosts = [device, { ...device, addresses: ['192.0.2.8'] }];
    const two: Evidence = { ...seen(device), sighting: { type: 'contradiction', hosts } };
    expect(at(two, 200)).toEqual({ type: 'contradiction', hosts, os: [] });
  });

  it('needs one port, unless it is configured', () => {
    const twoPorts = seen({ ...device, ports: [8266, 8267] });
    expect(at(twoPorts, 200)).toMatchObject({ type: 'contradiction' });
    expect(at({ ...twoPorts, portConfigured: true }, 200)).toMatchObject({ type: 'found-by-mdns' });
  });
});

describe("the system's resolver", () => {
  it('gives mDNS time to answer too, for the port', () => {
    const evidence = { ...nothing, ...answered('192.0.2.7') };
    expect(at(evidence, 100)).toEqual({ type: 'wait', untilMs: 100 + limits.graceMs });
    expect(at(evidence, 1100)).toEqual({
      type: 'found-by-os',
      addresses: ['192.0.2.7'],
      announced: undefined,
    });
  });

  it('gives it less of that for a name that is none of mDNS', () => {
    const evidence = { ...nothing, ...answered('192.0.2.7'), isMdnsName: false };
    expect(at(evidence, 100)).toEqual({ type: 'wait', untilMs: 100 + limits.dnsGraceMs });
    expect(at(evidence, 100 + limits.dnsGraceMs)).toMatchObject({ type: 'found-by-os' });
  });

  it('is taken at once where mDNS cannot answer', () => {
    const evidence = { ...nothing, ...answered('192.0.2.7'), mdnsImpossible: true };
    expect(at(evidence, 100)).toMatchObject({ type: 'found-by-os' });
  });

  it('must not contradict mDNS', () => {
    expect(at({ ...seen(device), ...answered('192.0.2.8') }, 200)).toEqual({
      type: 'contradiction',
      hosts: [device],
      os: ['192.0.2.8'],
    });
    expect(at({ ...seen(device), ...answered('192.0.2.8', '192.0.2.7') }, 200)).toMatchObject({
      type: 'found-by-mdns',
    });
    expect(at({ ...seen(device), ...answered('2001:db8::7') }, 200)).toMatchObject({ type: 'found-by-mdns' });
  });
});

describe("who announces itself at the system's address", () => {
  const announcing = (name: string, port = 8266) => ({
    name,
    host: `${name}.local`,
    addresses: ['192.0.2.7'],
    port,
  });
  const by = (named: readonly string[], others: readonly string[]): Evidence => ({
    ...nothing,
    ...answered('192.0.2.7'),
    announcers: {
      named: named.map((name) => announcing(name)),
      others: others.map((name) => announcing(name)),
    },
    namedAtMs: named.length > 0 ? 200 : undefined,
  });

  it('confirms it, at once, whoever else is there', () => {
    expect(at(by(['hall'], ['kitchen']), 201)).toEqual({ type: 'wait', untilMs: 200 + limits.settleMs });
    expect(at(by(['hall'], ['kitchen']), 250)).toMatchObject({
      type: 'found-by-os',
      announced: { name: 'hall' },
    });
  });

  it('refuses it by another name alone, when the name had its time to be heard', () => {
    expect(at(by([], ['kitchen']), 300)).toEqual({ type: 'wait', untilMs: 100 + limits.graceMs });
    expect(at(by([], ['kitchen']), 1100)).toMatchObject({
      type: 'other-name',
      os: ['192.0.2.7'],
      others: [{ name: 'kitchen' }],
    });
  });

  it('is no matter where the name itself is found over mDNS', () => {
    const both = { ...by([], ['kitchen']), ...seen(device), ...answered('192.0.2.7') };
    expect(at(both, 200)).toMatchObject({ type: 'found-by-mdns' });
  });

  it('needs one port, unless it is configured', () => {
    const named = [announcing('hall'), announcing('hall', 8267)];
    const two = { ...by(['hall'], []), announcers: { named, others: [] } };
    expect(at(two, 300)).toMatchObject({ type: 'contradiction' });
    expect(at({ ...two, portConfigured: true }, 300)).toMatchObject({ type: 'found-by-os' });
  });
});

describe('nothing', () => {
  it('is waited for until the time is over', () => {
    expect(at(nothing, 0)).toEqual({ type: 'wait', untilMs: 5000 });
    expect(at({ ...nothing, os: { type: 'failed', code: 'ENOTFOUND' } }, 4999)).toMatchObject({
      type: 'wait',
    });
    expect(at(nothing, 5000)).toEqual({ type: 'not-found' });
  });

  it('is known at once where there is nobody left to ask', () => {
    const os = { type: 'failed', code: 'ENOTFOUND' } as const;
    expect(at({ ...nothing, os, mdnsImpossible: true }, 1)).toEqual({ type: 'not-found' });
    expect(at({ ...nothing, mdnsImpossible: true }, 1)).toMatchObject({ type: 'wait' });
  });
});

it('waits no longer for an IPv4 address that the device says it has not', () => {
  const host = { ...device, addresses: ['2001:db8::7'], lacksIpv4: true };
  expect(isComplete(host, false)).toBe(true);
  expect(at(seen(host), 110)).toEqual({ type: 'wait', untilMs: 100 + limits.settleIpv6Ms });
  expect(at(seen(host), 125)).toMatchObject({ type: 'found-by-mdns' });
});

it.each([
  [['192.0.2.7'], [8266], false, true],
  [['192.0.2.7'], [], false, false],
  [['192.0.2.7'], [], true, true],
  [['fe80::7%eth0'], [8266], false, false],
  [['fe80::7%eth0', '192.0.2.7'], [8266], false, true],
])('%j with ports %j, port configured %s: complete %s', (addresses, ports, portConfigured, expected) => {
  expect(isComplete({ ...device, addresses, ports }, portConfigured)).toBe(expected);
});
