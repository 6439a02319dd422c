/** What is put into a text is taken out again to the byte: lines, blocks, stamps. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocksOf, isUserLine, userLine, userOf, withBlock, withoutBlock } from '../../../src/init/block.ts';
import {
  lineEndOf,
  textLines,
  toBytesText,
  toReadableText,
  withLines,
  withoutLines,
} from '../../../src/init/lines.ts';
import { stampOf, withStamp, withoutStamp, type CommentStyle } from '../../../src/init/stamp.ts';

const piece = fc.constantFrom(
  'a',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\r',
  '# x',
  '=',
  '\u00C3\u00A0',
  '\u00EF\u00BB\u00BF',
);
const someText = fc.oneof(
  fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary' }).map(toBytesText),
);
/** The last line is never an empty one: that would look like no line. */
const ours = fc.array(fc.constantFrom('one', 'two = 2', '# three', '  '), { minLength: 1, maxLength: 4 });

describe('lines', () => {
  it('are all there, each with its end', () => {
    fc.assert(
      fc.property(someText, (text) => {
        const lines = textLines(text);
        expect(lines.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text);
        expect(lines.every(({ text: line }) => !/[\r\n]/.test(line))).toBe(true);
      }),
    );
  });

  it.each([
    ['', '\n'],
    ['a', '\n'],
    ['a\r\nb\n', '\r\n'],
    ['a\nb\r\n', '\n'],
    ['a\rb', '\r'],
  ])('%j ends its lines with %j', (text, expected) => {
    expect(lineEndOf(text)).toBe(expected);
  });

  it('are taken out as they were put in, wherever that was', () => {
    fc.assert(
      fc.property(someText, ours, fc.nat(), (text, lines, at) => {
        const starts = [...textLines(text).map(({ start }) => start), text.length];
        const start = starts[at % starts.length] ?? 0;
        const added = withLines(text, start, lines);
        const isOpen = start === text.length && text !== '' && !/[\r\n]$/.test(text);
        const from = isOpen ? start + lineEndOf(text).length : start;
        expect(
          withoutLines(added, {
            start: from,
            end: from + added.length - text.length - (isOpen ? lineEndOf(text).length : 0),
          }),
        ).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('are bytes: letters of any encoding survive', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => toReadableText(toBytesText(text)) === Buffer.from(text).toString(),
      ),
    );
  });
});

describe('blocks', () => {
  it('are found as they were put in, and leave nothing behind', () => {
    fc.assert(
      fc.property(someText, ours, fc.boolean(), (text, lines, madeFile) => {
        const [block, ...others] = blocksOf(withBlock(text, lines, { madeFile }));
        expect(others).toEqual([]);
        expect(block).toMatchObject({ lines, unchanged: true, madeFile });
        if (block === undefined) return;
        const rest = withoutBlock(withBlock(text, lines, { madeFile }), block);
        expect(rest).toBe(madeFile && text === '' ? undefined : text);
      }),
      { numRuns: 1000 },
    );
  });

  const text = withBlock('a\n', ['one', 'two']);
  const only = (changed: string) => blocksOf(changed)[0];

  it('know when somebody has changed them, and do not mind line ends or who uses them', () => {
    expect(only(text.replace('two', '2'))).toMatchObject({ unchanged: false, lines: ['one', '2'] });
    expect(only(text.replaceAll('\n', '\r\n'))?.unchanged).toBe(true);
    expect(only(text.replace('one\n', `${userLine('/p')}\none\n`))?.unchanged).toBe(true);
    expect(isUserLine(userLine('/p q')) && userOf(userLine('/p q'))).toBe('/p q');
  });

  it('without an end are none: nobody knows how far they went', () => {
    expect(blocksOf(text.replace(/# <<<.*\n/, ''))).toEqual([]);
  });

  it('leave the lines that are to stay in their place', () => {
    const around = `${text}z\n`;
    const [block] = blocksOf(around);
    expect(block && withoutBlock(around, block, ['mine'])).toBe('a\nmine\nz\n');
  });
});

describe('stamps', () => {
  const style = fc.constantFrom<CommentStyle>('#', '//');

  it('tell a file of ours, and whether somebody has changed it', () => {
    fc.assert(
      fc.property(someText, style, fc.nat(9), (text, comment, folders) => {
        fc.pre(stampOf(text) === undefined);
        const stamped = withStamp(text, comment, folders);
        expect(stampOf(stamped)).toEqual({ unchanged: true, madeFolders: folders });
        expect(withoutStamp(stamped)).toBe(text);
        expect(stampOf(`${stamped}x`)?.unchanged).toBe(false);
        expect(stampOf(text)).toBeUndefined();
      }),
    );
  });

  it('stand behind a line that has to be the first, and do not mind the line ends that git makes', () => {
    const script = withStamp('#!/bin/sh\nexit 0\n', '#');
    expect(script.split('\n')[0]).toBe('#!/bin/sh');
    expect(stampOf(script.replaceAll('\n', '\r\n'))?.unchanged).toBe(true);
    const json = withStamp('{\n  "a": 1\n}\n', 'json');
    expect(Object.keys(JSON.parse(json) as object)).toEqual(['//otarc', 'a']);
    expect(stampOf(json)?.unchanged).toBe(true);
    expect(stampOf(json.replace('1', '2'))?.unchanged).toBe(false);
  });
});
