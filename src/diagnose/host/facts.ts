/** What this computer is, looked at and never changed: for the diagnosis of a device that cannot connect back. */

import type { networkInterfaces } from 'node:os';
import { isInSubnet, withoutZone } from '../../model/address.ts';
import type { HostFacts, HostInterface } from '../../model/host-facts.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { findFirewalls } from './firewalls.ts';
import type { HostSource } from './source.ts';

/**
 * Firewalls only where a device is to connect: asking them takes programs that may be slow.
 *
 * @param device that is to connect to this computer
 */
export async function hostFacts(
  source: HostSource,
  device?: { readonly address: string },
): Promise<HostFacts> {
  const interfaces = interfacesOf(source.interfaces());
  const isFromOutside =
    device !== undefined &&
    !interfaces.some((each) => each.kind === 'loopback' && isInSubnet(device.address, each));
  const [inside, firewalls] = await Promise.all([
    insideOf(source),
    isFromOutside ? findFirewalls(source, device.address) : [],
  ]);
  return withoutUndefined({ system: systemOf(source.platform), interfaces, inside, firewalls });
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
async function insideOf(source: HostSource): Promise<HostFacts['inside']> {
  const { platform, kernel, run } = source;
  if (platform !== 'linux') return undefined;
  if (/microsoft/i.test(kernel) && /wsl2/i.test(kernel)) {
    const mode = (await run(['wslinfo', '--networking-mode']))?.output.trim();
    return mode === 'mirrored' || mode === 'bridged' ? undefined : 'wsl2';
  }
  if (!(await isContainer(source))) return undefined;
  const names = Object.keys(source.interfaces());
  const own = await Promise.all(names.map((name) => isOneEnd(name, source)));
  return own.includes(true) ? 'container' : undefined;
}

/** By the marks that Docker, Podman and Kubernetes leave, and by the control groups of what leaves none. */
async function isContainer({ env, readFile: read }: HostSource): Promise<boolean> {
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined || env['container'] !== undefined) return true;
  const marks = await Promise.all(['/.dockerenv', '/run/.containerenv'].map(read));
  if (marks.some((mark) => mark !== undefined)) return true;
  const groups = (await read('/proc/1/cgroup')) ?? '';
  return /docker|kubepods|containerd|libpod|lxc/.test(groups);
}

/**
 * One end of a cable whose other end is elsewhere: a network of its own. A tap is that where it stands for the network
 * (slirp4netns and pasta of Podman), and not where a VPN has made it.
 */
async function isOneEnd(name: string, { readFile: read }: HostSource): Promise<boolean> {
  const kind = interfaceKindOf(name);
  if (kind === 'bridge' || (kind === 'tunnel' && name !== 'tap0')) return false;
  const at = `/sys/class/net/${name}`;
  const [own, peer, tap] = await Promise.all(
    ['ifindex', 'iflink', 'tun_flags'].map((file) => read(`${at}/${file}`)),
  );
  return tap !== undefined || (own !== undefined && peer !== undefined && own.trim() !== peer.trim());
}

function interfacesOf(all: ReturnType<typeof networkInterfaces>): HostInterface[] {
  return Object.entries(all).flatMap(([name, entries]) =>
    (entries ?? []).map(({ address, cidr, family, internal }) => ({
      name,
      address: withoutZone(address),
      prefixBits: Number(cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128)),
      kind: internal ? 'loopback' : interfaceKindOf(name),
    })),
  );
}

/** By the names that the usual programs give them. */
export function interfaceKindOf(name: string): Exclude<HostInterface['kind'], 'loopback'> {
  if (/^(tun|tap|utun|wg|ppp|ipsec|tailscale|zt|nordlynx|proton)|vpn|wireguard/i.test(name)) return 'tunnel';
  if (/^(docker|br-|virbr|veth|vmnet|vboxnet|lxc|podman|cni|vethernet)/i.test(name)) return 'bridge';
  return 'network';
}
