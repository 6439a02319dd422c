import { isDeepStrictEqual } from 'node:util';
import type { Port } from './ports.ts';
import type { Message } from './protocol.ts';

/**
 * What makes one list of ports of the other, for whoever has the first. A port that changed goes and comes again.
 * Addresses are unique in either.
 */
export function eventsBetween(before: readonly Port[], after: readonly Port[]): Message[] {
  return [
    ...notAmong(after, before).map(({ address, protocol }): Message => ({
      eventType: 'remove',
      port: { address, protocol },
    })),
    ...notAmong(before, after).map((port): Message => ({ eventType: 'add', port })),
  ];
}

function notAmong(others: readonly Port[], ports: readonly Port[]): Port[] {
  const byAddress = new Map(others.map((port) => [port.address, port]));
  return ports.filter((port) => !isDeepStrictEqual(port, byAddress.get(port.address)));
}
