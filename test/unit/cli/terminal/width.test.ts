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

  it('leaves out what has no room, and neither cuts a colour in two nor leaves one on', () => {
    expect(cut('\u001B[31mlivingroom\u001B[39m and more', 6)).toBe('\u001B[31mlivin…\u001B[39m');
    expect(cut('livingroom', 6, '')).toBe('living');
    expect(cut('客厅客厅', 4)).toBe('客…');
    expect(cut('livingroom', 0)).toBe('');
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
