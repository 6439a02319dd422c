/** One configuration file → its value, and where each key of it stands. cosmiconfig reads, the loaders are ours. */

import { basename } from 'node:path';
import { cosmiconfig, type Loader } from 'cosmiconfig';
import { metaSearchPlaces } from 'cosmiconfig/dist/defaults.js';
import { messageOf, OtaError } from '../model/errors.ts';
import { within } from './limit.ts';
import { parseText, type ParsedText } from './parse-text.ts';
import { searchPlaces } from './places.ts';
import { isHarmlessWord } from './quoting.ts';
import { redacted, withoutWordsOf } from '../model/redaction.ts';
import { readSmallFile } from './small-file.ts';

/**
 * Each call of `cosmiconfig()` looks for settings of cosmiconfig itself in the process's working folder, whatever folder
 * is asked for, and no option prevents it (9.0, `getUserDefinedOptionsFromMetaConfig`). It would run a `.config/config.js`
 * that has nothing to do with otarc, and fail with it. So it is left no place to look in. Only otarc is concerned: the
 * package carries its own copy of cosmiconfig.
 */
metaSearchPlaces.length = 0;

const scriptTimeoutMs = 30_000;
const readTimeoutMs = 10_000;
/** Some thousand devices; what is larger keeps the parser busy for longer than anybody waits. */
const limitBytes = 512 * 1024;

export interface LoadedFile {
  /** Absolute. */
  readonly file: string;
  /** Not checked yet. An empty file is an empty configuration. */
  readonly value: unknown;
  /** `/home/me/p/.otarc:5`; only the file where the line is not known (scripts). */
  placeOf(path: readonly PropertyKey[]): string;
}

/**
 * @throws OtaError CONFIG_UNREADABLE: missing, not readable, or with a syntax error, which is named by file, line and
 *   column
 */
export async function loadConfigFile(file: string, signal: AbortSignal): Promise<LoadedFile> {
  const isPackage = basename(file) === 'package.json';
  let parsed: ParsedText | undefined;
  const text: Loader = (path, source) => {
    parsed = parseText(path, source);
    refuseImports(parsed.value, path);
    return parsed.value;
  };
  const script: Loader = (path, source) => {
    const late = () => new OtaError('CONFIG_UNREADABLE', `${path} did not finish loading within 30 s.`);
    return within(runScript(path, source), { timeoutMs: scriptTimeoutMs, signal, late });
  };
  const value = await read(file, { text, script, signal });
  if (isPackage && value === null)
    throw new OtaError('CONFIG_INVALID', `${file} has no "otarc" key.`, {
      hint: 'Name another file, or add the key.',
    });
  return {
    file,
    value: value ?? {},
    placeOf(path) {
      const line = parsed?.lineOf(isPackage ? ['otarc', ...path] : path);
      return line === undefined ? file : `${file}:${line}`;
    },
  };
}

interface Reading {
  readonly text: Loader;
  readonly script: Loader;
  readonly signal: AbortSignal;
}

/**
 * cosmiconfig reads to the end, however far that is, and has no place to put a limit. So the file is read with limits first;
 * a pipe (`--config <(…)`) can be read no second time, and has data in it, not a program.
 */
async function read(file: string, { text, script, signal }: Reading): Promise<unknown> {
  const content = await readSmallFile(file, { signal, limitBytes, timeoutMs: readTimeoutMs });
  if (content.type !== 'read')
    throw unreadable(file, content.type === 'missing' ? 'no such file' : content.reason);
  if (!content.isRegular) {
    const source = content.bytes.toString('utf8');
    return source.trim() === '' ? null : text(file, source);
  }
  try {
    const explorer = cosmiconfig('otarc', {
      searchPlaces: [...searchPlaces],
      cache: false,
      loaders: {
        noExt: text,
        default: text,
        '.json': text,
        '.yaml': text,
        '.yml': text,
        '.js': script,
        '.cjs': script,
        '.mjs': script,
        // cosmiconfig's own needs the compiler's JS API, which TypeScript 7 does not have.
        '.ts': script,
      },
    });
    const late = () => unreadable(file, 'it has no end');
    const result = await within(explorer.load(file), {
      timeoutMs: scriptTimeoutMs + readTimeoutMs,
      signal,
      late,
    });
    const value: unknown = result?.config;
    return value ?? null;
  } catch (error) {
    if (error instanceof OtaError) throw error;
    // Never the error's own words: they may quote the file.
    throw unreadable(
      file,
      error instanceof Error && 'code' in error ? String(error.code) : 'it could not be loaded',
    );
  }
}

const unreadable = (file: string, reason: string): OtaError =>
  new OtaError('CONFIG_UNREADABLE', `${file} cannot be read: ${reason}.`);

/** cosmiconfig would merge other files in; paths and line numbers of those would be wrong. */
function refuseImports(value: unknown, file: string): void {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, '$import')) return;
  throw new OtaError('CONFIG_INVALID', `${file}: $import: unknown key`, {
    hint: 'Put everything in one file, or use otarc.config.js and import there.',
  });
}

async function runScript(file: string, source: string): Promise<unknown> {
  // Not `jiti`: that one loads its compiler by a path beside itself, which the bundle does not have.
  const { createJiti } = await import('jiti/static');
  try {
    // No cache: a configuration that was edited counts at the next load of a long-running `watch`.
    return await createJiti(import.meta.url, { fsCache: false, moduleCache: false }).import(file, {
      default: true,
    });
  } catch (error) {
    const place = placeIn(file, error);
    const [words = ''] = messageOf(error)
      .replace(/^ParseError: /, '')
      .split(` ${file}:`);
    const message = redacted(withoutWordsOf(words, source, isHarmlessWord)).trim();
    // Not as `cause`: the engine's message may quote the source.
    throw new OtaError('CONFIG_UNREADABLE', `${place}: ${message}`, {
      hint: 'Run the file with node to see more.',
    });
  }
}

/** `file:line:column`, where the error says it. On the first line jiti's wrapper has shifted the columns. */
function placeIn(file: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const at = stack.indexOf(`${file}:`);
  const [, line, column] = at < 0 ? [] : (/^:(\d+)(:\d+)?/.exec(stack.slice(at + file.length)) ?? []);
  if (line === undefined) return file;
  return line === '1' ? `${file}:1` : `${file}:${line}${column ?? ''}`;
}
