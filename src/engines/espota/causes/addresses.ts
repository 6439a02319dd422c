/** What the addresses alone say about whether a device can connect back, before and after it has failed to. */

import type { Finding } from '../../../model/finding.ts';
import { interfaceOf, neighbourOf } from '../../../model/host-facts.ts';
import type { Observations } from '../../../model/observations.ts';
import { wordsOf } from '../../../model/wording.ts';

type Addresses = Pick<Observations, 'address' | 'hostAddress' | 'hostPort' | 'host' | 'wording'>;

/** The invitation names an address of another network than the device's own. */
export function otherNetwork({ address, hostAddress, host, wording }: Addresses): Finding | undefined {
  if (hostAddress === undefined) return undefined;
  const nearer = neighbourOf(host, address);
  const used = interfaceOf(host, hostAddress);
  if (nearer === undefined || nearer.address === hostAddress || used?.name === nearer.name) return undefined;
  return {
    cause: 'other-interface',
    likelihood: 0.9,
    text: `the device was told to connect to ${hostAddress}${used === undefined ? '' : ` (${used.name})`}, and is in the network of ${nearer.name}`,
    cure: `say ${wordsOf(wording).hostAddress(nearer.address)}.`,
  };
}

/** The device sees another address than the one that this host has. */
export function translated({
  address,
  hostAddress,
  hostPort = 48_266,
  host,
  wording,
}: Addresses): Finding | undefined {
  // What stays on this computer is translated nowhere.
  if (neighbourOf(host, hostAddress)?.kind === 'loopback') return undefined;
  // An interface of its own in the device's network: `--network host`, macvlan, mirrored networking.
  if (neighbourOf(host, address)?.address === hostAddress) return undefined;
  const found = { cause: 'address-translation', likelihood: 0.9 } as const;
  const own = hostAddress ?? 'it';
  if (host?.inside === 'wsl2') {
    return {
      ...found,
      text: `WSL 2 has a network of its own, and the device cannot reach ${own}`,
      cure: 'set `networkingMode=mirrored` under [wsl2] in .wslconfig and restart WSL, or run otarc in Windows itself.',
    };
  }
  if (host?.inside === 'container') {
    return {
      ...found,
      text: `this container has a network of its own, and the device cannot reach ${own}`,
      cure: `start it with \`--network host\`; or publish a port (\`-p ${hostPort}:${hostPort}\`) and ${wordsOf(wording).published(hostPort)}.`,
    };
  }
  const used = interfaceOf(host, hostAddress);
  if (used?.kind !== 'tunnel') return undefined;
  return {
    ...found,
    text: `the way to the device goes through the VPN ${used.name}, where it may not find back`,
    cure: 'switch the VPN off, or let it leave the local network alone.',
  };
}
