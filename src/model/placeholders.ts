/** `{address}` and the like in the texts of `verify:` and `logs:`. Pure. */

/** What is known of the device and of the image once the image is there. */
export const proofPlaceholders = ['address', 'name', 'md5', 'version', 'identity'] as const;
export type ProofPlaceholder = (typeof proofPlaceholders)[number];

/** A word in braces: neither JSON (`{"ok":1}`) nor a count in a regular expression (`{2,5}`) has that form. */
const inBraces = /\{([a-z]\w{0,30})\}/gi;

/** The words in braces, each once, in their order. */
export function placeholdersIn(text: string): string[] {
  return [...new Set([...text.matchAll(inBraces)].map(([, name = '']) => name))];
}

/** The text with those that `valueOf` knows; the others stay. */
export function filled(text: string, valueOf: (name: string) => string | undefined): string {
  return text.replaceAll(inBraces, (whole, name: string) => valueOf(name) ?? whole);
}
