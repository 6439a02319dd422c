import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkFile } from '../../../src/config/check-file.ts';
import { jsonSchema } from '../../../src/config/json-schema.ts';
import { notYet } from '../../../src/config/not-yet.ts';
import { pathText } from '../../../src/config/problem.ts';

/** What zod writes of JSON schema for the schema of a configuration. */
interface Node {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
}

const schema = jsonSchema() as Node;

/** Values that the schema allows: together they have every key, every alternative and every word of it. */
function samples(node: Node): unknown[] {
  if (node.enum) return [...node.enum];
  if (node.anyOf) return node.anyOf.flatMap(samples);
  const { type } = node;
  if (typeof type === 'object') return type.flatMap((each) => samples({ ...node, type: each }));
  switch (type) {
    case 'null':
      return [null];
    case 'boolean':
      return [true, false];
    case 'number':
    case 'integer':
      return [node.minimum ?? 1, node.maximum ?? 2];
    case 'string':
      return node.pattern?.includes('{32}') ? ['a'.repeat(32), 'A'.repeat(64)] : [wordFor(node)];
    case 'array':
      return [
        ...(node.minItems === undefined ? [[]] : []),
        ...samples(node.items ?? {}).map((each) => [each]),
      ];
    case 'object':
      return objects(node);
    default:
      throw new Error(`the test knows no ${JSON.stringify(node)}`);
  }
}

/** A host, an address and a text at once; a port where only digits will do. */
function wordFor({ pattern }: Node): string {
  if (pattern === undefined) return '192.0.2.1';
  if (pattern.includes('serial')) return 'serial';
  if (pattern.includes('http')) return 'http://192.0.2.1/';
  return pattern.includes('~') ? '/md5' : '8266';
}

/** One for each value of each key, with the keys that it cannot do without. */
function objects({ properties, required = [], additionalProperties }: Node): object[] {
  const named = Object.entries(properties ?? {});
  const least = Object.fromEntries(
    named.filter(([key]) => required.includes(key)).map(([key, below]) => [key, samples(below)[0]]),
  );
  const each = named.flatMap(([key, below]) => samples(below).map((value) => ({ ...least, [key]: value })));
  const isRecord = typeof additionalProperties === 'object' && properties === undefined;
  return isRecord ? samples(additionalProperties).map((value) => ({ '192.0.2.1': value })) : each;
}

/** What the schema says about the key at `path`, `*` being any. */
function nodesAt(node: Node, [key, ...rest]: readonly string[]): Node[] {
  if (key === undefined) return [node];
  const branches = [node, ...(node.anyOf ?? [])];
  return branches.flatMap(({ properties, additionalProperties }) => {
    const below = key === '*' ? additionalProperties : properties?.[key];
    return typeof below === 'object' ? nodesAt(below, rest) : [];
  });
}

describe('the JSON schema', () => {
  it('allows nothing that the checker refuses', () => {
    const all = samples(schema);
    expect(all.length).toBeGreaterThan(60);
    const refused = all.flatMap((value) => {
      const checked = checkFile(value);
      const wrong = checked.ok ? [] : checked.issues;
      // what two keys have to do with each other, a JSON schema does not say
      return wrong
        .map(({ path, message }) => `${pathText(path)}: ${message}`)
        .filter(
          (text) =>
            !/ is missing: | is not under devices| is a group: |describes one device|: needs /.test(text),
        );
    });
    expect(refused).toEqual([]);
  });

  it('has of what is not done yet the values that change nothing', () => {
    for (const { path, asIs } of notYet) {
      const nodes = nodesAt(schema, path);
      expect(nodes.length, path.join('.')).toBe(asIs.length === 0 ? 0 : 1);
      for (const node of nodes) expect(isDeepStrictEqual(node.enum, asIs), path.join('.')).toBe(true);
    }
  });

  it('allows a hash in capitals, as the checker does', () => {
    const [{ pattern = '' } = {}] = nodesAt(schema, ['devices', '*', 'passwordHash']);
    for (const hash of ['a'.repeat(32), 'A0'.repeat(16), 'Ff'.repeat(32)]) {
      expect(hash).toMatch(new RegExp(pattern));
      expect(checkFile({ devices: { a: { passwordHash: hash } } }).ok).toBe(true);
    }
    expect('g'.repeat(32)).not.toMatch(new RegExp(pattern));
  });
});
