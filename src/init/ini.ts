/**
 * `platformio.ini` as Python's configparser reads it, with the place of every option: for edits that leave everything else
 * as it stands. PlatformIO's own part (`extends`, `[env]`, `${…}`) is in `ini-values.ts`.
 */

import { textLines, type TextLine } from './lines.ts';

export interface Option {
  /** In lower case, as configparser has it. */
  readonly key: string;
  /** Its lines with comments and blanks left out. */
  readonly value: string;
  /** Of the first and the last line that hold something of it. */
  readonly first: TextLine;
  readonly last: TextLine;
  /** Where its text on the last line ends, before blanks and a comment. */
  readonly valueEnd: number;
  /** The blanks before its key, and before the last line of its value where that is another one. */
  readonly indent: string;
  readonly valueIndent: string | undefined;
}

export interface Section {
  readonly name: string;
  readonly header: TextLine;
  readonly indent: string;
  readonly options: readonly Option[];
}

interface OpenOption extends Option {
  value: string;
  last: TextLine;
  valueEnd: number;
  valueIndent: string | undefined;
}

interface OpenSection extends Section {
  readonly options: OpenOption[];
}

/** The sections of the text in their order. What configparser would refuse is passed over: pio says it better. */
export function sectionsOf(text: string): Section[] {
  const sections: OpenSection[] = [];
  let option: OpenOption | undefined;
  let indentLevel = 0;
  for (const line of textLines(text)) {
    const { indent, content, contentEnd } = contentOf(line);
    if (content === '') continue;
    const section = sections.at(-1);
    if (section !== undefined && option !== undefined && indent.length > indentLevel) {
      option.value += `\n${content}`;
      option.last = line;
      option.valueEnd = contentEnd;
      option.valueIndent = indent;
      continue;
    }
    indentLevel = indent.length;
    const [, name] = /^\[(.+)\]/.exec(content) ?? [];
    const sign = content.search(/[=:]/);
    const key = sign === -1 ? undefined : withoutBlanksBehind(content.slice(0, sign), ' \t');
    if (name !== undefined) {
      sections.push({ name, header: line, indent, options: [] });
      option = undefined;
    } else if (section === undefined || key === undefined) {
      option = undefined;
    } else {
      option = {
        key: key.toLowerCase(),
        value: content.slice(sign + 1).replace(/^[ \t]+/, ''),
        first: line,
        last: line,
        valueEnd: contentEnd,
        indent,
        valueIndent: undefined,
      };
      section.options.push(option);
    }
  }
  return sections;
}

/** The number of the first line that is neither section nor option, or a second one of its name: pio refuses such a file. */
export function brokenLineOf(text: string): number | undefined {
  const sections = sectionsOf(text);
  const second = [
    ...secondOf(sections, ({ name }) => name).map(({ header }) => header),
    ...sections.flatMap(({ options }) => secondOf(options, ({ key }) => key).map(({ first }) => first)),
  ];
  const known = sections.flatMap(({ header, options }) => [
    { start: header.start, end: header.end },
    ...options.map(({ first, last }) => ({ start: first.start, end: last.end })),
  ]);
  const isKnown = ({ start }: TextLine): boolean =>
    known.some((each) => start >= each.start && start < each.end);
  const isBroken = (line: TextLine): boolean =>
    second.some(({ start }) => start === line.start) || (contentOf(line).content !== '' && !isKnown(line));
  const index = textLines(text).findIndex(isBroken);
  return index === -1 ? undefined : index + 1;
}

function secondOf<T>(all: readonly T[], name: (one: T) => string): T[] {
  return all.filter((one, index) => all.findIndex((other) => name(other) === name(one)) < index);
}

/** Where a section ends: behind its last option, before the comments and blank lines that follow it. */
export function endOfSection({ header, options }: Section): number {
  return options.at(-1)?.last.end ?? header.end;
}

export function optionOf(section: Section | undefined, keys: readonly string[]): Option | undefined {
  return section?.options.findLast(({ key }) => keys.includes(key));
}

/** In linear time, which a pattern for blanks before an end is not. */
export function withoutBlanksBehind(text: string, blanks: string): string {
  let end = text.length;
  while (end > 0 && blanks.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** What is left of a line without comments: `;` and `#` at its start, or behind a blank. */
function contentOf({ text, start }: TextLine): { indent: string; content: string; contentEnd: number } {
  const mark = start === 0 ? (/^\u00EF\u00BB\u00BF/.exec(text)?.[0] ?? '') : '';
  const own = text.slice(mark.length);
  const indent = /^[ \t\f\v]*/.exec(own)?.[0] ?? '';
  const content = withoutBlanksBehind(own.replace(/(?:^|(?<=[ \t\f\v]))[;#].*$/, ''), ' \t\f\v');
  const isBlank = content.length <= indent.length;
  return {
    indent,
    content: isBlank ? '' : content.slice(indent.length),
    contentEnd: start + mark.length + content.length,
  };
}
