import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseRollback } from '../../../../src/deploy/history/choose.ts';
import { surplus, type KeptImage } from '../../../../src/deploy/history/images.ts';
import type { HistoryRecord } from '../../../../src/deploy/history/record.ts';
import { proven, recordOf } from '../../../support/history-records.ts';

const good = (text: string) => recordOf({ text, ...proven });
const unproven = (text: string) => recordOf({ text });
const broken = (text: string) =>
  recordOf({ text, outcome: 'failed', code: 'CONNECTION_LOST', stage: 'push', hasConnected: true });
const silent = (text: string) => recordOf({ text, outcome: 'failed', code: 'DEVICE_SILENT', stage: 'push' });
const withoutVerdict = (text: string) => ({ ...broken(text), code: 'NO_VERDICT' });
const crashing = (text: string) =>
  recordOf({
    text,
    outcome: 'failed',
    code: 'OLD_IMAGE_RUNS',
    stage: 'verify',
    proof: { type: 'crash-loop', everyMs: 6000, boots: 3 },
  });
const goneBack = (text: string, to: HistoryRecord) =>
  recordOf({
    text,
    outcome: 'failed',
    code: 'OLD_IMAGE_RUNS',
    stage: 'verify',
    proof: { type: 'old-image', method: 'announce', running: { md5: to.image.md5 }, afterMs: 1 },
  });

const choose = (records: readonly HistoryRecord[], more: { to?: string; isKept?: () => boolean } = {}) =>
  chooseRollback({ records, kind: 'firmware', isKept: () => true, ...more });
const md5Of = (text: string): string => recordOf({ text }).image.md5;

describe('a rollback goes back to', () => {
  const a = good('a');
  it.each<{ story: string; records: HistoryRecord[]; to: string | undefined }>([
    { story: 'the one before a crashing one', records: [a, crashing('b')], to: 'a' },
    { story: 'the one before a proven one', records: [a, good('b')], to: 'a' },
    {
      story: 'the last proven one, past those that were not',
      records: [a, unproven('b'), unproven('c')],
      to: 'a',
    },
    {
      story: 'nothing, where the proven one runs and a push broke off',
      records: [a, broken('b')],
      to: undefined,
    },
    {
      story: 'the one before the running one, where a push broke off',
      records: [good('z'), a, broken('b')],
      to: 'z',
    },
    {
      story: 'nothing, where the only proven one was pushed last',
      records: [crashing('b'), a],
      to: undefined,
    },
    {
      story: 'nothing of another kind',
      records: [{ ...a, image: { ...a.image, kind: 'filesystem' } }, crashing('b')],
      to: undefined,
    },
    {
      story: 'the proven one again, where a third broke after it',
      records: [a, crashing('b'), good('a'), crashing('c')],
      to: 'a',
    },
    {
      story: 'the same one again, where its push broke off',
      records: [good('z'), a, crashing('b'), broken('a')],
      to: 'a',
    },
    {
      story: 'the same one again, where the device did not answer',
      records: [good('z'), a, crashing('b'), silent('a'), silent('a')],
      to: 'a',
    },
    {
      story: 'the one before, where nothing of a third was sent',
      records: [good('z'), a, silent('b')],
      to: 'z',
    },
    {
      story: 'the same one again, where it is not known whether the device took it',
      records: [good('z'), a, crashing('b'), withoutVerdict('a')],
      to: 'a',
    },
    {
      story: 'the last proven one, where it is not known whether the device took another',
      records: [good('z'), a, withoutVerdict('b')],
      to: 'a',
    },
  ])('$story', ({ records, to }) => {
    const answer = choose(records);
    expect(answer.type === 'image' ? answer.record.image.md5 : undefined).toBe(to && md5Of(to));
  });

  it('nothing where the device has gone back by itself', () => {
    expect(choose([good('z'), a, goneBack('b', a)])).toMatchObject({ type: 'runs-already', record: a });
  });

  it('the image that still runs, where the new one waits for the next reset', () => {
    const back = goneBack('b', a);
    const { proof } = back;
    if (proof?.type !== 'old-image') throw new Error('It has gone back.');
    const staged = { ...back, proof: { ...proof, hasRestarted: false } as const };
    expect(choose([good('z'), a, staged])).toMatchObject({ type: 'image', record: a });
  });

  it('the same file system again, where a push has overwritten it in part', () => {
    const files = (record: HistoryRecord): HistoryRecord => ({
      ...record,
      image: { ...record.image, kind: 'filesystem' },
    });
    const choice = (...records: HistoryRecord[]) =>
      chooseRollback({ records: records.map(files), kind: 'filesystem', isKept: () => true });
    expect(choice(good('z'), a, broken('b'))).toMatchObject({ type: 'image', record: { id: a.id } });
    expect(choice(good('z'), a)).toMatchObject({ type: 'image', record: { image: { md5: md5Of('z') } } });
  });

  it('never one that is not proven, not kept, or was taken last, whatever the story', () => {
    const one = fc
      .constantFrom('a', 'b', 'c')
      .chain((text) => fc.constantFrom(good, unproven, broken, silent, crashing).map((make) => make(text)));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), fc.subarray(['a', 'b', 'c']), (records, kept) => {
        const answer = chooseRollback({
          records,
          kind: 'firmware',
          isKept: ({ image }) => kept.some((text) => md5Of(text) === image.md5),
        });
        if (answer.type !== 'image') return;
        expect(answer.record.proof?.type).toBe('verified');
        expect(kept.map(md5Of)).toContain(answer.record.image.md5);
        const taken = records.filter(({ stage }) => stage !== 'push');
        expect(answer.record.image.md5).not.toBe(taken.at(-1)?.image.md5);
      }),
    );
  });

  it('says why there is nothing', () => {
    const why = (...asked: Parameters<typeof choose>) => {
      const answer = choose(...asked);
      return answer.type === 'none' ? answer.why.type : answer.type;
    };
    expect(why([])).toBe('nothing-pushed');
    expect(why([broken('a'), silent('b')])).toBe('nothing-taken');
    expect(why([unproven('a'), unproven('b')])).toBe('none-proven');
    expect(why([a, crashing('b')], { isKept: () => false })).toBe('not-kept');
    expect(why([a], { to: 'ffff' })).toBe('no-such-image');
    expect(why([a], { to: '0' })).toBe('no-such-image');
    expect(why([a], { to: '../x' })).toBe('no-such-image');
  });

  it('what a person names: the digits of an MD5, or the number of a row', () => {
    const records = [a, good('b'), crashing('c')];
    const picked = (to: string) => {
      const answer = choose(records, { to });
      return answer.type === 'image' ? answer.record.image.md5 : answer;
    };
    expect(picked(md5Of('b').slice(0, 4).toUpperCase())).toBe(md5Of('b'));
    expect(picked('3')).toBe(md5Of('a'));
    expect(picked('1')).toBe(md5Of('c'));
    const twins = ['1234a', '1234b'].map((start) => ({
      ...a,
      image: { ...a.image, md5: start.padEnd(32, '0') },
    }));
    expect(choose(twins, { to: '1234' })).toMatchObject({ type: 'none', why: { type: 'several-images' } });
  });
});

