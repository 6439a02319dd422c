/** Why a device that said `OK` does not connect. */

import type { Rule } from './finding.ts';
import { firewallName, interfaceOf, neighbourOf, openCommand } from './host.ts';
import type { Observations } from './observations.ts';

const isMissing = ({ code }: Observations): boolean => code === 'CONNECT_BACK_MISSING';

export const firewall: Rule = (observed) => {
  const { address = 'the device', hostPort, foreignConnections, host } = observed;
  if (!isMissing(observed) || foreignConnections.length > 0 || hostPort === undefined) return undefined;
  const first = host?.firewalls.find(({ state }) => state === 'filters') ?? host?.firewalls[0];
  if (first === undefined) {
    return {
      cause: 'firewall',
      likelihood: host === undefined ? 0.6 : 0.45,
      text: 'a firewall is in the way',
      cure: `let TCP from ${address} to port ${hostPort} of this computer in; --host-port, or \`hostPort:\` in .otarc, keeps the port the same.`,
    };
  }
  return {
    cause: 'firewall',
    likelihood: first.state === 'filters' ? 0.85 : 0.65,
    text: `${firewallName(first)} of this computer is in the way`,
    cure: `let the device in by a port that stays the same (--host-port, or \`hostPort:\` in .otarc): ${openCommand(first, { address, hostPort })}`,
  };
};

export const otherInterface: Rule = (observed) => {
  const { address, hostAddress, host } = observed;
  if (!isMissing(observed) || hostAddress === undefined) return undefined;
  const nearer = neighbourOf(host, address);
  const used = interfaceOf(host, hostAddress);
  if (nearer === undefined || nearer.address === hostAddress || used?.name === nearer.name) return undefined;
  return {
    cause: 'other-interface',
    likelihood: 0.9,
    text: `the device was told to connect to ${hostAddress}${used === undefined ? '' : ` (${used.name})`}, and is in the network of ${nearer.name}`,
    cure: `say --host-address ${nearer.address}, or \`hostAddress:\` of the device in .otarc.`,
  };
};

export const addressTranslation: Rule = (observed) => {
  const { code, hostAddress, hostPort, foreignConnections, host } = observed;
  if (isMissing(observed) && foreignConnections.length > 0) {
    return {
      cause: 'address-translation',
      likelihood: 0.9,
      text: `a connection came from ${foreignConnections.join(', ')} instead, as through a port proxy or NAT`,
      cure: 'if that is one of yours, set `acceptFrom: any` for this device in .otarc.',
    };
  }
  if (!isMissing(observed) && !(code === 'DEVICE_SILENT' && observed.datagramsReceived === 0))
    return undefined;
  const likelihood = isMissing(observed) ? 0.9 : 0.3;
  if (host?.inside === 'wsl2') {
    return {
      cause: 'address-translation',
      likelihood,
      text: `WSL 2 has a network of its own, and the device cannot reach ${hostAddress ?? 'it'}`,
      cure: 'set `networkingMode=mirrored` under [wsl2] in .wslconfig and restart WSL, or run otarc in Windows itself.',
    };
  }
  if (host?.inside === 'container') {
    return {
      cause: 'address-translation',
      likelihood,
      text: `this container has a network of its own, and the device cannot reach ${hostAddress ?? 'it'}`,
      cure: `start it with \`--network host\`, or publish one port (\`-p ${hostPort ?? 48266}:${hostPort ?? 48266}\`), the same as --host-port, with \`acceptFrom: any\`.`,
    };
  }
  const used = interfaceOf(host, hostAddress);
  if (used?.kind === 'tunnel') {
    return {
      cause: 'address-translation',
      likelihood,
      text: `the way to the device goes through the VPN ${used.name}, where it may not find back`,
      cure: 'switch the VPN off, or let it leave the local network alone.',
    };
  }
  if (!isMissing(observed) || host !== undefined) return undefined;
  return {
    cause: 'address-translation',
    likelihood: 0.2,
    text: `in WSL 2, a container or a VPN the device cannot reach ${hostAddress ?? 'this host'} at all`,
    cure: 'run otarc on the computer itself; `otarc doctor` shows what is between.',
  };
};
