import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Agenda,
  askAnew,
  type AskedQuestions,
  askForAll,
  dueOf,
  interestOf,
  nothingToAsk,
  withListener,
  withName,
  withoutListener,
  withoutName,
} from '../../../src/network/agenda.ts';

/** `0.3 s ephemeral A hall.local, …`; all that is asked until then. */
function askedUntil(end: number, agenda: Agenda, isHeard: (key: string) => boolean = () => false): string[] {
  const asked: string[] = [];
  let [now, left] = [0, agenda];
  while (now <= end * 1000) {
    const { packets, agenda: after, nextAtMs } = dueOf(left, now, ({ key }) => isHeard(key));
    asked.push(...packets.map((packet) => `${now / 1000} s ${textOf(packet)}`));
    expect(nextAtMs).toBeGreaterThan(now);
    [now, left] = [nextAtMs, after];
  }
  return asked;
}

function textOf({ way, questions }: AskedQuestions): string {
  if (questions === 'others') return `${way} others`;
  const hosts = questions.filter(({ type }) => type === 'A').map(({ name }) => name);
  return `${way} ${hosts.length > 0 ? hosts.join(' ') : questions.map(({ name }) => name).join(' ')}`;
}

const named = (count: number): Agenda =>
  Array.from({ length: count }, (_, id) => id + 1).reduce(
    (agenda, id) => withName(agenda, { id, name: `n${id}`, nowMs: 0 }),
    nothingToAsk,
  );
const listening = withListener(nothingToAsk, 0).agenda;
const forAll = 'ephemeral _arduino._tcp.local _otarc._tcp.local';

describe('one name', () => {
  it('is asked for by both ways, early and then ever more seldom', () => {
    expect(askedUntil(5, named(1))).toEqual([
      '0 s ephemeral n1.local',
      '0.1 s shared n1.local',
      '0.3 s ephemeral n1.local',
      '1 s ephemeral n1.local',
      '1 s shared n1.local',
      '2 s ephemeral n1.local',
      '3 s shared n1.local',
      '4 s ephemeral n1.local',
    ]);
    expect(askedUntil(100, named(1))).toHaveLength(12);
  });

  it('is asked for no more when nobody looks for it', () => {
    expect(askedUntil(100, withoutName(named(1), 1))).toEqual([]);
  });

  it('is asked for once, however many look for it', () => {
    const twice = withName(named(1), { id: 2, name: 'N1', nowMs: 0 });
    expect(askedUntil(0, twice)).toHaveLength(1);
  });
});

describe('several names', () => {
  it('share packets', () => {
    expect(askedUntil(0, named(6))).toEqual([
      '0 s ephemeral n1.local n2.local n3.local',
      '0 s ephemeral n4.local n5.local n6.local',
    ]);
  });

  it('are one question for all where they are many, and only who does not answer that is asked for by name', () => {
    const isHeard = (key: string): boolean => key !== 'n7';
    expect(askedUntil(1, named(200), isHeard)).toEqual([
      `0 s ${forAll}`,
      '0.1 s shared others',
      `0.3 s ${forAll}`,
      `1 s ${forAll}`,
      '1 s ephemeral n7.local',
      '1 s shared others',
    ]);
  });

  it('are each asked for by name at last, a few packets at once', () => {
    const asked = askedUntil(1.5, named(200)).filter(
      (each) => !each.includes('_arduino') && /ephemeral/.test(each),
    );
    expect(asked.flatMap((each) => each.match(/n\d+\.local/g) ?? []).toSorted()).toEqual(
      Array.from({ length: 200 }, (_, index) => `n${index + 1}.local`).toSorted(),
    );
    const times = asked.map((each) => each.split(' ')[0]);
    for (const time of times) expect(times.filter((each) => each === time).length).toBeLessThanOrEqual(16);
  });
});

describe('all devices', () => {
  it('are asked for in rounds, each by both ways', () => {
    expect(askedUntil(8, listening)).toEqual([
      `0 s ${forAll}`,
      '0.1 s shared others',
      `1 s ${forAll}`,
      '1.1 s shared others',
      `3 s ${forAll}`,
      '3.1 s shared others',
      `7 s ${forAll}`,
      '7.1 s shared others',
    ]);
    expect(askedUntil(100, withoutListener(listening))).toEqual([]);
  });

  it('are asked for anew where there are other interfaces', () => {
    const { agenda } = dueOf(listening, 0, () => false);
    expect(dueOf(askAnew(agenda, 500), 500, () => false).packets.map(textOf)).toContain(forAll);
    expect(askAnew(nothingToAsk, 500)).toBe(nothingToAsk);
  });

  it('are asked for once, twice over, for whoever asks once', () => {
    const once = askForAll(nothingToAsk, 0);
    expect(askForAll(once, 100)).toBe(once);
    expect(askedUntil(60, once)).toEqual([`0 s ${forAll}`, '0.1 s shared others', `0.3 s ${forAll}`]);
  });

  it('have answered one who comes a moment later, and are asked again for one who comes later than that', () => {
    const { agenda } = dueOf(listening, 0, () => false);
    const soon = withListener(agenda, 200);
    expect(soon.sinceMs).toBe(0);
    expect(dueOf(soon.agenda, 200, () => false).packets.map(textOf)).not.toContain(forAll);
    const late = withListener(agenda, 600);
    expect(late.sinceMs).toBe(600);
    expect(dueOf(late.agenda, 600, () => false).packets.map(textOf)).toContain(forAll);
  });
});

it('whoever begins and ends when: there is always a next time, and it comes to an end', () => {
  const step = fc.record({
    pause: fc.constantFrom(0, 1, 90, 240, 300, 1000, 30_000),
    type: fc.constantFrom('name', 'no-name', 'listen', 'no-listen', 'once'),
    id: fc.nat({ max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let agenda = nothingToAsk;
      let now = 0;
      for (const { pause, type, id } of steps) {
        now += pause;
        const taken = agenda.names.some((each) => each.id === id);
        if (type === 'name' && !taken) agenda = withName(agenda, { id, name: `n${id}`, nowMs: now });
        if (type === 'no-name') agenda = withoutName(agenda, id);
        if (type === 'listen') ({ agenda } = withListener(agenda, now));
        if (type === 'no-listen' && agenda.listeners > 0) agenda = withoutListener(agenda);
        if (type === 'once') agenda = askForAll(agenda, now);
        const due = dueOf(agenda, now, () => false);
        expect(due.nextAtMs).toBeGreaterThan(now);
        const all = due.packets.filter(({ questions }) =>
          textOf({ way: 'shared', questions }).includes('_arduino'),
        );
        expect(all.length).toBeLessThanOrEqual(1);
        ({ agenda } = due);
      }
      while (agenda.listeners > 0) agenda = withoutListener(agenda);
      for (const { id } of agenda.names) agenda = withoutName(agenda, id);
      const last = dueOf(agenda, now + 1000, () => false);
      expect(dueOf(last.agenda, now + 2000, () => false)).toMatchObject({ packets: [], nextAtMs: Infinity });
    }),
  );
});

it('only what somebody wants to know is asked about', () => {
  const instance = { name: 'hall', facts: [] };
  expect(interestOf(nothingToAsk, 0)('hall', instance)).toBe('none');
  expect(interestOf(listening, 0)('hall', instance)).toBe('usual');
  expect(interestOf(askForAll(nothingToAsk, 0), 1000)('hall', instance)).toBe('usual');
  expect(interestOf(askForAll(nothingToAsk, 0), 60_000)('hall', instance)).toBe('none');
  expect(interestOf(named(1), 0)('n1', instance)).toBe('usual');
});
