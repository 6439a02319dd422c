/**
 * The hooks in `platformio.ini`: one more line in `extra_scripts`, and `upload_protocol = custom` with its command. Pure; the
 * text is edited line by line, so that order, comments and everything else stay, and `withoutPioHooks` gives the same bytes back.
 */

import { blocksOf, withBlock, withoutBlock, type Block } from './block.ts';
import { endOfSection, optionOf, sectionsOf, type Section } from './ini.ts';
import { environmentsOf, itemsOf, providerOf, referredBy, valueOf } from './ini-values.ts';
import { textLines, toBytesText, withLines, withoutLines } from './lines.ts';
import { blocksIn, uploadPlaces, type UploadNote } from './pio-upload.ts';

export interface PioHooks {
  /** `extra_scripts`: the targets ota, otafs, otawatch, and the push after a build. */
  readonly script: boolean;
  /** The Upload button. */
  readonly upload: boolean;
  /** Only this one. */
  readonly environment?: string | undefined;
  readonly uploadCommand: string;
  /** Also where the project has an upload command of its own. */
  readonly force: boolean;
}

export interface PioEdit {
  readonly text: string;
  readonly notes: readonly UploadNote[];
}

const scriptKeys = ['extra_scripts', 'extra_script'];
const scriptItem = 'post:otarc.py';
const lineMark = ' ; otarc init';
/** Before a line that counted. */
export const beforeMark = '; before otarc init: ';

export function withPioHooks(text: string, hooks: PioHooks): PioEdit {
  const names = environmentsOf(sectionsOf(text));
  const only = hooks.environment === undefined ? undefined : toBytesText(hooks.environment);
  const targets = only === undefined ? names : [only];
  let result = hooks.script ? withScript(text, targets) : text;
  if (!hooks.upload) return { text: result, notes: [] };
  const { sections, notes } = uploadPlaces(result, { targets, environment: only, force: hooks.force });
  for (const section of sections) {
    result = withoutOwnUpload(result, section);
    result = withSectionLines(result, section, uploadLines(hooks.uploadCommand));
  }
  return { text: result, notes };
}

const scriptLines = [
  '; More targets for `pio run -t`: ota (build and push), otafs (file system), otawatch (on every save).',
  `extra_scripts = ${scriptItem}`,
];

const uploadLines = (command: string): string[] => [
  '; The Upload button and `pio run -t upload` push over the air. By cable again: put `;` before these two lines.',
  'upload_protocol = custom',
  `upload_command = ${command}`,
];

/** Takes out all that `withPioHooks` has put in, whatever else was edited since. */
export function withoutPioHooks(text: string): string {
  let result = text;
  for (const block of blocksOf(text).toReversed()) {
    result = withoutBlock(result, block, block.unchanged ? [] : foreignLines(block)) ?? '';
  }
  for (const line of textLines(result).toReversed()) {
    if (/^[ \t]*post:otarc\.py ; otarc init[ \t]*$/.test(line.text)) result = withoutLines(result, line);
    else if (line.text.startsWith(beforeMark)) {
      result = result.slice(0, line.start) + result.slice(line.start + beforeMark.length);
    }
  }
  return result.replaceAll(`, ${scriptItem}${lineMark}`, '');
}

/** What somebody has written between our marks: it stays. */
function foreignLines({ lines }: Block): string[] {
  let isForeign = false;
  return lines.filter((line) => {
    const [, indent = '', mark = '', rest = ''] = /^([ \t]*)([;#]?)[ \t]*(.*)$/.exec(line) ?? [];
    const isOurs = /^(?:upload_protocol|upload_command|extra_scripts)\b/.test(rest);
    if (isOurs) isForeign = false;
    else if (mark === '' && indent === '' && rest !== '') isForeign = true;
    return isForeign && mark === '';
  });
}

function withScript(text: string, targets: readonly string[]): string {
  const sections = sectionsOf(text);
  const lacking = targets.filter((name) => providerOf(sections, `env:${name}`, scriptKeys) === undefined);
  const isCommon =
    lacking.length === environmentsOf(sections).length && sections.some(({ name }) => name === 'env');
  const own = isCommon && lacking.length > 0 ? ['env'] : lacking.map((name) => `env:${name}`);
  let result = text;
  for (const name of own) result = withSectionLines(result, name, scriptLines);
  for (const name of targets.map((each) => `env:${each}`)) {
    if (!runsScript(sectionsOf(result), name)) result = withScriptLine(result, name) ?? result;
  }
  return result;
}

function runsScript(sections: readonly Section[], name: string): boolean {
  return itemsOf(valueOf(sections, name, scriptKeys) ?? '').some((item) =>
    /(?:^|[:/\\])otarc\.py\b/.test(item),
  );
}

/** The script as one more item of the list that counts for `name`; undefined: there is no such list. */
function withScriptLine(text: string, name: string): string | undefined {
  const sections = sectionsOf(text);
  const provided = providerOf(sections, name, scriptKeys);
  if (provided === undefined) return undefined;
  const { section, option } = provided;
  // A list that takes in another one has the script with it, where that one runs it: twice would push twice.
  for (const other of referredBy(option.value)) {
    const isList =
      option.value.includes(`\${${other}.extra_script`) && other !== 'this' && other !== section.name;
    const edited = isList ? withScriptLine(text, other) : undefined;
    if (edited !== undefined)
      return runsScript(sectionsOf(edited), name) ? edited : withScriptLine(edited, name);
  }
  const value = valueOf(sections, name, scriptKeys) ?? '';
  const isOneLine = option.valueIndent === undefined && !value.includes('\n');
  if (isOneLine && itemsOf(value).length > 1) {
    const at = option.valueEnd;
    return `${text.slice(0, at)}, ${scriptItem}${lineMark}${text.slice(at)}`;
  }
  const indent = option.valueIndent ?? `${option.indent}    `;
  return withLines(text, option.last.end, [`${indent}${scriptItem}${lineMark}`]);
}

/** The section's own protocol and command as comments. */
function withoutOwnUpload(text: string, name: string): string {
  let result = text;
  for (const key of ['upload_protocol', 'upload_command']) {
    const option = optionOf(
      sectionsOf(result).find((section) => section.name === name),
      [key],
    );
    if (option === undefined) continue;
    const lines = textLines(result.slice(option.first.start, option.last.end));
    const commented = lines.map(({ start, end }) =>
      [beforeMark, result.slice(option.first.start + start, option.first.start + end)].join(''),
    );
    result = result.slice(0, option.first.start) + commented.join('') + result.slice(option.last.end);
  }
  return result;
}

/** Lines of ours at the end of a section; joined with the script's, where those stand there alone. */
function withSectionLines(before: string, name: string, ours: readonly string[]): string {
  const alone = blocksIn(before, name).find(
    ({ lines, unchanged }) => unchanged && lines.length === scriptLines.length,
  );
  const text = alone === undefined ? before : (withoutBlock(before, alone) ?? '');
  const lines = [...(alone === undefined ? [] : scriptLines), ...ours];
  const sections = sectionsOf(text);
  const index = sections.findIndex((section) => section.name === name);
  const section = sections[index];
  if (section === undefined) return text;
  // Further right than the option before, our lines would be the rest of its value. Further left than the next section,
  // that one would be the rest of ours.
  const between = [section.indent, sections[index + 1]?.indent ?? ''];
  const widest = between.toSorted((a, b) => b.length - a.length)[0] ?? '';
  const indent = section.options.at(-1)?.indent ?? widest;
  const indented = lines.map((line) => (line.startsWith(';') ? line : indent + line));
  return withBlock(text, indented, { comment: ';', at: endOfSection(section) });
}
