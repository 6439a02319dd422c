/** Which firewall of this computer judges what comes in. Looked at; never changed. */

import { isIPv4 } from 'node:net';
import type { Firewall } from '../diagnose/host.ts';
import { dropsByIptables } from './iptables.ts';
import { droppingChain } from './nft.ts';
import type { Incoming } from './ruleset.ts';
import type { HostSource } from './source.ts';

/**
 * Those that keep this connection out, or may: the one in charge alone, not what it is made of (ufw and firewalld write
 * nftables rules). All are asked at once, as each may take its time.
 */
export async function findFirewalls(source: HostSource, incoming: Incoming): Promise<readonly Firewall[]> {
  switch (source.platform) {
    case 'win32':
      return [await ofWindows(source)].filter((firewall) => firewall !== undefined);
    case 'darwin':
      return [await ofMacos(source)].filter((firewall) => firewall !== undefined);
    case 'linux': {
      const [ufwFound, firewalldFound, ...others] = await Promise.all([
        ufw(source),
        firewalld(source),
        nftables(source, incoming),
        iptables(source, incoming),
      ]);
      const first = ufwFound ?? firewalldFound;
      if (first !== undefined) return [first];
      const known = others.filter((firewall) => firewall !== undefined);
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

async function nftables({ run }: HostSource, incoming: Incoming): Promise<Firewall | undefined> {
  const said = await run(['nft', '-j', 'list', 'ruleset']);
  if (said === undefined) return undefined;
  if (!said.ok) return { tool: 'nftables', state: 'unknown' };
  const chain = droppingChain(said.output, incoming);
  return chain === undefined ? undefined : { tool: 'nftables', state: 'filters', chain };
}

async function iptables({ run }: HostSource, incoming: Incoming): Promise<Firewall | undefined> {
  const said = await run([isIPv4(incoming.address) ? 'iptables' : 'ip6tables', '-S']);
  if (said === undefined) return undefined;
  if (!said.ok) return { tool: 'iptables', state: 'unknown' };
  return dropsByIptables(said.output, incoming) ? { tool: 'iptables', state: 'filters' } : undefined;
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
