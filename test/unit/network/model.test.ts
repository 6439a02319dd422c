/**
 * The store of what was heard, against the rules written down once more: a device is there from its last word until that
 * has expired, was taken back, or was contradicted and not said again.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { devicesIn } from '../../../src/network/found-devices.ts';
import { forget, learn, nothingSeen } from '../../../src/network/sightings.ts';
import { device } from '../../support/mdns-records.ts';

interface Word {
  readonly name: string;
  readonly at: string;
  /** Seconds. */
  readonly time: number;
  readonly type: 'hello' | 'goodbye';
  readonly ttl: number;
  readonly flush: boolean;
  readonly way: 'ephemeral' | 'shared';
}

/** What is left of the last word of a device; times in seconds. */
interface Left {
  readonly saidAt: number;
  readonly until: number;
  readonly isWhole: boolean;
}

/** By `name address`. */
type Model = ReadonlyMap<string, Left>;

const keyOf = ({ name, at }: Word): string => `${name} ${at}`;
const isThere = (left: Left | undefined, time: number): boolean => left !== undefined && left.until > time;

function afterWord(model: Model, word: Word): Model {
  const { time, type, ttl, flush, way, name } = word;
  const next = new Map([...model].filter(([, left]) => isThere(left, time)));
  const before = next.get(keyOf(word));
  if (type === 'goodbye') {
    if (before !== undefined)
      next.set(keyOf(word), { ...before, until: Math.min(before.until, time + 1), isWhole: false });
    return next;
  }
  // A minute's answer to an ephemeral port is cut to ten seconds, for everybody; nothing is believed for longer than 75 min.
  const seconds = Math.min(Math.max(ttl, way === 'ephemeral' ? 120 : 1), 4500);
  const promised = way === 'ephemeral' && before?.isWhole === true ? before.until : 0;
  next.set(keyOf(word), { saidAt: time, until: Math.max(time + seconds, promised), isWhole: true });
  if (!flush) return next;
  for (const [key, other] of next) {
    const isRival = key.startsWith(`${name} `) && key !== keyOf(word) && time - other.saidAt > 1;
    const isDoubted = !other.isWhole && other.until <= time + 4;
    if (isRival && !isDoubted)
      next.set(key, { ...other, until: Math.min(other.until, time + 4), isWhole: false });
  }
  return next;
}

const word: fc.Arbitrary<Omit<Word, 'time'> & { readonly pause: number }> = fc.record({
  name: fc.constantFrom('hall', 'attic'),
  at: fc.constantFrom('192.0.2.7', '192.0.2.8', '192.0.2.9'),
  pause: fc.constantFrom(0, 0.5, 1, 1.5, 3, 5, 60, 119, 121, 5000),
  type: fc.constantFrom('hello', 'hello', 'hello', 'goodbye'),
  ttl: fc.constantFrom(1, 10, 120, 4500, 2 ** 31),
  flush: fc.boolean(),
  way: fc.constantFrom('ephemeral', 'shared'),
});

const here = { own: new Set<string>(), onLink: () => true };

it('who is there follows from what was said last, by whom, and when', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 14 }), (words) => {
      let sightings = nothingSeen;
      let model: Model = new Map();
      let time = 0;
      for (const { pause, ...said } of words) {
        time += pause;
        const now = { ...said, time };
        // Who is not there has nothing to take back.
        if (said.type === 'goodbye' && !isThere(model.get(keyOf(now)), time)) continue;
        const { name, at, way, flush } = said;
        const records = device(name, at, { ttl: said.type === 'goodbye' ? 0 : said.ttl, flush });
        const source = { address: at, zone: 'eth0', way };
        const nowMs = time * 1000;
        sightings = learn(forget(sightings, nowMs), { records, source, nowMs, own: here.own });
        model = afterWord(model, now);
        for (const later of [0, 0.9, 1, 3.9, 4, 119, 120, 4499, 4500]) {
          const shown = devicesIn(forget(sightings, (time + later) * 1000), here);
          const expected = [...model].filter(([, left]) => isThere(left, time + later)).map(([key]) => key);
          expect(shown.map((each) => `${each.name} ${each.addresses.join(' ')}`)).toEqual(
            expected.toSorted(),
          );
        }
      }
    }),
    { numRuns: 500 },
  );
});
