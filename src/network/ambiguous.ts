/** What is said where a name leads to two places, and whoever is chosen would get the firmware. Pure. */

import { OtaError } from '../model/errors.ts';
import type { Host } from './sighting.ts';
import { listed } from './interfaces.ts';
import { askedNames, interfaceNames, type FailedSearch } from './not-found.ts';
import type { FoundDevice } from '../model/announcement.ts';

const sayWhichHint =
  'Rename one of the devices, or say which one is meant by its address: in place of the name, or as its `host:` in .otarc.';

/** Two answers, over mDNS or one of them by the system, that cannot be of one device. */
export function contradiction(
  { name, question, addresses }: FailedSearch,
  { hosts, os }: { hosts: readonly Host[]; os: readonly string[] },
): OtaError {
  const answers = [
    ...hosts.flatMap((host) => describeHost(host)),
    ...(os.length === 0 ? [] : [`${os.join(', ')} (the system's resolver)`]),
  ];
  return new OtaError(
    'NAME_NOT_RESOLVED',
    `'${name}' is ambiguous: two answers contradict each other: ${listed(answers)}.`,
    {
      hint: sayWhichHint,
      details: {
        ambiguous: true,
        asked: askedNames(question),
        interfaces: interfaceNames(addresses),
        mdns: hosts.map((host) => ({ addresses: host.addresses, ports: host.ports, senders: host.senders })),
        os,
      },
    },
  );
}

/** The system knows the name, and who has its address goes by another one: a lease, or a hosts file, of another day. */
export function otherName(
  { name, question }: FailedSearch,
  { os, others }: { os: readonly string[]; others: readonly FoundDevice[] },
): OtaError {
  const host = question.osName ?? question.host;
  const there = listed(others.map(({ name: own, port }) => `'${own}' (port ${port})`));
  const [first] = others;
  return new OtaError(
    'NAME_NOT_RESOLVED',
    `'${name}' is ambiguous: the system's resolver says that ${host} is ${os.join(', ')}, but who is there announces itself as ${there}.`,
    {
      hint:
        `Correct what the system says (hosts file, DNS, a lease that was given to another device), or say which one is ` +
        `meant: \`host: ${first?.host ?? '<name>'}\`, or the address, under its name in .otarc.`,
      details: {
        elsewhere: true,
        asked: askedNames(question),
        os,
        announced: others.map((each) => ({ name: each.name, addresses: each.addresses, port: each.port })),
      },
    },
  );
}

function describeHost({ addresses, ports, senders }: Host): string[] {
  const by = `mDNS, from ${senders.join(', ')}`;
  const where = addresses.join(', ');
  if (ports.length < 2) return [`${where} (${by})`];
  return ports.map((port) => `${where} port ${port} (${by})`);
}

/** Several devices that were waited for by the same name. */
export function severalAnnounced(name: string, found: readonly FoundDevice[]): OtaError {
  return new OtaError(
    'NAME_NOT_RESOLVED',
    `'${name}' is ambiguous: it is announced by ${listed(found.map(placeOf))}.`,
    {
      hint: sayWhichHint,
      details: { ambiguous: true, mdns: found.map(({ addresses, port }) => ({ addresses, ports: [port] })) },
    },
  );
}

/** The address is configured, and has become the neighbour's. */
export function elsewhere(
  name: string,
  { host, there, owner }: { host: string; there: FoundDevice; owner: FoundDevice },
): OtaError {
  return new OtaError(
    'NAME_NOT_RESOLVED',
    `'${name}' is ambiguous: at ${host} a device announces itself as '${there.name}', and '${name}' is announced by ${placeOf(owner)}.`,
    {
      hint: `Correct the address under its name in .otarc, or leave \`host\` out: it is then found by its name.`,
      details: { elsewhere: true, configured: host, announced: [there, owner] },
    },
  );
}

const placeOf = ({ addresses, port }: FoundDevice): string => `${addresses[0] ?? ''} port ${port}`;
