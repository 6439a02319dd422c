/**
 * What of a configuration may be quoted: the one answer for messages, hints, JSON and `otarc config`.
 *
 * A slip of the finger puts a password anywhere: into a key (`password:x`, no space), into a list, into the line of a
 * syntax error. So whatever is quoted is cut behind the first word that may name a secret, mistyped or not. All of it takes
 * time in proportion to the text.
 */

/** As they stand in keys, flags and variables. */
const words = [
  'passwordhash',
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'pass',
  'pwd',
  'pw',
  'psk',
  'secrets',
  'secret',
  'auth',
  'hash',
  'token',
  'credential',
  'apikey',
];

/** Words that are known mistyped as well; `edits`: a letter left out, added, exchanged for another or for the next. */
const mistyped = [
  { word: 'password', edits: 2 },
  { word: 'passwd', edits: 1 },
  { word: 'secret', edits: 1 },
] as const;

const longestQuoted = 200;
const cut = '…';

interface Hit {
  readonly start: number;
  readonly end: number;
}

/** Whether a word that may name a secret stands in the text. */
export function mayNameSecret(text: string): boolean {
  return hitIn(text) !== undefined;
}

/** The same for words that mean a password wherever they stand: `auth-server` is a name like any other. */
export function namesPassword(text: string): boolean {
  return mistypedIn(text) !== undefined;
}

/**
 * Whether a key for a secret, and so perhaps the secret, stands within the text, behind something else: `env.json password:x`.
 * A path may have such a word (`My Passwords/lamp.csv`), a name as well (`auth-lamp`).
 */
