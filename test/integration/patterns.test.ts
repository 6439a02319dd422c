import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { patternsIn, piecesOf, trial, type Pattern } from '../support/patterns.ts';

const src = join(import.meta.dirname, '..', '..', 'src');
const length = 100_000;
/** Of one text: a pattern that is linear takes a millisecond, one that is not takes minutes. */
const hangMs = 4_000;

/** The patterns among these that did not come to an end with some text. */
async function endless(patterns: readonly Pattern[]): Promise<string[]> {
  const found: string[] = [];
  for (let first = 0; first < patterns.length;) {
    const left = patterns.slice(first);
    const stuck = await stuckAt(left);
    if (stuck === undefined) return found;
    const pattern = left[stuck];
    found.push(`${pattern?.place} /${pattern?.source}/${pattern?.flags}`);
    first += stuck + 1;
  }
  return found;
}

/** The number of the first that hangs. */
function stuckAt(patterns: readonly Pattern[]): Promise<number | undefined> {
  const at = new Int32Array(new SharedArrayBuffer(8));
  const workerData = {
    patterns: patterns.map((each) => ({ ...each, pieces: piecesOf(each) })),
    length,
    at,
  };
  return new Promise((resolve, reject) => {
    const worker = new Worker(trial, { eval: true, workerData });
    let [text, since] = [0, performance.now()];
    const clock = setInterval(() => {
      const now = Atomics.load(at, 1);
      if (now !== text) [text, since] = [now, performance.now()];
      else if (performance.now() - since > hangMs) end(Atomics.load(at, 0));
    }, 100);
    const end = (stuck: number | undefined): void => {
      clearInterval(clock);
      void worker.terminate().then(() => resolve(stuck));
    };
    worker.on('message', () => end(undefined));
    worker.on('error', reject);
  });
}

describe('every regular expression of the sources', () => {
  const patterns = patternsIn(src);

  it('is found', () => {
    expect(patterns.length).toBeGreaterThan(200);
  });

  it('comes to an end in linear time, whatever text it meets', { timeout: 1_800_000 }, async () => {
    expect(await endless(patterns)).toEqual([]);
  });
});

describe('the trial', () => {
  it.each([
    ['exponential, over words', String.raw`p\w*s\w*w\w*s\w*:`, ''],
    ['quadratic, from each start', 'a.*b', ''],
    ['quadratic, when all is replaced', '#[^!]*!', 'g'],
  ])('finds a pattern that is %s', { timeout: 120_000 }, async (_, source, flags) => {
    expect(await endless([{ place: 'here', source, flags }])).toHaveLength(1);
  });
});
