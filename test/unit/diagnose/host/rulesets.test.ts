/** What real programs printed of rulesets that people have (nft 1.0.6, iptables 1.8.9): which of them is a firewall. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findFirewalls } from '../../../../src/diagnose/host/firewalls.ts';
import type { HostSource } from '../../../../src/diagnose/host/source.ts';

const textOf = (name: string): string => readFileSync(new URL(`rulesets/${name}`, import.meta.url), 'utf8');
const [four, six] = ['192.0.2.7', 'fe80::7%eth0'];

/** A Linux on which these programs print this, and there are no others. */
const host = (said: Readonly<Record<string, string>>): HostSource => ({
  platform: 'linux',
  kernel: '6.8.0-generic',
  env: {},
  readFile: async () => undefined,
  run: async ([program]) => {
    const output = said[program];
    return output === undefined ? undefined : { ok: true, output };
  },
  interfaces: () => ({}),
});

test.each<[string, string | undefined, string | undefined]>([
  ['policy-drop', 'inet filter input', 'inet filter input'],
  // Its policy is to accept; its last rule has no condition.
  ['rejects-the-rest', 'inet filter input', 'inet filter input'],
  ['accepts-first', 'inet filter input', 'inet filter input'],
  ['lan-allowed', 'inet filter input', 'inet filter input'],
  ['by-interface', 'inet filter input', 'inet filter input'],
  ['by-sets', 'inet filter input', 'inet filter input'],
  ['firewalld', 'inet firewalld filter_INPUT', 'inet firewalld filter_INPUT'],
  ['let-in', 'ip filter INPUT', undefined],
  ['six-only', undefined, 'ip6 filter INPUT'],
  // They keep some out, and let in what no rule names.
  ['fail2ban', undefined, undefined],
  ['invalid-only', undefined, undefined],
  ['docker', undefined, undefined],
  // Theirs is dropped behind a condition, or in a chain of its own: that is not worked out.
  ['tcp-new', undefined, undefined],
  ['tcp-syn', undefined, undefined],
  ['jumps', undefined, undefined],
])('nft, %s', async (name, forFour, forSix) => {
  const found = async (address: string) =>
    (await findFirewalls(host({ nft: textOf(`${name}.json`) }), address)).map(({ chain }) => chain);
  expect(await found(four)).toEqual(forFour === undefined ? [] : [forFour]);
  expect(await found(six)).toEqual(forSix === undefined ? [] : [forSix]);
});

test.each<[string, boolean]>([
  ['policy-drop', true],
  ['let-in', true],
  ['by-interface', true],
  ['fail2ban', false],
  ['invalid-only', false],
  ['chains', false],
])('iptables, %s', async (name, isActive) => {
  const source = host({ iptables: textOf(`${name}.iptables`) });
  expect(await findFirewalls(source, four)).toEqual(isActive ? [{ tool: 'iptables', state: 'filters' }] : []);
  expect(await findFirewalls(source, six)).toEqual([]);
});

test.each<[string, boolean]>([
  ['-P INPUT DROP', true],
  ['-A INPUT -j DROP', true],
  ['-A INPUT -j REJECT --reject-with icmp-host-prohibited', true],
  ['-A INPUT -m comment --comment "all the rest" -j DROP', true],
  ['-P INPUT ACCEPT\n-P FORWARD DROP', false],
  ['-A INPUT -p udp -j DROP', false],
  ['-A FORWARD -j REJECT', false],
  ['-A INPUT -m comment --comment "-j DROP" -j ACCEPT', false],
])('iptables: %s', async (rules, isActive) => {
  expect(await findFirewalls(host({ iptables: rules }), four)).toHaveLength(isActive ? 1 : 0);
});

test('whatever is read, an answer comes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
      for (const nft of [
        text,
        `{"nftables": ${text}}`,
        `{"nftables": [{"chain": ${text}, "rule": ${text}}]}`,
      ]) {
        expect(await findFirewalls(host({ nft, iptables: text }), four)).toEqual([]);
      }
    }),
  );
});
