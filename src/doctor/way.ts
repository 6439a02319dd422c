/** The legs between this computer and the device that can be looked at without disturbing it. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { firewallName, interfaceOf, neighbourOf, openCommand, type HostFacts } from '../diagnose/host.ts';
import { knownOf } from '../diagnose/known.ts';
import type { Announced } from '../diagnose/observations.ts';
import { diagnosed } from '../diagnose/diagnose.ts';
import { browseFor } from '../discover/browse.ts';
import type { Located } from '../discover/index.ts';
import { endpointText } from '../endpoint.ts';
import { messageOf, OtaError } from '../errors.ts';
import { stepBack } from '../espota/messages.ts';
import { openTransport } from '../espota/transport.ts';
import { announcedBy } from '../explain.ts';
import { neighbourAt } from '../host/neighbour.ts';
import { thisHost } from '../host/source.ts';
import { checkTarget } from '../image/index.ts';
import type { Device, Image, Target } from '../types.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { failed, ok, suspected, warning, type Leg } from './leg.ts';

/** How the name led to the address. */
export function nameLeg(device: Device, { address, via }: Located, tookMs: number): Leg {
  const details = { address, via, tookMs: Math.round(tookMs) };
  if (via === 'config') return ok('name', `${address}, as configured: no name to resolve`, details);
  const how = via === 'mdns' ? 'over mDNS' : "by the system's resolver";
  return ok('name', `${device.host} is ${address}, ${how} in ${Math.round(tookMs)} ms`, details);
}

/** Whether the address that the device will see is one that it can reach. Pure. */
export function hostLeg(target: Target, hostAddress: string, host: HostFacts): Leg {
  const used = interfaceOf(host, hostAddress);
  const from = `${hostAddress}${used === undefined ? '' : ` (${used.name})`}`;
  const failure = { ...knownOf(target), code: 'CONNECT_BACK_MISSING' as const, hostAddress, host };
  // As it would fail for this alone: the firewall has a leg of its own.
  const observed = { ...failure, undeliverable: [], foreignConnections: [] };
  const trouble = suspected('this computer', `the device will see ${from}`, observed);
  if (trouble !== undefined && used?.kind !== 'loopback') return trouble;
  const details = withoutUndefined({ hostAddress, interface: used?.name });
  const others = host.interfaces.filter(({ kind }) => kind === 'network' || kind === 'tunnel').length;
  if (used?.kind === 'loopback' || neighbourOf(host, target.address) !== undefined) {
    const several = others > 1 ? `, of ${others} addresses of this computer` : '';
    return ok('this computer', `the device will see ${from}, in its own network${several}`, details);
  }
  return ok(
    'this computer',
    `the device will see ${from}, through a router: no mDNS comes that way`,
    details,
  );
}

/** Whether the port is free, and what could keep the device from it. */
export async function portLeg(target: Target, hostAddress: string, host: HostFacts): Promise<Leg> {
  const wanted = target.hostPort;
  const hostPort = await freePort(hostAddress, wanted).catch((error: unknown) => messageOf(error));
  const details = withoutUndefined({ hostPort: wanted, firewalls: host.firewalls.map(({ tool }) => tool) });
  if (typeof hostPort === 'string') {
    const message = `TCP port ${wanted} of this computer cannot be listened on (${hostPort}).`;
    return failed(
      'connect-back port',
      diagnosed(new OtaError('HOST_PORT_IN_USE', message, { details }), knownOf(target)),
    );
  }
  const port = wanted === undefined ? 'any free port' : `TCP port ${wanted}, which is free`;
  const [first] = host.firewalls;
  const isOutside = interfaceOf(host, hostAddress)?.kind !== 'loopback';
  if (first === undefined || !isOutside) {
    return ok('connect-back port', `${port}; no firewall of this computer was found in the way`, details);
  }
  const command = openCommand(first, { address: target.address, hostPort: wanted ?? 48_266 });
  const fixed = wanted === undefined ? ' (and set `hostPort: 48266` in .otarc)' : '';
  const does = first.state === 'filters' ? 'judges what comes in' : 'may judge what comes in';
  return warning(
    'connect-back port',
    `${port}; ${firewallName(first)} ${does}`,
    `If the device cannot connect, let it in${fixed}: ${command}`,
    details,
  );
}

