/** The mDNS responder of a virtual device, one for each interface that it listens on. */

import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

import type { MulticastDNS } from 'multicast-dns';

import { messageOf } from '../model/errors.ts';
import { asLegacy, recordsOf, replyTo, type Service } from './records.ts';

export interface Announcer {
  /** The device is not there: no answer until `resume`. It does not say goodbye; a restart seldom does. */
  silence(options?: { readonly goodbye: boolean }): void;
  /** It is there again, and announces `service`. */
  resume(service: Service): void;
  /** Says goodbye. */
  close(): Promise<void>;
}

export interface AnnounceOptions {
  readonly service: Service;
  /** Multicast goes neither in nor out: it answers what is sent to port 5353 of its own address. */
  readonly isFiltered?: boolean;
  /** Address that the device is bound to; a wildcard means all of this host. */
  readonly host: string;
  readonly announced: () => void;
  readonly failed: (reason: string) => void;
}

interface Network {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly prefixBits: number;
}

interface OwnAddress extends Network {
  /** As multicast-dns wants it: an address of the interface, or `::%name`. */
  readonly interface: string;
}

const mdnsPort = 5353;
const goodbyeTimeoutMs = 500;

/** Never throws: a device that cannot announce itself still takes updates. */
export async function announce(options: AnnounceOptions): Promise<Announcer> {
  const { host, isFiltered = false, announced, failed } = options;
  const own = ownAddresses(host);
  if (own.length === 0) failed(`no interface has the address ${host}`);
  let { service } = options;
  let silent = false;
  const toService = (): Service | undefined => (silent ? undefined : service);
  const responders = await Promise.all(
    own.map((address) => respond({ address, service: toService, isFiltered, failed })),
  );
  const tellAll = async (ttl?: number): Promise<boolean[]> =>
    isFiltered
      ? []
      : Promise.all(
          responders.map(({ mdns, address }) =>
            send(mdns, { answers: recordsOf(service, address.address, ttl) }),
          ),
        );
  const speak = (): void => {
    silent = false;
    void tellAll().then((sent) => {
      if (isFiltered || sent.includes(true)) announced();
      else failed(`no multicast from ${host}`);
    });
  };
  if (responders.length > 0) speak();

  return {
    silence: ({ goodbye } = { goodbye: false }) => {
      if (goodbye && !silent) void tellAll(0);
      silent = true;
    },
    resume: (changed) => {
      service = changed;
      speak();
    },
    close: async () => {
      if (!silent) await Promise.race([tellAll(0), pause(goodbyeTimeoutMs)]);
      silent = true;
      await Promise.all(responders.map(({ mdns }) => new Promise<void>((resolve) => mdns.destroy(resolve))));
    },
  };
}

async function respond(options: {
  address: OwnAddress;
  /** Undefined: the device is silent. */
  service: () => Service | undefined;
  isFiltered: boolean;
  failed: (reason: string) => void;
}): Promise<{ mdns: MulticastDNS; address: OwnAddress }> {
  const { address, service: toService, isFiltered, failed } = options;
  // Loaded here, so that a device that keeps quiet does not pay for it.
  const { default: multicastDns } = await import('multicast-dns');
  // Bound to the wildcard: bound to the unicast address, Linux delivers no multicast. Where multicast is filtered, that is
  // wanted, and what is sent to the address goes to who is bound to it, before all who are bound to the wildcard.
  const bind = (wildcard: string): string => (isFiltered ? address.address : wildcard);
  const mdns =
    address.family === 'ipv6'
      ? multicastDns({
          type: 'udp6',
          ip: 'ff02::fb',
          interface: address.interface,
          bind: bind('::'),
          multicast: !isFiltered,
        })
      : multicastDns({ interface: address.interface, bind: bind('0.0.0.0'), multicast: !isFiltered });
  const neighbours = networkOf(address);
  const fail = (error: Error): void => failed(`${address.address}: ${messageOf(error)}`);
  mdns.on('error', fail);
  mdns.on('warning', () => {});
  mdns.on('query', (query, from) => {
    // A wildcard socket hears the questions of every interface; a device hears those of its own network.
    const service = toService();
    if (service === undefined || !isNeighbour(neighbours, from.address)) return;
    const reply = replyTo(query.questions ?? [], recordsOf(service, address.address));
    if (!reply) return;
    if (from.port === mdnsPort) return isFiltered ? mdns.respond(reply, from) : mdns.respond(reply);
    mdns.respond({ ...asLegacy(reply), id: query.id, questions: query.questions }, from);
  });
  await new Promise<void>((resolve) => {
    mdns.once('ready', resolve);
    mdns.once('error', () => resolve());
  });
  return { mdns, address };
}

function isNeighbour(neighbours: BlockList, address: string): boolean {
  return isIPv6(address)
    ? neighbours.check(address.replace(/%.*$/, ''), 'ipv6')
    : neighbours.check(address, 'ipv4');
}

/** Whether it went out: loopback has no multicast for IPv6 on Linux. */
function send(mdns: MulticastDNS, reply: Parameters<MulticastDNS['respond']>[0]): Promise<boolean> {
  return new Promise((resolve) => mdns.respond(reply, (error) => resolve(!error)));
}

/**
 * Addresses to announce on: for a wildcard the first one of each interface, else `host` on the interface whose network
 * it is in: all of 127.0.0.0/8 is loopback, though only 127.0.0.1 is listed.
 */
function ownAddresses(host: string): OwnAddress[] {
  const family = isIPv6(host) ? 'IPv6' : 'IPv4';
  const wildcard = host === '0.0.0.0' || host === '::';
  const bare = host.replace(/%.*$/, '');
  return Object.entries(networkInterfaces()).flatMap(([name, infos = []]) => {
    const candidates = infos.filter((info) => info.family === family).map(withPrefix);
    const found = candidates.find((info) => wildcard || isNeighbour(networkOf(info), bare));
    if (!found) return [];
    const reach = family === 'IPv6' ? `::%${name}` : found.address;
    return [{ ...found, address: wildcard ? found.address : bare, interface: reach }];
  });
}

function withPrefix(info: NetworkInterfaceInfo): Network {
  const family = info.family === 'IPv6' ? 'ipv6' : 'ipv4';
  const prefixBits = Number(info.cidr?.split('/')[1] ?? (family === 'ipv6' ? 64 : 24));
  return { address: info.address, family, prefixBits };
}

function networkOf({ address, prefixBits, family }: Network): BlockList {
  const network = new BlockList();
  network.addSubnet(address, prefixBits, family);
  return network;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
