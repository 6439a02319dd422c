/** What a device says of itself over mDNS, listened for when something has failed, or is looked at. */

import { hasForgotten, type Observations } from '../model/observations.ts';
import { browse, browseFor } from '../network/browse.ts';
import type { Tell } from '../model/events.ts';
import type { Device, Target } from '../model/types.ts';
import { announcedBy, type WantedDevice } from './announced.ts';

/**
 * `interfaces`: where it is listened. Empty or absent: on all of them, as one with two networks, or behind a repeater of
 * mDNS, announces itself on another one than that of the route.
 */
export type ListenedFor = Pick<Device, 'name' | 'host'> & Partial<Pick<Device, 'interfaces'>>;

export interface Listening {
  readonly device: ListenedFor;
  readonly target: Target;
  readonly signal: AbortSignal;
}

/** Undefined: nobody could be asked, or it was not listened to the end. */
export async function listenFor(listening: Listening, forMs: number): Promise<Observations['announced']> {
  const { signal } = listening;
  try {
    const { interfaces = [] } = listening.device;
    const found = await browseFor({ forMs, interfaces, signal });
    return signal.aborted ? undefined : announcedBy(found, wantedOf(listening));
  } catch {
    return undefined;
  }
}

/** One that is there answers at once, and a question that got lost is asked again within a second. */
const absentMs = 1200;

type Broken = Pick<Observations, 'systemCode' | 'lostBy'>;
type Return = Pick<Observations, 'cameBackWith' | 'awayMs'>;

/** Whether a device that broke off in mid-flash was away, and whether it has restarted. Nothing where that does not show. */
export async function awaitReturn(
  listening: Listening & { readonly tell: Tell; readonly limitMs: number },
  broken: Broken,
): Promise<Return> {
  const { device, signal, tell, limitMs } = listening;
  const { interfaces = [] } = device;
  const message = `listening whether ${device.name} has restarted, ${limitMs / 1000} s at most`;
  tell({ type: 'log', level: 'info', message });
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), limitMs);
  const wanted = wantedOf(listening);
  let awayMs: number | undefined;
  try {
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
    return {};
  } finally {
    clearTimeout(timer);
  }
  return returnOf(awayMs, broken);
}

/**
 * Pure. `heardAtMs`: its first word, from the failure on; undefined: there was none. Having been away alone may be a gap
 * in the Wi-Fi: only a connection that the device itself denies shows that it has started anew.
 */
export function returnOf(heardAtMs: number | undefined, broken: Broken): Return {
  if (heardAtMs === undefined) return {};
  const wasAway = heardAtMs >= absentMs;
  const isReset = broken.systemCode === 'ECONNRESET';
  if (hasForgotten(broken) || (isReset && wasAway)) return { cameBackWith: 'old-image' };
  return wasAway ? { awayMs: Math.round(heardAtMs) } : {};
}

const wantedOf = ({ device: { name, host }, target: { address, port } }: Listening): WantedDevice => ({
  name,
  host,
  address,
  port,
});
