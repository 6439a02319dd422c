/** Which firewall of this computer judges what comes in. Looked at; never changed. */

import { isIPv4 } from 'node:net';
import type { Firewall } from '../../model/host-facts.ts';
import { judgedByIptables } from './iptables.ts';
import { judgedByNft, type JudgedChain } from './nft.ts';
import type { Incoming, Outcome } from './ruleset.ts';
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
      const [ufwFound, firewalldFound, chains, iptablesFound] = await Promise.all([
        ufw(source),
        firewalld(source),
        nftables(source, incoming),
        iptables(source, incoming),
      ]);
      return inTheWay(ufwFound ?? firewalldFound, { chains, iptables: iptablesFound });
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
  if (said?.isCut === true) return { tool: 'firewalld', state: 'unknown' };
  return said !== undefined && /^running/m.test(said.output)
    ? { tool: 'firewalld', state: 'filters' }
    : undefined;
}

/** Undefined: there is no such program; `unread`: it does not tell without more rights, or did not in time. */
interface Judged {
  readonly chains: readonly JudgedChain[] | 'unread' | undefined;
  readonly iptables: Outcome | 'unread' | undefined;
}

/** Where iptables keeps its rules today: nft cannot read all of them, and who made them knows iptables. */
const ofIptables = /^ip6? filter INPUT$/;

function inTheWay(manager: Firewall | undefined, { chains, iptables }: Judged): readonly Firewall[] {
  const isIptablesRead = iptables !== undefined && iptables !== 'unread';
  const own =
    typeof chains === 'object'
      ? chains.filter(({ chain }) => !isIptablesRead || !ofIptables.test(chain))
      : [];
  const outcomes = [...own.map(({ outcome }) => outcome), ...(isIptablesRead ? [iptables] : [])];
  const isRead = isIptablesRead || typeof chains === 'object';
  // What was opened in it lets the device in, or may. Where it may not be there at all, what it is made of says more.
  if (manager !== undefined && !(isRead && manager.state === 'unknown')) {
    if (!isRead) return [manager];
    if (outcomes.includes('drop')) return [manager];
    return outcomes.includes('unknown') ? [{ ...manager, state: 'unknown' }] : [];
  }
  const dropping = own.find(({ outcome }) => outcome === 'drop');
  if (dropping !== undefined) return [{ tool: 'nftables', state: 'filters', chain: dropping.chain }];
  if (iptables === 'drop') return [{ tool: 'iptables', state: 'filters' }];
  const isNftUnknown = chains === 'unread' || own.some(({ outcome }) => outcome === 'unknown');
  if (isNftUnknown) return [{ tool: 'nftables', state: 'unknown' }];
  return iptables === 'unknown' || iptables === 'unread' ? [{ tool: 'iptables', state: 'unknown' }] : [];
}

async function nftables({ run }: HostSource, incoming: Incoming): Promise<Judged['chains']> {
  const said = await run(['nft', '-j', 'list', 'ruleset']);
  return said?.ok === true ? judgedByNft(said.output, incoming) : said && 'unread';
}

async function iptables({ run }: HostSource, incoming: Incoming): Promise<Judged['iptables']> {
  const said = await run([isIPv4(incoming.address) ? 'iptables' : 'ip6tables', '-S']);
  return said?.ok === true ? judgedByIptables(said.output, incoming) : said && 'unread';
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
