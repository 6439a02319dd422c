/** When output is coloured, and how. */

import { styleText } from 'node:util';
import { printableLines } from '../../model/printable.ts';

/** `auto`: on those of the two streams that are terminals. */
export type ColorChoice = 'auto' | 'always' | 'never';

export type Style = Parameters<typeof styleText>[0];

/**
 * `flag`: false with `--no-color`, which outweighs all else. Then as Node itself reads them: FORCE_COLOR outweighs
 * NO_COLOR, which counts only where it is not empty; and a terminal that is `dumb` has no colours.
 */
export function colorOf(env: NodeJS.ProcessEnv, flag?: boolean): ColorChoice {
  if (flag === false) return 'never';
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return /^(0|false)$/.test(forced) ? 'never' : 'always';
  return env['NO_COLOR'] || env['TERM'] === 'dumb' ? 'never' : 'auto';
}

export function isColored(choice: ColorChoice, stream: { readonly isTTY?: boolean }): boolean {
  return choice === 'always' || (choice === 'auto' && stream.isTTY === true);
}

/** The text is made safe first: the only escape sequences of the result are those of the style. */
export function styled(text: string, style: Style | undefined, hasColor: boolean): string {
  const safe = printableLines(text);
  return style === undefined || !hasColor ? safe : styleText(style, safe, { validateStream: false });
}
