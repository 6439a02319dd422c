import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FoundDevice } from '../../../../src/model/announcement.ts';
import { type Port, portsOf } from '../../../../src/network/arduino/ports.ts';
import type { Message } from '../../../../src/network/arduino/protocol.ts';
import { serveDiscovery, type ConversationOptions } from '../../../../src/network/arduino/serve.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const hall: FoundDevice = { name: 'hall', host: 'hall.local', addresses: ['192.0.2.7'], port: 8266 };
const attic: FoundDevice = { name: 'attic', host: 'attic.local', addresses: ['192.0.2.8'], port: 8266 };
const portsFor = (...found: FoundDevice[]): Port[] =>
  portsOf({ configured: [], found, lastResort: undefined });

/** A conversation, and the ports that are there. */
function talk({ refresh = async () => undefined }: { refresh?: () => Promise<void> } = {}) {
  const said: Message[] = [];
  const searches: Parameters<ConversationOptions['find']>[0][] = [];
  let ports: readonly Port[] = portsFor(hall);
  const conversation = serveDiscovery({
    say: (message) => void said.push(message),
    find: (options) => {
      searches.push(options);
      return { ports: () => ports, refresh };
    },
  });
  return {
    hear: conversation.hear,
    conversation,
    searches,
    become: (...found: FoundDevice[]) => {
      ports = portsFor(...found);
      for (const { onChange } of searches) onChange();
    },
    /** What was said since the last time. */
    news: () =>
      said
        .splice(0)
        .map(({ eventType, port, ports: list }) =>
          [eventType, ...[port ?? [], list ?? []].flat().map(({ address }) => address)].join(' '),
        ),
  };
}

const hello = 'HELLO 1 "x"';

describe('the conversation', () => {
  it('tells ports 100 ms after the answer to START_SYNC at the earliest, then at once', async () => {
    const { hear, news, become } = talk();
    await hear(hello);
    await hear('START_SYNC');
    become(hall);
    vi.advanceTimersByTime(99);
    expect(news()).toEqual(['hello', 'start_sync']);
    vi.advanceTimersByTime(1);
    expect(news()).toEqual(['add hall.local']);
    become(hall, attic);
    expect(news()).toEqual(['add attic.local']);
    become({ ...hall, port: 1 }, attic);
    expect(news()).toEqual(['remove hall.local', 'add hall.local']);
    become(attic);
    expect(news()).toEqual(['remove hall.local']);
  });

  it('is silent after STOP, and tells everything anew after the next START_SYNC', async () => {
    const { hear, news, become, searches } = talk();
    for (const line of [hello, 'START_SYNC', 'STOP']) await hear(line);
    vi.advanceTimersByTime(1000);
    become(hall, attic);
    expect(news()).toEqual(['hello', 'start_sync', 'stop']);
    expect(searches.map(({ signal }) => signal.aborted)).toEqual([true]);
    await hear('START_SYNC');
    vi.advanceTimersByTime(1000);
    expect(news()).toEqual(['start_sync', 'add hall.local', 'add attic.local']);
    expect(searches).toHaveLength(2);
  });

  it('lists when asked, and only then', async () => {
    const { hear, news, become, searches } = talk();
    for (const line of [hello, 'START']) await hear(line);
    become(hall, attic);
    vi.advanceTimersByTime(1000);
    expect(news()).toEqual(['hello', 'start']);
    await hear('LIST');
    await hear('LIST');
    expect(news()).toEqual(['list hall.local attic.local', 'list hall.local attic.local']);
    expect(searches).toHaveLength(1);
  });

  it('lists what is known where a configuration takes its time', async () => {
    const { hear, news } = talk({ refresh: () => new Promise(() => undefined) });
    for (const line of [hello, 'START']) await hear(line);
    const listing = hear('LIST');
    await vi.advanceTimersByTimeAsync(2000);
    await listing;
    expect(news()).toEqual(['hello', 'start', 'list hall.local']);
  });

  it.each(['QUIT', 'close'])('stops looking on %s', async (end) => {
    const { hear, conversation, searches } = talk();
    for (const line of [hello, 'START_SYNC']) await hear(line);
    if (end === 'close') conversation.close();
    else await hear(end);
    expect(searches.map(({ signal }) => signal.aborted)).toEqual([true]);
    expect(conversation.isOver).toBe(end === 'QUIT');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('answers a line that is too long with an error', async () => {
    const { hear, news } = talk();
    await hear(undefined);
    expect(news()).toEqual(['command_error']);
  });
});
