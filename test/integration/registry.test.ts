/** The registry that all share, over real sockets on loopback. */

import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { refOf } from '../../src/network/match.ts';
import { openRegistry, type Registry, type Subscription } from '../../src/network/registry.ts';
import { type ResponderOptions, startResponder } from '../support/mdns-responder.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-registry-${process.pid}-${(count += 1)}`;
const soon = { timeout: 10_000 };

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name.includes('UDP')).length;
const socketsBefore = openSockets();
beforeEach(() => expect.poll(openSockets).toBe(socketsBefore));

function open(): Registry {
  const registry = openRegistry({ interfaces: ['127.0.0.1'] });
  onTestFinished(() => registry.close());
  return registry;
}

async function respond(options: Partial<ResponderOptions> & { readonly name: string }) {
  const responder = await startResponder({ addresses: ['127.0.0.1'], pointer: 'whole', ...options });
  let isClosed = false;
  const close = async () => {
    if (!isClosed) await responder.close();
    isClosed = true;
  };
  onTestFinished(close);
  return { ...responder, close };
}

const ignore = (): void => undefined;
const named = (heard: Pick<Subscription, 'announcements'>, name: string) =>
  heard.announcements().find((each) => each.name === name);
const isThere = (subscription: Subscription, name: string) =>
  expect.poll(() => named(subscription, name) !== undefined, soon).toBe(true);

it('is one for all who use it: the first opens its sockets, the last closes them', async () => {
  const name = freshName();
  await respond({ name });
  const before = openSockets();
  const [one, other] = [open(), open()];
  const watching = one.watch('all', ignore);
  await isThere(watching, name);
  const opened = openSockets();
  expect(opened).toBeGreaterThan(before);
  const also = other.watch(refOf({ name, host: name }), ignore);
  await expect.poll(() => also.sighting(), soon).toMatchObject({ type: 'host', host: { ports: [8266] } });
  expect(openSockets()).toBe(opened);
  one.close();
  one.close();
  expect(openSockets()).toBe(opened);
  expect(named({ announcements: other.snapshot }, name)).toBeDefined();
  other.close();
  await expect.poll(openSockets).toBe(before);
});

it('tells a newcomer what is heard from then on, for who was there may be gone', async () => {
  const [gone, staying] = [freshName(), freshName()];
  const leaving = await respond({ name: gone });
  await respond({ name: staying });
  const first = open();
  const watching = first.watch('all', ignore);
  await isThere(watching, gone);
  await isThere(watching, staying);
  // Without a goodbye.
  await leaving.close();
  const second = open();
  const [all, one] = [second.watch('all', ignore), second.watch(refOf({ name: gone, host: gone }), ignore)];
  await isThere(all, staying);
  expect(one.sighting()).toEqual({ type: 'nothing' });
  expect(named(watching, gone)).toBeDefined();
  expect(named({ announcements: second.snapshot }, gone)).toBeDefined();
});

it('shows that a device has started anew', async () => {
  const name = freshName();
  const text = (run: number) => ['board=esp32', `run=${run}`, 'X-Own=Ä=1'];
  const before = await respond({ name, text: text(1) });
  const registry = open();
  const watching = registry.watch('all', ignore);
  await isThere(watching, name);
  const first = named(watching, name);
  expect(first).toMatchObject({ txt: { board: 'esp32', run: '1', 'x-own': 'Ä=1' } });
  await before.close();
  await respond({ name, text: text(2) });
  registry.ask('all');
  await expect.poll(() => named(watching, name)?.txt['run'], soon).toBe('2');
  const second = named(watching, name);
  expect(second?.incarnation).not.toBe(first?.incarnation);
  expect(second?.heardAtMs).toBeGreaterThan(first?.heardAtMs ?? Infinity);
});

it('asks one responder alone, by unicast', async () => {
  const name = freshName();
  const at = '127.0.0.7';
  await respond({ name, addresses: [at], on: '127.0.0.1', from: at, hears: 'unicast' });
  const registry = open();
  const listening = registry.listen(ignore);
  registry.ask({ at });
  await isThere(listening, name);
});

it('calls nobody any more who has closed its subscription', async () => {
  const [name, later] = [freshName(), freshName()];
  await respond({ name });
  const registry = open();
  let calls = 0;
  const own = registry.watch(refOf({ name, host: name }), () => (calls += 1));
  await expect.poll(() => own.sighting().type, soon).toBe('host');
  expect(calls).toBeGreaterThan(0);
  own.close();
  const callsBefore = calls;
  await respond({ name: later });
  await isThere(registry.watch('all', ignore), later);
  expect(calls).toBe(callsBefore);
});
