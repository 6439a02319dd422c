/**
 * Which firewall of this computer is active: lets in only what was opened in it. Looked at; never changed.
 *
 * Whether it was opened for the device already is not worked out: its rules may be of any kind, and the command that
 * opens it does no harm where it was.
 */

import { isIPv4 } from 'node:net';
import type { Firewall } from '../../model/host-facts.ts';
import type { HostSource, ProgramOutput } from './source.ts';

/**
 * Those that are active, or may be: the one in charge alone, not what it is made of (ufw and firewalld write nftables
 * rules). All are asked at once, as each may take its time.
 *
 * @param address of what is to be let in
 */
export async function findFirewalls(source: HostSource, address: string): Promise<readonly Firewall[]> {
  const found = await firewallsOf(source, address);
  // What is there for certain says more than what may be.
  const firewall =
    found.find((each) => each?.state === 'filters') ?? found.find((each) => each !== undefined);
  return firewall === undefined ? [] : [firewall];
}

async function firewallsOf(source: HostSource, address: string): Promise<readonly (Firewall | undefined)[]> {
  switch (source.platform) {
    case 'win32':
      return [await ofWindows(source)];
    case 'darwin':
      return [await ofMacos(source)];
    case 'linux': {
      const iptables = isIPv4(address) ? 'iptables' : 'ip6tables';
      const [ufw, firewalld, nft, old] = await Promise.all([
        ofUfw(source),
        ofFirewalld(source),
        source.run(['nft', '-j', 'list', 'ruleset']),
        source.run([iptables, '-S']),
      ]);
      return [
        ufw,
        firewalld,
        ofNftables(nft, { address, isIptablesRead: old?.ok === true }),
        ofIptables(old),
      ];
    }
    default:
      return [];
  }
}

async function ofUfw({ readFile, run }: HostSource): Promise<Firewall | undefined> {
  const said = await run(['ufw', 'status']);
  if (said === undefined || /status: inactive/i.test(said.output)) return undefined;
  // Only root may ask it; its configuration may be read by all.
  const isOn =
    /status: active/i.test(said.output) || /^ENABLED=yes/m.test((await readFile('/etc/ufw/ufw.conf')) ?? '');
  return isOn ? { tool: 'ufw', state: 'filters' } : undefined;
}

async function ofFirewalld({ run }: HostSource): Promise<Firewall | undefined> {
  const said = await run(['firewall-cmd', '--state']);
  if (said?.isCut === true) return { tool: 'firewalld', state: 'unknown' };
  return said !== undefined && /^running/m.test(said.output)
    ? { tool: 'firewalld', state: 'filters' }
    : undefined;
}

/** Undefined: there is no such program, or it lets in what no rule names. */
function ofIptables(said: ProgramOutput | undefined): Firewall | undefined {
  if (said?.ok === false) return { tool: 'iptables', state: 'unknown' };
  const drops = /^-P INPUT DROP$|^-A INPUT(?: -m comment --comment (?:"[^"]*"|\S+))? -j (?:DROP|REJECT)\b/m;
  return drops.test(said?.output ?? '') ? { tool: 'iptables', state: 'filters' } : undefined;
}

interface NftEntry {
  readonly chain?: NftPlace & { readonly name: string; readonly hook?: string; readonly policy?: string };
  readonly rule?: NftPlace & { readonly chain: string; readonly expr?: readonly object[] };
}

interface NftPlace {
  readonly family: string;
  readonly table: string;
}

/** The first of its chains for incoming packets that drops what no rule lets in. */
function ofNftables(
  said: ProgramOutput | undefined,
  { address, isIptablesRead }: { readonly address: string; readonly isIptablesRead: boolean },
): Firewall | undefined {
  if (said?.ok === false) return { tool: 'nftables', state: 'unknown' };
  const entries = entriesIn(said?.output ?? '');
  const families = ['inet', isIPv4(address) ? 'ip' : 'ip6'];
  const chain = entries
    .flatMap((entry) => (entry.chain?.hook === 'input' ? [entry.chain] : []))
    .filter(({ family }) => families.includes(family))
    // Where iptables keeps its rules today: who made them knows iptables.
    .filter(({ table, name }) => !isIptablesRead || table !== 'filter' || name !== 'INPUT')
    .find((each) => each.policy === 'drop' || entries.some(({ rule }) => dropsTheRest(rule, each)));
  if (chain === undefined) return undefined;
  return { tool: 'nftables', state: 'filters', chain: `${chain.family} ${chain.table} ${chain.name}` };
}

/** A rule without a condition, as at the end of a chain whose policy is to accept. */
function dropsTheRest(rule: NftEntry['rule'], chain: NonNullable<NftEntry['chain']>): boolean {
  if (rule?.family !== chain.family || rule.table !== chain.table || rule.chain !== chain.name) return false;
  const words = (rule.expr ?? []).flatMap((each) => Object.keys(each));
  const others = words.filter((word) => !['counter', 'log', 'drop', 'reject'].includes(word));
  return others.length === 0 && (words.includes('drop') || words.includes('reject'));
}

function entriesIn(output: string): readonly NftEntry[] {
  try {
    const { nftables } = JSON.parse(output) as { nftables?: unknown };
    return Array.isArray(nftables)
      ? nftables.filter((each) => typeof each === 'object' && each !== null)
      : [];
  } catch {
    return [];
  }
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
