/** Fetches a password from where the configuration says it is. */

import { childEnvironment } from '../model/child-environment.ts';
import { cancelled, OtaError } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';
import { readSmallFile, textOf } from './small-file.ts';
import type { Credential } from '../model/types.ts';
import { within } from './limit.ts';
import { shownCommand, shownVariable } from './shown-source.ts';
import type { DeviceConfig } from './types.ts';

const waitMs = 60_000;
/** A program that asks a person (`<(pass show ota)`) has the pipe open from the start; only a script may be late to open it. */
const writerWaitMs = 3000;

export interface SecretContext {
  readonly env: NodeJS.ProcessEnv;
  /** Read up to its first line, once, however many devices take their password from it. */
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
  /** What was fetched in the same run, so that each source is asked once, however many devices name it. */
  readonly fetched?: FetchedSecrets;
}

/** By source. Programs run one after the other: each may ask at the terminal. */
export interface FetchedSecrets {
  readonly lines: Map<string, Promise<string>>;
  programs: Promise<unknown>;
}

export const nothingFetched = (): FetchedSecrets => ({ lines: new Map(), programs: Promise.resolve() });

/**
 * The password or hash of a device.
 *
 * @throws OtaError SECRET_UNAVAILABLE: what the configuration names is missing, empty, or took longer than a minute;
 *   CANCELLED
 */
export async function resolveCredential(device: DeviceConfig, context: SecretContext): Promise<Credential> {
  const source = device.credentialSource;
  switch (source.type) {
    case 'none':
      return { type: 'none' };
    case 'text':
      if (!isUtf8(source.secret.reveal()))
        throw unavailable(device.name, notUtf8('what the configuration says'));
      return { type: 'password', secret: source.secret };
    case 'hash':
      return { type: 'hash', secret: source.secret };
    default: {
      const line = await fetchOnce(source, context).catch((error: unknown) => {
        throw error instanceof Unavailable ? unavailable(device.name, error) : error;
      });
      return { type: 'password', secret: new Secret(line) };
    }
  }
}

/** Why there is no password, for whichever device needs it. */
class Unavailable extends Error {
  readonly reason: string;
  readonly hint: string | undefined;

  constructor(reason: string, hint?: string) {
    super(reason);
    this.reason = reason;
    this.hint = hint;
  }
}

function fetchOnce(source: Fetched, context: SecretContext): Promise<string> {
  const { fetched = nothingFetched() } = context;
  const key = keyOf(source);
  const known = fetched.lines.get(key);
  if (known !== undefined) return known;
  const fetching =
    source.type === 'command'
      ? fetched.programs.then(() => fetchLine(source, context))
      : fetchLine(source, context);
  if (source.type === 'command') fetched.programs = fetching.catch(() => {});
  fetched.lines.set(key, fetching);
  return fetching;
}

/** Never a secret. */
function keyOf(source: Fetched): string {
  if (source.type !== 'env') return JSON.stringify(source);
  return JSON.stringify([source.type, source.variable, source.secretsFile?.file]);
}

async function fetchLine(source: Fetched, context: SecretContext): Promise<string> {
  const { text, place } = await fetchText(source, context);
  const [line = ''] = text.replace(/^\uFEFF/, '').split(/\r?\n/, 1);
  if (line === '') throw new Unavailable(`${place} is empty`);
  if (!isUtf8(line)) throw notUtf8(place);
  return line;
}

/** Bytes that are none become this character, in whatever way they were read: the device would be sent another password. */
const isUtf8 = (text: string): boolean => !text.includes('\uFFFD');

const notUtf8 = (place: string): Unavailable =>
  new Unavailable(`${place} is not valid UTF-8`, 'Save it as UTF-8, or choose a password of ASCII letters.');

type Fetched = Exclude<DeviceConfig['credentialSource'], { type: 'none' | 'text' | 'hash' }>;

/** The raw text, and the words for where it was. */
async function fetchText(source: Fetched, context: SecretContext): Promise<{ text: string; place: string }> {
  const { signal } = context;
  const limited = <T>(work: Promise<T>, place: string): Promise<T> => {
    const late = () => new Unavailable(`${place} gave nothing within ${waitMs / 1000} s`);
    return within(work, { timeoutMs: waitMs, signal, late });
  };
  switch (source.type) {
    case 'env':
      return variableText(source, context);
    case 'file': {
      const place = `the file ${source.path}`;
      return { text: await fileText(source.path, context), place };
    }
    case 'stdin': {
      const { stdin } = context;
      // A terminal would show the password as it is typed.
      if (stdin.isTTY === true) throw new Unavailable('stdin is a terminal; pipe the password in');
      return { text: await limited(firstLineOf(stdin), 'stdin'), place: 'stdin' };
    }
    case 'command':
      return {
        text: await commandText(source, context),
        place: `what \`${shownCommand(source.command)}\` printed`,
      };
  }
}

