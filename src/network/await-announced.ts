/** Waits for a device that sleeps, or that is not there yet, until it announces itself. */

import { isAddress } from '../model/address.ts';
import { cancelled, type OtaError } from '../model/errors.ts';
import { elsewhere, severalAnnounced } from './ambiguous.ts';
import { browse } from './browse.ts';
import { locatedOf } from './located.ts';
import { notSeen } from './not-found.ts';
import { conflictsOf, match, matchesOf, refOf } from './match.ts';
import type { DeviceRef, FoundDevice } from '../model/announcement.ts';
import type { Located, LocateOptions, LocateRequest, Lookout } from './types.ts';

/** A second device of that name, if there is one, has most likely answered the same question. */
const twinMs = 50;

export interface AwaitOptions {
  readonly signal: AbortSignal;
  /** Absent: for as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Names or addresses; empty: all suitable ones. */
  readonly interfaces: readonly string[];
  /** Why some of them cannot be asked: sentences for a person. */
  readonly onProblem?: (message: string) => void;
}

/**
 * Resolves at once where the device that is meant answers now; else when it announces itself. There is
 * more than one where several have the name.
 *
 * @throws `NAME_NOT_RESOLVED` after `timeoutMs`, `CANCELLED`, or `CONFIG_INVALID` for an interface that does not exist
 */
export async function awaitAnnounced(ref: DeviceRef, options: AwaitOptions): Promise<readonly FoundDevice[]> {
  if (options.signal.aborted) throw cancelled(options.signal);
  const watch = watchFor(ref, { ...options, onLater: () => undefined });
  try {
    return (await watch.first).matches;
  } finally {
    watch.close();
  }
}

/**
 * `lookOut` for boards that sleep: waits for the device, at an address too, and says where it is now.
 *
 * `located` rejects as `awaitAnnounced`, and with `NAME_NOT_RESOLVED` where it cannot be told which device is meant.
 */
export function lookOutWhenSeen(
  request: LocateRequest,
  { signal, tell, timeoutMs }: LocateOptions & { readonly timeoutMs: number },
): Omit<Lookout, 'sinceMs'> {
  const doubted = new AbortController();
  tell({ type: 'log', level: 'info', message: `waiting until it is seen, at most ${timeoutMs / 1000} s` });
  const { first, close } = watchFor(refOf(request), {
    signal,
    timeoutMs,
    interfaces: request.interfaces,
    onProblem: (message) => tell({ type: 'log', level: 'debug', message }),
    onLater: (sight) => {
      const doubt = doubtIn(request, sight);
      if (doubt !== undefined) doubted.abort(doubt);
    },
  });
  return { located: first.then((sight) => locatedIn(request, sight)), doubted: doubted.signal, close };
}

/** All that announce themselves, and those of them that are meant. */
interface Sight {
  readonly found: readonly FoundDevice[];
  readonly matches: readonly FoundDevice[];
}

interface Watch {
  /** When one that is meant was there, and a second one had the time to say so. */
  readonly first: Promise<Sight>;
  close(): void;
}

function watchFor(
  ref: DeviceRef,
  options: AwaitOptions & { readonly onLater: (sight: Sight) => void },
): Watch {
  const { signal, timeoutMs, interfaces, onProblem, onLater } = options;
  const over = new AbortController();
  const close = (): void => over.abort();
  const problems: string[] = [];
  const first = new Promise<Sight>((resolve, reject) => {
    let sight: Sight | undefined;
    let isSettled = false;
    const late = timeoutMs === undefined ? undefined : setTimeout(close, timeoutMs);
    let settling: NodeJS.Timeout | undefined;
    const settle = (): void => {
      isSettled = true;
      clearTimeout(late);
      if (sight !== undefined) resolve(sight);
    };
    const ended = browse({
      interfaces,
      signal: AbortSignal.any([signal, over.signal]),
      onChange: (found) => {
        const now = { found, matches: matchesOf(ref, found) };
        if (isSettled) return onLater(now);
        if (now.matches.length === 0) return;
        sight = now;
        settling ??= setTimeout(settle, twinMs);
      },
      onProblem: ({ message }) => {
        problems.push(message);
        onProblem?.(message);
      },
    });
    const end = (): void => {
      clearTimeout(late);
      clearTimeout(settling);
      if (signal.aborted) reject(cancelled(signal));
      else if (sight === undefined)
        reject(notSeen(ref.hosts.join(', '), { timeoutMs: timeoutMs ?? 0, problems }));
      else settle();
    };
    ended.then(end, (error: unknown) => {
      clearTimeout(late);
      reject(error);
    });
  });
  return { first, close };
}

/**
 * Where the device is, of all that announce themselves. Pure.
 *
 * @throws `NAME_NOT_RESOLVED` where it is none of them, or it cannot be told which one it is
 */
export function locatedAmong(request: LocateRequest, found: readonly FoundDevice[]): Located {
  return locatedIn(request, { found, matches: matchesOf(refOf(request), found) });
}

function locatedIn(request: LocateRequest, sight: Sight): Located {
  const doubt = doubtIn(request, sight);
  if (doubt !== undefined) throw doubt;
  const [first] = sight.matches;
  // A configured address is among them: that is how the device was known.
  const address = isAddress(request.host) ? request.host : first?.addresses[0];
  if (first === undefined || address === undefined) {
    throw notSeen(request.name, { timeoutMs: 0, problems: [] });
  }
  return locatedOf(request, { address, via: 'mdns', host: { ...first, ports: [first.port] } });
}

/** Whether it cannot be told which device is meant. */
function doubtIn(request: LocateRequest, { found, matches }: Sight): OtaError | undefined {
  const { name, host } = request;
  const ref = refOf(request);
  if (matches.length > 1) return severalAnnounced(name, matches);
  const [there] = matches;
  if (there === undefined || match(ref, there) !== 'address') return undefined;
  const [owner] = conflictsOf(ref, found);
  return owner && elsewhere(name, { host, there, owner });
}
