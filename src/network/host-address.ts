import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { messageOf, OtaError } from '../model/errors.ts';
import { isAddress, withoutZone } from '../model/address.ts';
import {
  describeAddresses,
  type HostAddress,
  hostAddresses,
  isLinkLocal,
  isOnLink,
  selectAddresses,
  withZone,
} from './interfaces.ts';

export interface HostAddressOptions {
  /** Names or addresses; empty: whichever the route to the device takes. */
  readonly interfaces: readonly string[];
  /** Configured: taken as it is, if it is of this host. */
  readonly hostAddress?: string | undefined;
}

/**
 * The address of this host that the device at `address` will see, and connect back to. Sends nothing.
 *
 * @throws `CONFIG_INVALID` where `hostAddress` or `interfaces` name what this host does not have, or has not in the
 *   device's family; `DEVICE_SILENT` where there is no route to the device.
 */
export async function hostAddressFor(
  address: string,
  { interfaces, hostAddress }: HostAddressOptions,
): Promise<string> {
  if (hostAddress !== undefined) return await checkedHostAddress(hostAddress, address);
  if (interfaces.length === 0) return await routeTo(address);
  const all = hostAddresses();
  const candidates = selectAddresses(all, interfaces).filter(({ family }) => family === familyOf(address));
  if (candidates.length === 0) {
    const chosen = interfaces.join(', ');
    throw new OtaError(
      'CONFIG_INVALID',
      `${chosen} has no ${familyOf(address)} address to reach ${address} from.`,
      {
        hint: `Choose among ${describeAddresses(all)}, or leave the interface out.`,
        details: { interfaces, address },
      },
    );
  }
  // Several interfaces may lead there: the system's own choice, if it is among the chosen; else the one next to the device.
  const routed = await routeTo(address).catch(() => undefined);
  const best =
    candidates.find((item) => item.address === withoutZone(routed ?? '')) ??
    candidates.find(
      (item) => isOnLink(item, address) && isLinkLocal(item.address) === isLinkLocal(address),
    ) ??
    candidates[0];
  return best === undefined ? await routeTo(address) : withZone(best.address, best.zone);
}

/**
 * Whether this host has what the configuration names, as far as that can be seen before the device is found.
 *
 * @throws `CONFIG_INVALID`
 */
export async function checkHost({ interfaces, hostAddress }: HostAddressOptions): Promise<void> {
  if (interfaces.length > 0) selectAddresses(hostAddresses(), interfaces);
  if (hostAddress !== undefined) await checkedHostAddress(hostAddress, hostAddress);
}

async function checkedHostAddress(hostAddress: string, address: string): Promise<string> {
  const all = hostAddresses();
  const hint = `Choose among ${describeAddresses(all)}, or leave it out: otarc takes the one on the route to the device.`;
  const details = { hostAddress, known: all.map((item) => item.address) };
  const isUnspecified = /^(?:0\.0\.0\.0|[0:]+)$/.test(hostAddress);
  if (!isAddress(hostAddress) || isUnspecified) {
    throw new OtaError('CONFIG_INVALID', `The host address '${hostAddress}' is not an address.`, {
      hint,
      details,
    });
  }
  if (familyOf(hostAddress) !== familyOf(address)) {
    const message = `The host address ${hostAddress} is ${familyOf(hostAddress)}, the device's address ${address} is not.`;
    throw new OtaError('CONFIG_INVALID', message, { hint, details });
  }
  try {
    return await boundTo(hostAddress, all);
  } catch (cause) {
    const message = `The host address ${hostAddress} is not an address of this host.`;
    throw new OtaError('CONFIG_INVALID', message, { hint, details, cause });
  }
}

/** The system's word on what is an address of this host: all of 127.0.0.0/8 is, though no list shows it. */
function boundTo(hostAddress: string, all: readonly HostAddress[]): Promise<string> {
  const zone = all.find((item) => item.address === hostAddress)?.zone;
  const address = withZone(hostAddress, zone);
  const socket = createSocket(typeOf(address));
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port: 0, address, exclusive: true }, () => {
      socket.close();
      resolve(address);
    });
  });
}

/** A connected datagram socket knows its own address: the system chose it by the route, without a packet. */
function routeTo(address: string): Promise<string> {
  const socket = createSocket(typeOf(address));
  return new Promise((resolve, reject) => {
    socket.once('error', (cause) => {
      socket.close();
      reject(noRoute(address, cause));
    });
    // Any port: nothing is sent to it. A failure is emitted where nobody takes it as the callback's argument.
    socket.once('connect', () => {
      const own = socket.address().address;
      socket.close();
      resolve(own);
    });
    socket.connect(9, address);
  });
}

function noRoute(address: string, cause: unknown): OtaError {
  return new OtaError('DEVICE_SILENT', `This host has no route to ${address} (${messageOf(cause)}).`, {
    hint: "Connect this host to the device's network, or check the address.",
    details: { address, reason: 'no-route' },
    cause,
  });
}

function familyOf(address: string): 'IPv4' | 'IPv6' {
  return isIPv4(address) ? 'IPv4' : 'IPv6';
}

function typeOf(address: string): 'udp4' | 'udp6' {
  return isIPv4(address) ? 'udp4' : 'udp6';
}