function variableText(
  { variable, secretsFile }: Extract<Fetched, { type: 'env' }>,
  { env }: SecretContext,
): { text: string; place: string } {
  const shown = shownVariable(variable);
  if (secretsFile?.secret !== undefined)
    return { text: secretsFile.secret.reveal(), place: `${shown} in ${secretsFile.file}` };
  const place = `the environment variable ${shown}`;
  const text = env[variable];
  if (text !== undefined) return { text, place };
  const nor = secretsFile === undefined ? '' : `, and ${secretsFile.file} has nothing under that name`;
  throw new Unavailable(
    `${place} is not set${nor}`,
    `Set ${shown}, or write it as a line \`${shown}=…\` into .otarc.env beside the configuration.`,
  );
}

async function fileText(path: string, { signal }: SecretContext): Promise<string> {
  const content = await readSmallFile(path, {
    signal,
    limitBytes: 64 * 1024,
    timeoutMs: waitMs,
    writerTimeoutMs: writerWaitMs,
  });
  if (content.type === 'read') return textOf(content);
  throw new Unavailable(
    `the file ${path} ${content.type === 'missing' ? 'does not exist' : `cannot be read: ${content.reason}`}`,
    'Correct its path: --password-file, or `password: { file: … }` in .otarc.',
  );
}

async function commandText(
  { command, cwd, secretVariables = [] }: Extract<Fetched, { type: 'command' }>,
  { env, signal }: SecretContext,
): Promise<string> {
  const { execa } = await import('execa');
  const [program = '', ...args] = command;
  if (signal.aborted) throw cancelled(signal);
  const failed = (how: string): Unavailable =>
    new Unavailable(`\`${shownCommand([program, ...args])}\` ${how}`);
  // In the foreground and with the terminal's stdin and stderr, so that a password manager can ask and complain.
  const child = execa(program, args, {
    cwd,
    env: childEnvironment(env, { secretVariables, texts: command }),
    extendEnv: false,
    stdio: ['inherit', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024,
    forceKillAfterDelay: 400,
    reject: false,
  });
  // Not execa's own `timeout` and `cancelSignal`: they wait for the pipe, which a program that the child has started
  // keeps open, and which cannot be ended with it: it shares our process group.
  const late = () => failed(`did not end within ${waitMs / 1000} s`);
  const result = await within(child, { timeoutMs: waitMs, signal, late }).catch((error: unknown) => {
    child.kill();
    child.stdout.destroy();
    throw error;
  });
  // The result holds what was printed: only facts about it go into the error, and never the result as its cause.
  if (!result.failed) return result.stdout;
  throw signal.aborted ? cancelled(signal) : failed(howItFailed(result));
}

interface Failure {
  readonly isMaxBuffer: boolean;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly code?: string | undefined;
}

function howItFailed({ isMaxBuffer, exitCode, signal, code }: Failure): string {
  if (isMaxBuffer) return 'printed far more than a password';
  if (exitCode !== undefined) return `ended with exit status ${exitCode}`;
  if (signal !== undefined) return `was ended by ${signal}`;
  return code === 'ENOENT' ? 'was not found' : `could not be run (${code ?? 'unknown error'})`;
}

function unavailable(device: string, { reason, hint }: Unavailable): OtaError {
  return new OtaError('SECRET_UNAVAILABLE', `The password of ${device} is not available: ${reason}.`, {
    ...(hint !== undefined && { hint }),
    details: { device },
  });
}

const longestCharacters = 64 * 1024;
const read = new WeakMap<NodeJS.ReadableStream, Promise<string>>();

/** The first line of a stream, without waiting for its end; the same line however often it is asked for. */
export function firstLineOf(stream: NodeJS.ReadableStream): Promise<string> {
  const known = read.get(stream);
  if (known) return known;
  const line = readLine(stream);
  read.set(stream, line);
  return line;
}

function readLine(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const end = (): void => {
      stream.off('data', more).off('end', end).off('error', end).off('close', end);
      stream.pause();
      // A pipe that its writer leaves open must not keep the process alive.
      if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
      resolve(text);
    };
    const more = (chunk: string | Buffer): void => {
      text += String(chunk);
      if (text.includes('\n') || text.length > longestCharacters) end();
    };
    stream.setEncoding('utf8');
    stream.on('data', more).on('end', end).on('error', end).on('close', end);
  });
}
