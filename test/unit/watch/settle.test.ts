import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueAtMs, settleLimitMs } from '../../../src/watch/settle.ts';

const batch = fc.record({
  firstAtMs: fc.nat(1e6),
  took: fc.nat(10_000),
  files: fc.integer({ min: 1, max: 5_000 }),
  falseStarts: fc.nat(20),
});

describe('the calm before a build', () => {
  it('is over 40 ms after one saved file', () => {
    expect(dueAtMs({ firstAtMs: 100, lastAtMs: 100, files: 1, falseStarts: 0 })).toBeLessThanOrEqual(135);
  });

  it('comes after the last change, and within the limit after the first', () => {
    fc.assert(
      fc.property(batch, ({ firstAtMs, took, files, falseStarts }) => {
        const due = dueAtMs({ firstAtMs, lastAtMs: firstAtMs + took, files, falseStarts });
        expect(due).toBeLessThanOrEqual(firstAtMs + settleLimitMs);
        if (due < firstAtMs + settleLimitMs) expect(due).toBeGreaterThan(firstAtMs + took);
      }),
    );
  });

  it('is longer for more files, and after builds that were begun too early', () => {
    const calm = (files: number, falseStarts = 0): number =>
      dueAtMs({ firstAtMs: 0, lastAtMs: 0, files, falseStarts });
    expect(calm(5)).toBeGreaterThan(calm(1));
    expect(calm(1_000)).toBeGreaterThan(calm(5));
    expect(calm(1, 1)).toBeGreaterThan(calm(1));
    expect(calm(1, 2)).toBeGreaterThan(calm(1, 1));
  });
});
