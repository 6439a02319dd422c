/** The command line: argv → command → exit code. Each command but a push is loaded when it is asked for. */

import { Command, CommanderError } from 'commander';
import { deployNothing } from './commands/deploy.ts';
import { isSwitchedOn } from './commands/flags.ts';
import type { Io } from './commands/io.ts';
import { addPushCommands, type Parts } from './commands/push-commands.ts';
import { runs } from '../config/settings/index.ts';
import { OtaError } from '../model/errors.ts';
import { asOtaError, exitCodeFor } from '../model/failure.ts';
import { printableLines } from '../model/printable.ts';
import { writeFailure } from './report/failure.ts';

const intro = `Most people need:
  otarc deploy      build with the project's own tool and push to the device of .otarc
  otarc push NAME   push the image that the last build left
  otarc demo        see it work, without any hardware`;

const exits = `Exit status: 0 done, 1 a build, check or push failed, 2 usage or configuration, 130 interrupted.`;

export interface CommandLine {
  /** Without node and script. */
  readonly argv: readonly string[];
  /** Of this package. */
  readonly version: string;
}

/** Runs what the command line asks for. What went wrong was told by the time it resolves to the exit code. */
export async function main({ argv, version }: CommandLine, io: Io): Promise<number> {
  let exitCode = 0;
  const done = (code: number): void => {
    exitCode = code;
  };
  const { own, after } = splitAtDashes(withFolderBehind(argv));
  const program = await createProgram({ io, done, after, version, command: commandOf(own) });
  try {
    if (own.length === 0) {
      program.outputHelp();
      return 0;
    }
    if (isInsideBuild(own, io.env)) return await leaveToOuterRun(own, io);
    await program.parseAsync(await written(own), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return reportFailure(error, io, own);
  }
}

/** As commander reads it; espota's callers write for a parser of Python. */
async function written(argv: readonly string[]): Promise<string[]> {
  const [command = '', ...flags] = argv;
  if (command !== 'espota') return [...argv];
  const { espotaArguments } = await import('./commands/espota-arguments.ts');
  return [command, ...espotaArguments(flags)];
}

interface ProgramParts extends Parts {
  /** The word that names it, where there is one. */
  readonly command: string | undefined;
  readonly version: string;
}

async function createProgram(parts: ProgramParts): Promise<Command> {
  const { io, version } = parts;
  const program = new Command('otarc')
    .description('Save the sketch, and the device across the room runs it.')
    .usage('<command> [options]')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // It quotes what was typed.
      writeErr: (text) => void io.stderr.write(printableLines(text)),
    })
    .addHelpText('before', `${intro}\n`)
    .addHelpText('after', `\n${exits}`);
  // A push that knows what it wants need not wait for the flags of the others.
  const asked = isRunOf(parts.command) ? parts.command : undefined;
  addPushCommands(program, { ...parts, asked });
  if (asked === undefined) (await import('./commands/other-commands.ts')).addOtherCommands(program, parts);
  return program;
}

const commandOf = (argv: readonly string[]): string | undefined => argv.find((word) => !word.startsWith('-'));
/** Commands that send an image. */
const senders: readonly string[] = [...runs, 'rollback', 'espota'];

/** What a command line asks for, before it is read as a whole. */
export function askedFor(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): { readonly command: string | undefined; readonly isSender: boolean; readonly json: boolean } {
  const own = withFolderBehind(argv);
  const command = commandOf(own);
  return { command, isSender: senders.includes(command ?? ''), json: isJson(own, env) };
}

const isJson = (argv: readonly string[], env: NodeJS.ProcessEnv): boolean =>
  isSwitchedOn('json', { command: commandOf(argv), argv, env });
/** Of a command that prints events, and whose targets end at `--`. */
const isRunOf = (command: string | undefined): boolean => runs.some((each) => each === command);

/** `otarc -C DIR deploy`, as with git and make: the folder may stand before the command. */
function withFolderBehind(argv: readonly string[]): readonly string[] {
  const [flag, folder, command, ...rest] = argv;
  const isFolder = flag === '-C' || flag === '--cwd';
  return isFolder && folder !== undefined && command !== undefined ? [command, flag, folder, ...rest] : argv;
}

/** `deploy hall -- make firmware`: what follows belongs to somebody else's command line. */
function splitAtDashes(argv: readonly string[]): {
  own: readonly string[];
  after: readonly string[] | undefined;
} {
  const at = isRunOf(commandOf(argv)) ? argv.indexOf('--') : -1;
  return at === -1 ? { own: argv, after: undefined } : { own: argv.slice(0, at), after: argv.slice(at + 1) };
}

/** Of a build that otarc itself has started, and whose image it will push. */
function isInsideBuild(argv: readonly string[], env: NodeJS.ProcessEnv): boolean {
  const command = commandOf(argv);
  const asks = argv.some((word) => ['-h', '--help'].includes(word));
  const isPush = !asks && !isSwitchedOn('dryRun', { command, argv, env });
  return Boolean(env['OTARC_SESSION']) && isPush && senders.includes(command ?? '');
}

/**
 * A hook or an upload recipe that is run by such a build leaves the image to the otarc above it, so that no build pushes
 * twice. A deploy that would build once more inside its own build would do so without end.
 */
async function leaveToOuterRun(argv: readonly string[], io: Io): Promise<number> {
  const command = commandOf(argv) ?? '';
  if (command === 'deploy' || command === 'watch') {
    throw new OtaError('USAGE', `otarc ${command} was called by a build that otarc itself has started.`, {
      hint: 'Leave it out of the build command: the otarc that runs the build pushes the image.',
    });
  }
  const json = isJson(argv, io.env);
  if (isSwitchedOn('hook', { command, argv, env: io.env }) && !json) return 0;
  const message = `otarc ${command}: left to the otarc that runs this build (OTARC_SESSION is set)`;
  return deployNothing(message, { json, verbosity: 'normal', color: 'never' }, io);
}

/** What no command has told itself: mistakes in usage, files that cannot be read, mistakes of otarc. */
function reportFailure(error: unknown, { stdout, stderr, env }: Io, argv: readonly string[]): number {
  const isCommanders = error instanceof CommanderError;
  const failure = isCommanders
    ? new OtaError('USAGE', error.message.replace(/^error: /, '').replaceAll('\n', ' '))
    : asOtaError(error);
  const command = commandOf(argv);
  // espota.py, and whoever calls it, knows 0 and 1.
  const status = exitCodeFor(failure);
  const exitCode = command === 'espota' && status === 2 ? 1 : status;
  const hasEvents = isRunOf(command) || command === 'rollback';
  const format = isJson(argv, env) ? (hasEvents ? 'events' : 'document') : 'text';
  // commander has printed its own already, with the nearest word where there is one.
  if (!isCommanders || format !== 'text') {
    writeFailure(failure, { stdout, stderr, format, exitCode, now: () => new Date() });
  }
  return exitCode;
}
