/** What a device has to say over HTTP, with the placeholders of `verify.http` replaced. Pure. */

import { isIPv6 } from 'node:net';
import jsonpointer from 'jsonpointer';
import { withoutZone } from '../../model/address.ts';
import { boundedMatch, literalPattern } from '../../model/bounded-pattern.ts';
import { OtaError } from '../../model/errors.ts';
import { filled, placeholdersIn, type ProofPlaceholder } from '../../model/placeholders.ts';
import { printable } from '../../model/printable.ts';
import type { Image } from '../../model/types.ts';
import type { HttpProof } from '../../model/verification.ts';

type Values = Readonly<Record<ProofPlaceholder, string | undefined>>;

export interface Asked {
  readonly name: string;
  readonly address: string;
  readonly image: Pick<Image, 'path' | 'md5' | 'version' | 'identity'>;
  /** What the device may call its MD5 while this image runs: it may sum another part, or another flash mode. */
  readonly sums?: Iterable<string>;
}

function valuesOf({ name, address, image }: Asked): Values {
  const { md5, version, identity } = image;
  return { name, address, md5, version, identity };
}

/** @throws OtaError CONFIG_INVALID: a placeholder has no value for this image */
export function refuseUnknown(http: HttpProof, asked: Asked): void {
  const values = valuesOf(asked);
  const texts = [http.url, http.contains, http.matches, http.json?.equals];
  const missing = texts
    .flatMap((text) => (text === undefined ? [] : placeholdersIn(text)))
    .find((each) => lookUp(values, each) === undefined);
  if (missing === undefined) return;
  throw new OtaError(
    'CONFIG_INVALID',
    `${asked.name}: \`verify.http\` asks for {${missing}}, and ${asked.image.path} does not say its ${missing}.`,
    { hint: 'Use {md5}, which every image has, or expect a text that only the new sketch says.' },
  );
}

/** What is asked, where the device is now. */
export function urlFor({ url }: HttpProof, asked: Asked): URL {
  const values = valuesOf(asked);
  const { address } = asked;
  const host = isIPv6(address) ? `[${withoutZone(address)}]` : address;
  return new URL(
    filled(url, (name) => {
      if (name === 'address') return host;
      const value = lookUp(values, name);
      return value && encodeURIComponent(value);
    }),
  );
}

/** Whether anything of the image is asked for. */
export function namesImage({ url, contains, matches, json }: HttpProof): boolean {
  return [url, contains, matches, json?.equals].some((text) =>
    placeholdersIn(text ?? '').some((each) => ['md5', 'version', 'identity'].includes(each)),
  );
}

/** Whether the answer can be that of no other image: two builds may have one version, never one sum. */
export function identifies({ contains, matches, json }: HttpProof): boolean {
  return [contains, matches, json?.equals].some(
    (text) => text !== undefined && /\{(?:md5|identity)\}/.test(text),
  );
}

export type Met =
  | { readonly type: 'met' }
  /** `why`: what it says instead, a predicate whose subject is the device; fit for a terminal. */
  | {
      readonly type: 'not-met';
      readonly why: string;
      /** What stands at the JSON pointer instead; as the device sent it. */
      readonly found?: string;
    }
  /** It never will. */
  | { readonly type: 'never'; readonly why: string };

/** Whether an answer says the expected thing, with any of the sums for `{md5}`. */
export function meets(http: HttpProof, asked: Asked, text: string): Met {
  const values = valuesOf(asked);
  const found = meetsWith(http, values, text);
  for (const md5 of asked.sums ?? [])
    if (found.type === 'not-met' && meetsWith(http, { ...values, md5 }, text).type === 'met') return met;
  return found;
}

function meetsWith(http: HttpProof, values: Values, text: string): Met {
  const put = (template: string, write = (value: string): string => value): string =>
    filled(template, (name) => {
      const value = lookUp(values, name);
      return value && write(value);
    });
  const { contains, matches, json } = http;
  if (json !== undefined) return compared(json.pointer, put(json.equals), text);
  const answers = `answers ${excerpt(text)}`;
  if (contains !== undefined) return text.includes(put(contains)) ? met : { type: 'not-met', why: answers };
  const found = boundedMatch(put(matches ?? '', literalPattern), text);
  if (found === 'too-slow')
    return { type: 'never', why: 'answers what `verify.http.matches` cannot be matched with within 0.1 s' };
  return found ? met : { type: 'not-met', why: answers };
}

const met: Met = { type: 'met' };

function compared(pointer: string, expected: string, text: string): Met {
  let value: unknown;
  try {
    const parsed: unknown = JSON.parse(text);
    const isObject = typeof parsed === 'object' && parsed !== null;
    value = pointer === '' ? parsed : isObject ? jsonpointer.get(parsed, pointer) : undefined;
  } catch {
    return { type: 'not-met', why: `answers no JSON: ${excerpt(text)}` };
  }
  if (value === undefined) return { type: 'not-met', why: `answers JSON that has nothing at ${pointer}` };
  const found =
    typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean);
  if (found === expected) return met;
  return { type: 'not-met', why: `answers ${excerpt(found)} at ${pointer || 'the root'}`, found };
}

/** In quotes, on one line. */
export function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const short = printable(line, { longest: 60 });
  return short === '' ? 'nothing' : `"${short}${line.length > 60 ? '…' : ''}"`;
}

function lookUp(values: Values, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name as ProofPlaceholder] : undefined;
}
