/**
 * The command line of `otarc espota`, as the parsers of Python read that of espota.py (`optparse`, since ESP32 core 3.3
 * `argparse`): a long flag may be cut as far as it is the only one that begins so. Pure.
 */

import { OtaError } from '../../model/errors.ts';

/** Long flags with a value, and without one. */
const valued = ['ip', 'host_ip', 'port', 'host_port', 'auth', 'file', 'timeout'];
const plain = ['spiffs', 'debug', 'progress', 'md5-target', 'help'];
/** Spellings of some versions, and of people who know the flag from elsewhere. */
const aliases: Readonly<Record<string, string>> = {
  password: 'auth',
  host_address: 'host_ip',
  'host-ip': 'host_ip',
  'host-port': 'host_port',
  md5_target: 'md5-target',
};
const names = [...valued, ...plain, ...Object.keys(aliases)];
const shortWithValue = 'iIpPaft';
const shortWithout = 'sdrmh';

/**
 * The same command line with every long flag written out.
 *
 * @param argv what follows `espota`
 * @throws OtaError USAGE: a flag that could be several; a value that arduino-cli has left a placeholder in; no image
 */
export function espotaArguments(argv: readonly string[]): string[] {
  const written: string[] = [];
  /** The flag that the next word is the value of. */
  let open: string | undefined;
  for (const word of argv) {
    if (open !== undefined) {
      checkValue(open, word);
      written.push(word);
      open = undefined;
      continue;
    }
    const { text, flag, value } = word.startsWith('--') ? longFlag(word) : shortFlags(word);
    written.push(text);
    if (flag !== undefined && value !== undefined) checkValue(flag, value);
    else open = flag;
  }
  return written;
}

interface Read {
  readonly text: string;
  /** Set on one with a value. */
  readonly flag?: string;
  /** Absent: it is the next word. */
  readonly value?: string;
}

function longFlag(word: string): Read {
  const sign = word.indexOf('=');
  const typed = word.slice(2, sign === -1 ? undefined : sign);
  const name = fullName(typed);
  if (name === undefined) return { text: word };
  const text = `--${name}${sign === -1 ? '' : word.slice(sign)}`;
  if (!valued.includes(name)) return { text };
  return { text, flag: `--${name}`, ...(sign !== -1 && { value: word.slice(sign + 1) }) };
}

/** Undefined: none begins so; commander says it, with the nearest. */
function fullName(typed: string): string | undefined {
  const isWhole = names.includes(typed);
  const found = isWhole ? [typed] : names.filter((name) => typed !== '' && name.startsWith(typed));
  // Of several spellings of one flag, the first.
  const spellingOf = (name: string): string | undefined =>
    found.find((each) => (aliases[each] ?? each) === name);
  const meant = [...new Set(found.map((name) => aliases[name] ?? name))];
  if (meant.length > 1) {
    const spellings = meant.map((name) => `--${spellingOf(name)}`);
    throw new OtaError('USAGE', `--${typed} could be ${spellings.join(' or ')}.`, {
      hint: 'Write the flag out.',
    });
  }
  return meant[0];
}

/** `-dr`, `-i192.0.2.1`, `-dri 192.0.2.1` */
function shortFlags(word: string): Read {
  if (!word.startsWith('-')) return { text: word };
  let at = 1;
  while (at < word.length && shortWithout.includes(word.charAt(at))) at++;
  const last = word.charAt(at);
  if (last === '' || !shortWithValue.includes(last)) return { text: word };
  const value = word.slice(at + 1);
  return { text: word, flag: `-${last}`, ...(value !== '' && { value }) };
}

const placeholder = /\{(?:upload|build|runtime|tools|serial)\.[\w.-]+\}/;

function checkValue(flag: string, value: string): void {
  const left = placeholder.exec(value)?.[0];
  if (left !== undefined) throw unfilled(flag, left);
  if (value !== '') return;
  if (flag === '-f' || flag === '--file')
    throw new OtaError('USAGE', `${flag} names no image: its value is empty.`, {
      hint: 'Give the path of the image. In a recipe, look at the variable that should hold it.',
    });
  if (flag === '-i' || flag === '--ip')
    throw new OtaError('USAGE', `${flag} names no device: its value is empty.`, {
      hint: 'Give the address of the device, or its name.',
    });
}

/** arduino-cli fills in what it knows, and hands the rest over as it stands in the recipe. */
function unfilled(flag: string, left: string): OtaError {
  const details = { flag, placeholder: left };
  if (left.startsWith('{upload.port.'))
    return new OtaError(
      'USAGE',
      `arduino-cli has left ${left} unfilled (${flag}): the port that it was given is not in its list.`,
      {
        hint: 'Look at `arduino-cli board list`, and name a port that is in it; or write the value into the recipe.',
        details,
      },
    );
  const hint = left.startsWith('{upload.field.')
    ? 'Hand it over with `-F NAME=…`, or let arduino-cli ask for it on a terminal.'
    : 'Look at the recipe: platform.txt, platform.local.txt, boards.txt.';
  return new OtaError('USAGE', `arduino-cli has left ${left} unfilled (${flag}).`, { hint, details });
}
