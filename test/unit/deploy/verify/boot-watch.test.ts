import { describe, expect, it } from 'vitest';
import {
  type BootWatch,
  type BootWatchSettings,
  bootWatchWakeAtMs,
  onBootWatchInput,
  startBootWatch,
  steadyMs,
} from '../../../../src/deploy/verify/boot-watch.ts';
import type { Said } from '../../../../src/network/said.ts';

const sums = {
  image: '1'.repeat(32),
  before: '2'.repeat(32),
  history: '3'.repeat(32),
  other: '4'.repeat(32),
};
const runs = ['00000000', '00000001', '00000002', '00000003', '00000004'] as const;

const usual: BootWatchSettings = {
  before: { md5: sums.before, run: runs[0] },
  wasAnnounced: true,
  wasDescribed: true,
  isFilesystem: false,
  isNear: true,
  fits: (md5) => md5 === sums.image,
  isKnown: (md5) => md5 === sums.history,
  timeoutMs: 60_000,
};

const says = (said: Omit<Said, 'isDescribed'> = {}): Said => ({ isDescribed: true, ...said });

interface Scene extends Partial<BootWatchSettings> {
  /** What is heard, and when; `answersUntilMs` etc.: every question in between is answered with the last thing heard. */
  readonly heard?: readonly (readonly [atMs: number, said: Said])[];
  /** Times in which the device answers each question, with what it says there. */
  readonly answers?: readonly { readonly fromMs: number; readonly toMs: number; readonly said: Said }[];
}

/** Lets the time pass until there is a verdict; when it came, and when the device was asked. */
function play({ heard = [], answers = [], ...settings }: Scene) {
  let watch: BootWatch = startBootWatch({ ...usual, ...settings });
  let nowMs = 0;
  const asked: number[] = [];
  const left = heard.map(([atMs, said]) => ({ atMs, said }));
  for (let steps = 0; watch.verdict === undefined; steps += 1) {
    if (steps > 10_000) throw new Error('It comes to no verdict.');
    const next = left[0];
    const wakeAtMs = Math.max(nowMs, bootWatchWakeAtMs(watch));
    const isHeard = next !== undefined && next.atMs <= wakeAtMs;
    nowMs = isHeard ? next.atMs : wakeAtMs;
    if (isHeard) left.shift();
    const step = onBootWatchInput(
      watch,
      isHeard ? { type: 'heard', said: next.said } : { type: 'time' },
      nowMs,
    );
    watch = step.watch;
    if (!step.ask) continue;
    asked.push(nowMs);
    const answer = answers.find(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs);
    if (answer !== undefined) {
      left.push({ atMs: nowMs + 5, said: answer.said });
      left.sort((a, b) => a.atMs - b.atMs);
    }
  }
  return { verdict: watch.verdict, atMs: nowMs, asked };
}

const old = says({ md5: sums.before, run: runs[0] });

