/** The leg of the name: how it led to the address. */

import type { Located } from '../network/index.ts';
import type { Device } from '../model/types.ts';
import { ok, warning, type Leg } from './leg.ts';

export interface Naming {
  readonly located: Located;
  readonly tookMs: number;
  /** What a push would warn of. */
  readonly doubts: readonly string[];
}

/** How the name led to the address. */
export function nameLeg(device: Device, { located, tookMs, doubts }: Naming): Leg {
  const { address, via } = located;
  const details = { address, via, tookMs: Math.round(tookMs) };
  if (via === 'config') return ok('name', `${address}, as configured: no name to resolve`, details);
  const how = via === 'mdns' ? 'over mDNS' : "by the system's resolver";
  const text = `${device.host} is ${address}, ${how} in ${Math.round(tookMs)} ms`;
  return doubts.length === 0 ? ok('name', text, details) : warning('name', text, doubts.join(' '), details);
}
