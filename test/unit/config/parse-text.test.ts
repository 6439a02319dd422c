import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/model/errors.ts';
import { parseText } from '../../../src/config/parse-text.ts';

function failure(file: string, text: string): string {
  try {
    parseText(file, text);
  } catch (error) {
    if (error instanceof OtaError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'it was accepted';
}

describe('parseText', () => {
  it('knows where keys stand', () => {
    const text =
      'device: a\ndevices:\n  a:\n    host: x\n    # comment\n    port: 1\ngroups: {g: [a,\n  b]}\n';
    const { value, lineOf } = parseText('/p/.otarc', text);
    expect(value).toEqual({ device: 'a', devices: { a: { host: 'x', port: 1 } }, groups: { g: ['a', 'b'] } });
    expect(lineOf(['devices', 'a', 'port'])).toBe(6);
    expect(lineOf(['devices', 'a', 'missing'])).toBe(3);
    expect(lineOf(['groups', 'g', 1])).toBe(8);
    expect(lineOf(['none'])).toBeUndefined();
    expect(lineOf([])).toBeUndefined();
  });

  it.each(['/p/.otarc', '/p/.otarc.json'])('reads any JSON in %s as JSON.parse does', (file) => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        if (/"(?:__proto__|<<)"/.test(text)) return;
        expect(parseText(file, text).value).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  it('reads JSON with comments, bare keys and a comma too many', () => {
    const text =
      '// for http://x/\n{\n  /* a\n b */ "a": "http://x/", // c "\n  b: \'/* no */\', # don\'t\n}\n';
    const { value, lineOf } = parseText('/p/.otarc', text);
    expect(value).toEqual({ a: 'http://x/', b: '/* no */' });
    expect(lineOf(['b'])).toBe(5);
  });

  it('leaves slashes in YAML alone', () => {
    expect(parseText('/p/.otarc', 'a: http://x/ // y\n').value).toEqual({ a: 'http://x/ // y' });
  });

  it('reads a byte order mark, Windows line ends and nothing at all', () => {
    expect(parseText('/p/.otarc', '\uFEFF{"a": 1}').value).toEqual({ a: 1 });
    expect(parseText('/p/.otarc', 'a: 1\r\nb: x\r\n').value).toEqual({ a: 1, b: 'x' });
    expect(parseText('/p/.otarc', '# nothing\n').value).toBeNull();
  });

  it('merges YAML anchors', () => {
    const { value } = parseText('/p/.otarc', 'a: &d {port: 1}\nb: {<<: *d, host: x}\n');
    expect(value).toEqual({ a: { port: 1 }, b: { port: 1, host: 'x' } });
  });

  it.each([
    ['/p/.otarc', 'a: 1\n b: [1\n', '/p/.otarc:1:4: '],
    ['/p/.otarc', 'a: 1\n\tb: 2\n', '/p/.otarc:2:1: '],
    ['/p/.otarc', 'a: 1\na: 2\n', '/p/.otarc:2:1: Map keys must be unique.'],
    ['/p/.otarc', 'a: *b\n', '/p/.otarc:1:4: a text that begins with `*` needs quotes.'],
    ['/p/.otarc', 'a: !b\n', '/p/.otarc:1:4: a text that begins with `!` needs quotes.'],
    ['/p/.otarc', 'a: 1\n---\nb: 1\n', '/p/.otarc:2:1: '],
    ['/p/.otarc', '{"a": 1\n', '/p/.otarc:2:1: '],
    ['/p/.otarc.json', '{\n  "a": 1\n  "b": 2\n}', '/p/.otarc.json:2:8: not valid JSON'],
    ['/p/.otarc.json', '{"a": 1 "b": 2}', '/p/.otarc.json:1:7: not valid JSON'],
    ['/p/.otarc.json', '{"a": b}', '/p/.otarc.json:1:7: not valid JSON'],
    ['/p/.otarc.json', 'a: b', '/p/.otarc.json:1:1: not valid JSON'],
    ['/p/.otarc.json', '{"a": 1, "a": 2}', '/p/.otarc.json:1:10: Map keys must be unique.'],
    ['/p/.otarc', '\uFFFD\uFFFDa\0:\0', '/p/.otarc is not UTF-8 text.'],
  ])('says where %s has a syntax error: %j', (file, text, expected) => {
    const message = failure(file, text);
    expect(message.slice(0, 18 + expected.length)).toBe(`CONFIG_UNREADABLE ${expected}`);
  });

  it('shows the line and the column', () => {
    expect(failure('/p/.otarc', 'device: a\nports: @1\n')).toBe(
      'CONFIG_UNREADABLE /p/.otarc:2:8: Plain value cannot start with reserved character @.\n  2 | ports: @1\n             ^',
    );
  });

  it('ends aliases that multiply', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`);
    expect(failure('/p/.otarc', ['a0: &a0 [x]', ...levels].join('\n'))).toContain(
      'refers to itself too often',
    );
  });

  it.each([
    ['['.repeat(200_000)],
    ['- '.repeat(20_000)],
    [`${'['.repeat(3_000)}${']'.repeat(3_000)}`],
    ['{a: '.repeat(20_000)],
  ])('ends what is nested too deeply (%#)', (text) => {
    expect(failure('/p/.otarc', text)).toMatch(/^CONFIG_UNREADABLE .*nested too deeply\./);
  });

  it('survives anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const result = failure('/p/.otarc', text);
        expect(result === 'it was accepted' || result.startsWith('CONFIG_UNREADABLE')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
