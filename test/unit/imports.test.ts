import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '..', '..', 'src');

/** Values that flow between the stages, and what is judged of them; they know nothing of those. */
const shared = [
  'types',
  'errors',
  'events',
  'engine',
  'secret',
  'without-undefined',
  'share',
  'failure',
  'numbers',
  'endpoint',
  'project-facts',
  'diagnose',
];
const stages = ['build', 'config', 'discover', 'espota', 'image', 'verify', 'report', 'simulator', 'host'];
const flow = ['lock', 'explain', 'target', 'early', 'deploy', 'plan', 'run', 'library', 'index'];
/** What is built around the flow; none knows of another. */
const features = ['watch', 'init', 'discovery', 'devices', 'doctor'];

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

/** `espota` of `espota/pace.ts`, `types` of `types.ts`. */
const partOf = (file: string): string => file.replace(/(\/.*|\.ts)$/, '');

/** 0 is the lowest; nothing imports what is above it. */
function layerOf(file: string): number {
  const part = partOf(file);
  if (file.startsWith('..') || shared.includes(part)) return 0;
  if (stages.includes(part)) return 1;
  if (flow.includes(part)) return 2;
  if (features.includes(part)) return 3;
  if (part === 'commands') return 4;
  if (part === 'program') return 5;
  if (part === 'cli') return 6;
  return 7;
}

const edges = [...imports].flatMap(([from, targets]) => targets.map((to) => ({ from, to })));
const shown = ({ from, to }: { from: string; to: string }): string => `${from} → ${to}`;

describe('imports', () => {
  it('are all found, and each file has its layer', () => {
    expect(edges.length).toBeGreaterThan(200);
    const missing = edges.filter(({ to }) => !to.startsWith('..') && !texts.has(to));
    expect(missing.map(shown)).toEqual([]);
    expect(files.filter((file) => layerOf(file) === 7)).toEqual(['bin.ts']);
  });

  it('go one way: bin, cli, program, commands, what is around the flow, the flow, the stages, the values', () => {
    expect(edges.filter(({ from, to }) => layerOf(to) > layerOf(from)).map(shown)).toEqual([]);
  });

  it('lead from no stage to another, nor from one thing around the flow to another', () => {
    const apart = [1, 3];
    const across = edges.filter(
      ({ from, to }) =>
        apart.includes(layerOf(from)) && layerOf(to) === layerOf(from) && partOf(from) !== partOf(to),
    );
    expect(across.map(shown)).toEqual([]);
  });

  it('of the simulator lead to the types and the errors only: it is a second reading of the protocol', () => {
    const outside = edges.filter(
      ({ from, to }) => partOf(from) === 'simulator' && partOf(to) !== 'simulator',
    );
    expect([...new Set(outside.map(({ to }) => to))].toSorted()).toEqual(['errors.ts', 'types.ts']);
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
  it('is ended by cli.ts alone', () => {
    const ending = files.filter((file) =>
      /\bprocess\s*\.\s*(exit\b|exitCode\b|kill\(process\.pid)/.test(texts.get(file) ?? ''),
    );
    expect(ending).toEqual(['cli.ts']);
  });
});
