import { describe, expect, it } from 'vitest';
import type { HostAddress } from '../../../src/network/interfaces.ts';
import { contradiction, otherName } from '../../../src/network/ambiguous.ts';
import { notFound, type FailedSearch } from '../../../src/network/not-found.ts';

const lo: HostAddress = {
  name: 'lo',
  address: '127.0.0.1',
  family: 'IPv4',
  prefixBits: 8,
  loopback: true,
  zone: 'lo',
};
const eth: HostAddress = {
  ...lo,
  name: 'eth0',
  address: '192.0.2.2',
  prefixBits: 24,
  loopback: false,
  zone: 'eth0',
};
const search: FailedSearch = {
  name: 'livingroom',
  question: { host: 'livingroom.local', mdnsName: 'livingroom', osName: 'livingroom.local' },
  addresses: [lo, eth],
  all: [lo, eth],
  problems: [],
  mdnsImpossible: false,
  timeoutMs: 5000,
  os: { type: 'failed', code: 'ENOTFOUND' },
};

describe('notFound', () => {
  it('says who was asked, where and how long', () => {
    expect(notFound(search)).toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message:
        "'livingroom' was not found: no mDNS answer for livingroom.local on lo and eth0 within 5 s, " +
        "and the system's resolver does not know livingroom.local.",
      hint: expect.stringMatching(/powered.*same network.*guest.*host: <address>/s),
      details: {
        asked: { mdns: 'livingroom.local', os: 'livingroom.local' },
        interfaces: ['lo', 'eth0'],
        os: 'ENOTFOUND',
        timeoutMs: 5000,
      },
    });
  });

  it('tells a resolver that does not answer from one that does not know', () => {
    expect(notFound({ ...search, os: { type: 'failed', code: 'EAI_AGAIN' } }).message).toContain(
      "the system's resolver got no answer for livingroom.local (EAI_AGAIN)",
    );
    expect(notFound({ ...search, os: { type: 'waiting' } }).message).toContain(
      "the system's resolver gave no answer within 5 s",
    );
  });

  it('speaks of mDNS only where it was asked', () => {
    const error = notFound({
      ...search,
      question: { host: 'device.example.com', osName: 'device.example.com' },
      addresses: [],
    });
    expect(error.message).toBe(
      "'livingroom' was not found: the system's resolver does not know device.example.com.",
    );
    expect(error.hint).toContain('spelling');
  });

  it('knows a container without a network', () => {
    expect(notFound({ ...search, addresses: [lo], all: [lo] }).hint).toContain(
      'no network interface but loopback',
    );
  });

  it('knows a search that was confined to loopback', () => {
    expect(notFound({ ...search, addresses: [lo] }).hint).toContain('Only loopback was asked');
  });

  it('tells an interface that cannot be asked', () => {
    const problems = ['eth0 (192.0.2.2): send ENETUNREACH'];
    const error = notFound({ ...search, addresses: [eth], problems, mdnsImpossible: true });
    expect(error.message).toContain('livingroom.local could not be asked for over mDNS on eth0');
    expect(error.details).toMatchObject({ problems });
  });
});

describe('contradiction', () => {
  it('lists who said what', () => {
    const hosts = [{ addresses: ['192.0.2.7'], senders: ['192.0.2.7'], ports: [8266] }];
    expect(contradiction(search, { hosts, os: ['192.0.2.8'] })).toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message:
        "'livingroom' is ambiguous: two answers contradict each other: 192.0.2.7 (mDNS, from 192.0.2.7) and " +
        "192.0.2.8 (the system's resolver).",
      details: { ambiguous: true, mdns: [{ addresses: ['192.0.2.7'] }], os: ['192.0.2.8'] },
    });
  });

  it('lists the ports of two services on one host', () => {
    const hosts = [{ addresses: ['127.0.0.1'], senders: ['127.0.0.1'], ports: [8266, 8267] }];
    expect(contradiction(search, { hosts, os: [] }).message).toMatch(
      /127\.0\.0\.1 port 8266 .* and 127\.0\.0\.1 port 8267 /,
    );
  });

  it('names both where the address of the system is that of another device', () => {
    const others = [{ name: 'kitchen', host: 'kitchen.local', addresses: ['192.0.2.8'], port: 8266 }];
    expect(otherName(search, { os: ['192.0.2.8'], others })).toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message: expect.stringMatching(/says that .* is 192\.0\.2\.8, but who is there .* as 'kitchen'/),
      hint: expect.stringContaining('`host: kitchen.local`'),
      details: { elsewhere: true, os: ['192.0.2.8'], announced: [{ name: 'kitchen', port: 8266 }] },
    });
  });
});
