/** Which firewall of this computer judges what comes in. Looked at; never changed. */

import type { Firewall } from '../diagnose/host.ts';
import type { HostSource } from './source.ts';

/** The one in charge first; those that it is made of (ufw and firewalld write nftables rules) are not named beside it. */
export async function findFirewalls(source: HostSource): Promise<readonly Firewall[]> {
  switch (source.platform) {
    case 'win32':
      return [await ofWindows(source)].filter((firewall) => firewall !== undefined);
    case 'darwin':
      return [await ofMacos(source)].filter((firewall) => firewall !== undefined);
    case 'linux': {
      const first = (await ufw(source)) ?? (await firewalld(source));
      if (first !== undefined) return [first];
      const both = await Promise.all([nftables(source), iptables(source)]);
      const known = both.filter((firewall) => firewall !== undefined);
      const filters = known.find(({ state }) => state === 'filters');
      return filters === undefined ? known.slice(0, 1) : [filters];
    }
    default:
      return [];
  }
}

async function ufw({ readFile, run }: HostSource): Promise<Firewall | undefined> {
  const said = await run(['ufw', 'status']);
  if (said === undefined) return undefined;
  if (/status: active/i.test(said.output)) return { tool: 'ufw', state: 'filters' };
  if (/status: inactive/i.test(said.output)) return undefined;
  // Only root may ask it; its configuration may be read by all.
  const isOn = /^ENABLED=yes/m.test((await readFile('/etc/ufw/ufw.conf')) ?? '');
  return isOn ? { tool: 'ufw', state: 'filters' } : undefined;
}

async function firewalld({ run }: HostSource): Promise<Firewall | undefined> {
  const said = await run(['firewall-cmd', '--state']);
  return said !== undefined && /^running/m.test(said.output)
    ? { tool: 'firewalld', state: 'filters' }
    : undefined;
}

async function nftables({ run }: HostSource): Promise<Firewall | undefined> {
  const said = await run(['nft', 'list', 'ruleset']);
  if (said === undefined) return undefined;
  if (!said.ok) return { tool: 'nftables', state: 'unknown' };
  const chain = filteringChain(said.output);
  return chain === undefined ? undefined : { tool: 'nftables', state: 'filters', chain };
}

/** Of a ruleset as `nft` prints it: the chain on the way in that drops or refuses something. */
export function filteringChain(ruleset: string): string | undefined {
  let table = '';
  let chain = '';
  let isInput = false;
  for (const line of ruleset.split('\n').map((each) => each.trim())) {
    const opensTable = /^table (\S+ \S+) \{/.exec(line)?.[1];
    const opensChain = /^chain (\S+) \{/.exec(line)?.[1];
    if (opensTable !== undefined) table = opensTable;
    if (opensChain !== undefined) {
      chain = opensChain;
      isInput = false;
    }
    if (/\bhook input\b/.test(line)) isInput = true;
    if (isInput && /\bpolicy drop\b|\b(drop|reject)\b/.test(line)) return `${table} ${chain}`;
  }
  return undefined;
}

async function iptables({ run }: HostSource): Promise<Firewall | undefined> {
  const said = await run(['iptables', '-S', 'INPUT']);
  if (said === undefined) return undefined;
  if (!said.ok) return { tool: 'iptables', state: 'unknown' };
  const refuses = /^-P INPUT DROP|-j (DROP|REJECT)/m.test(said.output);
  return refuses ? { tool: 'iptables', state: 'filters' } : undefined;
}

async function ofWindows({ run }: HostSource): Promise<Firewall | undefined> {
  const said = await run(['netsh', 'advfirewall', 'show', 'currentprofile', 'firewallpolicy']);
  // Its words are those of the system's language; its constants are not.
  if (said?.ok !== true) return { tool: 'windows', state: 'unknown' };
  return /BlockInbound/i.test(said.output) ? { tool: 'windows', state: 'filters' } : undefined;
}

async function ofMacos({ run }: HostSource): Promise<Firewall | undefined> {
  const said = await run(['/usr/libexec/ApplicationFirewall/socketfilterfw', '--getglobalstate']);
  if (said?.ok !== true) return { tool: 'macos', state: 'unknown' };
  return /enabled|State = [12]/i.test(said.output) ? { tool: 'macos', state: 'filters' } : undefined;
}