async function freePort(host: string, port = 0): Promise<number> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    const bound = server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : port;
  } finally {
    server.close();
  }
}

export interface PresenceOptions {
  readonly device: Device;
  readonly target: Target;
  readonly hostAddress: string;
  readonly image: Image | undefined;
  readonly signal: AbortSignal;
  /** How long it is listened for. */
  readonly listenMs: number;
}

/** Whether the device is there, by what it announces and by what comes back for a datagram that it does not heed. */
export async function presenceLeg(options: PresenceOptions): Promise<Leg> {
  const { device, target, hostAddress, image, signal, listenMs } = options;
  const [announced, undeliverable] = await Promise.all([
    listen({ device, target, hostAddress, signal, listenMs }),
    knock(target, hostAddress, listenMs),
  ]);
  const seen = announced === 'nothing' ? undefined : announced;
  const neighbour = seen === undefined ? await neighbourAt(thisHost(signal), target.address) : undefined;
  const known = { ...knownOf(target, image), ...withoutUndefined({ announced, neighbour }) };
  const isElsewhere = seen !== undefined && (seen.port !== target.port || seen.address !== target.address);
  if (undeliverable !== undefined || isElsewhere || neighbour === 'absent') {
    const message =
      undeliverable === 'ECONNREFUSED'
        ? `${endpointText(target)} is there, but nothing listens on its UDP port.`
        : isElsewhere
          ? `${device.name} is not where it is looked for (${endpointText(target)}).`
          : `No way to ${endpointText(target)}: ${undeliverable ?? 'nobody answers for that address'}.`;
    const details = { undeliverable: undeliverable === undefined ? [] : [undeliverable] };
    return failed('device', diagnosed(new OtaError('DEVICE_SILENT', message, { details }), known));
  }
  if (seen === undefined) {
    return warning(
      'device',
      `${neighbour === 'present' ? 'somebody has that address, but ' : ''}nothing came back from ${endpointText(target)}, neither an announcement nor an error`,
      'It may be there all the same, with mDNS switched off: only an invitation shows (--active).',
    );
  }
  if (image !== undefined) checkTarget(image, { platform: seen.platform ?? target.platform });
  const asks = { true: ', asks for a password', false: ', asks for no password', undefined: '' }[
    String(seen.authRequired) as 'true' | 'false' | 'undefined'
  ];
  const text = `announces itself at ${endpointText(seen)}${seen.platform === undefined ? '' : ` as an ${seen.platform.toUpperCase()}`}${asks}`;
  const none = { undeliverable: [], foreignConnections: [] };
  const unneeded =
    seen.authRequired === false
      ? suspected('device', text, { ...known, ...none, asksPassword: false })
      : undefined;
  if (unneeded !== undefined) return unneeded;
  if (seen.authRequired === true && target.credential.type === 'none') {
    const error = new OtaError(
      'PASSWORD_REQUIRED',
      `${device.name} asks for a password, and none is configured.`,
    );
    return failed('device', diagnosed(error, known));
  }
  return ok('device', text, { ...seen });
}

async function listen({
  device,
  target,
  hostAddress,
  signal,
  listenMs,
}: Omit<PresenceOptions, 'image'>): Promise<Announced | 'nothing' | undefined> {
  const found = await browseFor({ forMs: listenMs, interfaces: [hostAddress], signal }).catch(
    () => undefined,
  );
  if (found === undefined) return undefined;
  return announcedBy(found, { name: device.name, host: device.host, address: target.address });
}

/** The system error that came back for a datagram; undefined: none did. The command in it is one that no device knows. */
async function knock(target: Target, hostAddress: string, waitMs: number): Promise<string | undefined> {
  let code: string | undefined;
  const transport = await openTransport({
    device: target,
    hostAddress,
    tell: (input) => {
      if (input.type === 'undeliverable') code ??= input.code;
    },
  });
  try {
    // Twice, as the first to a sleeping station is often lost; and no more, for it may be in the midst of something.
    for (const pauseMs of [waitMs / 3, (waitMs * 2) / 3]) {
      transport.send(stepBack);
      await sleep(pauseMs);
      if (code !== undefined) break;
    }
    return code;
  } finally {
    await transport.close();
  }
}