describe('a device that says what it runs', () => {
  it('is verified the moment it is heard with a new boot mark and the sum of the image', () => {
    const { verdict, atMs } = play({
      heard: [[3200, says({ md5: sums.image, run: runs[1], boot: 'Software' })]],
    });
    expect(verdict).toEqual({ type: 'verified', method: 'announce', proof: 'says so itself', afterMs: 3200 });
    expect(atMs).toBe(3200);
  });

  it('proves nothing with the boot mark from before, as an ESP32 does for 110 ms', () => {
    const same = says({ md5: sums.image, run: runs[0] });
    const { verdict, atMs } = play({
      before: { md5: sums.image, run: runs[0] },
      heard: [
        [50, same],
        [2000, says({ md5: sums.image, run: runs[1] })],
      ],
    });
    expect([verdict.type, atMs]).toEqual(['verified', 2000]);
  });

  it('is verified after a forced push of the image that it ran before', () => {
    const { verdict } = play({
      before: { md5: sums.image, run: runs[0] },
      heard: [[2000, says({ md5: sums.image, run: runs[1] })]],
    });
    expect(verdict.type).toBe('verified');
  });

  it.each(['before', 'history'] as const)('runs an old image where its sum is one of %s', (which) => {
    const said = says({ md5: sums[which], run: runs[1], boot: 'Exception', version: '1.0' });
    const { verdict, atMs } = play({ heard: [[4000, said]] });
    expect(verdict).toEqual({
      type: 'old-image',
      method: 'announce',
      running: { md5: sums[which], version: '1.0' },
      boot: 'Exception',
      afterMs: 4000,
    });
    expect(atMs).toBe(4000);
  });

  it('is back, and no more, where nobody knows its sum: flash encryption', () => {
    const { verdict } = play({ heard: [[4000, says({ md5: sums.other, run: runs[1] })]] });
    expect(verdict).toEqual({
      type: 'returned',
      afterMs: 4000,
      reason: 'reports a sum that otarc does not know',
    });
  });

  it('is heard without being asked after 50 s', () => {
    const { verdict } = play({ heard: [[50_000, says({ md5: sums.image, run: runs[1] })]] });
    expect(verdict).toMatchObject({ type: 'verified', afterMs: 50_000 });
  });

  it('is asked until then, and heard by its answer, where it cannot announce itself: multicast is filtered', () => {
    const said = says({ md5: sums.image, run: runs[1] });
    const { verdict, atMs } = play({ answers: [{ fromMs: 50_000, toMs: Infinity, said }] });
    expect(verdict.type).toBe('verified');
    expect(atMs).toBeLessThan(56_000);
  });

  it.each([
    ['of a firmware', false, 'verified'],
    ['of a file system', true, 'returned'],
  ] as const)(
    'has not said its last word where it is heard between ArduinoOTA.begin() and otarc::announce() %s',
    (_, isFilesystem, type) => {
      const { verdict, atMs } = play({
        isFilesystem,
        heard: [
          [3000, says()],
          [4500, says({ md5: sums.image, run: runs[1], boot: 'software' })],
        ],
        answers: [{ fromMs: 3000, toMs: 4500, said: says() }],
      });
      expect(verdict).toMatchObject({ type, afterMs: 3000 });
      expect(atMs).toBe(4500);
    },
  );

  it('runs the old image where it never restarts', () => {
    const { verdict } = play({ answers: [{ fromMs: 0, toMs: 60_000, said: old }] });
    expect(verdict).toMatchObject({ type: 'old-image', hasRestarted: false, running: { md5: sums.before } });
  });

  it('is not said to run the old image where it may have restarted unseen', () => {
    const said = says({ md5: sums.image, run: runs[1] });
    const answers = [{ fromMs: 0, toMs: Infinity, said }];
    const { verdict } = play({ before: {}, wasDescribed: false, heard: [[100, said]], answers });
    expect(verdict.type).toBe('unproven');
  });

  it('is gone where it never returns', () => {
    const { verdict, atMs } = play({ heard: [[50, old]] });
    expect(verdict).toEqual({ type: 'gone', waitedMs: 60_000 });
    expect(atMs).toBe(60_000);
  });

  it('has its first words after the push taken for those of the old boot where that is not known', () => {
    const before = {};
    const wasDescribed = false;
    const early = says({ md5: sums.image, run: runs[1] });
    const { verdict } = play({
      before,
      wasDescribed,
      heard: [
        [60, early],
        [4000, says({ md5: sums.image, run: runs[2] })],
      ],
    });
    expect(verdict).toMatchObject({ type: 'verified', afterMs: 4000 });
    expect(play({ before, heard: [[60, early]] }).verdict).toMatchObject({ type: 'verified', afterMs: 60 });
    expect(play({ before, wasDescribed, heard: [[400, early]] }).verdict).toMatchObject({
      type: 'verified',
      afterMs: 400,
    });
  });

  it('may say its sum in a later packet of the same boot', () => {
    const { verdict, atMs } = play({
      heard: [
        [2000, says()],
        [2100, says({ run: runs[1] })],
        [2900, says({ run: runs[1], md5: sums.image })],
      ],
    });
    expect(verdict).toMatchObject({ type: 'verified', afterMs: 2000 });
    expect(atMs).toBe(2900);
  });
});

it('says the mark of its old boot in the second of two packets: it has not restarted', () => {
  const { verdict, atMs } = play({
    heard: [
      [350, says()],
      [360, old],
      [4000, says({ md5: sums.image, run: runs[1], boot: 'watchdog' })],
    ],
    answers: [{ fromMs: 4000, toMs: Infinity, said: says({ md5: sums.image, run: runs[1] }) }],
  });
  expect(verdict).toMatchObject({ type: 'verified', afterMs: 4000 });
  expect(atMs).toBe(4000 + steadyMs);
});

