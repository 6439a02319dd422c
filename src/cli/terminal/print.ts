/** How text leaves otarc. Names, paths and answers in it are written by others, so it is made safe here, before any colour. */

import { printableLines } from '../../model/printable.ts';

/** One line or several, for a person, with their line feed. Lines with a colour: `styled` makes them safe as well. */
export function printLine(stream: NodeJS.WritableStream, text: string): void {
  stream.write(`${printableLines(text)}\n`);
}

type Replacer = (key: string, value: unknown) => unknown;

/** JSON of a value, for a script: the same value, and safe on the terminal of whoever looks at it. */
export function jsonText(
  value: unknown,
  { indent, replacer }: { indent?: number; replacer?: Replacer } = {},
): string {
  return printableLines(JSON.stringify(value, replacer, indent));
}
