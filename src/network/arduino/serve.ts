/** The conversation with arduino-cli, over whatever carries its lines. */

import { isDeepStrictEqual } from 'node:util';
import type { Port } from './ports.ts';
import { type Message, type DiscoveryState, step, tooLong } from './protocol.ts';

/** arduino-cli after 1.5 loses events that come together with the answer to START_SYNC. */
const quietAfterSyncMs = 100;
/** A list that is not complete is better than a client that gives up. */
const longestRefreshMs = 2000;

export interface Finder {
  ports(): readonly Port[];
  /** Looks again at what may have changed. */
  refresh(): Promise<void>;
}

export interface ConversationOptions {
  /** Begins to look for ports; ends with the signal. */
  readonly find: (options: { readonly signal: AbortSignal; readonly onChange: () => void }) => Finder;
  readonly say: (message: Message) => void;
}

export interface DiscoveryStreams {
  /** Resolves when it was answered. @param line undefined: one that was too long */
  hear(line: string | undefined): Promise<void>;
  /** After QUIT. */
  readonly isOver: boolean;
  /** Stops to look for ports. */
  close(): void;
}

export function serveDiscovery({ find, say }: ConversationOptions): DiscoveryStreams {
  let state: DiscoveryState = 'alive';
  let search: { readonly finder: Finder; readonly over: AbortController } | undefined;

  const stop = () => {
    search?.over.abort();
    search = undefined;
  };
  const start = (onChange: (finder: Finder) => void) => {
    const over = new AbortController();
    const finder = find({
      signal: over.signal,
      onChange: () => {
        if (search?.over === over) onChange(finder);
      },
    });
    search = { finder, over };
    return { finder, signal: over.signal };
  };
  const startSync = () => {
    let told: readonly Port[] = [];
    let isQuiet = true;
    const tell = (finder: Finder) => {
      if (isQuiet) return;
      const now = finder.ports();
      for (const event of eventsBetween(told, now)) say(event);
      told = now;
    };
    const { finder, signal } = start(tell);
    const timer = setTimeout(() => {
      isQuiet = false;
      tell(finder);
    }, quietAfterSyncMs);
    signal.addEventListener('abort', () => clearTimeout(timer));
  };

  return {
    hear: async (line) => {
      if (line === undefined) return say(tooLong());
      const before = state;
      const { state: after, reply } = step(state, line);
      state = after;
      if (reply === undefined) return say({ eventType: 'list', ports: await currentPorts(search?.finder) });
      say(reply);
      if (after === before) return;
      if (after === 'listing') start(() => undefined);
      else if (after === 'syncing') startSync();
      else stop();
    },
    get isOver() {
      return state === 'dead';
    },
    close: stop,
  };
}

async function currentPorts(finder: Finder | undefined): Promise<readonly Port[]> {
  if (finder === undefined) return [];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, longestRefreshMs);
  });
  await Promise.race([finder.refresh(), late]);
  clearTimeout(timer);
  return finder.ports();
}

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
