/** What this computer is, as far as it decides whether a device can connect back to it. Pure; gathered elsewhere. */

import { isIPv4 } from 'node:net';
import { isInSubnet, isSameAddress, withoutZone } from './address.ts';

export interface HostFacts {
  readonly system: 'linux' | 'macos' | 'windows' | 'other';
  /** Where what runs here has a network of its own behind the computer's. */
  readonly inside?: 'wsl2' | 'container';
  readonly interfaces: readonly HostInterface[];
  /** Those that are active, or may be; empty: none was found, or none was looked for. */
  readonly firewalls: readonly Firewall[];
}

export interface HostInterface {
  readonly name: string;
  readonly address: string;
  readonly prefixBits: number;
  readonly kind: 'network' | 'loopback' | 'tunnel' | 'bridge';
}

export interface Firewall {
  readonly tool: 'ufw' | 'firewalld' | 'nftables' | 'iptables' | 'windows' | 'macos';
  /** `filters`: it lets in only what was opened in it. `unknown`: it could not be asked without more rights. */
  readonly state: 'filters' | 'unknown';
  /** nftables: where an incoming packet is judged, `inet filter input`. */
  readonly chain?: string;
}

export interface Opening {
  /** Of the device. */
  readonly address: string;
  /** TCP, of this host. */
  readonly hostPort: number;
}

/** The command that lets the device in. otarc never runs it. */
export function openCommand({ tool, chain }: Firewall, wanted: Opening): string {
  const { hostPort } = wanted;
  const address = withoutZone(wanted.address);
  const isFour = isIPv4(address);
  switch (tool) {
    case 'ufw':
      return `sudo ufw allow proto tcp from ${address} to any port ${hostPort}`;
    case 'firewalld':
      return `sudo firewall-cmd --add-rich-rule='rule family=${isFour ? 'ipv4' : 'ipv6'} source address=${address} port port=${hostPort} protocol=tcp accept'`;
    case 'nftables':
      return `sudo nft insert rule ${chain ?? '<family> <table> <chain>'} ${isFour ? 'ip' : 'ip6'} saddr ${address} tcp dport ${hostPort} accept`;
    case 'iptables':
      return `sudo ${isFour ? 'iptables' : 'ip6tables'} -I INPUT -p tcp -s ${address} --dport ${hostPort} -j ACCEPT`;
    case 'windows':
      return `New-NetFirewallRule -DisplayName otarc -Direction Inbound -Protocol TCP -LocalPort ${hostPort} -RemoteAddress ${address} -Action Allow`;
    case 'macos':
      return 'sudo /usr/libexec/ApplicationFirewall/socketfilterfw --unblockapp "$(command -v node)"';
    default:
      return tool satisfies never;
  }
}

/** The command that shows what it lets in, for who has the rights that otarc has not. */
export function lookCommand({ tool }: Firewall, { address }: Pick<Opening, 'address'>): string {
  switch (tool) {
    case 'ufw':
      return 'sudo ufw status';
    case 'firewalld':
      return 'sudo firewall-cmd --list-all';
    case 'nftables':
      return 'sudo nft list ruleset';
    case 'iptables':
      return isIPv4(address) ? 'sudo iptables -S' : 'sudo ip6tables -S';
    case 'windows':
      return 'Get-NetFirewallProfile';
    case 'macos':
      return '/usr/libexec/ApplicationFirewall/socketfilterfw --listapps';
    default:
      return tool satisfies never;
  }
}

/** How a person calls it. */
export function firewallName({ tool }: Firewall): string {
  return { windows: 'the Windows firewall', macos: 'the macOS firewall' }[tool as string] ?? tool;
}

/** The interface that has this address. */
export function interfaceOf(
  host: HostFacts | undefined,
  address: string | undefined,
): HostInterface | undefined {
  return address === undefined
    ? undefined
    : host?.interfaces.find((each) => isSameAddress(each.address, address));
}

/** An interface of this host in the device's own subnet. */
export function neighbourOf(
  host: HostFacts | undefined,
  address: string | undefined,
): HostInterface | undefined {
  return address === undefined ? undefined : host?.interfaces.find((each) => isInSubnet(address, each));
}
