import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyTable } from '../../../../src/cli/commands/history-text.ts';
import { judging, keptOf } from '../../../../src/deploy/history/bound.ts';
import { chooseRollback } from '../../../../src/deploy/history/choose.ts';
import {
  isOf,
  keyOf,
  lineOf,
  wasGivenLast,
  type HistoryRecord,
} from '../../../../src/deploy/history/record.ts';
import { parseLine, parseRecords } from '../../../../src/deploy/history/lines.ts';
import { filtersOff } from '../../../../src/deploy/history/source.ts';
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
    { what: 'with an unknown outcome', change: { outcome: 'exploded' } },
    { what: 'with no device', change: { device: { name: 'hall' } } },
  ])('$what are passed over', ({ change }) => {
    expect(parseLine(lineOf(recordOf()))).toBeDefined();
    expect(parseLine(JSON.stringify({ ...recordOf(), ...change }))).toBeUndefined();
  });

  it('with a name for an address are read without the place, for a name would be looked up', () => {
    const place = { address: 'evil.example.com', port: 1 };
    const record = parseLine(JSON.stringify({ ...recordOf(), place }));
    expect(record).toBeDefined();
    expect(record?.place).toBeUndefined();
  });

  it('with any value in any field, at any depth, are read, shown and chosen from without an error', () => {
    const fields = ['device', 'image', 'place', 'proof', 'source', 'build', 'durations', 'sums', 'version'];
    const others = [
      'endedAt',
      'code',
      'stage',
      'reason',
      'authScheme',
      'offersProof',
      'hasConnected',
      'user',
    ];
    const parts = [
      'type',
      'commit',
      'isDirty',
      'tool',
      'running',
      'md5',
      'everyMs',
      'afterMs',
      'port',
      'name',
    ];
    const types = ['verified', 'old-image', 'returned', 'gone', 'unproven', 'crash-loop', 'not-checked'];
    const odd = fc.oneof(
      fc.constant(null),
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...parts), fc.oneof(fc.jsonValue(), fc.constantFrom(...types))),
    );
    const change = fc.dictionary(fc.constantFrom(...fields, ...others, 'at', 'id', 'outcome'), odd);
    const outcome = fc.constantFrom<Partial<HistoryRecord>>({}, proven, {
      outcome: 'failed',
      stage: 'verify',
    });
    fc.assert(
      fc.property(change, outcome, (fault, as) => {
        const text = JSON.stringify({ ...recordOf({ text: 'a', ...as }), ...fault });
        const read = parseRecords([lineOf(recordOf({ text: 'b', ...proven })), text]);
        expect(historyTable(read.toReversed(), 80).length).toBeGreaterThan(read.length);
        expect(keptOf(read).newest.size).toBe(new Set(read.map(({ id }) => id)).size);
        const answer = chooseRollback({ records: read, kind: 'firmware', isKept: () => true });
        expect(['image', 'runs-already', 'none']).toContain(answer.type);
        for (const record of read) expect([true, false]).toContain(isOf(keyOf({ host: 'hall' }), record));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    { source: null },
    { proof: { type: 'old-image' } },
    { proof: { type: 'crash-loop' } },
    { sums: 1 },
  ])('with an odd optional field are the record without it: %j', (change) => {
    const record = recordOf();
    expect(parseLine(JSON.stringify({ ...record, ...change }))).toEqual(record);
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

describe('a file of records', () => {
  it('is deleted only where all its records were seen, and are too old', () => {
    const all = Array.from({ length: 300 }, () => recordOf());
    const judge = judging(all);
    expect(judge(all.slice(0, 50).map(lineOf)).isNeeded).toBe(false);
    expect(judge(all.slice(50, 150).map(lineOf)).isNeeded).toBe(true);
    // Renamed by another otarc while the others were read.
    expect(judge([recordOf()].map(lineOf)).isNeeded).toBe(true);
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
    const brokenOff = { text: 'b', outcome: 'failed', stage: 'push' } as const;
    expect(given(recordOf({ ...brokenOff, hasConnected: true }))).toBe(false);
    // Nothing was sent: no answer, a wrong password, another otarc.
    expect(given(recordOf(brokenOff))).toBe(true);
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

describe('the filters of a repository that are turned off', () => {
  it.each([
    ['', []],
    [
      'filter.evil.clean\0filter.evil.smudge\0',
      ['filter.evil.clean=', 'filter.evil.process=', 'filter.evil.required=false'],
    ],
    [
      'filter.a.b c.process\0filter.clean\0',
      ['filter.a.b c.clean=', 'filter.a.b c.process=', 'filter.a.b c.required=false'],
    ],
    // `-c` would end the name at the first sign of equality.
    ['filter.a=b.clean\0', undefined],
    ['filter.a.clean\0'.repeat(10_000), undefined],
  ])('%j', (names, off) => {
    expect(filtersOff(names)).toEqual(off);
  });
});
