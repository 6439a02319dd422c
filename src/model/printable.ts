/**
 * Text of others, made safe to print: names that devices announce, answers, files, what build tools say. Pure.
 *
 * Control characters, escape sequences and marks that turn the direction of writing are shown as JSON writes them
 * (`\u001b`). So nothing is hidden, what was made safe once stays as it is, and a JSON text that is made safe has the same
 * value as before.
 */

/** Controls, formats (bidi marks among them), private use, halves of surrogates, separators of lines and paragraphs. */
const unfit = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** For one line. `longest`: how many characters of it are kept. */
export function printable(text: string, { longest = Infinity }: { longest?: number } = {}): string {
  const kept = text.length <= longest ? text : Array.from(text).slice(0, longest).join('');
  return kept.replaceAll(unfit, escaped);
}

/** The same for text of several lines: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replaceAll(unfit, (each) => (each === '\n' || each === '\t' ? each : escaped(each)));
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
