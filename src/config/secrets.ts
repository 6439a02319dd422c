/** Fetches a password from where the configuration says it is. */

import { cancelled, OtaError } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';
import { readSmallFile, textOf } from './small-file.ts';
import type { Credential } from '../model/types.ts';
import { within } from './limit.ts';
import { shownCommand, shownVariable } from './shown-source.ts';
import type { DeviceConfig } from './types.ts';

const waitMs = 60_000;

export interface SecretContext {
  readonly env: NodeJS.ProcessEnv;
  /** Read up to its first line, once, however many devices take their password from it. */
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
}

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
      return { type: 'password', secret: source.secret };
    case 'hash':
      return { type: 'hash', secret: source.secret };
    default: {
      const { text, place } = await fetchText(source, { device: device.name, context });
      const [line = ''] = text.replace(/^\uFEFF/, '').split(/\r?\n/, 1);
      if (line === '') throw unavailable(device.name, `${place} is empty`);
      return { type: 'password', secret: new Secret(line) };
    }
  }
}

type Fetched = Exclude<DeviceConfig['credentialSource'], { type: 'none' | 'text' | 'hash' }>;

interface Asked {
  readonly device: string;
  readonly context: SecretContext;
}

/** The raw text, and the words for where it was. */
async function fetchText(source: Fetched, asked: Asked): Promise<{ text: string; place: string }> {
  const { signal } = asked.context;
  const limited = <T>(work: Promise<T>, place: string): Promise<T> => {
    const late = () => unavailable(asked.device, `${place} gave nothing within ${waitMs / 1000} s`);
    return within(work, { timeoutMs: waitMs, signal, late });
  };
  switch (source.type) {
    case 'env':
      return variableText(source, asked);
    case 'file': {
      const place = `the file ${source.path}`;
      return { text: await fileText(source.path, asked), place };
    }
    case 'stdin': {
      const { stdin } = asked.context;
      // A terminal would show the password as it is typed.
      if (stdin.isTTY === true) throw unavailable(asked.device, 'stdin is a terminal; pipe the password in');
      return { text: await limited(firstLineOf(stdin), 'stdin'), place: 'stdin' };
    }
    case 'command':
      return {
        text: await commandText(source, asked),
        place: `what \`${shownCommand(source.command)}\` printed`,
      };
  }
}

function variableText(
  { variable, secretsFile }: Extract<Fetched, { type: 'env' }>,
  { device, context }: Asked,
): { text: string; place: string } {
  const shown = shownVariable(variable);
  if (secretsFile?.secret !== undefined)
    return { text: secretsFile.secret.reveal(), place: `${shown} in ${secretsFile.file}` };
  const place = `the environment variable ${shown}`;
  const text = context.env[variable];
  if (text !== undefined) return { text, place };
  const nor = secretsFile === undefined ? '' : `, and ${secretsFile.file} has nothing under that name`;
  throw unavailable(
    device,
    `${place} is not set${nor}`,
    `Set ${shown}, or write it as a line \`${shown}=…\` into .otarc.env beside the configuration.`,
  );
}

async function fileText(path: string, { device, context: { signal } }: Asked): Promise<string> {
  const content = await readSmallFile(path, { signal, limitBytes: 64 * 1024, timeoutMs: waitMs });
  if (content.type === 'read') return textOf(content);
  throw unavailable(
    device,
    `the file ${path} ${content.type === 'missing' ? 'does not exist' : `cannot be read: ${content.reason}`}`,
    'Correct its path: --password-file, or `password: { file: … }` in .otarc.',
  );
}

async function commandText(
  { command: [program = '', ...args], cwd }: { command: readonly string[]; cwd: string },
  { device, context }: Asked,
): Promise<string> {
  const { execa } = await import('execa');
  const { signal } = context;
  if (signal.aborted) throw cancelled(signal);
  const failed = (how: string): OtaError =>
    unavailable(device, `\`${shownCommand([program, ...args])}\` ${how}`);
  // In the foreground and with the terminal's stdin and stderr, so that a password manager can ask and complain.
  const child = execa(program, args, {
    cwd,
    env: context.env,
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

function unavailable(device: string, reason: string, hint?: string): OtaError {
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
