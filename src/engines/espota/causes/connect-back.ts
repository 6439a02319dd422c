/** Why a device that said `OK` does not connect. */

import * as addresses from './addresses.ts';
import type { Finding, Rule } from '../../../model/finding.ts';
import { firewallName, lookCommand, openCommand } from '../../../model/host-facts.ts';
import type { Observations } from '../../../model/observations.ts';
import { wordsOf, type Words } from '../../../model/wording.ts';

const isMissing = ({ code }: Observations): boolean => code === 'CONNECT_BACK_MISSING';

export const firewall: Rule = (observed) => {
  const { address = 'the device', hostPort, foreignConnections, host, wording } = observed;
  if (!isMissing(observed) || foreignConnections.length > 0 || hostPort === undefined) return undefined;
  const [known] = host?.firewalls ?? [];
  const cause = 'firewall';
  const kept = `${wordsOf(wording).hostPort(hostPort)} keeps the port the same`;
  if (known?.state === 'filters') {
    return {
      cause,
      // It may have been opened for the device already.
      likelihood: 0.7,
      text: `${firewallName(known)} of this computer is in the way`,
      cure: `let the device in (${kept}):\n${openCommand(known, { address, hostPort })}`,
    };
  }
  const look = known === undefined ? '' : `look with \`${lookCommand(known, { address })}\`, and `;
  return {
    cause,
    likelihood: known !== undefined ? 0.4 : host === undefined ? 0.6 : 0.45,
    text: 'a firewall of this computer is in the way',
    cure: `${look}let TCP from ${address} to port ${hostPort} in; ${kept}.`,
  };
};

export const otherInterface: Rule = (observed) =>
  isMissing(observed) ? addresses.otherNetwork(observed) : undefined;

export const addressTranslation: Rule = (observed) => {
  const { code, foreignConnections, hostAddress, host, wording } = observed;
  if (isMissing(observed)) {
    if (foreignConnections.length > 0) return ofStrangers(foreignConnections, wordsOf(wording));
    if (host !== undefined) return addresses.translated(observed);
    return {
      cause: 'address-translation',
      likelihood: 0.2,
      text: `in WSL 2, a container or a VPN the device cannot reach ${hostAddress ?? 'this host'} at all`,
      cure: 'run otarc on the computer itself; `otarc doctor` shows what is between.',
    };
  }
  const isUnheard = code === 'DEVICE_SILENT' && observed.datagramsReceived === 0;
  const found = isUnheard ? addresses.translated(observed) : undefined;
  return found && { ...found, likelihood: 0.3 };
};

/** More of them would only fill the line. */
const mostNamed = 3;

function ofStrangers(all: readonly string[], { acceptFromAny }: Words): Finding {
  const named = all.slice(0, mostNamed).join(', ');
  return {
    cause: 'address-translation',
    likelihood: 0.9,
    text: `a connection came from ${named}${all.length > mostNamed ? ' and others' : ''} instead, as through a port proxy or NAT`,
    cure: `if that is one of yours, ${acceptFromAny}.`,
  };
}