describe('images to forget', () => {
  const image = (name: string, marks: Record<string, number>): KeptImage => ({
    name,
    bytes: 10,
    provenMs: new Map(Object.entries(marks)),
  });
  const images = fc
    .array(
      fc.dictionary(fc.constantFrom('d1', 'd2', 'd3'), fc.integer({ min: 1, max: 1000 }), { minKeys: 1 }),
      {
        maxLength: 12,
      },
    )
    .map((all) => all.map((marks, at) => image(`i${at}`, marks)));

  it('are never the newest one of a device, and no more than the limits ask for', () => {
    fc.assert(
      fc.property(images, fc.integer({ min: 1, max: 10 }), (kept, count) => {
        const gone = surplus(kept, { count, bytes: Infinity });
        for (const device of ['d1', 'd2', 'd3']) {
          const own = kept.filter(({ provenMs }) => provenMs.has(device));
          const newest = Math.max(...own.map(({ provenMs }) => provenMs.get(device) ?? 0));
          const left = own.filter(({ name }) => !gone.includes(name));
          if (own.length > 0) expect(left.map(({ provenMs }) => provenMs.get(device))).toContain(newest);
        }
        expect(kept.length - gone.length).toBeGreaterThanOrEqual(Math.min(count, kept.length));
      }),
    );
  });

  it('are the oldest that no device would go back to, then the oldest', () => {
    const kept = [
      image('back', { d1: 2 }),
      image('spare', { d1: 1 }),
      image('now', { d1: 3 }),
      image('other', { d2: 1 }),
    ];
    expect(surplus(kept, { count: 3, bytes: 1000 })).toEqual(['spare']);
    expect(surplus(kept, { count: 9, bytes: 25 })).toEqual(['spare', 'back']);
  });
});
