import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptOf } from '../../../../src/deploy/history/bound.ts';
import {
  isOf,
  keyOf,
  lineOf,
  parseLine,
  parseRecords,
  wasGivenLast,
  type HistoryRecord,
} from '../../../../src/deploy/history/record.ts';
import { parseStatus } from '../../../../src/deploy/history/source.ts';
import { proven, recordOf } from '../../../support/history-records.ts';

const records = fc
  .array(fc.constantFrom<Partial<HistoryRecord>>({}, proven, { outcome: 'failed', code: 'NO_VERDICT' }))
  .map((all) => all.map((more) => recordOf(more)));

describe('lines of the history', () => {
  it('come back as the records that were written, also with foreign text in them', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, reason) => {
        const record = recordOf({ device: { name, host: name }, outcome: 'skipped', reason });
        const line = lineOf(record);
        expect(line).not.toContain('\n');
        expect(parseRecords([line])).toEqual([record]);
      }),
    );
  });

  it('that were cut anywhere cost their own record and no other', () => {
    const [before, cut, after] = [recordOf(), recordOf(), recordOf()];
    const text = lineOf(cut);
    for (let length = 0; length < text.length; length += 1) {
      const lines = [lineOf(before), text.slice(0, length), lineOf(after)];
      expect(parseRecords(lines)).toEqual([before, after]);
    }
  });

  it('of any text at all are read without an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `{${text}`),
        ),
        (line) => {
          expect(parseLine(line)).toBeUndefined();
        },
      ),
    );
  });

  it.each([
    { what: 'of a later otarc', change: { v: 2 } },
    { what: 'without a time', change: { at: 'yesterday' } },
    { what: 'with another digest', change: { image: { ...recordOf().image, md5: '../../etc' } } },
    { what: 'with a name for an address', change: { place: { address: 'evil.example.com', port: 1 } } },
    { what: 'with an unknown outcome', change: { outcome: 'exploded' } },
    { what: 'with no device', change: { device: { name: 'hall' } } },
  ])('$what are passed over', ({ change }) => {
    expect(parseLine(lineOf(recordOf()))).toBeDefined();
    expect(parseLine(JSON.stringify({ ...recordOf(), ...change }))).toBeUndefined();
  });

  it('of one push are one record: its end, in whatever order and however often they come', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1 }), (ends) => {
        const accepted = recordOf({ outcome: 'accepted' });
        const ended: HistoryRecord = { ...accepted, outcome: 'deployed', ...proven };
        const [record, ...others] = parseRecords(ends.map((isEnd) => lineOf(isEnd ? ended : accepted)));
        expect(others).toEqual([]);
        expect(record?.outcome).toBe(ends.includes(true) ? 'deployed' : 'accepted');
      }),
    );
  });

  it('come in the order of time, whoever wrote them', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(Array.from({ length: 9 }, () => recordOf())), (shuffled) => {
        const times = parseRecords(shuffled.map(lineOf)).map(({ at }) => at);
        expect(times).toEqual(times.toSorted());
      }),
    );
  });
});

describe('what is kept of the records of a device', () => {
  it('are the newest 200, and three proven ones however old', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 0, max: 300 }), (some, more) => {
        const all = [...some, ...Array.from({ length: more }, () => recordOf())];
        const { newest, proven: kept } = keptOf(all);
        expect([...newest]).toEqual(all.slice(-200).map(({ id }) => id));
        const provenIds = all.filter(({ proof }) => proof !== undefined).map(({ id }) => id);
        expect([...kept]).toEqual(provenIds.slice(-3));
      }),
      { numRuns: 30 },
    );
  });
});

describe('a record is of a device', () => {
  it.each([
    { host: 'Hall.local', isSame: true },
    { host: 'hall', port: 8266, isSame: true },
    { host: 'hall', port: 3232, isSame: false },
    { host: 'attic', isSame: false },
  ])('of $host, port $port: $isSame', ({ host, port, isSame }) => {
    const key = keyOf(port === undefined ? { host } : { host, port });
    expect(isOf(key, recordOf())).toBe(isSame);
  });
});

describe('the image that a device was given last', () => {
  const { image } = recordOf({ text: 'a' });
  const given = (...after: HistoryRecord[]) =>
    wasGivenLast([recordOf({ text: 'a' }), ...after], { image, sinceMs: 0, runsAnother: false });

  it('is that of its last push, unless something else was pushed or broke off after it', () => {
    expect(given()).toBe(true);
    expect(given(recordOf({ text: 'a', outcome: 'skipped' }))).toBe(true);
    expect(given(recordOf({ text: 'b', outcome: 'failed', stage: 'locate' }))).toBe(true);
    expect(given(recordOf({ image: { ...recordOf({ text: 'b' }).image, kind: 'filesystem' } }))).toBe(true);
    expect(given(recordOf({ text: 'b' }))).toBe(false);
    expect(given(recordOf({ text: 'b', outcome: 'failed', stage: 'push' }))).toBe(false);
    expect(given(recordOf({ text: 'a', outcome: 'failed', stage: 'verify' }))).toBe(false);
  });

  it('is not what the device runs where it says so, unless it never says a sum that is known', () => {
    const question = { image, sinceMs: 0, runsAnother: true };
    expect(wasGivenLast([recordOf({ text: 'a', ...proven })], question)).toBe(false);
    const encrypted = { proof: { type: 'returned', afterMs: 3000 } } as const;
    expect(wasGivenLast([recordOf({ text: 'a', ...encrypted })], question)).toBe(true);
  });

  it('does not count from before', () => {
    expect(
      wasGivenLast([recordOf({ text: 'a' })], { image, sinceMs: Date.now() + 1e12, runsAnother: false }),
    ).toBe(false);
  });
});

describe('what git says of the sources', () => {
  const oid = 'a'.repeat(40);
  it.each([
    [`# branch.oid ${oid}\n# branch.head main\n`, { commit: oid, isDirty: false }],
    [`# branch.oid ${oid}\n# branch.head main\n1 .M N... 100644 main.ino\n`, { commit: oid, isDirty: true }],
    [`# branch.oid ${oid}\n? new.cpp\n`, { commit: oid, isDirty: true }],
    ['# branch.oid (initial)\n# branch.head main\n? new.cpp\n', undefined],
    ['', undefined],
  ])('%j', (text, source) => {
    expect(parseStatus(text)).toEqual(source);
  });
});
