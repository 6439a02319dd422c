/** Name to address, for a push. */

import { isAddress } from '../model/address.ts';
import { cancelled } from '../model/errors.ts';
import type { Located, LocateOptions, LocateRequest, Lookout } from './types.ts';

/**
 * Finds where the device is now. An address is taken as it is, without a packet and without loading what names need.
 *
 * @throws `NAME_NOT_RESOLVED` where nobody answers for the name, or two answers contradict each other; `CONFIG_INVALID`
 *   for an interface that does not exist or a host that is neither address nor name.
 */
export async function locate(request: LocateRequest, options: LookOutOptions): Promise<Located> {
  const lookout = lookOut(request, options);
  try {
    return await lookout.located;
  } finally {
    lookout.close();
  }
}

interface LookOutOptions extends LocateOptions {
  /** Waits so long for a device that sleeps to announce itself, also where its address is known. */
  readonly whenSeenMs?: number | undefined;
}

/** The same, and on the watch for what contradicts the answer until it is closed. */
export function lookOut(request: LocateRequest, options: LookOutOptions): Lookout {
  const doubted = new AbortController();
  let [isClosed, close] = [false, (): void => undefined];
  let sinceMs = performance.now();
  const look = async (): Promise<Located> => {
    if (options.signal.aborted) throw cancelled(options.signal);
    if (options.whenSeenMs === undefined && isAddress(request.host)) return configured(request);
    const lookout = await start(request, options);
    sinceMs = performance.now();
    lookout.doubted.addEventListener('abort', () => doubted.abort(lookout.doubted.reason));
    ({ close } = lookout);
    if (isClosed) close();
    return lookout.located;
  };
  return {
    located: look(),
    get sinceMs() {
      return sinceMs;
    },
    doubted: doubted.signal,
    close: () => {
      isClosed = true;
      close();
    },
  };
}

/** Each is loaded where it is needed. */
async function start(
  request: LocateRequest,
  { whenSeenMs, ...options }: LookOutOptions,
): Promise<Omit<Lookout, 'sinceMs'>> {
  if (whenSeenMs === undefined) return (await import('./resolve-name.ts')).lookOutForName(request, options);
  const { lookOutWhenSeen } = await import('./await-announced.ts');
  return lookOutWhenSeen(request, { ...options, timeoutMs: whenSeenMs });
}

function configured({ host, port, platform }: LocateRequest): Located {
  return {
    address: host,
    via: 'config',
    ...(port === undefined ? {} : { port }),
    ...(platform === undefined ? {} : { platform }),
  };
}
