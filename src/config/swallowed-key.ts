/**
 * A value that holds the next key as well, because a comma or a line break is missing before it:
 * `{ homeding: env.json password:x }` is one value in YAML. Such a file is refused here, once and for all, since every
 * message about that value (a path, an environment, a network interface) would print the password.
 */

import { isUrl } from './homeding-url.ts';
import type { Issue } from './describe-issue.ts';
import { holdsSecretKey } from '../model/redaction.ts';

const message =
  'holds a word for a password: a comma or a line break is missing before that key, or this value needs another name';

/** Command lines have flags with such names, and are printed without their values; of HomeDing's `ota`, nothing is printed. */
const other: ReadonlySet<string> = new Set(['command', 'args', 'ota']);
/** Never printed. */
const secrets: ReadonlySet<string> = new Set(['password', 'passwd', 'passwordHash']);
/** Its query may hold such a word, and is not printed. */
const isPlainUrl = (text: string): boolean => isUrl(text) && !/[\s,;]/.test(text);

/** The texts in a checked configuration that hold a key for a password. */
export function swallowedKeyIssues(value: unknown, path: readonly PropertyKey[] = []): Issue[] {
  if (typeof value === 'string')
    return holdsSecretKey(value) && !isPlainUrl(value) ? [{ path, message }] : [];
  if (Array.isArray(value))
    return value.flatMap((each: unknown, index) => swallowedKeyIssues(each, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) => {
    // HomeDing's `device` element has more than its name, which is the user's business.
    const isOfElement = path.at(-1) === '0' && key !== 'name';
    const isSkipped = isOfElement || other.has(key) || (secrets.has(key) && typeof each === 'string');
    return isSkipped ? [] : swallowedKeyIssues(each, [...path, key]);
  });
}
