/** The command line: argv → command → exit code. Each command is loaded when it is asked for. */

import { resolve } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import {
  applyVariables,
  collect,
  isOn,
  toCommandOptions,
  toFlags,
  toNumber,
  toWhole,
  toPort,
  toSeconds,
  withConfigFlags,
  withPushFlags,
  type PushOptions,
  type SharedOptions,
} from './commands/flags.ts';
import type { EspotaOptions } from './commands/espota.ts';
import type { Io } from './commands/io.ts';
import { OtaError } from './errors.ts';
import { asOtaError, exitCodeFor } from './failure.ts';
import { writeFailure } from './report/failure.ts';
import { platforms, type Platform } from './types.ts';

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
  const program = createProgram({ io, done, after, version, command: commandOf(own) });
  try {
    if (own.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...own], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return reportFailure(error, io, own);
  }
}

interface Parts {
  /** The word that names it, where there is one. */
  readonly command: string | undefined;
  readonly version: string;
  readonly io: Io;
  readonly done: (code: number) => void;
  /** What stood behind `--`. */
  readonly after: readonly string[] | undefined;
}

function createProgram(parts: Parts): Command {
  const { io, version } = parts;
  const program = new Command('otarc')
    .description('Save the sketch, and the device across the room runs it.')
    .usage('<command> [options]')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .addHelpText('before', `${intro}\n`)
    .addHelpText('after', `\n${exits}`);
  program.hook('preAction', (_, command) => {
    // A device is as its flags say; variables are for the pushing side.
    if (command.name() !== 'simulate' && command.name() !== 'espota') applyVariables(command, io.env);
  });
  // A push that knows what it wants need not wait for the flags of the others.
  addPushCommands(program, parts);
  if (isRunOf(parts.command)) return program;
  addLookCommands(program, parts);
  addDeviceCommands(program, parts);
  return program;
}

function addPushCommands(program: Command, { io, done, after }: Parts): void {
  const deploy = async (targets: string[], options: PushOptions, source: 'build' | 'last-build' | 'file') => {
    const { deployCommand } = await import('./commands/deploy.ts');
    done(await deployCommand({ ...toCommandOptions(options, io), targets, source, command: after }, io));
  };
  withPushFlags(program.command('deploy'))
    .argument('[targets...]', 'devices or groups of .otarc, NAME.local, or addresses')
    .usage('[target...] [options] [-- command...]')
    .description('build, then push the image to the device; after --, the command to build with')
    .action((targets: string[], options: PushOptions) => {
      if (after?.length === 0) throw new OtaError('USAGE', 'No build command stands behind `--`.');
      return deploy(targets, options, 'build');
    });
  withPushFlags(program.command('push'))
    .argument('[targets...]', 'devices or groups of .otarc, NAME.local, or addresses')
    .usage('[target...] [options]')
    .description('push an image that exists: the one the last build left, or --file')
    .option('-f, --file <image>', 'the image')
    .action((targets: string[], options: PushOptions) => {
      if (after !== undefined)
        throw new OtaError('USAGE', '`push` runs no command: nothing may stand behind `--`.');
      return deploy(targets, options, options.file === undefined ? 'last-build' : 'file');
    });
  program
    .command('espota')
    .description("push as the cores' espota.py does, with its flags and its exit status 0 or 1")
    .requiredOption('-i, --ip <address>', 'address of the device')
    .option('-I, --host_ip <address>', 'address of this computer')
    .option('-p, --port <number>', 'UDP port of the device', toPort)
    .option('-P, --host_port <number>', 'TCP port of this computer', toPort)
    .option('-a, --auth <password>', 'password; everybody on this computer can read it while it runs')
    .option('-m, --md5-target', 'accepted; otarc sees by itself which hash the device wants')
    .requiredOption('-f, --file <image>', 'the image')
    .option('-s, --spiffs', 'it is a file-system image')
    .option('-d, --debug', 'tell each step')
    .option('-r, --progress', 'show the progress')
    .option('-t, --timeout <seconds>', 'how long an invitation may stay unanswered', toSeconds)
    .action(async (options: EspotaOptions) => {
      const { espotaCommand } = await import('./commands/espota.ts');
      done(await espotaCommand(options, io));
    });
}

