/**
 * Numbers of a `partitions.csv`, as the reference tool (IDF's gen_esp32part.py) reads them: those of Python's `int(text, 0)`
 * (`0x`, `0o` and `0b` in either case, `_` between digits, a sign, no leading zeros), with `K` and `M` after them.
 */

/** Undefined: not a number. Negative ones are numbers too. */
export function wholeNumber(text: string): number | undefined {
  if (text.length > longestText) return undefined;
  const unit = units.get(text.slice(-1).toLowerCase());
  if (unit !== undefined) {
    const count = wholeNumber(text.slice(0, -1));
    return count === undefined ? undefined : count * unit;
  }
  const [, sign = '', digits = ''] = /^([+-]?)(\S+)$/.exec(text.trim()) ?? [];
  if (!forms.some((form) => form.test(digits))) return undefined;
  const value = Number(digits.replaceAll('_', ''));
  return sign === '-' ? -value : value;
}

/** Far more than 32 bits take in any of the forms. */
const longestText = 64;

const units = new Map([
  ['k', 1024],
  ['m', 1024 * 1024],
]);

const forms = [
  /^0x(?:_?[0-9a-f])+$/i,
  /^0o(?:_?[0-7])+$/i,
  /^0b(?:_?[01])+$/i,
  /^[1-9](?:_?[0-9])*$/,
  /^0(?:_?0)*$/,
];
