/** What real programs printed of rulesets that people have (nft 1.0.6, iptables 1.8.9), judged for one connection. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dropsByIptables } from '../../../src/host/iptables.ts';
import { droppingChains } from '../../../src/host/nft.ts';

const textOf = (name: string): string => readFileSync(new URL(`rulesets/${name}`, import.meta.url), 'utf8');
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

test.each<[string, boolean]>([
  ['policy-drop', true],
  ['fail2ban', false],
  ['chains', true],
  ['invalid-only', false],
  ['let-in', false],
])('iptables, %s', (name, drops) => {
  expect(dropsByIptables(textOf(`${name}.iptables`), four)).toBe(drops);
});

test('iptables: a port and a network, let in or not', () => {
  const judged = (rule: string): boolean => dropsByIptables(`-P INPUT DROP\n-A INPUT ${rule}`, four);
  expect(judged('-p tcp -m tcp --dport 48266 -j ACCEPT')).toBe(false);
  expect(judged('-s 192.0.2.0/24 -p tcp -m multiport --dports 80,48000:48999 -j ACCEPT')).toBe(false);
  expect(judged('! -s 192.0.2.0/24 -j ACCEPT')).toBe(true);
  expect(judged('-p tcp -m comment --comment "all of it, -j DROP" -j ACCEPT')).toBe(false);
  expect(judged('-m set --match-set lan src -j ACCEPT')).toBe(true);
});

test('whatever is read, an answer comes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      droppingChains(text, four);
      droppingChains(`{"nftables": ${text}}`, four);
      dropsByIptables(text, four);
    }),
  );
});
