import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableLines } from '../../../src/model/printable.ts';

/** What moves a cursor, colours, hides, or turns the direction of writing. */
const unfit = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u;
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('a', '\u001b', '\n', '\t', '\u009b', '\u202e', '\u2066', '\ud800', '\u{e0041}'),
  }),
);

describe('text of others', () => {
  it.each([
    ['hall', 'hall'],
    ['Küche 客厅 🏠 नमस्ते', 'Küche 客厅 🏠 नमस्ते'],
    ['C:\\Users\\me', 'C:\\Users\\me'],
    ['\u001b]0;owned\u0007', String.raw`\u001b]0;owned\u0007`],
    ['\u009b31m', String.raw`\u009b31m`],
    ['abc\u202egnp.exe', String.raw`abc\u202egnp.exe`],
    ['\u2067a\u2069\u200f', String.raw`\u2067a\u2069\u200f`],
    ['two\nlines\tand a tab', String.raw`two\u000alines\u0009and a tab`],
    ['half \ud83d of one', String.raw`half \ud83d of one`],
    ['a tag \u{e0041}', String.raw`a tag \udb40\udc41`],
  ])('%j is shown as %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('is never unfit for a terminal, and stays as it is when it is made safe once more', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(printable(text)).not.toMatch(unfit);
        expect(printable(printable(text))).toBe(printable(text));
        expect(printableLines(text).replaceAll(/[\n\t]/g, '')).not.toMatch(unfit);
        expect(printableLines(text).split('\n')).toHaveLength(text.split('\n').length);
      }),
    );
  });

  it('is the same value in a JSON text that is made safe', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const value = { [text]: [text] };
        expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value);
        expect(JSON.parse(printableLines(JSON.stringify(value, null, 2)))).toEqual(value);
      }),
    );
  });

  it('is cut between characters, and passes through `map`', () => {
    expect(printable('🏠🏠🏠', { longest: 2 })).toBe('🏠🏠');
    expect(printable('hall', { longest: 9 })).toBe('hall');
    expect(['one', 'two'].map(printable as (text: string) => string)).toEqual(['one', 'two']);
  });
});
