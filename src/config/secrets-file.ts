/** `.otarc.env`: passwords as `NAME=value` lines, beside the configuration and out of git. */

import { stat } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { OtaError } from '../model/errors.ts';
import { redacted } from '../model/redaction.ts';
import { Secret } from '../model/secret.ts';
import { readSmallFile, textOf } from './small-file.ts';
import { isPasswordVariable } from './environment.ts';
import type { ConfigProblem } from './problem.ts';
import type { SecretsFile } from './types.ts';

export interface ReadSecrets {
  readonly secretsFile: SecretsFile;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/**
 * @param env outranks the file: what it holds is left out
 * @throws {OtaError} CONFIG_UNREADABLE; CANCELLED
 */
export async function readSecretsFile(
  file: string,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<ReadSecrets> {
  const content = await readSmallFile(file, { signal });
  if (content.type === 'unreadable')
    throw new OtaError('CONFIG_UNREADABLE', `${file} cannot be read: ${content.reason}.`, {
      hint: 'It is a small text file of NAME=value lines.',
    });
  const read = parseSecrets({ file, text: textOf(content) }, env);
  return (await isReadByOthers(file)) ? { ...read, warnings: [...read.warnings, openText(file)] } : read;
}

const openText = (file: string): string =>
  `${file} can be read by other users of this computer: chmod 600 it.`;

/** On Windows the rights stand elsewhere. */
async function isReadByOthers(file: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() === true && (found.mode & 0o044) !== 0;
}

/** Pure. An empty value counts as none, as in the environment. What stands in a line that is no `NAME=value` may be a password: it is named by its number alone. */
export function parseSecrets(
  { file, text }: { readonly file: string; readonly text: string },
  env: NodeJS.ProcessEnv,
): ReadSecrets {
  const source = text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n');
  const { lines, problems } = linesOf(file, source);
  const values = Object.entries(parseEnv(source));
  const broken = values.flatMap(([name, value]): ConfigProblem[] => {
    const line = lines.get(name);
    if (line === undefined || !/[\r\n]/.test(value ?? '') || problems.some((each) => each.name === name))
      return [];
    return [{ place: `${file}:${line}`, path: '', message: lineBreak }];
  });
  const secrets = values.flatMap(([name, value]): [string, { secret: Secret; line: number }][] => {
    const line = lines.get(name);
    return line === undefined || !value || env[name] ? [] : [[name, { secret: new Secret(value), line }]];
  });
  const idle = [...lines].filter(([name]) => name.startsWith('OTARC_') && !isPasswordVariable(name));
  return {
    secretsFile: { file, secrets: new Map(secrets) },
    problems: [...problems.map(({ place, path, message }) => ({ place, path, message })), ...broken],
    warnings: idle.map(
      ([name, line]) =>
        `${file}:${line}: ${name === 'OTARC_PASSWORD_FILE' ? name : redacted(name)} has no effect here: only passwords are read.`,
    ),
  };
}

/** Only the first line of it would ever go out, and in double quotes `\n` is one, whatever was meant. */
const lineBreak = 'a password has no line break, which \\n in double quotes is: write it in single quotes';

type NamedProblem = ConfigProblem & { readonly name: string | undefined };

/** On which line each name stands, and the lines that are wrong. A value in quotes may go on over several lines. */
function linesOf(file: string, source: string): { lines: Map<string, number>; problems: NamedProblem[] } {
  const lines = new Map<string, number>();
  const problems: NamedProblem[] = [];
  let name: string | undefined;
  const wrong = (line: number, message: string): void =>
    void problems.push({ place: `${file}:${line}`, path: '', message, name });
  const all = source.split('\n');
  for (let index = 0; index < all.length; index++) {
    const line = (all[index] ?? '').trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, key, behindSign = ''] = /^(?:export )?([A-Za-z_]\w*)\s*=(.*)$/.exec(line) ?? [];
    name = key;
    if (name === undefined) {
      wrong(index + 1, 'must be NAME=value');
      continue;
    }
    lines.set(name, index + 1);
    const value = behindSign.trimStart();
    const [quote = ''] = /^["'`]/.exec(value) ?? [];
    if (quote === '') {
      // Of an empty value with a comment behind it, blanks tell.
      if (/[^\s#]#|^#/.test(behindSign) || /^#\S/.test(value))
        wrong(index + 1, 'a value with a # needs quotes');
      continue;
    }
    const end =
      value.indexOf(quote, 1) > 0 ? index : all.findIndex((each, at) => at > index && each.includes(quote));
    if (end === -1) {
      wrong(index + 1, `a quotation mark ${quote} is not closed`);
      continue;
    }
    const last = end === index ? value.slice(1) : (all[end] ?? '');
    const behind = last.slice(last.indexOf(quote) + 1).trim();
    if (behind !== '' && !behind.startsWith('#'))
      wrong(end + 1, 'nothing may stand behind the quotation mark');
    index = end;
  }
  return { lines, problems };
}
