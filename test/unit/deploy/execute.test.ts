import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { execute, jobEnded, startQueue, type Queue } from '../../../src/deploy/execute.ts';

const wavesOf = (sizes: readonly number[]): string[][] =>
  sizes.map((size, wave) => Array.from({ length: size }, (_, job) => `${wave}.${job}`));

describe('the queue of jobs', () => {
  it('starts every job once, in order, never more than the policy allows, and no wave before the one before it ended', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(6), { maxLength: 5 }),
        fc.integer({ min: 1, max: 8 }),
        fc.infiniteStream(fc.nat()),
        (sizes, parallel, choices) => {
          const waves = wavesOf(sizes);
          let queue: Queue<string>;
          let starting: readonly string[];
          [queue, starting] = startQueue(waves, { parallel });
          const started: string[] = [...starting];
          const running = new Set(starting);
          while (running.size > 0) {
            expect(running.size).toBeLessThanOrEqual(parallel);
            expect(queue.running).toBe(running.size);
            expect(new Set([...running].map((job) => job.split('.')[0])).size).toBe(1);
            const ended = [...running][(choices.next().value ?? 0) % running.size] ?? '';
            running.delete(ended);
            [queue, starting] = jobEnded(queue, { parallel });
            // A place never stays empty while a job of the wave waits.
            if (running.size + starting.length < parallel) expect(queue.waves[0]).toEqual([]);
            for (const job of starting) running.add(job);
            started.push(...starting);
          }
          expect(started).toEqual(waves.flat());
        },
      ),
    );
  });
});

describe('the executor', () => {
  it('runs the jobs of the waves, and resolves when all have ended', async () => {
    const ended: string[] = [];
    await execute(wavesOf([3, 0, 2]), { parallel: 2 }, async (job) => {
      await Promise.resolve();
      ended.push(job);
    });
    expect(ended.toSorted()).toEqual(['0.0', '0.1', '0.2', '2.0', '2.1']);
  });

  it('resolves for no jobs at all', async () => {
    await expect(
      execute([], { parallel: 1 }, () => Promise.reject(new Error('no'))),
    ).resolves.toBeUndefined();
  });

  it('starts nothing more after a job that rejects, and lets those that run end first', async () => {
    const started: string[] = [];
    const ended: string[] = [];
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const running = execute(wavesOf([4]), { parallel: 2 }, async (job) => {
      started.push(job);
      if (job === '0.0') throw new Error('a mistake in otarc');
      await held;
      ended.push(job);
    });
    release();
    await expect(running).rejects.toThrow('a mistake in otarc');
    expect(started).toEqual(['0.0', '0.1']);
    expect(ended).toEqual(['0.1']);
  });
});
