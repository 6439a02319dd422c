/** The regular expressions of the sources, and texts that are made to keep each of them busy. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface Pattern {
  /** `config/load.ts:12` */
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

/** Every regular expression literal below `folder`, and every `new RegExp(String.raw…, 'flags')`. */
export function patternsIn(folder: string): Pattern[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return files.flatMap((file) => {
    const source = ts.createSourceFile(
      file,
      readFileSync(join(folder, file), 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    );
    const found: Pattern[] = [];
    const visit = (node: ts.Node): void => {
      const written = writtenAt(node);
      if (written !== undefined) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        found.push({ place: `${file}:${line + 1}`, ...written });
      }
      node.forEachChild(visit);
    };
    visit(source);
    return found;
  });
}

function writtenAt(node: ts.Node): Omit<Pattern, 'place'> | undefined {
  if (ts.isRegularExpressionLiteral(node)) {
    const end = node.text.lastIndexOf('/');
    return { source: node.text.slice(1, end), flags: node.text.slice(end + 1) };
  }
  if (!ts.isNewExpression(node) || node.expression.getText() !== 'RegExp') return undefined;
  const [source, flags] = node.arguments ?? [];
  const isRaw =
    source !== undefined &&
    ts.isTaggedTemplateExpression(source) &&
    ts.isNoSubstitutionTemplateLiteral(source.template);
  // One that is put together at run time cannot be looked at here.
  if (!isRaw) throw new Error(`${node.getSourceFile().fileName}: ${node.getText()} is no literal`);
  const text = source.template.getText().slice(1, -1);
  return { source: text, flags: flags !== undefined && ts.isStringLiteral(flags) ? flags.text : '' };
}

/** One character for each thing that a pattern can match, and the words that stand in it. */
export function piecesOf({ source }: Pattern): string[] {
  const atoms =
    source.match(/\\u\{?[\dA-F]+\}?|\\[pP]\{\w+\}|\\x[\dA-F]{2}|\\[^]|\[\^?(?:\\[^]|[^\]\\])*\]|[^]/gi) ?? [];
  const characters = atoms.flatMap((atom) =>
    atom.startsWith('[') && atom.length > 1 ? ofClass(atom) : [ofAtom(atom)],
  );
  const words = source.match(/[a-z_]{2,}/gi) ?? [];
  // A letter always: most patterns must pass over it.
  const own = [...new Set(['x', ...characters, ...words])].filter((piece) => piece !== '');
  return own.length > mostPieces ? [...own.slice(0, mostPieces - 2), ...own.slice(-2)] : own;
}

const mostPieces = 7;

/** Characters that the class has, and where it is one that has nearly all, those that it leaves out as well. */
function ofClass(atom: string): string[] {
  const members =
    atom
      .slice(1, -1)
      .replace(/^\^/, '')
      .match(/\\[pP]\{\w+\}|\\u\{?[\dA-F]+\}?|\\[^]|[^]/gi) ?? [];
  return [...(atom.startsWith('[^') ? ['x'] : []), ...members.slice(0, 4).map(ofAtom)];
}

const samples: Readonly<Record<string, string>> = {
  '\\d': '1',
  '\\w': 'a',
  '\\s': ' ',
  '\\S': 'a',
  '\\n': '\n',
  '\\r': '\r',
  '\\t': '\t',
  '\\f': '\f',
  '\\v': '\v',
  '\\0': '\0',
  '\\b': '',
  '\\B': '',
  '.': 'x',
  '\\p{Cc}': '\u0001',
  '\\p{Cf}': '\u200B',
  '\\p{M}': '\u0301',
  '\\P{Cc}': 'a',
};

function ofAtom(atom: string): string {
  const sample = samples[atom];
  if (sample !== undefined) return sample;
  if (/^[()|?*+^${}]$/.test(atom)) return '';
  if (/^\\[pP]\{/.test(atom)) return 'a';
  const code = /^\\(?:u\{?|x)([\dA-F]+)/i.exec(atom)?.[1];
  if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
  return atom.startsWith('\\') ? atom.slice(1) : atom;
}

/**
 * Runs in a worker: `workerData` is `{ patterns: { source, flags, pieces }[], length, at }`. `at` is shared: the number of the
 * pattern, and of the text that it is meeting now; a pattern that never ends is the last one.
 */
export const trial = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { patterns, length, at } = workerData;
  const meet = (pattern, text) => {
    pattern.lastIndex = 0;
    if (pattern.global) text.replaceAll(pattern, '');
    else pattern.test(text);
  };
  patterns.forEach(({ source, flags, pieces }, number) => {
    const pattern = new RegExp(source, flags);
    const fill = (piece) => piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
    // Behind it something that most patterns do not expect: what does not match is tried in every way.
    const end = '\\0';
    const start = pieces.join('');
    for (const one of pieces) {
      for (const other of pieces) {
        const texts = [fill(one === other ? one : one + other), one + fill(other), start + fill(one) + other];
        for (const text of texts) {
          Atomics.store(at, 0, number);
          Atomics.add(at, 1, 1);
          meet(pattern, text + end);
        }
      }
    }
  });
  parentPort.postMessage('done');
`;
