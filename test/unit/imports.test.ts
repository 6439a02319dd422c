import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '..', '..', 'src');

/** What each folder answers stands in the README, "How the code is laid out". Nothing imports what stands behind it. */
const layers = [
  ['model'],
  ['config'],
  ['builders'],
  ['image'],
  ['engines'],
  ['network'],
  ['diagnose'],
  ['deploy'],
  ['watch', 'init', 'doctor'],
  ['simulator'],
  ['cli'],
  ['index.ts', 'bin.ts'],
];

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll(sep, '/'))
  .filter((file) => file.endsWith('.ts'));
const texts = new Map(files.map((file) => [file, withoutComments(readFileSync(join(src, file), 'utf8'))]));
const imports = new Map([...texts].map(([file, text]) => [file, importsOf(file, text)]));

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*/g, '');
}

/** Paths below `src`: static and dynamic imports and re-exports, of values and of types alike. */
function importsOf(file: string, text: string): string[] {
  const paths = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map(
    ([, path = '']) => path,
  );
  return paths.map((path) => normalize(join(dirname(file), path)).replaceAll(sep, '/'));
}

/** `engines` of `engines/espota/pace.ts`, `bin.ts` of `bin.ts`. */
const folderOf = (file: string): string => file.split('/')[0] ?? file;

/** 0 is the lowest; nothing imports what is above it. A file outside `src` (package.json) is below all. */
function layerOf(file: string): number {
  return file.startsWith('..') ? -1 : layers.findIndex((folders) => folders.includes(folderOf(file)));
}

const edges = [...imports].flatMap(([from, targets]) => targets.map((to) => ({ from, to })));
const shown = ({ from, to }: { from: string; to: string }): string => `${from} → ${to}`;

describe('the table of folders in the README', () => {
  const readme = readFileSync(join(src, '..', 'README.md'), 'utf8');
  const [section = ''] = /^## How the code is laid out\n[^]*?(?=^## |^MIT licensed)/m.exec(readme) ?? [];

  it('has each folder of src once, in the order of the imports', () => {
    const named = [...section.matchAll(/^\| `([^`]+)` +\| \S/gm)].map(([, name = '']) => name);
    const isFolder = (name: string): boolean => !name.endsWith('.ts');
    expect(named).toEqual(layers.flat().filter(isFolder));
    const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(named.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  });

  it('stands beside paths that exist', () => {
    const paths = [...section.matchAll(/`([a-z-]+\/[a-z/-]+(?:\.ts)?)`/g)].map(([, path = '']) => path);
    const known = new Set(
      readdirSync(src, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll(sep, '/')),
    );
    const inSrc = paths.map((path) => path.replace(/\/$/, '')).filter((path) => !path.startsWith('test'));
    expect(inSrc.length).toBeGreaterThan(15);
    expect(inSrc.filter((path) => !known.has(path))).toEqual([]);
  });
});

describe('imports', () => {
  it('are all found, and each file has its layer', () => {
    expect(edges.length).toBeGreaterThan(200);
    const missing = edges.filter(({ to }) => !to.startsWith('..') && !texts.has(to));
    expect(missing.map(shown)).toEqual([]);
    expect(files.filter((file) => layerOf(file) === -1)).toEqual([]);
  });

  it('go one way, from the command line down to the model', () => {
    expect(edges.filter(({ from, to }) => layerOf(to) > layerOf(from)).map(shown)).toEqual([]);
  });

  it('lead from no folder to another of its layer: watch, init and doctor do not know each other', () => {
    const across = edges.filter(
      ({ from, to }) => layerOf(to) === layerOf(from) && folderOf(from) !== folderOf(to),
    );
    expect(across.map(shown)).toEqual([]);
  });

  it('of the simulator lead to the model only: it is a second reading of the protocol', () => {
    const outside = edges
      .filter(({ from, to }) => folderOf(from) === 'simulator' && folderOf(to) !== 'simulator')
      .map(({ to }) => to);
    expect([...new Set(outside.map(folderOf))]).toEqual(['model']);
  });

  it('of one engine alone lead from outside to its own command and to the API only', () => {
    const users = edges.filter(
      ({ from, to }) => to.startsWith('engines/espota/') && folderOf(from) !== 'engines',
    );
    expect([...new Set(users.map(({ from }) => from))].toSorted()).toEqual([
      'cli/commands/espota.ts',
      'index.ts',
    ]);
  });

  it('make no circle', () => {
    const done = new Set<string>();
    const circleFrom = (file: string, path: readonly string[]): readonly string[] | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
      if (done.has(file)) return undefined;
      for (const next of imports.get(file) ?? []) {
        const circle = circleFrom(next, [...path, file]);
        if (circle !== undefined) return circle;
      }
      done.add(file);
      return undefined;
    };
    const circles = files.flatMap((file) => circleFrom(file, [])?.join(' → ') ?? []);
    expect(circles).toEqual([]);
  });
});

describe('the process', () => {
  it('is ended by bin.ts and cli/main.ts alone', () => {
    const ending = files.filter((file) =>
      /\bprocess\s*\.\s*(exit\b|exitCode\b|kill\(process\.pid)/.test(texts.get(file) ?? ''),
    );
    expect(ending).toEqual(['bin.ts', 'cli/main.ts']);
  });
});

describe('exported names', () => {
  it('of types and functions mean one thing in the whole project', () => {
    const places = new Map<string, Set<string>>();
    for (const [file, text] of texts) {
      const declared = text.matchAll(
        /^export (?:abstract class|class|interface|type|(?:async )?function\*?|const) (\w+)/gm,
      );
      for (const [, name = ''] of declared) places.set(name, (places.get(name) ?? new Set()).add(file));
    }
    expect(places.size).toBeGreaterThan(400);
    const twice = [...places].filter(([, where]) => where.size > 1);
    expect(twice.map(([name, where]) => `${name}: ${[...where].join(', ')}`)).toEqual([]);
  });
});
