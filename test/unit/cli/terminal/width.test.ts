import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, pad, widthOf } from '../../../../src/cli/terminal/width.ts';

describe('the width of a text', () => {
  it.each([
    ['hall', 4],
    ['Küche', 5],
    ['Ku\u0308che', 5],
    ['客厅', 4],
    ['🏠', 2],
    ['', 0],
  ])('of %s is %i', (text, cells) => {
    expect(widthOf(text)).toBe(cells);
  });

  it('is kept by cutting and padding', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 40 }), (text, cells) => {
        expect(widthOf(cut(text, cells))).toBeLessThanOrEqual(cells);
        if (widthOf(text) <= cells) expect(widthOf(pad(cut(text, cells), cells))).toBe(cells);
      }),
    );
  });
});