function addLookCommands(program: Command, { io, done }: Parts): void {
  program
    .command('inspect')
    .argument('<file>', 'an image or a partition table')
    .description('say what an image is: chip, sizes, digests, problems')
    .addOption(
      new Option('--platform <name>', 'what it is for, where the file does not say').choices(platforms),
    )
    .option('--json', 'one JSON document')
    .action(async (file: string, options: { json?: boolean; platform?: Platform }) => {
      const { inspect } = await import('./commands/inspect.ts');
      const platform = options.platform === undefined ? {} : { platform: options.platform };
      done(await inspect({ file: resolve(io.cwd, file), json: options.json === true, ...platform }, io));
    });
  withConfigFlags(program.command('config'))
    .description('the resolved configuration, each value with its origin')
    .option('--schema', 'print the JSON schema of .otarc instead')
    .action(async (options: SharedOptions & { schema?: boolean }) => {
      const { config } = await import('./commands/config.ts');
      const flags = toFlags(options, io.cwd);
      done(await config({ flags, json: options.json === true, schema: options.schema === true }, io));
    });
}

function addDeviceCommands(program: Command, { io, done }: Parts): void {
  program
    .command('demo')
    .description('the whole way, against a virtual device: no hardware, no build tool, no network')
    .option('--keep', 'leave the demo project where it is')
    .action(async (options: { keep?: boolean }) => {
      const { demo } = await import('./commands/demo.ts');
      done(await demo({ keep: options.keep === true }, io));
    });
  program
    .command('simulate')
    .description('a virtual device that speaks the protocol as real ones do')
    .option('--model <model>', 'esp8266, esp32, esp32-3.3.1, esp32-3.3.1-md5 or rp2040')
    .option('--name <name>', 'the name it announces')
    .option('--host <address>', 'address to listen at (default 127.0.0.1)')
    .option('--port <number>', "UDP port (default: the model's usual one; 0: any)", toWhole)
    .option('--password-file <file>', 'it asks for the password in this file (-: stdin)')
    .option('--round-trip-ms <ms>', 'round-trip time of the link', toNumber)
    .option('--ms-per-sector <ms>', 'flash time for 4 KiB (default 55)', toNumber)
    .option('--window-bytes <bytes>', 'TCP receive window', toWhole)
    .option('--slot-bytes <bytes>', 'room for a sketch', toWhole)
    .option('--datagram-loss <share>', 'share of datagrams lost, 0 to 1', toNumber)
    .option('--reboot-ms <ms>', 'how long a restart takes', toNumber)
    .option('--fault <name[=value]>', 'what shall go wrong (repeatable)', collect)
    .option('--no-announce', 'do not announce it over mDNS')
    .option('--count <number>', 'so many devices, ports ascending', toWhole)
    .option('--homeding <file>', "name, port and password from HomeDing's env.json")
    .option('--out <file>', 'write each received image here')
    .option('--once', 'end after the first completed update')
    .option('--json', 'one event a line')
    .action(async ({ fault, ...options }: { fault?: string[]; [other: string]: unknown }) => {
      const { simulate } = await import('./commands/simulate.ts');
      done(await simulate({ ...options, ...(fault === undefined ? {} : { faults: fault }) }, io));
    });
}

const commandOf = (argv: readonly string[]): string | undefined => argv.find((word) => !word.startsWith('-'));
const isRunOf = (command: string | undefined): boolean => command === 'deploy' || command === 'push';

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
  const format =
    argv.includes('--json') || isOn(env['OTARC_JSON']) ? (isRunOf(command) ? 'events' : 'document') : 'text';
  // commander has printed its own already, with the nearest word where there is one.
  if (!isCommanders || format !== 'text') {
    writeFailure(failure, { stdout, stderr, format, exitCode, now: () => new Date() });
  }
  return exitCode;
}
