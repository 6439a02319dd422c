/** Waits for a device that sleeps, or that is not there yet, until it announces itself. */

import { isAddress } from '../endpoint.ts';
import { cancelled, OtaError } from '../errors.ts';
import { browse } from './browse.ts';
import { listed } from './interfaces.ts';
import { locatedOf } from './located.ts';
import { isMeant } from './pair.ts';
import type { FoundDevice, Located, LocateOptions, LocateRequest } from './types.ts';

/** A second device of that name, if there is one, has answered the same question. */
const twinMs = 50;

export interface AwaitOptions {
  readonly signal: AbortSignal;
  /** Absent: for as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Names or addresses; empty: all suitable ones. */
  readonly interfaces: readonly string[];
  /** Where `host` is an address: only the device behind this port. */
  readonly port?: number | undefined;
  /** Why some of them cannot be asked: sentences for a person. */
  readonly onProblem?: (message: string) => void;
}

/**
 * Resolves at once where a device of that name, or at that address, answers now; else when it announces itself. There is
 * more than one where several have the name.
 *
 * @throws `NAME_NOT_RESOLVED` after `timeoutMs`, `CANCELLED`, or `CONFIG_INVALID` for an interface that does not exist
 */
export async function awaitAnnounced(host: string, options: AwaitOptions): Promise<readonly FoundDevice[]> {
  const { signal, timeoutMs, interfaces, port, onProblem } = options;
  if (signal.aborted) throw cancelled(signal);
  const over = new AbortController();
  const end = (): void => over.abort();
  const late = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs);
  const problems: string[] = [];
  let settling: NodeJS.Timeout | undefined;
  let seen: readonly FoundDevice[] = [];
  try {
    await browse({
      interfaces,
      signal: AbortSignal.any([signal, over.signal]),
      onChange: (found) => {
        const matches = found.filter((each) => isMeant(each, { host, port }));
        if (matches.length === 0) return;
        seen = matches;
        settling ??= setTimeout(end, twinMs);
      },
      onProblem: ({ message }) => {
        problems.push(message);
        onProblem?.(message);
      },
    });
  } finally {
    clearTimeout(late);
    clearTimeout(settling);
  }
  if (signal.aborted) throw cancelled(signal);
  if (seen.length === 0) throw notSeen(host, { timeoutMs: timeoutMs ?? 0, problems });
  return seen;
}

/**
 * `locate` for boards that sleep: waits for the device, at an address too, and says where it is now.
 *
 * @throws as `awaitAnnounced`; `NAME_NOT_RESOLVED` where there are several of that name
 */
export async function locateWhenSeen(
  request: LocateRequest,
  { signal, tell, timeoutMs }: LocateOptions & { readonly timeoutMs: number },
): Promise<Located> {
  const { name, host, port, interfaces } = request;
  const debug = (message: string): void => tell({ type: 'log', level: 'debug', message });
  tell({ type: 'log', level: 'info', message: `waiting until it is seen, at most ${timeoutMs / 1000} s` });
  const [first, ...others] = await awaitAnnounced(host, {
    signal,
    timeoutMs,
    interfaces,
    port,
    onProblem: debug,
  });
  // A configured address is among them: that is how the device was known.
  const address = isAddress(host) ? host : first?.addresses[0];
  if (first === undefined || address === undefined) throw notSeen(name, { timeoutMs, problems: [] });
  if (others.length > 0) throw ambiguous(name, [first, ...others]);
  return locatedOf(request, { address, via: 'mdns', host: { ...first, ports: [first.port] } });
}

function notSeen(
  name: string,
  { timeoutMs, problems }: { timeoutMs: number; problems: readonly string[] },
): OtaError {
  const because = problems.length === 0 ? '' : ` ${problems.join(' ')}`;
  return new OtaError(
    'NAME_NOT_RESOLVED',
    `'${name}' did not announce itself within ${timeoutMs / 1000} s.${because}`,
    {
      hint:
        'Check that the device wakes up within this time and is on the same network: mDNS reaches neither another ' +
        'subnet nor across a guest Wi-Fi.',
      details: { timeoutMs, ...(problems.length === 0 ? {} : { problems }) },
    },
  );
}

function ambiguous(name: string, found: readonly FoundDevice[]): OtaError {
  const places = found.map(({ addresses, port }) => `${addresses[0] ?? ''} port ${port}`);
  return new OtaError('NAME_NOT_RESOLVED', `'${name}' is ambiguous: it is announced by ${listed(places)}.`, {
    hint: `Rename one of the devices, or say which one is meant: \`host: <address>\` under its name in .otarc.`,
    details: { mdns: found.map(({ addresses, port }) => ({ addresses, ports: [port] })) },
  });
}
