/** What a device says of itself over mDNS, listened for when something has failed, or is looked at. */

import type { Announced } from '../diagnose/observations.ts';
import { browse, browseFor } from '../discover/browse.ts';
import { hostAddressFor } from '../discover/index.ts';
import type { Tell } from '../events.ts';
import type { Device, Target } from '../types.ts';
import { announcedBy, type Wanted } from './announced.ts';

export interface Listening {
  readonly device: Pick<Device, 'name' | 'host'>;
  readonly target: Target;
  readonly signal: AbortSignal;
}

/** Undefined: nobody could be asked, or it was not listened to the end. */
export async function listenFor(
  listening: Listening,
  forMs: number,
): Promise<Announced | 'nothing' | undefined> {
  const { signal } = listening;
  try {
    const found = await browseFor({ forMs, interfaces: [await ownAddress(listening)], signal });
    return signal.aborted ? undefined : announcedBy(found, wantedOf(listening));
  } catch {
    return undefined;
  }
}

/** A device boots and finds its network in this time, or is not worth waiting for. */
const returnLimitMs = 8000;
/** One that is there answers at once, and a question that got lost is asked again within a second. */
const absentMs = 1200;

export interface Broken {
  /** Of the connection. */
  readonly systemCode?: string | undefined;
  /** How long nothing had come before it broke. */
  readonly silentMs?: number | undefined;
}

/**
 * Whether a device that broke off in mid-flash has restarted: it was away, and announces itself anew; or it does not
 * know the connection any more. Undefined where that does not show.
 */
export async function awaitReturn(
  listening: Listening & { readonly tell: Tell },
  broken: Broken,
): Promise<'old-image' | undefined> {
  const { device, signal, tell } = listening;
  const message = `listening whether ${device.name} has restarted, ${returnLimitMs / 1000} s at most`;
  tell({ type: 'log', level: 'info', message });
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), returnLimitMs);
  const wanted = wantedOf(listening);
  let awayMs: number | undefined;
  try {
    const interfaces = [await ownAddress(listening)];
    const startedAtMs = performance.now();
    await browse({
      interfaces,
      signal: AbortSignal.any([signal, over.signal]),
      onChange: (found) => {
        const seen = announcedBy(found, wanted);
        if (awayMs !== undefined || typeof seen !== 'object' || seen.foreignName !== undefined) return;
        awayMs = performance.now() - startedAtMs;
        over.abort();
      },
    });
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
  return hasRestarted({ ...broken, awayMs }) ? 'old-image' : undefined;
}

/** Pure. `awayMs`: from the failure to its first word; undefined: there was none. */
export function hasRestarted({
  awayMs,
  systemCode,
  silentMs = 0,
}: Broken & { readonly awayMs: number | undefined }): boolean {
  if (awayMs === undefined) return false;
  const hasForgotten = systemCode === 'ECONNRESET' && silentMs >= absentMs;
  return hasForgotten || awayMs >= absentMs;
}

const wantedOf = ({ device: { name, host }, target: { address, port } }: Listening): Wanted => ({
  name,
  host,
  address,
  port,
});

async function ownAddress({ target: { address, hostAddress } }: Listening): Promise<string> {
  return hostAddress ?? (await hostAddressFor(address, { interfaces: [] }));
}
