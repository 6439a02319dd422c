/** A command line as words, without a shell: quotes group, nothing is expanded. Pure. */

import { OtaError } from '../model/errors.ts';

/**
 * Blanks separate words. `'…'` and `"…"` group them; a backslash takes the next character as it is where that is a blank,
 * a quote or a backslash, so that Windows paths stay what they are.
 *
 * @throws {OtaError} `USAGE` for a quote that is not closed, and where there is no word
 */
export function toWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    const next = line.charAt(at + 1);
    if (
      char === '\\' &&
      quote !== "'" &&
      /[\s'"\\]/.test(next) &&
      (quote === undefined || /["\\]/.test(next))
    ) {
      word = (word ?? '') + next;
      at += 1;
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = (word ?? '') + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== undefined) {
    throw new OtaError('USAGE', `The command ${line} has a ${quote} without its end.`, {
      hint: 'Close the quote.',
    });
  }
  if (word !== undefined) words.push(word);
  if (words.length === 0)
    throw new OtaError('USAGE', 'The command to run is empty.', { hint: 'Name a program.' });
  return words;
}
