import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nobody } from '../../../src/network/confirm.ts';
import { questionFor } from '../../../src/network/names.ts';
import {
  type SearchAction,
  type SearchInput,
  onSearchInput,
  type NameSearch,
  type Setup,
  startSearch,
  searchWakeAtMs,
} from '../../../src/network/search.ts';

const setupFor = (host: string, more: Partial<Setup> = {}): Setup => {
  const question = questionFor(host);
  const canAskByName = question.mdnsName !== undefined;
  return { question, canAskByName, portConfigured: false, timeoutMs: 5000, own: new Set(), ...more };
};
const device = { addresses: ['192.0.2.7'], senders: ['192.0.2.7'], ports: [8266] };
const other = { ...device, addresses: ['192.0.2.8'], senders: ['192.0.2.8'] };
const heard = (...hosts: readonly (typeof device)[]): SearchInput => {
  const [host] = hosts;
  const sighting =
    host === undefined
      ? { type: 'nothing' as const }
      : hosts.length === 1
        ? { type: 'host' as const, host }
        : { type: 'contradiction' as const, hosts };
  return { type: 'heard', sighting, announcers: nobody };
};

interface Event {
  readonly atMs: number;
  readonly input: SearchInput;
}

/** Runs it by a clock of its own, and writes down what it does: `100 ask-system`. */
function run(
  setup: Setup,
  events: readonly Event[],
  isAskable = true,
): { done: string[]; actions: SearchAction[] } {
  const done: string[] = [];
  const all: SearchAction[] = [];
  const left = events.toSorted((a, b) => a.atMs - b.atMs);
  let nowMs = 0;
  const note = ([next, actions]: readonly [NameSearch, readonly SearchAction[]]): NameSearch => {
    all.push(...actions);
    done.push(...actions.map((action) => `${nowMs} ${textOf(action)}`));
    return next;
  };
  let search = note(startSearch(setup, isAskable));
  while (search.phase !== 'closed') {
    const event = left[0];
    nowMs = Math.max(nowMs, Math.min(searchWakeAtMs(search), event?.atMs ?? Infinity));
    if (nowMs === Infinity) throw new Error('It waits for nothing.');
    const isEvent = event !== undefined && event.atMs <= nowMs;
    if (isEvent) left.shift();
    search = note(onSearchInput(search, isEvent ? event.input : { type: 'time' }, nowMs));
  }
  expect(onSearchInput(search, { type: 'time' }, nowMs + 10_000)).toEqual([search, []]);
  return { done, actions: all };
}

const textOf = (action: SearchAction): string =>
  action.type === 'answered' || action.type === 'doubted'
    ? `${action.type} ${action.decision.type}`
    : action.type;
const system = (...addresses: string[]): SearchInput => ({
  type: 'os',
  answer: addresses.length > 0 ? { type: 'answered', addresses } : { type: 'failed', code: 'ENOTFOUND' },
  near: addresses,
});

describe('the search for a name', () => {
  it('is answered a moment after the device, and goes on for a while', () => {
    expect(run(setupFor('hall'), [{ atMs: 20, input: heard(device) }]).done).toEqual([
      '0 watch',
      '32 answered found-by-mdns',
      '3032 close',
    ]);
  });

  it('asks the system when the device had its time, and gives up at last', () => {
    expect(run(setupFor('hall'), [{ atMs: 150, input: system() }]).done).toEqual([
      '0 watch',
      '100 ask-system',
      '5000 answered not-found',
      '5000 close',
    ]);
  });

  it('asks the system at once where mDNS has nobody to ask, and as soon as that shows; once', () => {
    expect(run(setupFor('hall'), [{ atMs: 9, input: system() }], false).done).toEqual([
      '0 watch',
      '0 ask-system',
      '9 answered not-found',
      '9 close',
    ]);
    const failure: SearchInput = { type: 'failure', isAskable: false };
    const events = [5, 6, 7].map((atMs) => ({ atMs, input: failure }));
    const { done } = run(setupFor('hall'), [...events, { atMs: 50, input: system() }]);
    expect(done).toEqual(['0 watch', '5 ask-system', '50 answered not-found', '50 close']);
  });

  it('asks where the device was last, twice', () => {
    const { done } = run(setupFor('hall', { hint: '192.0.2.7' }), [{ atMs: 400, input: heard(device) }]);
    expect(done.filter((each) => each.endsWith('ask-hint'))).toEqual(['0 ask-hint', '300 ask-hint']);
  });

  it('asks for all where the name may be spelled otherwise, where no service has it, and for who is at an address', () => {
    const asks = (setup: Setup, ...events: Event[]) =>
      run(setup, events).done.filter((each) => each.endsWith('all'));
    expect(asks(setupFor('Küche'))).toEqual(['0 ask-all']);
    expect(asks(setupFor('hall'))).toEqual([]);
    expect(asks(setupFor('hall'), { atMs: 20, input: heard({ ...device, ports: [] }) })).toEqual([
      '20 ask-all',
    ]);
    expect(asks(setupFor('hall.example.com'), { atMs: 30, input: system('192.0.2.7') })).toEqual([
      '30 ask-all',
    ]);
  });

  it('says so where a second device of the name turns up later', () => {
    const events = [
      { atMs: 20, input: heard(device) },
      { atMs: 900, input: heard(device, other) },
    ];
    expect(run(setupFor('hall'), events).done).toEqual([
      '0 watch',
      '32 answered found-by-mdns',
      '900 doubted contradiction',
      '900 close',
    ]);
  });

  it('ends when nobody wants to know any more, with an answer', () => {
    const end = { atMs: 40, input: { type: 'end' } as const };
    expect(run(setupFor('hall'), [end]).done).toEqual(['0 watch', '40 answered not-found', '40 close']);
    expect(run(setupFor('hall'), [{ atMs: 20, input: heard(device) }, end]).done).toEqual([
      '0 watch',
      '32 answered found-by-mdns',
      '40 close',
    ]);
  });

  it('has one answer and one end, whatever is heard when', () => {
    const input: fc.Arbitrary<SearchInput> = fc.oneof(
      fc.constantFrom(heard(), heard(device), heard(other), heard(device, other)),
      fc.constantFrom(heard({ ...device, ports: [] }), heard({ ...device, addresses: ['fe80::7%eth0'] })),
      fc.constantFrom(system(), system('192.0.2.7'), system('192.0.2.8')),
      fc.boolean().map((isAskable): SearchInput => ({ type: 'failure', isAskable })),
    );
    const event = fc.record({ atMs: fc.nat({ max: 9000 }), input });
    const host = fc.constantFrom('hall', 'hall.local', 'Küche', 'hall.example.com');
    fc.assert(
      fc.property(host, fc.array(event, { maxLength: 12 }), fc.boolean(), (name, events, isAskable) => {
        // The system answers at last, if only that it was given up.
        const all = [...events, { atMs: 9500, input: system() }];
        const types = run(setupFor(name, { hint: '192.0.2.7' }), all, isAskable).actions.map(
          ({ type }) => type,
        );
        const count = (type: SearchAction['type']) => types.filter((each) => each === type).length;
        expect([count('watch'), count('answered'), count('close')]).toEqual([1, 1, 1]);
        expect(count('ask-system')).toBeLessThanOrEqual(1);
        expect(count('doubted')).toBeLessThanOrEqual(1);
        if (count('doubted') > 0) expect(types.indexOf('doubted')).toBeGreaterThan(types.indexOf('answered'));
        expect(types.at(-1)).toBe('close');
      }),
    );
  });
});
