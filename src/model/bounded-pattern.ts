/**
 * Regular expressions that a user writes, run on text that a device sends: one that backtracks for years ends at a limit. The
 * engine of V8 has no limit of its own; a script in `node:vm` has, and it ends a regular expression as well.
 */

import { createContext, runInContext } from 'node:vm';

/** The process does nothing else meanwhile; a busy computer makes of a millisecond a hundred. */
const limitMs = 1000;

/** Nothing but texts goes in, and a boolean comes out. */
const run = (code: string, texts: Readonly<Record<string, string>>): boolean =>
  runInContext(code, createContext({ ...texts }), { timeout: limitMs }) === true;

/** Whether it is a regular expression of JavaScript (without flags). */
export function isPattern(pattern: string): boolean {
  try {
    return run('new RegExp(pattern), true', { pattern });
  } catch {
    return false;
  }
}

/** `too-slow`: no answer within a second. */
export function boundedMatch(pattern: string, text: string): boolean | 'too-slow' {
  try {
    return run('new RegExp(pattern).test(text)', { pattern, text });
  } catch {
    return 'too-slow';
  }
}

/** The text, as a regular expression that matches it and nothing else. */
export function literalPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
