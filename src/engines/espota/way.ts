/** What this host offers a device that connects back: the address that the device sees, and the port. */

import { OtaError } from '../../model/errors.ts';
import {
  firewallName,
  interfaceOf,
  lookCommand,
  neighbourOf,
  openCommand,
  type HostFacts,
} from '../../model/host-facts.ts';
import type { Target } from '../../model/types.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { ProbeStep, WayContext } from '../engine.ts';
import { otherNetwork, translated } from './causes/addresses.ts';
import { trySockets } from './probe.ts';

/** Of the steps, in their order. */
const names = ['this computer', 'connect-back port'] as const;

/** Ends with the step that fails. Rejects when the signal aborts. */
export async function* way(target: Target, { signal, hostFacts }: WayContext): AsyncGenerator<ProbeStep> {
  let [name]: readonly string[] = names;
  try {
    const { address: hostAddress } = await trySockets(
      withoutUndefined({ ...target, hostPort: undefined }),
      signal,
    );
    const host = await hostFacts();
    yield hostStep(target, hostAddress, host);
    name = names[1];
    await trySockets(target, signal);
    yield portStep(target, hostAddress, host);
  } catch (error) {
    if (!(error instanceof OtaError) || signal.aborted) throw error;
    yield { name: name ?? names[0], error };
  }
}

/** Whether the address that the device will see is one that it can reach. Pure. */
export function hostStep({ address, hostPort }: Target, hostAddress: string, host: HostFacts): ProbeStep {
  const [name] = names;
  const used = interfaceOf(host, hostAddress);
  const text = `the device will see ${hostAddress}${used === undefined ? '' : ` (${used.name})`}`;
  const details = withoutUndefined({ hostAddress, interface: used?.name });
  const isLoopback = used?.kind === 'loopback';
  const addresses = withoutUndefined({ address, hostAddress, hostPort, host });
  const all = [otherNetwork(addresses), translated(addresses)].filter((each) => each !== undefined);
  if (all.length > 0 && !isLoopback) return { name, text, findings: all, details };
  if (!isLoopback && neighbourOf(host, address) === undefined)
    return { name, text: `${text}, through a router: no mDNS comes that way`, details };
  const others = host.interfaces.filter(({ kind }) => kind === 'network' || kind === 'tunnel').length;
  const several = others > 1 ? `, of ${others} addresses of this computer` : '';
  return { name, text: `${text}, in its own network${several}`, details };
}

/** One that a person can remember, where none is configured. */
const suggestedPort = 48_266;

/** What could keep the device from the port, which is free. Pure. */
export function portStep(
  { address, hostPort, ...target }: Target,
  hostAddress: string,
  host: HostFacts,
): ProbeStep {
  const [, name] = names;
  const [firewall] = host.firewalls;
  const details = withoutUndefined({ hostPort, firewalls: host.firewalls.map(({ tool }) => tool) });
  const port = hostPort === undefined ? 'any free port' : `TCP port ${hostPort}, which is free`;
  if (firewall === undefined || interfaceOf(host, hostAddress)?.kind === 'loopback') {
    return { name, text: `${port}; no firewall of this computer was found in the way`, details };
  }
  if (firewall.state !== 'filters') {
    const look = lookCommand(firewall, { ...target, address });
    const text = `${port}; ${firewallName(firewall)} may judge what comes in: \`${look}\` shows it`;
    return { name, text, details };
  }
  const fixed = hostPort === undefined ? ` (and set \`hostPort: ${suggestedPort}\` in .otarc)` : '';
  const open = openCommand(firewall, { address, hostPort: hostPort ?? suggestedPort });
  return {
    name,
    text: `${port}; ${firewallName(firewall)} judges what comes in`,
    hint: `If the device cannot connect, let it in${fixed}:\n${open}`,
    details,
  };
}