describe('a sketch that crashes', () => {
  const crashed = (run: string, md5: string | undefined = sums.image): Said =>
    says({ ...(md5 === undefined ? {} : { md5 }), run, boot: 'Hardware Watchdog' });

  it('is a crash loop where it comes, goes, and comes again after a crash, though its sum fits', () => {
    const { verdict, atMs } = play({
      heard: [
        [6000, crashed(runs[1])],
        [10_000, crashed(runs[2])],
      ],
    });
    expect(verdict).toEqual({ type: 'crash-loop', everyMs: 4000, boots: 2, boot: 'Hardware Watchdog' });
    expect(atMs).toBe(10_000);
  });

  it('is verified where it stays after a crash at its start', () => {
    const said = crashed(runs[1]);
    const { verdict, atMs } = play({
      heard: [[6000, said]],
      answers: [{ fromMs: 6000, toMs: Infinity, said }],
    });
    expect(verdict).toMatchObject({
      type: 'verified',
      proof: 'says so itself, after a crash at its start (Hardware Watchdog)',
    });
    expect(atMs).toBe(6000 + steadyMs);
  });

  it('is a crash loop at its third boot where it does not say why it starts', () => {
    const { verdict } = play({
      heard: [
        [3000, says({ run: runs[1] })],
        [6000, says({ run: runs[2] })],
        [9000, says({ run: runs[3] })],
      ],
    });
    expect(verdict).toEqual({ type: 'crash-loop', everyMs: 3000, boots: 3 });
  });

  it('is no crash loop where it says no boot mark: it is gone, where it goes and comes and is away at the end', () => {
    const said = says();
    const answers = [3000, 8000, 13_000].map((fromMs) => ({ fromMs, toMs: fromMs + 1500, said }));
    const { verdict } = play({ before: {}, answers });
    expect(verdict).toMatchObject({ type: 'gone', cameAtMs: expect.any(Number) });
  });

  it('is gone where it came, went again, and stays away', () => {
    const said = crashed(runs[1]);
    const { verdict } = play({
      heard: [[6000, said]],
      answers: [{ fromMs: 6000, toMs: 8000, said }],
    });
    expect(verdict).toEqual({ type: 'gone', waitedMs: 60_000, cameAtMs: 6000 });
  });

  it('is neither verified nor gone where it was heard once, and never answers', () => {
    const { verdict } = play({ heard: [[6000, crashed(runs[1])]] });
    expect(verdict).toEqual({
      type: 'returned',
      afterMs: 6000,
      reason: 'says that it runs this image, after a crash at its start, and was not heard again',
    });
  });

  it('is verified where two answers got lost, and it goes on in the same boot', () => {
    const said = crashed(runs[1]);
    const { verdict } = play({
      heard: [[6000, said]],
      answers: [
        { fromMs: 6000, toMs: 8000, said },
        { fromMs: 9600, toMs: Infinity, said },
      ],
    });
    expect(verdict).toMatchObject({ type: 'verified', afterMs: 6000 });
  });
});

describe.each([
  ['beyond the subnet', false],
  ['in the subnet', true],
])('a device that answers no question by unicast, %s', (_, isNear) => {
  const announced = (said: Said, times: readonly number[]) => times.map((atMs) => [atMs, said] as const);

  it('is back with a sketch that says nothing of itself', () => {
    const { verdict, atMs } = play({ isNear, heard: announced(says(), [3000, 4000, 5000]) });
    expect(verdict).toEqual({ type: 'returned', afterMs: 3000 });
    expect(atMs).toBe(3000 + steadyMs);
  });

  it('may have crashed, and run the right sketch all the same', () => {
    const said = says({ md5: sums.image, run: runs[1], boot: 'watchdog' });
    const short = play({ isNear, heard: announced(said, [3000, 4000, 5000]) });
    expect(short.verdict).toMatchObject({ type: 'returned', afterMs: 3000 });
    const long = play({ isNear, heard: announced(said, [3000, 4000, 5000, 20_000]) });
    expect(long).toMatchObject({ verdict: { type: 'verified', afterMs: 3000 }, atMs: 20_000 });
  });

  it('makes no crash loop where it says no boot mark, however often it is heard', () => {
    const times = Array.from({ length: 25 }, (_each, index) => 3000 + 2000 * index);
    const { verdict } = play({ isNear, heard: announced(says(), times) });
    expect(verdict.type).toBe('returned');
    const plain = play({ isNear, before: {}, heard: announced(says(), times) });
    expect(plain.verdict).toMatchObject(
      isNear ? { type: 'returned' } : { type: 'unproven', hint: expect.stringContaining('verify.http') },
    );
  });

  it('makes a crash loop where it says one', () => {
    const heard = [1, 2, 3].map((each) => [each * 4000, says({ run: runs[each] ?? '' })] as const);
    expect(play({ isNear, heard }).verdict).toEqual({ type: 'crash-loop', everyMs: 4000, boots: 3 });
  });

  it('is gone where it is not heard any more', () => {
    expect(play({ isNear, heard: [[400, old]] }).verdict).toEqual({ type: 'gone', waitedMs: 60_000 });
  });

  it('has not restarted where it goes on with the boot mark from before', () => {
    const heard = announced(old, [10_000, 40_000, 59_900]);
    expect(play({ isNear, heard }).verdict).toMatchObject({ type: 'old-image', hasRestarted: false });
  });
});

