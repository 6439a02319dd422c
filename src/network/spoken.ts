/** What the records of one packet say: of service instances, and of the hosts that these run on. Pure. */

import type { Answer } from 'dns-packet';
import { folded } from '../model/host-name.ts';
import type { Statement } from './facts.ts';
import { arduinoService, otarcService } from './packets.ts';
import { addressIn, isBelievable, reachable, type PacketSender, serviceIn, textIn } from './service.ts';

/** A host has a handful of addresses; more than that in one packet is a flood. */
const mostAddressesPerHost = 8;

/** What a packet says of one service instance. */
export interface Spoken {
  readonly name: string;
  readonly items: readonly { readonly record: Answer; readonly said: Statement }[];
  /** The hosts that it says the service runs on. */
  readonly targets: readonly string[];
}

/** By folded name. */
export function spokenOf(records: readonly Answer[]): ReadonlyMap<string, Spoken> {
  const all = new Map<string, Spoken>();
  const ports = new Map<string, Set<number>>();
  for (const record of records) {
    const name = instanceNameIn(record);
    const said = name === undefined ? undefined : saidOfService(record);
    if (name === undefined || said === undefined) continue;
    const key = folded(name);
    const { items, targets, ...before } = all.get(key) ?? { name, items: [], targets: [] };
    const service = said.type === 'service' ? said.service : undefined;
    if (service !== undefined) ports.set(key, (ports.get(key) ?? new Set()).add(service.port));
    all.set(key, {
      ...before,
      items: [...items, { record, said }],
      targets: service === undefined ? targets : [...targets, service.target],
    });
  }
  for (const [key, spoken] of all) {
    const [port, ...others] = ports.get(key) ?? [];
    if (port === undefined || others.length > 0) continue;
    const items = spoken.items.map(({ record, said }) =>
      said.type === 'text' && said.isOtarcs !== true ? { record, said: { ...said, port } } : { record, said },
    );
    all.set(key, { ...spoken, items });
  }
  return all;
}

/** What it says of a host. */
export interface SaysOfHost {
  readonly record: Answer;
  readonly said: Extract<Statement, { type: 'address' }>;
}

/** By host. */
export function saysOfHosts(
  records: readonly Answer[],
  source: PacketSender,
): ReadonlyMap<string, readonly SaysOfHost[]> {
  const byHost = new Map<string, SaysOfHost[]>();
  for (const record of records) {
    const ofHost = byHost.get(folded(record.name)) ?? [];
    // Before the address is looked at: that costs the most.
    const said = ofHost.length < mostAddressesPerHost ? saidOfHost(record, source) : undefined;
    if (said !== undefined) byHost.set(said.target, [...ofHost, { record, said }]);
  }
  return byHost;
}

/** RFC 6762, section 6.1. (Who answers for address and service in one packet, and leaves it out, has none either.) */
export function deniesIpv4(records: readonly Answer[], ofHosts: readonly SaysOfHost[]): boolean {
  return records.some(
    (record) =>
      record.type === 'NSEC' &&
      !record.data.rrtypes.includes('A') &&
      ofHosts.some(({ said }) => said.target === folded(record.name)),
  );
}

export function saidOfService(record: Answer): Statement | undefined {
  if (record.type === 'PTR') return { type: 'pointer' };
  const service = serviceIn(record);
  if (service !== undefined) return { type: 'service', service };
  const text = textIn(record);
  if (text === undefined) return undefined;
  return { type: 'text', text, ...(isOtarcs(record) && { isOtarcs: true as const }) };
}

function saidOfHost(
  record: Answer,
  source: PacketSender,
): Extract<Statement, { type: 'address' }> | undefined {
  const address = addressIn(record);
  if (address === undefined || !isBelievable(address, source)) return undefined;
  return { type: 'address', target: folded(record.name), address: reachable(address, source) };
}

/** Of the service instance that a PTR points at, or that an SRV or a TXT belongs to. */
export function instanceNameIn(record: Answer): string | undefined {
  const name =
    record.type === 'PTR' && folded(record.name) === arduinoService
      ? record.data
      : record.type === 'SRV' || record.type === 'TXT'
        ? record.name
        : '';
  // Only its text is of interest: the Arduino service says where the device is.
  const ending = `.${isOtarcs(record) ? otarcService : arduinoService}`;
  return folded(name).endsWith(ending) ? name.slice(0, -ending.length) || undefined : undefined;
}

const isOtarcs = ({ type, name }: Answer): boolean =>
  type === 'TXT' && folded(name).endsWith(`.${otarcService}`);
