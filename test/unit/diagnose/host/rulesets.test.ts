/** What real programs printed of rulesets that people have (nft 1.0.6, iptables 1.8.9), judged for one connection. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgedByIptables } from '../../../../src/diagnose/host/iptables.ts';
import { judgedByNft } from '../../../../src/diagnose/host/nft.ts';

const textOf = (name: string): string => readFileSync(new URL(`rulesets/${name}`, import.meta.url), 'utf8');
const droppingChains = (...given: Parameters<typeof judgedByNft>): readonly string[] =>
  judgedByNft(...given).flatMap(({ chain, outcome }) => (outcome === 'drop' ? [chain] : []));
const four = { address: '192.0.2.7', hostPort: 48_266 };
const six = { address: 'fe80::7%eth0', hostPort: 48_266 };

test.each<[string, string | undefined, string | undefined]>([
  ['policy-drop', 'inet filter input', 'inet filter input'],
  // Refuses port 22 alone, and that from a few.
  ['fail2ban', undefined, undefined],
  ['invalid-only', undefined, undefined],
  ['rejects-the-rest', 'inet filter input', 'inet filter input'],
  ['accepts-first', undefined, undefined],
  ['tcp-new', 'ip filter INPUT', undefined],
  ['tcp-syn', 'ip filter INPUT', undefined],
  ['six-only', undefined, 'ip6 filter INPUT'],
  ['jumps', 'inet filter input', 'inet filter input'],
  ['lan-allowed', undefined, 'inet filter input'],
  ['docker', undefined, undefined],
])('nft, %s', (name, forFour, forSix) => {
  const text = textOf(`${name}.json`);
  expect(droppingChains(text, four)).toEqual(forFour === undefined ? [] : [forFour]);
  expect(droppingChains(text, six)).toEqual(forSix === undefined ? [] : [forSix]);
});

test('nft: a device beside the network that is let in', () => {
  const elsewhere = { ...four, address: '198.51.100.7' };
  expect(droppingChains(textOf('lan-allowed.json'), elsewhere)).toEqual(['inet filter input']);
});

test('nft: a port that is let in, and one that the system chooses', () => {
  const text = textOf('rejects-the-rest.json');
  expect(droppingChains(text, { ...four, hostPort: 443 })).toEqual([]);
  expect(droppingChains(text, { address: four.address })).toEqual(['inet filter input']);
});

test.each<[string, string]>([
  ['policy-drop', 'drop'],
  ['fail2ban', 'accept'],
  ['chains', 'drop'],
  ['invalid-only', 'accept'],
  ['let-in', 'accept'],
])('iptables, %s', (name, outcome) => {
  expect(judgedByIptables(textOf(`${name}.iptables`), four)).toBe(outcome);
});

const here = { ...four, hostAddress: '192.0.2.2', interfaceName: 'eth0' };

test.each<[string, string, string, string]>([
  ['by-interface', 'accept', 'accept', 'unknown'],
  ['by-sets', 'accept', 'accept', 'accept'],
  // In another of its zones everything is let in.
  ['firewalld', 'drop', 'drop', 'accept'],
])('nft, %s, where it is known how the device comes in, and where not', (name, forFour, forSix, forAny) => {
  const outcomes = [here, { ...six, interfaceName: 'eth0' }, four].map(
    (incoming) => judgedByNft(textOf(`${name}.json`), incoming)[0]?.outcome,
  );
  expect(outcomes).toEqual([forFour, forSix, forAny]);
});

test('nft: by another interface, and from others that are in its sets or not', () => {
  const judged = (name: string, more: object) =>
    judgedByNft(textOf(`${name}.json`), { ...here, ...more })[0]?.outcome;
  expect(judged('by-interface', { interfaceName: 'wlan1' })).toBe('accept');
  expect(judged('by-interface', { interfaceName: 'eth1' })).toBe('drop');
  expect(judged('by-interface', { address: '198.51.100.7' })).toBe('drop');
  expect(judged('firewalld', { interfaceName: 'wg0' })).toBe('accept');
  expect(judged('by-sets', { address: '198.51.100.5' })).toBe('accept');
  expect(judged('by-sets', { address: '198.51.100.10' })).toBe('drop');
  expect(judged('by-sets', { address: '192.0.2.200' })).toBe('accept');
  expect(judged('by-sets', { address: '192.0.2.201' })).toBe('drop');
  expect(judged('by-sets', { address: '203.0.113.7' })).toBe('accept');
  expect(judged('by-sets', { address: '203.0.113.8' })).toBe('drop');
});

test('iptables, as it prints interfaces, ranges and addresses of its own', () => {
  const judged = (more: object) => judgedByIptables(textOf('by-interface.iptables'), { ...here, ...more });
  expect(judged({})).toBe('accept');
  expect(judged({ interfaceName: 'wlan0' })).toBe('drop');
  expect(judged({ interfaceName: 'wlan0', address: '192.0.2.110' })).toBe('accept');
  expect(judged({ interfaceName: 'wlan0', hostAddress: '192.0.2.9' })).toBe('accept');
});

test.each<[string, string]>([
  ['-p tcp -m tcp --dport 48266 -j ACCEPT', 'accept'],
  ['-s 192.0.2.0/24 -p tcp -m multiport --dports 80,48000:48999 -j ACCEPT', 'accept'],
  ['! -s 192.0.2.0/24 -j ACCEPT', 'drop'],
  ['-p tcp -m comment --comment "all of it, -j DROP" -j ACCEPT', 'accept'],
  ['-m set --match-set lan src -j ACCEPT', 'unknown'],
  ['-m set --match-set lan src -j DROP', 'drop'],
  ['-i eth0 -j ACCEPT', 'accept'],
  ['-i eth+ -j ACCEPT', 'accept'],
  ['-i wlan0 -j ACCEPT', 'drop'],
  ['! -i wlan0 -j ACCEPT', 'accept'],
  ['-d 192.0.2.2/32 -j ACCEPT', 'accept'],
  ['-d 192.0.2.255/32 -j ACCEPT', 'drop'],
  ['-m addrtype --dst-type LOCAL -j ACCEPT', 'accept'],
])('iptables that drops all but: %s', (rule, outcome) => {
  expect(judgedByIptables(`-P INPUT DROP\n-A INPUT ${rule}`, here)).toBe(outcome);
});

test('iptables: where it is not known where the device comes in', () => {
  const judged = (rule: string) => judgedByIptables(`-P INPUT DROP\n-A INPUT ${rule}`, four);
  expect(judged('-i eth0 -j ACCEPT')).toBe('unknown');
  expect(judged('-i lo -j ACCEPT')).toBe('drop');
  expect(judged('-d 192.0.2.2/32 -j ACCEPT')).toBe('unknown');
});

test('iptables: what may return from a chain is not dropped there for certain', () => {
  const chains = (policy: string) =>
    [
      `-P INPUT ${policy}`,
      '-N guard',
      '-A INPUT -j guard',
      '-A guard -m set --match-set lan src -j RETURN',
      '-A guard -j DROP',
    ].join('\n');
  expect(judgedByIptables(chains('ACCEPT'), here)).toBe('unknown');
  expect(judgedByIptables(chains('DROP'), here)).toBe('drop');
});

const match = (left: unknown, right: unknown, op = '==') => ({ match: { op, left, right } });
const payload = (protocol: string, field: string) => ({ payload: { protocol, field } });
const meta = (key: string) => ({ meta: { key } });
const [accept, drop] = [{ accept: null }, { drop: null }];
const net = { prefix: { addr: '192.0.2.0', len: 24 } };
const lan = { set: { family: 'inet', table: 'own', name: 'lan', elem: [net] } };
const ports = {
  set: { family: 'inet', table: 'own', name: 'ports', elem: [{ elem: { val: 48_266, timeout: 60 } }] },
};
const ruleset = (policy: string, rules: readonly (readonly unknown[])[], more: readonly unknown[] = []) => {
  const at = { family: 'inet', table: 'own' };
  const chain = { ...at, name: 'in', type: 'filter', hook: 'input', prio: 0, policy };
  const all = rules.map((expr) => ({ rule: { ...at, chain: 'in', expr } }));
  return JSON.stringify({ nftables: [...more, { chain }, ...all] });
};

test.each<[string, unknown[], string]>([
  ['iifname "eth0"', [match(meta('iifname'), 'eth0'), accept], 'accept'],
  ['iif "eth0"', [match(meta('iif'), 'eth0'), accept], 'accept'],
  ['iifname "eth*"', [match(meta('iifname'), 'eth*'), accept], 'accept'],
  ['iifname { "lo", "wlan0" }', [match(meta('iifname'), { set: ['lo', 'wlan0'] }), accept], 'drop'],
  ['iifname != "wan"', [match(meta('iifname'), 'wan', '!='), accept], 'accept'],
  [
    'iifname vmap { "lo" : accept, "eth0" : accept }',
    [
      {
        vmap: {
          key: meta('iifname'),
          data: {
            set: [
              ['lo', accept],
              ['eth0', accept],
            ],
          },
        },
      },
    ],
    'accept',
  ],
  ['tcp dport vmap @ports', [{ vmap: { key: payload('tcp', 'dport'), data: '@verdicts' } }], 'unknown'],
  ['ip saddr @lan', [match(payload('ip', 'saddr'), '@lan'), accept], 'accept'],
  ['tcp dport @ports', [match(payload('tcp', 'dport'), '@ports'), accept], 'accept'],
  ['ip saddr @gone', [match(payload('ip', 'saddr'), '@gone'), accept], 'unknown'],
  ['ip daddr 192.0.2.2', [match(payload('ip', 'daddr'), '192.0.2.2'), accept], 'accept'],
  ['ether saddr …', [match(payload('ether', 'saddr'), '24:0a:c4:00:00:01'), accept], 'unknown'],
  ['limit rate', [{ limit: { rate: 10, per: 'second' } }, accept], 'unknown'],
  ['fib daddr type local', [match({ fib: { result: 'type', flags: 'daddr' } }, 'local'), accept], 'accept'],
  ['ct status dnat', [match({ ct: { key: 'status' } }, 'dnat'), accept], 'drop'],
  [
    'ip saddr . tcp dport { 192.0.2.7 . 48266 }',
    [
      match(
        { concat: [payload('ip', 'saddr'), payload('tcp', 'dport')] },
        { set: [{ concat: ['192.0.2.7', 48_266] }] },
      ),
      accept,
    ],
    'accept',
  ],
])('nft that drops all but: %s', (_, rule, outcome) => {
  expect(judgedByNft(ruleset('drop', [rule], [lan, ports]), here)).toEqual([
    { chain: 'inet own in', outcome },
  ]);
});

test.each<[string, unknown[], string]>([
  ['udp dport != 53', [match(payload('udp', 'dport'), 53, '!='), drop], 'accept'],
  ['ip6 saddr != fe80::1', [match(payload('ip6', 'saddr'), 'fe80::1', '!='), drop], 'accept'],
  ['icmp type != echo-request', [match(payload('icmp', 'type'), 'echo-request', '!='), drop], 'accept'],
  ['tcp dport != 22', [match(payload('tcp', 'dport'), 22, '!='), drop], 'drop'],
  ['ip saddr != 192.0.2.0/24', [match(payload('ip', 'saddr'), net, '!='), drop], 'accept'],
  ['ip saddr @banned', [match(payload('ip', 'saddr'), '@banned'), drop], 'accept'],
])('nft that lets in all but: %s', (_, rule, outcome) => {
  expect(judgedByNft(ruleset('accept', [rule]), here)[0]?.outcome).toBe(outcome);
});

test('whatever is read, an answer comes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      droppingChains(text, four);
      droppingChains(`{"nftables": ${text}}`, four);
      judgedByIptables(text, four);
    }),
  );
});
