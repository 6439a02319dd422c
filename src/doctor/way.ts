/** The legs of this computer: the name, the address that the device will see, and the port that it connects to. */

import { otherNetwork, translated } from '../engines/espota/causes/addresses.ts';
import {
  firewallName,
  interfaceOf,
  lookCommand,
  neighbourOf,
  openCommand,
  type HostFacts,
} from '../model/host-facts.ts';
import type { Located } from '../discover/index.ts';
import { trySockets } from '../engines/espota/probe.ts';
import type { Device, Target } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import { ok, suspected, warning, type Leg } from './leg.ts';

export interface Naming {
  readonly located: Located;
  readonly tookMs: number;
  /** What a push would warn of. */
  readonly doubts: readonly string[];
}

/** How the name led to the address. */
export function nameLeg(device: Device, { located, tookMs, doubts }: Naming): Leg {
  const { address, via } = located;
  const details = { address, via, tookMs: Math.round(tookMs) };
  if (via === 'config') return ok('name', `${address}, as configured: no name to resolve`, details);
  const how = via === 'mdns' ? 'over mDNS' : "by the system's resolver";
  const text = `${device.host} is ${address}, ${how} in ${Math.round(tookMs)} ms`;
  return doubts.length === 0 ? ok('name', text, details) : warning('name', text, doubts.join(' '), details);
}

/** Whether the address that the device will see is one that it can reach. Pure. */
export function hostLeg({ address, hostPort }: Target, hostAddress: string, host: HostFacts): Leg {
  const used = interfaceOf(host, hostAddress);
  const text = `the device will see ${hostAddress}${used === undefined ? '' : ` (${used.name})`}`;
  const details = withoutUndefined({ hostAddress, interface: used?.name });
  const addresses = withoutUndefined({ address, hostAddress, hostPort, host });
  const findings = [otherNetwork(addresses), translated(addresses)].filter((each) => each !== undefined);
  const isLoopback = used?.kind === 'loopback';
  const trouble = isLoopback ? undefined : suspected('this computer', text, { findings, details });
  if (trouble !== undefined) return trouble;
  if (!isLoopback && neighbourOf(host, address) === undefined)
    return ok('this computer', `${text}, through a router: no mDNS comes that way`, details);
  const others = host.interfaces.filter(({ kind }) => kind === 'network' || kind === 'tunnel').length;
  const several = others > 1 ? `, of ${others} addresses of this computer` : '';
  return ok('this computer', `${text}, in its own network${several}`, details);
}

/** One that a person can remember, where none is configured. */
const suggestedPort = 48_266;

/**
 * Whether the port is free, and what could keep the device from it.
 *
 * @throws OtaError as a push would
 */
export async function portLeg(
  target: Target,
  { hostAddress, host, signal }: { hostAddress: string; host: HostFacts; signal: AbortSignal },
): Promise<Leg> {
  const { address, hostPort } = target;
  await trySockets(target, signal);
  const [firewall] = host.firewalls;
  const details = withoutUndefined({ hostPort, firewalls: host.firewalls.map(({ tool }) => tool) });
  const port = hostPort === undefined ? 'any free port' : `TCP port ${hostPort}, which is free`;
  if (firewall === undefined || interfaceOf(host, hostAddress)?.kind === 'loopback') {
    return ok('connect-back port', `${port}; no firewall of this computer was found in the way`, details);
  }
  const fixed = hostPort === undefined ? ` (and set \`hostPort: ${suggestedPort}\` in .otarc)` : '';
  const wanted = { address, hostPort: hostPort ?? suggestedPort };
  return firewall.state === 'filters'
    ? warning(
        'connect-back port',
        `${port}; ${firewallName(firewall)} judges what comes in`,
        `If the device cannot connect, let it in${fixed}:\n${openCommand(firewall, wanted)}`,
        details,
      )
    : ok(
        'connect-back port',
        `${port}; ${firewallName(firewall)} may judge what comes in: \`${lookCommand(firewall, target)}\` shows it`,
        details,
      );
}
