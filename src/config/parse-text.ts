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
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { OtaError } from '../model/errors.ts';
import { isHarmlessWord, shownLine } from './quoting.ts';

export interface ParsedText {
  readonly value: unknown;
  /** Line (from 1) of a key, or of its nearest parent that is written down. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

const tooDeep = 'nested too deeply';
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
  try {
    return parsed(file, source);
  } catch (error) {
    // The call stack is full: the parser calls itself, and so does whoever walks what it has made.
    if (!(error instanceof RangeError)) throw error;
    throw new OtaError('CONFIG_UNREADABLE', `${file} is ${tooDeep}.`);
  }
}

function parsed(file: string, source: string): ParsedText {
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
    // Checked below: the parser compares each key with each.
    uniqueKeys: false,
  });
  const mistake = firstMistake(document, file.endsWith('.json'));
  if (mistake) {
    const { line, col } = lines.linePos(mistake.offset);
    const shown = isConfiguration(document) ? shownLine(source, { line, column: col }) : undefined;
    const message = `${file}:${line}:${col}: ${mistake.message}.${shown === undefined ? '' : `\n${shown}`}`;
    throw new OtaError('CONFIG_UNREADABLE', message, { details: { file, line, column: col } });
  }
  const pairs = new PairIndex();
  return {
    value: valueOf(document, file),
    lineOf(path) {
      const offset = offsetOf(document.contents, path, pairs);
      return offset === undefined ? undefined : lines.linePos(offset).line;
    },
  };
}

/** A link or `--config` may lead to any file (`/etc/shadow`): of one without a known key no word is quoted. */
function isConfiguration({ contents }: Document): boolean {
  return (
    isMap(contents) && contents.items.some(({ key }) => isScalar(key) && isHarmlessWord(String(key.value)))
  );
}

/** Comments become blanks, so that every other character stays where it was. Linear: nothing is looked for twice. */
function withoutComments(source: string): string {
  const pieces: string[] = [];
  /** What has no end from here on has none later. */
  const endless = new Set<string>();
  let copied = 0;
  for (let at = 0; at < source.length;) {
    const kind = kindAt(source, at);
    const end = kind === undefined || endless.has(kind) ? undefined : endOf(source, at, kind);
    if (kind !== undefined && end === undefined) endless.add(kind);
    if (end !== undefined && (kind === '//' || kind === '/*')) {
      pieces.push(source.slice(copied, at), source.slice(at, end).replaceAll(/[^\n]/g, ' '));
      copied = end;
    }
    at = end ?? at + 1;
  }
  return [...pieces, source.slice(copied)].join('');
}

type Kind = '"' | "'" | '#' | '//' | '/*';

/** What begins here: a text in quotes, or a comment, which only begins where a word could. */
function kindAt(source: string, at: number): Kind | undefined {
  const [before = ' ', here = '', next = ''] = [source[at - 1], source[at], source[at + 1]];
  if (here === '"' || here === "'") return here;
  if (here === '#' && at > 0 && /\s/.test(before)) return '#';
  if (here !== '/' || !/[\s,{}[\]]/.test(before)) return undefined;
  return next === '/' ? '//' : next === '*' ? '/*' : undefined;
}

function endOf(source: string, start: number, kind: Kind): number | undefined {
  if (kind === '#' || kind === '//') {
    const end = source.indexOf('\n', start);
    return end === -1 ? source.length : end;
  }
  if (kind === '/*') {
    const end = source.indexOf('*/', start + 2);
    return end === -1 ? undefined : end + 2;
  }
  for (let at = start + 1; at < source.length; at++) {
    if (kind === '"' && source[at] === '\\') at++;
    else if (source[at] === kind) {
      // In single quotes, two are one that belongs to the text.
      if (kind === "'" && source[at + 1] === kind) at++;
      else return at + 1;
    }
  }
  return undefined;
}

function firstMistake(document: Document, asJson: boolean): Mistake | undefined {
  const [error] = document.errors;
  if (error) {
    // The parser's own catch of a full call stack.
    if (error.code === 'RESOURCE_EXHAUSTION') return { offset: error.pos[0], message: tooDeep };
    const isJsonSyntax = asJson && error.code !== 'DUPLICATE_KEY';
    return { offset: error.pos[0], message: isJsonSyntax ? notJson : wordsOf(error.message) };
  }
  const [warning] = document.warnings;
  if (warning) return { offset: warning.pos[0], message: 'a text that begins with `!` needs quotes' };
  let mistake: Mistake | undefined;
  let aliases = 0;
  visit(document, {
    Pair(_key, { key, value }) {
      // HomeDing reads every value as the text that stands there: `"passwd": 0123` is one of four digits.
      const isNumber = isScalar(value) && typeof value.value === 'number' && value.source !== undefined;
      if (isNumber && isScalar(key) && /^passwd$/i.test(String(key.value))) value.value = value.source;
    },
    Map(_key, node) {
      const key = repeatedKey(node);
      if (key === undefined) return undefined;
      mistake = { offset: startOf(key), message: 'Map keys must be unique' };
      return visit.BREAK;
    },
    Alias(_key, node) {
      // Each is looked for in the whole document.
      if (++aliases > mostAliases) {
        mistake = { offset: startOf(node), message: `more than ${mostAliases} YAML aliases` };
        return visit.BREAK;
      }
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

const mostAliases = 200;

function repeatedKey(map: YAMLMap): Scalar | undefined {
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key) || key.value === '<<') continue;
    if (seen.has(key.value)) return key;
    seen.add(key.value);
  }
  return undefined;
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
  } catch (error) {
    if (error instanceof RangeError) throw error;
    // Left after the checks above: aliases that multiply beyond the parser's limit.
    throw new OtaError('CONFIG_UNREADABLE', `${file} refers to itself too often (YAML aliases).`);
  }
}

/** The pairs of a map by their keys: a file with a thousand mistakes asks for a thousand of them. */
class PairIndex {
  readonly #known = new WeakMap<YAMLMap, Map<string, Pair>>();

  find(map: YAMLMap, key: string): Pair | undefined {
    const known = this.#known.get(map) ?? indexOf(map);
    this.#known.set(map, known);
    return known.get(key);
  }
}

const indexOf = (map: YAMLMap): Map<string, Pair> =>
  new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair]] : [])));

function offsetOf(contents: unknown, path: readonly PropertyKey[], pairs: PairIndex): number | undefined {
  let node = contents;
  let offset: number | undefined;
  for (const segment of path) {
    if (isMap(node)) {
      const pair = pairs.find(node, String(segment));
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
