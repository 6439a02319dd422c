import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toWords } from '../../../src/watch/words.ts';

describe('a command line without a shell', () => {
  it.each([
    ['pio device monitor', ['pio', 'device', 'monitor']],
    ['  nc   192.0.2.7\t23 ', ['nc', '192.0.2.7', '23']],
    [`sh -c 'echo "a  b" $HOME | cat'`, ['sh', '-c', 'echo "a  b" $HOME | cat']],
    ['"C:\\Program Files\\x.exe" C:\\tmp\\a', ['C:\\Program Files\\x.exe', 'C:\\tmp\\a']],
    ['a\\ b "c\\"d" \'e\\f\'', ['a b', 'c"d', 'e\\f']],
    [`--name='' a"b"'c'`, ['--name=', 'abc']],
    ['* $(rm) ~ > x', ['*', '$(rm)', '~', '>', 'x']],
  ])('%s', (line, words) => {
    expect(toWords(line)).toEqual(words);
  });

  it.each(['', '   ', 'sh -c "open', "it's"])('%j is none', (line) => {
    expect(() => toWords(line)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('gives back any words that were quoted', () => {
    const word = fc.string().map((text) => text.replaceAll("'", ''));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(toWords(words.map((each) => `'${each}'`).join(' '))).toEqual(words);
      }),
    );
  });
});
