/** What PlatformIO makes of the options in its ini: `extends`, the common `[env]`, `${section.option}`. */

import { optionOf, withoutBlanksBehind, type Option, type Section } from './ini.ts';

export interface Provided {
  readonly section: Section;
  readonly option: Option;
}

/** The names of the environments, in their order. */
export function environmentsOf(sections: readonly Section[]): string[] {
  const names = sections.flatMap(({ name }) => (name.startsWith('env:') ? [name.slice('env:'.length)] : []));
  return [...new Set(names)];
}

/** The option that counts in a section: its own, else of what it extends (the last named first), else of `[env]`. */
export function providerOf(
  sections: readonly Section[],
  name: string,
  keys: readonly string[],
): Provided | undefined {
  for (const each of familyOf(sections, name)) {
    const section = sections.find((one) => one.name === each);
    const option = optionOf(section, keys);
    if (section !== undefined && option !== undefined) return { section, option };
  }
  return undefined;
}

/** A section and what it inherits from, in the order in which PlatformIO looks. */
export function familyOf(sections: readonly Section[], name: string): string[] {
  const queue = name.startsWith('env:') ? ['env', name] : [name];
  const family: string[] = [];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (family.includes(next)) continue;
    family.push(next);
    const section = sections.find((one) => one.name === next);
    queue.push(...itemsOf(optionOf(section, ['extends'])?.value ?? ''));
  }
  return family;
}

/** The value that counts, with `${section.option}` filled in; what is not in this file stays as it is. */
export function valueOf(
  sections: readonly Section[],
  name: string,
  keys: readonly string[],
): string | undefined {
  const provided = providerOf(sections, name, keys);
  return provided && expanded(provided.option.value, { sections, name, within: [] });
}

interface Place {
  readonly sections: readonly Section[];
  readonly name: string;
  /** What is being filled in: a value that takes in itself ends nowhere, in pio too. */
  readonly within: readonly string[];
}

/** No list of scripts is longer; a value may be written so that it doubles with every step. */
const longest = 100_000;

function expanded(value: string, { sections, name, within }: Place): string {
  return value.replaceAll(/\$\{([^.{}()]+)\.([^{}]+)\}/g, (whole, section: string, key: string) => {
    const meant = section === 'this' ? name : section;
    const found = providerOf(sections, meant, [key.toLowerCase()]);
    const place = `${found?.section.name}.${key}`;
    if (found === undefined || within.includes(place) || within.length > 8) return whole;
    const inner = expanded(found.option.value, { sections, name: meant, within: [...within, place] });
    return inner.length > longest ? whole : inner;
  });
}

/** The sections that a value refers to. */
export function referredBy(value: string): string[] {
  return [...value.matchAll(/\$\{([^.{}()]+)\./g)].map(([, section = '']) => section);
}

/** A list, as PlatformIO splits it: by lines where there are several, else by `, `. */
export function itemsOf(value: string): string[] {
  return value
    .split(value.includes('\n') ? '\n' : ', ')
    .map((item) => withoutBlanksBehind(item.replace(/^[ \t]+/, ''), ' \t'))
    .filter((item) => item !== '');
}
