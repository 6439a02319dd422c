/** The process: signals → abort, exit code. The only place that ends it. */

import { constants } from 'node:os';
import { isSwitchedOn } from './commands/flags.ts';
import type { Io } from './commands/io.ts';
import { OtaError } from '../model/errors.ts';
import { signalExitCodes } from '../model/failure.ts';
import { main } from './program.ts';

/** Runs the command line and leaves its exit code to the process. */
export async function runCommandLine(argv: readonly string[], version: string): Promise<void> {
  const io: Io = {
    stdout: process.stdout,
    stderr: process.stderr,
    // Made when somebody reads it: its code is two milliseconds of a push that does not.
    get stdin() {
      return process.stdin;
    },
    env: process.env,
    cwd: process.cwd(),
    signal: abortOnSignal(argv),
  };
  process.exitCode = await main({ argv, version }, io);
  // All sockets and children are gone by now. What keeps the process all the same must not keep the user.
  setTimeout(() => process.exit(), 1000).unref();
}

/** The first signal ends everything in order; the second at once. */
function abortOnSignal(argv: readonly string[]): AbortSignal {
  const controller = new AbortController();
  for (const [signal, exitCode] of Object.entries(signalExitCodes)) {
    // Not every system has every signal; one without a listener would leave build tools behind.
    if (!(signal in constants.signals)) continue;
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new OtaError('CANCELLED', `Interrupted by ${signal}.`, { details: { signal } }));
    });
  }
  // Whoever reads our output has gone (`| head`, an arduino-cli that was interrupted): so are we, in order.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () =>
      controller.abort(new OtaError('CANCELLED', 'Nobody reads the output any more.')),
    );
  }
  const isPush = argv.includes('push');
  if (isPush && isSwitchedOn('hook', { command: 'push', argv, env: process.env }))
    abortWithParent(controller);
  return controller.signal;
}

/**
 * A hook is in a process group of its own (arduino-cli): Ctrl-C ends the tool, and not the hook, which would meet a closed
 * pipe at its next line only. On Windows the number of a parent stays; there the pipe has to do.
 */
function abortWithParent(controller: AbortController): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      controller.abort(new OtaError('CANCELLED', 'The build tool that started this hook has ended.'));
    }
  }, 250).unref();
}
