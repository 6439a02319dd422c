/**
 * A failure of a push with the most that can be said about it. What the failure itself has observed is not always enough:
 * whether a firewall of this computer is in the way, or whether the device announces itself all the same, is looked at
 * only now, when it has failed.
 */

import { diagnosed } from './diagnose/diagnose.ts';
import { knownOf } from './diagnose/known.ts';
import type { Announced, Observations } from './diagnose/observations.ts';
import type { OtaError } from './errors.ts';
import type { Device, Image, Platform, Target } from './types.ts';
import { withoutUndefined } from './without-undefined.ts';

export interface ExplainOptions {
  readonly device: Pick<Device, 'name' | 'host'>;
  /** Where it came so far. */
  readonly target?: Target | undefined;
  readonly image?: Pick<Image, 'kind' | 'sizeBytes' | 'platform'> | undefined;
  readonly signal: AbortSignal;
}

const listenMs = 800;

/** The same error with a better hint, or as it was. Never rejects for what it cannot find out. */
export async function explain(error: OtaError, options: ExplainOptions): Promise<OtaError> {
  const { device, target, image, signal } = options;
  const { code } = error;
  const isOfNetwork = ['CONNECT_BACK_MISSING', 'DEVICE_SILENT', 'NAME_NOT_RESOLVED'].includes(code);
  const isSilent = code === 'DEVICE_SILENT' && target !== undefined;
  const [around, announced] = await Promise.all([
    isOfNetwork && !signal.aborted ? lookAround(isSilent ? target.address : undefined, signal) : {},
    isSilent ? listenFor(device, target, options) : undefined,
  ]);
  return diagnosed(error, {
    ...(target === undefined ? { device: device.name } : knownOf(target, image)),
    ...around,
    ...withoutUndefined({ announced }),
  });
}

/** This computer, and whether anybody near it has the address. */
async function lookAround(
  address: string | undefined,
  signal: AbortSignal,
): Promise<Pick<Observations, 'host' | 'neighbour'>> {
  const { hostFacts } = await import('./host/facts.ts');
  const { neighbourAt } = await import('./host/neighbour.ts');
  const { thisHost } = await import('./host/source.ts');
  const source = thisHost(signal);
  const [host, neighbour] = await Promise.all([
    hostFacts(source),
    address === undefined ? undefined : neighbourAt(source, address),
  ]);
  return withoutUndefined({ host, neighbour });
}

/** Undefined: nobody could be asked. */
async function listenFor(
  device: Pick<Device, 'name' | 'host'>,
  { address, hostAddress }: Target,
  { signal }: ExplainOptions,
): Promise<Observations['announced']> {
  const [{ browseFor }, { hostAddressFor }] = await Promise.all([
    import('./discover/browse.ts'),
    import('./discover/host-address.ts'),
  ]);
  try {
    const own = hostAddress ?? (await hostAddressFor(address, { interfaces: [] }));
    const found = await browseFor({ forMs: listenMs, interfaces: [own], signal });
    return announcedBy(found, { ...device, address });
  } catch {
    return undefined;
  }
}

interface Heard {
  readonly name: string;
  readonly host: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly platform?: Platform;
  readonly authRequired?: boolean;
}

/**
 * What the device says of itself. Undefined where that cannot be told: it is known by its address alone, and several
 * (or, on loopback, any number of virtual ones) have that, or two have its name. Pure.
 */
export function announcedBy(
  found: readonly Heard[],
  { name, host, address }: { readonly name: string; readonly host: string; readonly address: string },
): Announced | 'nothing' | undefined {
  const isAddress = host === address;
  if (isAddress && name === host && /^(127\.|::1$)/.test(address)) return undefined;
  const wanted = [name, host, `${name}.local`, `${host}.local`].map((each) => each.toLowerCase());
  const byName = found.filter((each) =>
    [each.name, each.host].some((own) => wanted.includes(own.toLowerCase())),
  );
  const those =
    byName.length > 0 || !isAddress ? byName : found.filter((each) => each.addresses.includes(address));
  const [first, ...others] = those;
  const own = first?.addresses.find((each) => each === address) ?? first?.addresses[0];
  if (first === undefined || own === undefined) return 'nothing';
  if (others.length > 0) return undefined;
  const { port, platform, authRequired } = first;
  return withoutUndefined({ address: own, port, platform, authRequired });
}
