/** YAML and JSON (with comments) to a value, and where each key of it stands. */

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml';
import { OtaError } from '../model/errors.ts';
import { shownLine } from './shown-line.ts';

export interface ParsedText {
  readonly value: unknown;
  /** Line (from 1) of a key, or of its nearest parent that is written down. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

const notJson = 'not valid JSON: a comma, a bracket or double quotes are missing or too many';

interface Mistake {
  readonly offset: number;
  readonly message: string;
}

/**
 * Reads YAML, of which JSON is a part. In a text that starts like JSON, `//` and `/*` comments are allowed as well.
 *
 * @param file named in errors; `.json` is held to JSON's own quoting, since YAML reads `{"a": 1 "b": 2}` as one text
 * @throws OtaError CONFIG_UNREADABLE with file, line, column and, where it can hold no secret, the line itself
 */
export function parseText(file: string, source: string): ParsedText {
  if (source.includes('\0') || source.startsWith('\uFFFD')) {
    throw new OtaError('CONFIG_UNREADABLE', `${file} is not UTF-8 text.`, {
      hint: 'Save the file as UTF-8.',
    });
  }
  const text = /^\uFEFF?\s*(?:\{|\/\/|\/\*)/.test(source) ? withoutComments(source) : source;
  const lines = new LineCounter();
  // `prettyErrors` would copy lines of the source, passwords included, into the messages.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    merge: true,
  });
  const mistake = firstMistake(document, file.endsWith('.json'));
  if (mistake) {
    const { line, col } = lines.linePos(mistake.offset);
    const shown = shownLine(source, { line, column: col });
    const message = `${file}:${line}:${col}: ${mistake.message}.${shown === undefined ? '' : `\n${shown}`}`;
    throw new OtaError('CONFIG_UNREADABLE', message, { details: { file, line, column: col } });
  }
  return {
    value: valueOf(document, file),
    lineOf(path) {
      const offset = offsetOf(document.contents, path);
      return offset === undefined ? undefined : lines.linePos(offset).line;
    },
  };
}

/** Comments become blanks, so that every other character stays where it was. */
function withoutComments(source: string): string {
  const texts = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?<=\s)#[^\n]*|(?<![^\s,{}[\]])\/(?:\/[^\n]*|\*[^]*?\*\/)/g;
  return source.replace(texts, (match) => (match.startsWith('/') ? match.replaceAll(/[^\n]/g, ' ') : match));
}

function firstMistake(document: Document, asJson: boolean): Mistake | undefined {
  const [error] = document.errors;
  if (error) {
    const isJsonSyntax = asJson && error.code !== 'DUPLICATE_KEY';
    return { offset: error.pos[0], message: isJsonSyntax ? notJson : wordsOf(error.message) };
  }
  const [warning] = document.warnings;
  if (warning) return { offset: warning.pos[0], message: 'a text that begins with `!` needs quotes' };
  let mistake: Mistake | undefined;
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) !== undefined) return undefined;
      mistake = { offset: startOf(node), message: 'a text that begins with `*` needs quotes' };
      return visit.BREAK;
    },
    Scalar(_key, node) {
      if (!asJson || isJsonScalar(node)) return undefined;
      mistake = { offset: startOf(node), message: notJson };
      return visit.BREAK;
    },
  });
  return mistake;
}

/** What the parser says, without the piece of the source that some of its messages end with. */
function wordsOf(message: string): string {
  return message.replace(/(?:: | \\|, ")[^]*$/, '').replace(/\.$/, '');
}

function isJsonScalar(node: { type?: string; source?: string }): boolean {
  if (node.type === 'QUOTE_DOUBLE') return true;
  return (
    node.type === 'PLAIN' && /^(?:true|false|null|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)$/i.test(node.source ?? '')
  );
}

function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch {
    // Left after the checks above: aliases that multiply beyond the parser's limit.
    throw new OtaError('CONFIG_UNREADABLE', `${file} refers to itself too often (YAML aliases).`);
  }
}

function offsetOf(contents: unknown, path: readonly PropertyKey[]): number | undefined {
  let node = contents;
  let offset: number | undefined;
  for (const segment of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment));
      if (!pair) break;
      offset = isScalar(pair.key) ? startOf(pair.key) : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(segment)];
      if (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) offset = startOf(node);
    } else break;
  }
  return offset;
}

const startOf = (node: Node): number => node.range?.[0] ?? 0;
