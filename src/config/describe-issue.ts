/** What zod finds, in words for the person who wrote the file; never with a value from it. */

import * as z from 'zod';
import { choiceWords } from './kinds.ts';
import { nearest } from './nearest.ts';
import { isOrdinaryKey } from './quoting.ts';
import { configFileSchema } from './schema.ts';

export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** The last key may be quoted although nothing knows it. */
  readonly isOrdinaryKey?: boolean;
}

type ZodIssue = z.core.$ZodIssue;

/** @param root the whole value that was checked, to see what stands where */
export function describeIssue(issue: ZodIssue, root: unknown, before: readonly PropertyKey[] = []): Issue[] {
  const path = [...before, ...issue.path];
  // Below a password anything may be the password, keys included: `password: {hunter2}` is an object in YAML.
  const secretAt = path.findIndex((segment) => segment === 'password' || segment === 'passwd');
  if (secretAt >= 0) return [describePassword(path.slice(0, secretAt + 1), root, issue)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: unknownKey(path, key),
        isOrdinaryKey: isOrdinaryKey(key, valueAt(root, path)),
      }));
    case 'invalid_union':
      return describeUnion(issue, { path, root });
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.map(() => ({ path, message: 'a name must not be empty' }));
    default:
      return [{ path, message: messageFor(issue, valueAt(root, path)) }];
  }
}

function describePassword(path: readonly PropertyKey[], root: unknown, issue: ZodIssue): Issue {
  const value = valueAt(root, path);
  const forms = 'text, {env: NAME}, {file: PATH} or {command: [PROGRAM, …]}';
  if (value === '')
    return { path, message: 'must not be empty; leave the key out where there is no password' };
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).filter((key) => !['env', 'file', 'command'].includes(key));
    const meant = keys
      .map((key) => nearest(key, ['env', 'file', 'command']))
      .find((key) => key !== undefined);
    return { path, message: `must be ${forms}${meant === undefined ? '' : `; did you mean "${meant}"?`}` };
  }
  const message = path.at(-1) === 'passwd' ? 'must be text' : `must be ${forms}`;
  return {
    path,
    message: `${message}: put it in quotes` + (issue.code === 'too_small' ? ' and let it not be empty' : ''),
  };
}

function describeUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  { path, root }: { path: readonly PropertyKey[]; root: unknown },
): Issue[] {
  const isOfOtherType = (each: ZodIssue): boolean => each.path.length === 0 && each.code === 'invalid_type';
  const meant = issue.errors.find((branch) => !branch.some(isOfOtherType));
  if (meant) return meant.flatMap((each) => describeIssue(each, root, path));
  const expected = issue.errors
    .flat()
    .flatMap((each) =>
      each.code === 'invalid_type' && each.expected !== 'null' ? [typeNames(each.expected)] : [],
    );
  return [{ path, message: mustBe([...new Set(expected)].join(' or '), valueAt(root, path)) }];
}

function messageFor(issue: ZodIssue, value: unknown): string {
  // A leaf with words of its own, which a flag and a variable have as well.
  if (issue.message.startsWith('must ')) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return mustBe(typeNames(issue.expected), value);
    case 'invalid_value':
      return choiceWords(issue.values.map(String), typeof value === 'string' ? value : undefined);
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return 'must not be empty';
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'invalid_format':
    case 'custom':
      return issue.message;
    default:
      return 'is not valid';
  }
}

function mustBe(expected: string, value: unknown): string {
  if (value === undefined) return `is missing; it must be ${expected}`;
  if (expected.endsWith('number') && typeof value === 'string') return `must be ${expected}, without quotes`;
  const isUnquoted = expected.startsWith('text') && typeof value !== 'object' && typeof value !== 'function';
  return `must be ${expected}${isUnquoted ? ': put it in quotes' : ''}`;
}

function typeNames(expected: string): string {
  const names: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'keys with values',
    record: 'keys with values',
  };
  return names[expected] ?? expected;
}

/** Top-level and device keys of a later version; `x-…` is for anchors of YAML. */
const isOfLaterVersion = (key: string): boolean => /^(?:defaults|history|x-.*)$/.test(key);

function unknownKey(path: readonly PropertyKey[], key: string): string {
  const isOfDevices = path.length === 2 && path[0] === 'devices';
  if ((path.length === 0 || isOfDevices) && isOfLaterVersion(key))
    return 'not supported in this version; remove it';
  const meant = nearest(key, keysAt(path));
  if (meant !== undefined) return `unknown key; did you mean "${meant}"?`;
  if (path.length > 0) return `unknown key; known here: ${keysAt(path).join(', ')}`;
  if (keysAt(['devices', '']).includes(key)) return `unknown key here; it belongs under devices.NAME`;
  if (keysAt(['build']).includes(key)) return `unknown key here; it belongs under build`;
  return 'unknown key';
}

/** The keys that the schema knows in the object at `path`. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = configFileSchema;
  for (const segment of path) schema = below(objectIn(schema), segment);
  const object = objectIn(schema);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function below(schema: unknown, segment: PropertyKey): unknown {
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return schema instanceof z.ZodObject ? (schema.shape as Record<PropertyKey, unknown>)[segment] : undefined;
}

function objectIn(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return objectIn(schema.unwrap());
  if (!(schema instanceof z.ZodUnion)) return schema;
  return schema.options.map(objectIn).find((option) => option instanceof z.ZodObject);
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, segment) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[segment]
        : undefined,
    root,
  );
}
