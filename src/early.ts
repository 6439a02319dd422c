/** What is done for a device while its image is still in the making: it is looked for, and the sockets are opened. */

import { hostAddressFor, locate, type Located } from './discover/index.ts';
import type { Engine, Session } from './engine.ts';
import { OtaError } from './errors.ts';
import type { Tell } from './events.ts';
import { defaultPorts, type Device, type Image, type Platform, type Target } from './types.ts';
import { withoutUndefined } from './without-undefined.ts';

interface EarlyOptions {
  readonly engine: Engine;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  /** Waits so long for a device that sleeps to announce itself, also where its address is known. */
  readonly whenSeenMs?: number | undefined;
}

export interface Early {
  /** Where the image goes, now that it is known. */
  target(image: Image): Promise<Target>;
  /** The sockets that were opened for this very target, else new ones. */
  session(target: Target): Promise<Session>;
  /** Gives back what nobody took; the sockets that were taken belong to who took them. */
  close(): Promise<void>;
}

/** Starts at once; sends nothing to the device but the question for its name. */
export function startEarly(device: Device, options: EarlyOptions): Early {
  const looking = new AbortController();
  const signal = AbortSignal.any([options.signal, looking.signal]);
  const located = locateEarly(device, { ...options, signal });
  let prepared: Promise<Prepared | undefined> | undefined = located.first
    .then((found) => prepareEarly(device, found, options))
    // Prepared once more when the image is there; what fails then counts.
    .catch(() => undefined);
  return {
    target: async (image) => targetOf({ device, located: await located.last(), image }),
    session: async (target) => {
      const early = await prepared;
      const isSame = early !== undefined && sameTarget(early.target, target);
      if (isSame) prepared = undefined;
      return isSame ? early.session : options.engine.prepare(target, options);
    },
    close: async () => {
      looking.abort();
      await (await prepared)?.session.close();
    },
  };
}

interface Prepared {
  readonly target: Target;
  readonly session: Session;
}

/** A port of this host that was chosen by hand is not held for as long as a build takes: another push may need it. */
async function prepareEarly(
  device: Device,
  located: Located,
  { engine, tell, signal }: EarlyOptions,
): Promise<Prepared | undefined> {
  if (device.hostPort !== undefined || portOf(device, located) === undefined) return undefined;
  const target = await targetOf({ device, located });
  return { target, session: await engine.prepare(target, { tell, signal }) };
}

function sameTarget(one: Target, other: Target): boolean {
  return one.address === other.address && one.port === other.port && one.hostAddress === other.hostAddress;
}

/**
 * Starts looking for the device at once. `last` gives the answer when the image is there; a device that was not found
 * while the build still ran is looked for once more, as it may have come back in between.
 */
function locateEarly(
  device: Device,
  { signal, tell, whenSeenMs }: Omit<EarlyOptions, 'engine'>,
): { first: Promise<Located>; last: () => Promise<Located> } {
  const look = async (): Promise<Located> => {
    if (whenSeenMs === undefined) return locate(device, { signal, tell });
    const { locateWhenSeen } = await import('./discover/await-announced.ts');
    return locateWhenSeen(device, { signal, tell, timeoutMs: whenSeenMs });
  };
  const first = look();
  let failedEarly = false;
  first.catch(() => (failedEarly = true));
  const last = async (): Promise<Located> => {
    const again = failedEarly && !signal.aborted;
    return first.catch((error: unknown) => {
      if (again && error instanceof OtaError && error.code === 'NAME_NOT_RESOLVED') return look();
      throw error;
    });
  };
  return { first, last };
}

async function targetOf({
  device,
  located,
  image,
}: {
  device: Device;
  located: Located;
  image?: Image;
}): Promise<Target> {
  const port = portOf(device, located, image);
  if (port === undefined) {
    throw new OtaError('USAGE', `${device.name}: neither the image nor the device says which port to use.`, {
      hint: 'Say --platform esp8266, esp32 or rp2040, or the --port; in .otarc: `platform:` or `port:`.',
    });
  }
  const { hostAddress: wanted, hostPort, interfaces, credential, acceptFrom, name } = device;
  const hostAddress =
    wanted === undefined && interfaces.length === 0
      ? undefined
      : await hostAddressFor(located.address, { interfaces, hostAddress: wanted });
  const { address, via } = located;
  const platform = platformOf(device, located);
  return withoutUndefined({
    name,
    address,
    port,
    via,
    credential,
    acceptFrom,
    platform,
    hostAddress,
    hostPort,
  });
}

const platformOf = (device: Device, located: Located): Platform | undefined =>
  device.platform ?? located.platform;

/** Configured or announced, else that of the platform, which the image may be the first to say. */
function portOf(device: Device, located: Located, image?: Image): number | undefined {
  const platform = platformOf(device, located) ?? image?.platform;
  return located.port ?? (platform === undefined ? undefined : defaultPorts[platform]);
}
