/** How much room a text takes on a terminal. Pure. */

const wide = /[ᄀ-ᅟ⺀-꓏가-힣豈-﫿︰-﹏＀-｠￠-￦\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u;
const joined = /\p{M}/u;

export function widthOf(text: string): number {
  return [...text].reduce((sum, character) => sum + cellsOf(character), 0);
}

/** As much of it as has room. */
export function cut(text: string, cells: number): string {
  if (widthOf(text) <= cells) return text;
  let left = cells - 1;
  let kept = '';
  for (const character of text) {
    left -= cellsOf(character);
    if (left < 0) break;
    kept += character;
  }
  return cells < 1 ? '' : `${kept}…`;
}

export function pad(text: string, cells: number): string {
  return text + ' '.repeat(Math.max(0, cells - widthOf(text)));
}

function cellsOf(character: string): number {
  if (joined.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
