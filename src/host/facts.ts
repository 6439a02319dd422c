/** What this computer is, looked at and never changed: for the diagnosis of a device that cannot connect back. */

import type { networkInterfaces } from 'node:os';
import type { HostFacts, HostInterface } from '../diagnose/host.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { findFirewalls } from './firewalls.ts';
import type { HostSource } from './source.ts';

/** Without firewalls where they play no part: asking them takes programs that may be slow. */
export async function hostFacts(source: HostSource, { withFirewalls = false } = {}): Promise<HostFacts> {
  const interfaces = interfacesOf(source.interfaces());
  const [inside, firewalls] = await Promise.all([
    insideOf(source),
    withFirewalls ? findFirewalls(source) : [],
  ]);
  return withoutUndefined({ system: systemOf(source.platform), inside, interfaces, firewalls });
}

function systemOf(platform: NodeJS.Platform): HostFacts['system'] {
  const names: Partial<Record<NodeJS.Platform, HostFacts['system']>> = {
    linux: 'linux',
    darwin: 'macos',
    win32: 'windows',
  };
  return names[platform] ?? 'other';
}

/** Only where the network is another one than the computer's: mirrored WSL 2 and `--network host` are not. */
async function insideOf({ platform, kernel, readFile: read, run }: HostSource): Promise<HostFacts['inside']> {
  if (platform !== 'linux') return undefined;
  if (/microsoft.*wsl2/i.test(kernel)) {
    const mode = (await run(['wslinfo', '--networking-mode']))?.output.trim();
    return mode === 'mirrored' || mode === 'bridged' ? undefined : 'wsl2';
  }
  const marks = await Promise.all(['/.dockerenv', '/run/.containerenv'].map(read));
  if (marks.every((mark) => mark === undefined)) return undefined;
  // One end of a cable whose other end is elsewhere: a network of its own.
  const [own, peer] = await Promise.all(
    ['ifindex', 'iflink'].map((name) => read(`/sys/class/net/eth0/${name}`)),
  );
  return own !== undefined && peer !== undefined && own.trim() !== peer.trim() ? 'container' : undefined;
}

function interfacesOf(all: ReturnType<typeof networkInterfaces>): HostInterface[] {
  return Object.entries(all).flatMap(([name, entries]) =>
    (entries ?? []).map(({ address, cidr, family, internal }) => ({
      name,
      address: address.replace(/%.*$/, ''),
      prefixBits: Number(cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128)),
      kind: internal ? 'loopback' : kindOf(name),
    })),
  );
}

/** By the names that the usual programs give them. */
export function kindOf(name: string): Exclude<HostInterface['kind'], 'loopback'> {
  if (/^(tun|tap|utun|wg|ppp|ipsec|tailscale|zt|nordlynx|proton)|vpn|wireguard/i.test(name)) return 'tunnel';
  if (/^(docker|br-|virbr|veth|vmnet|vboxnet|lxc|podman|cni|vethernet)/i.test(name)) return 'bridge';
  return 'network';
}
