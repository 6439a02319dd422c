/** How much room a text takes on a terminal, in cells. Pure. */

import fastStringWidth from 'fast-string-width';

/** Colours take none, and letters of East Asia and emoji two cells. */
export function widthOf(text: string): number {
  return fastStringWidth(text);
}

const styleOrCharacter = new RegExp(String.raw`(\u001B\[[\d;]*m)|[^]`, 'gu');

/** As much of it as has room, with `mark` at its end where that is not all. No colour is cut in two, or left on. */
export function cut(text: string, cells: number, mark = '…'): string {
  if (widthOf(text) <= cells) return text;
  const room = cells - widthOf(mark);
  let kept = '';
  let isFull = false;
  const shown = text.replaceAll(styleOrCharacter, (character, style: string | undefined) => {
    if (style !== undefined) return style;
    if (isFull) return '';
    isFull = widthOf(kept + character) > room;
    if (isFull) return room < 0 ? '' : mark;
    kept += character;
    return character;
  });
  return shown;
}

export function pad(text: string, cells: number): string {
  return text + ' '.repeat(Math.max(0, cells - widthOf(text)));
}
