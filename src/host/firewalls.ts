/** Which firewall of this computer judges what comes in. Looked at; never changed. */

import { isIPv4 } from 'node:net';
import type { Firewall } from '../diagnose/host.ts';
import { dropsByIptables } from './iptables.ts';
import { droppingChains } from './nft.ts';
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
      const [ufwFound, firewalldFound, chains, drops] = await Promise.all([
        ufw(source),
        firewalld(source),
        nftables(source, incoming),
        iptables(source, incoming),
      ]);
      return inTheWay(ufwFound ?? firewalldFound, { chains, drops });
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

/** Undefined: there is no such program; `unknown`: it does not tell without more rights. */
interface Judged {
  /** That drop the connection. */
  readonly chains: readonly string[] | 'unknown' | undefined;
  readonly drops: boolean | 'unknown' | undefined;
}

/** Where iptables keeps its rules today: nft cannot read all of them, and who made them knows iptables. */
const ofIptables = /^ip6? filter INPUT$/;

function inTheWay(manager: Firewall | undefined, { chains, drops }: Judged): readonly Firewall[] {
  const own =
    typeof chains === 'object' && typeof drops === 'boolean'
      ? chains.filter((chain) => !ofIptables.test(chain))
      : chains;
  const [chain] = typeof own === 'object' ? own : [];
  const isRead = typeof own === 'object' || typeof drops === 'boolean';
  const isLetIn = isRead && chain === undefined && drops !== true;
  // What was opened in it lets the device in.
  if (manager !== undefined) return isLetIn ? [] : [manager];
  if (chain !== undefined) return [{ tool: 'nftables', state: 'filters', chain }];
  if (drops === true) return [{ tool: 'iptables', state: 'filters' }];
  if (own === 'unknown') return [{ tool: 'nftables', state: 'unknown' }];
  return drops === 'unknown' ? [{ tool: 'iptables', state: 'unknown' }] : [];
}

async function nftables({ run }: HostSource, incoming: Incoming): Promise<Judged['chains']> {
  const said = await run(['nft', '-j', 'list', 'ruleset']);
  return said?.ok === true ? droppingChains(said.output, incoming) : said && 'unknown';
}

async function iptables({ run }: HostSource, incoming: Incoming): Promise<Judged['drops']> {
  const said = await run([isIPv4(incoming.address) ? 'iptables' : 'ip6tables', '-S']);
  return said?.ok === true ? dropsByIptables(said.output, incoming) : said && 'unknown';
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