export function holdsSecretKey(text: string): boolean {
  const hit = hitIn(text);
  if (hit === undefined) return false;
  if (/^\w*["']?\s*[:=]/.test(text.slice(hit.end))) return true;
  const [, ...words] = text.split(/[\s,;]+/);
  return words.some((word) => {
    const end = mistypedIn(word)?.end;
    return end !== undefined && !/[\\/]/.test(word.slice(end));
  });
}

/** The text as it may be quoted: up to the first word that may name a secret, that word included. */
export function redacted(text: string): string {
  const short = text.slice(0, longestQuoted);
  const end = hitIn(short)?.end ?? short.length;
  // Behind it a quotation mark or a bracket may close.
  return /^["'\])}]*$/.test(text.slice(end)) ? text : short.slice(0, end) + cut;
}

/**
 * A command line as it may be shown: `PASSWORD…`, `--auth…`, `--auth …`. Others read it, so that a folder `auth-lamp` stays
 * as it is.
 */
export function redactedWords(line: readonly string[]): string[] {
  return line.map((word, index) => {
    const before = line[index - 1] ?? '';
    const hasValueNext = before === '-a' || (hitIn(before)?.end === before.length && !/[\\/]/.test(before));
    return hasValueNext ? cut : redactedWord(word);
  });
}

/** A setting as it may be shown: a text, a list as a command line, anything else as it is. */
export function redactedValue(value: unknown): unknown {
  if (typeof value === 'string') return redactedWord(value);
  if (!Array.isArray(value)) return value;
  const words: unknown[] = value;
  return words.every((each) => typeof each === 'string') ? redactedWords(words) : words;
}

/** espota's `-a`, the one flag that names a password without a word for it, with the password beside it or joined to it. */
const espotaFlag = /(?:^|[\s='"])-a(?=.)/;

/** A line of text, in which a command line may stand: `upload_flags = -a…`. */
export function redactedLine(line: string): string {
  const flag = espotaFlag.exec(line);
  return redacted(flag === null ? line : line.slice(0, flag.index + flag[0].length) + cut);
}

function redactedWord(text: string): string {
  const flag = espotaFlag.exec(text);
  const word = flag === null ? text : text.slice(0, flag.index + flag[0].length) + cut;
  const hit = hitIn(word);
  if (hit === undefined) return word;
  const isWhole = word.startsWith('-') || namesPassword(word);
  if (isWhole && !/[\\/]/.test(word.slice(0, hit.end))) return redacted(word);
  const separator = /[:=\s]/.exec(word.slice(hit.end));
  return separator === null ? word : word.slice(0, hit.end + separator.index + 1) + cut;
}

/**
 * `text` with nothing but marks in place of its words, except those that are `known`. For a text that was written by
 * somebody who may have written a password where it is not looked for.
 */
export function onlyKnownWords(text: string, isKnown: (word: string) => boolean): string {
  return text.replaceAll(/[^\s{}[\](),;:"'`#&*!|>%@=?]+/g, (word) => (isKnown(word) ? word : cut));
}

/** `message` of a program that has read `source`, without the words that it may have from there. */
export function withoutWordsOf(message: string, source: string, isKnown: (word: string) => boolean): string {
  if (!mayNameSecret(source)) return message;
  const foreign = new Set(source.match(/[\p{L}\p{N}_$]+/gu));
  return message.replaceAll(/[\p{L}\p{N}_$]+/gu, (word) =>
    foreign.has(word) && !isKnown(word) ? cut : word,
  );
}

function hitIn(text: string): Hit | undefined {
  const exact = exactIn(text);
  const similar = mistypedIn(text);
  if (exact === undefined || similar === undefined) return exact ?? similar;
  return exact.start <= similar.end ? exact : similar;
}

/** The first of the words as they are spelled; of several that start there, the longest. */
function exactIn(text: string): Hit | undefined {
  const plain = lowered(text);
  let first: Hit | undefined;
  for (const word of words) {
    const start = word.length > 3 ? plain.indexOf(word) : standingAlone(text, plain, word);
    if (start === -1 || (first !== undefined && start >= first.start)) continue;
    first = { start, end: start + word.length };
  }
  return first;
}

/** Where a short word stands that is no part of a longer one (`pwm`): `pw`, `OTA_PW`, `otaPw`, `pw1`, `-DPW`. */
function standingAlone(text: string, plain: string, word: string): number {
  for (let at = plain.indexOf(word); at !== -1; at = plain.indexOf(word, at + 1)) {
    const [before = '', behind = ''] = [text[at - 1], text[at + word.length]];
    const isDefined = /(?:^|[^A-Za-z0-9])-D$/.test(text.slice(Math.max(0, at - 3), at));
    const isStart = isDefined || !isLetter(before) || (isSmall(before) && !isSmall(text[at] ?? ''));
    // `otaPwKey`, but not `PWM`.
    const isEnd = !isLetter(behind) || (!isSmall(behind) && isSmall(text[at + word.length - 1] ?? ''));
    if (isStart && isEnd) return at;
  }
  return -1;
}

/** As far as ASCII goes: no character changes its place. */
const lowered = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
const isLetter = (character: string): boolean => /^[A-Za-z]/.test(character);
const isSmall = (character: string): boolean => /^[a-z]/.test(character);

/** The first place that is within some edits of one of the words; blanks and the like within it count for nothing. */
function mistypedIn(text: string): Hit | undefined {
  const hits = mistyped.flatMap(({ word, edits }) => similarIn(text, word, edits) ?? []);
  return hits.toSorted((a, b) => a.end - b.end)[0];
}

/**
 * Approximate search (Sellers): column after column, the fewest edits from the word's beginnings to a piece of the text that
 * ends here. Of the first place that is near enough it goes on to where it is nearest.
 */
function similarIn(text: string, word: string, edits: number): Hit | undefined {
  const plain = lowered(text);
  let column = Array.from({ length: word.length + 1 }, (_, row) => row);
  let earlier: readonly number[] = [];
  let last = '';
  let best = edits + 1;
  let end = 0;
  for (let at = 0; at < plain.length; at++) {
    const character = plain.charAt(at);
    if (isSeparator(character)) continue;
    const next = [0];
    for (let row = 1; row < column.length; row++) {
      const swap = (column[row - 1] ?? 0) + (word[row - 1] === character ? 0 : 1);
      const isTurned = row > 1 && word[row - 1] === last && word[row - 2] === character;
      const turned = isTurned ? (earlier[row - 2] ?? Infinity) + 1 : Infinity;
      next.push(Math.min(swap, (column[row] ?? 0) + 1, (next[row - 1] ?? 0) + 1, turned));
    }
    [earlier, column, last] = [column, next, character];
    const distance = column[word.length] ?? 0;
    if (distance < best) [best, end] = [distance, at + 1];
    else if (best <= edits) break;
  }
  return best <= edits ? { start: Math.max(0, end - word.length - edits), end } : undefined;
}

const isSeparator = (character: string): boolean => ' \t\r\n-_"\'\\'.includes(character);