describe('a device that says nothing of its sketch', () => {
  const said = says();

  it('is back after a silence, once it has stayed', () => {
    const { verdict, atMs } = play({
      before: {},
      answers: [
        { fromMs: 0, toMs: 600, said },
        { fromMs: 4000, toMs: Infinity, said },
      ],
    });
    expect(verdict.type).toBe('returned');
    if (verdict.type === 'returned') expect(verdict.afterMs).toBeLessThan(4600);
    expect(atMs).toBeGreaterThan(4000 + steadyMs);
  });

  // Whatever the pace is at which it is asked by then.
  it.each([
    [2000, 2500],
    [9000, 10_000],
    [30_000, 34_000],
  ])('is not taken for one that was away where one answer got lost (%i to %i ms)', (fromMs, toMs) => {
    const { verdict } = play({
      before: {},
      answers: [
        { fromMs: 0, toMs: fromMs, said },
        { fromMs: toMs, toMs: Infinity, said },
      ],
    });
    expect(verdict).toMatchObject({ type: 'unproven', reason: expect.stringContaining('restart') });
  });

  it('is back with another sketch where the one before said its boot mark', () => {
    const { verdict } = play({ heard: [[3000, said]], answers: [{ fromMs: 3000, toMs: Infinity, said }] });
    expect(verdict).toEqual({ type: 'returned', afterMs: 3000 });
  });

  it('is unproven where it is never heard, and was not before', () => {
    const { verdict } = play({ before: {}, wasAnnounced: false });
    expect(verdict).toMatchObject({ type: 'unproven', reason: 'nothing was heard of it over mDNS' });
  });
});

describe('a file system', () => {
  it('is taken where the device restarts, whatever sum it says', () => {
    const { verdict, atMs } = play({
      isFilesystem: true,
      heard: [[2500, says({ md5: sums.before, run: runs[1] })]],
    });
    expect(verdict).toEqual({ type: 'returned', afterMs: 2500 });
    expect(atMs).toBe(2500);
  });

  it('may leave a sketch that crashes over it', () => {
    const boot = (run: string): Said => says({ run, boot: 'Panic' });
    const heard = [[3000, boot(runs[1])] as const, [6000, boot(runs[2])] as const];
    expect(play({ isFilesystem: true, heard }).verdict.type).toBe('crash-loop');
  });
});

it('asks at growing intervals, and often again once the device is back', () => {
  const { asked } = play({
    heard: [[45_000, says()]],
    answers: [{ fromMs: 45_000, toMs: Infinity, said: says() }],
  });
  const pauses = asked.map((atMs, index) => atMs - (asked[index - 1] ?? 0));
  const away = pauses.slice(
    0,
    asked.findIndex((atMs) => atMs > 45_000),
  );
  expect(away.slice(1)).toEqual(away.slice(1).toSorted((a, b) => a - b));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(5000);
  expect(asked.filter((atMs) => atMs > 45_000).length).toBeGreaterThan(5);
  expect(asked.length).toBeLessThan(80);
});

it('comes to a verdict within its limit, whatever is heard', () => {
  const { atMs } = play({ timeoutMs: 5000, heard: [[4900, says()]] });
  expect(atMs).toBe(5000);
});
