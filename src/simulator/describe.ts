/** What a virtual device tells, for a person. Pure. */

import { endpointText } from '../model/endpoint.ts';
import type { VirtualDeviceEvent } from './events.ts';

/** One line, or nothing where a person would not miss it. */
export function describeEvent(event: VirtualDeviceEvent): string | undefined {
  switch (event.type) {
    case 'invited': {
      const what = event.command === 100 ? 'file system' : 'sketch';
      return `invited by ${event.hostAddress}:${event.hostPort}: ${what}, ${bytes(event.sizeBytes)}`;
    }
    case 'challenged':
      return 'asked for the password';
    case 'authenticated':
      return 'authenticated';
    case 'authentication-failed':
      return 'wrong password';
    case 'refused':
      return `cannot begin: ${event.answer}`;
    case 'connected':
      return `connected to ${event.hostAddress}:${event.hostPort}`;
    case 'foreign-connected':
      return `a stranger at ${event.address} connected as well`;
    case 'received':
      // Every 64 KiB and the end: a line for each sector would bury the rest.
      if (event.receivedBytes % 65_536 !== 0 && event.receivedBytes !== event.sizeBytes) return undefined;
      return `received ${event.receivedBytes} of ${bytes(event.sizeBytes)}`;
    case 'halted':
      return `stopped after ${bytes(event.receivedBytes)}`;
    case 'verdict':
      return `says ${event.text}`;
    case 'update-ended':
      if (event.update.result === 'accepted' || event.update.result === 'rejected') return undefined;
      return `update ${event.update.result} after ${bytes(event.update.receivedBytes)}`;
    case 'rebooting':
      return 'restarts';
    case 'runs':
      return event.md5 === ''
        ? 'runs what came by cable'
        : `now runs ${event.md5} (${bytes(event.sizeBytes)})`;
    case 'booted':
      return `announces md5=${event.md5} run=${event.run} boot=${event.boot}`;
    case 'crashed':
      return `crashes (${event.reason})`;
    case 'moved':
      return `is now at ${event.address}, port ${event.port}`;
    case 'move-failed':
      return `cannot move: ${event.reason}`;
    case 'serves':
      return event.what === 'web'
        ? `serves http://${endpointText(event)}/`
        : `prints its log at tcp://${endpointText(event)}`;
    case 'serve-failed':
      return `goes on without its ports: ${event.reason}`;
    case 'lost':
      return event.direction === 'in' ? `a datagram got lost on its way here` : `its ${event.what} got lost`;
    case 'ignored':
      return `ignored a datagram (${event.reason})`;
    case 'announce-failed':
      return `cannot announce itself: ${event.reason}`;
    case 'listening':
    case 'connecting':
    case 'announced':
    case 'closed':
      return undefined;
    default:
      return event satisfies never;
  }
}

function bytes(count: number): string {
  return `${count} ${count === 1 ? 'byte' : 'bytes'}`;
}
