/** Who begins to browse when others have asked a moment ago, on a fake clock: no packet, and no round, comes after it. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Announcement, FoundDevice } from '../../../src/model/announcement.ts';
import { browse } from '../../../src/network/browse.ts';
import type { Registry, Subscription } from '../../../src/network/registry.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const hall: Announcement = {
  name: 'hall',
  host: 'hall.local',
  addresses: ['192.0.2.7'],
  port: 8266,
  service: '_arduino._tcp',
  txt: {},
  heardAtMs: 0,
  incarnation: 'since 0',
};

/** A registry that calls nobody: nothing new is heard. */
function silent(known: readonly Announcement[]): () => Registry {
  const subscription: Subscription = {
    announcements: () => known,
    sighting: () => ({ type: 'nothing' }),
    close: () => undefined,
  };
  return () => ({
    snapshot: () => known,
    watch: () => subscription,
    listen: () => subscription,
    ask: () => undefined,
    here: () => ({ own: new Set(), onLink: () => true }),
    isAskable: () => true,
    close: () => undefined,
  });
}

it.each([
  ['what was heard already, at once', [hall], [['hall']]],
  ['nothing where nobody has answered', [], []],
])('is given %s', async (_, known, expected) => {
  const over = new AbortController();
  const seen: string[][] = [];
  const onChange = (devices: readonly FoundDevice[]) => seen.push(devices.map(({ name }) => name));
  const ended = browse({ interfaces: [], signal: over.signal, onChange }, silent(known));
  await vi.advanceTimersByTimeAsync(10);
  expect(seen).toEqual(expected);
  over.abort();
  await ended;
  expect(vi.getTimerCount()).toBe(0);
});
