import { type Answer, decode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { knownAnswers, pauseAfterRound, questionsDue } from '../../../src/network/asks.ts';
import { formatQuery, formatQuestionForAll } from '../../../src/network/queries.ts';
import { forget, learn, nothingSeen, type Sightings } from '../../../src/network/sightings.ts';
import { address, device, ptr, srv } from '../../support/mdns-records.ts';

interface Heard {
  /** Seconds. */
  readonly at: number;
  readonly records: readonly Answer[];
  readonly from?: string;
}

/** Asks as `browse` does, hears what is given at its time, and writes down what was asked and when (in seconds). */
function askedUntil(end: number, heard: readonly Heard[]): { asked: string[]; times: number[] } {
  const asked: string[] = [];
  const times: number[] = [];
  let sightings: Sightings = nothingSeen;
  const packets = [...heard];
  let nowMs = 0;
  while (nowMs <= end * 1000) {
    for (const { at, records, from = '192.0.2.7' } of packets.splice(0)) {
      if (at * 1000 > nowMs) {
        packets.push({ at, records, from });
        continue;
      }
      const source = { address: from, way: 'shared' as const };
      sightings = learn(sightings, { records, source, nowMs, own: new Set() });
    }
    const due = questionsDue(forget(sightings, nowMs), nowMs);
    sightings = due.sightings;
    for (const questions of due.packets) {
      asked.push(questions.map(({ type, name }) => `${type} ${name}`).join(', '));
      times.push(nowMs / 1000);
    }
    nowMs = Math.min(due.nextAtMs, ...packets.map(({ at }) => at * 1000));
  }
  return { asked, times };
}

const aboutHall = 'SRV hall._arduino._tcp.local, TXT hall._arduino._tcp.local';

describe('the rounds', () => {
  it('come after 1, 2, 4 … seconds, and at last often enough to renew addresses of two minutes', () => {
    const pauses = Array.from({ length: 9 }, (_, round) => pauseAfterRound(round) / 1000);
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });
});

describe('one device is asked about', () => {
  it('where only its pointer came: after 1, 2, 4 … seconds, and not for ever', () => {
    const { asked, times } = askedUntil(1000, [{ at: 0, records: [ptr('hall')] }]);
    expect(new Set(asked)).toEqual(new Set([aboutHall]));
    expect(times).toEqual([0.02, 1.02, 3.02, 7.02, 15.02, 31.02]);
  });

  it('again where it was heard of again', () => {
    const { times } = askedUntil(1000, [
      { at: 0, records: [ptr('hall')] },
      { at: 64, records: [ptr('hall')] },
    ]);
    expect(times).toEqual([0.02, 1.02, 3.02, 7.02, 15.02, 31.02, 91.02]);
  });

  it('where its address is missing', () => {
    const { asked } = askedUntil(0.5, [{ at: 0, records: [ptr('hall'), srv('hall', 'Esp-1.local')] }]);
    expect(asked).toEqual([`${aboutHall}, A Esp-1.local, AAAA Esp-1.local`]);
  });

  it('no more when it has answered', () => {
    const { times } = askedUntil(90, [
      { at: 0, records: [ptr('hall')] },
      { at: 1.5, records: device('hall', '192.0.2.7') },
    ]);
    expect(times).toEqual([0.02, 1.02]);
  });

  it('from 80 % of its time on, each time anew', () => {
    const records = device('hall', '192.0.2.7');
    const { times } = askedUntil(200, [
      { at: 0, records },
      { at: 97.5, records },
    ]);
    expect(times).toEqual([96, 97, 193.5, 194.5, 196.5]);
  });

  it('until its service has expired, and a little longer as its pointer lives on', () => {
    const { times } = askedUntil(2000, [{ at: 0, records: device('hall', '192.0.2.7') }]);
    expect(times).toEqual([96, 97, 99, 103, 111, 127]);
  });

  it('at once where it contradicts itself', () => {
    const { times } = askedUntil(34, [
      { at: 0, records: device('hall', '192.0.2.7') },
      { at: 30, records: device('hall', '192.0.2.9'), from: '192.0.2.9' },
    ]);
    expect(times).toEqual([30.02, 31.02, 33.02]);
  });

  it('when it says goodbye: a twin of the same name may have been meant', () => {
    const { times } = askedUntil(90, [
      { at: 0, records: device('hall', '192.0.2.7') },
      { at: 30, records: device('hall', '192.0.2.7', { ttl: 0 }) },
    ]);
    expect(times).toEqual([30.5]);
  });

  it('not at all where its name fits in no question', () => {
    for (const name of ['h\uFFFDll', 'x'.repeat(64)]) {
      expect(askedUntil(100, [{ at: 0, records: [ptr(name)] }]).asked).toEqual([]);
    }
    const { asked } = askedUntil(0.5, [{ at: 0, records: [srv('hall', `${'x'.repeat(64)}.local`)] }]);
    expect(asked).toEqual([aboutHall]);
  });
});

describe('very many devices', () => {
  const names = Array.from({ length: 200 }, (_, index) => `n${index}`.padEnd(60, 'x'));

  it('are asked about a few at a time, in packets that fit', () => {
    let sightings = learn(nothingSeen, {
      records: names.map((name) => srv(name, `${name}.local`)),
      source: { address: '192.0.2.7', way: 'shared' },
      nowMs: 0,
      own: new Set(),
    });
    const asked = new Set<string>();
    for (let nowMs = 20; nowMs < 1000;) {
      const due = questionsDue(sightings, nowMs);
      expect(due.packets.length).toBeLessThanOrEqual(4);
      for (const questions of due.packets) {
        expect(formatQuery(questions).length).toBeLessThan(1450);
        for (const { name } of questions) asked.add(name.replace(/\..*/, ''));
      }
      sightings = due.sightings;
      nowMs = due.nextAtMs;
    }
    expect(asked.size).toBe(160);
  });

  it('are known answers, in several packets', () => {
    const sightings = learn(nothingSeen, {
      records: names.map((name) => ptr(name)),
      source: { address: '192.0.2.7', way: 'shared' },
      nowMs: 0,
      own: new Set(),
    });
    const packets = formatQuestionForAll(knownAnswers(sightings, 0));
    expect(Math.max(...packets.map(({ length }) => length))).toBeLessThanOrEqual(1452);
    const read = packets.map((packet) => decode(packet));
    expect(read.map(({ questions }) => questions?.length)).toEqual([2, ...read.slice(1).map(() => 0)]);
    expect(read.map(({ flag_tc: isTruncated }) => isTruncated)).toEqual([
      ...read.slice(1).map(() => true),
      false,
    ]);
    const answers = read.flatMap((each) => each.answers ?? []);
    expect(answers.map((each) => (each.type === 'PTR' ? `${each.name} ${each.data}` : each.type))).toEqual(
      names.map((name) => `_arduino._tcp.local ${name}._arduino._tcp.local`),
    );
  });
});

describe('a known answer', () => {
  const source = { address: '192.0.2.7', way: 'shared' as const };
  const seen = learn(nothingSeen, { records: device('hall', '192.0.2.7'), source, nowMs: 0, own: new Set() });

  it('tells how long it holds, for the first half of its time', () => {
    expect(knownAnswers(seen, 1000 * 1000)).toEqual([{ instance: 'hall', ttlSeconds: 3500 }]);
    expect(knownAnswers(seen, 2251 * 1000)).toEqual([]);
  });

  it('is none after a goodbye', () => {
    const records = [address('hall.local', '192.0.2.7'), ptr('hall', 0)];
    expect(knownAnswers(learn(seen, { records, source, nowMs: 10, own: new Set() }), 20)).toEqual([]);
  });
});
