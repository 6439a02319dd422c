/** The process: signals → abort, exit code. The only place that ends it. */

import { constants } from 'node:os';
import type { Io } from './commands/io.ts';
import { errorCodes, OtaError } from '../model/errors.ts';
import { signalExitCodes } from '../model/failure.ts';
import { lossText, sayLoss, settled, watchOutput, type OutputLoss } from './output-loss.ts';
import { askedFor, main } from './program.ts';
import { jsonText } from './terminal/print.ts';

/** Runs the command line and leaves its exit code to the process. */
export async function runCommandLine(argv: readonly string[], version: string): Promise<void> {
  const outputLoss = watchOutput(process);
  const { command, isSender, json } = askedFor(argv, process.env);
  if (isSender && json) reportLossAsEvent(outputLoss);
  const io: Io = {
    stdout: process.stdout,
    stderr: process.stderr,
    // Made when somebody reads it: its code is two milliseconds of a push that does not.
    get stdin() {
      return process.stdin;
    },
    env: process.env,
    cwd: process.cwd(),
    // Whoever flashes a board wants it flashed: only a command that is run for its output ends with it.
    signal: isSender ? abortOnSignal() : AbortSignal.any([abortOnSignal(), abortOnLoss(outputLoss)]),
    outputLoss,
  };
  const exitCode = await main({ argv, version }, io);
  await settled(process);
  if (isSender) sayLoss(outputLoss, { stdout: process.stdout, stderr: process.stderr, json });
  // The end of its tool is the end of a discovery.
  process.exitCode = isSender || command === 'discovery' ? exitCode : withLoss(exitCode, outputLoss);
  // All sockets and children are gone by now. What keeps the process all the same must not keep the user.
  setTimeout(() => process.exit(), 1000).unref();
}

/** The first signal ends everything in order; the second at once. */
function abortOnSignal(): AbortSignal {
  const controller = new AbortController();
  for (const [signal, exitCode] of Object.entries(signalExitCodes)) {
    // Not every system has every signal; one without a listener would leave build tools behind.
    if (!(signal in constants.signals)) continue;
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new OtaError('CANCELLED', `Interrupted by ${signal}.`, { details: { signal } }));
    });
  }
  return controller.signal;
}

/** For a command whose result is its output. */
function abortOnLoss(loss: OutputLoss): AbortSignal {
  const controller = new AbortController();
  loss.onLost(({ stream, isReaderGone, reason }) => {
    if (stream !== 'stdout') return;
    const what = isReaderGone ? 'Nobody reads the output any more.' : `stdout cannot be written: ${reason}.`;
    const hint = isReaderGone ? undefined : 'Make room, or write the output elsewhere.';
    controller.abort(new OtaError('CANCELLED', what, hint === undefined ? {} : { hint }));
  });
  return controller.signal;
}

/** The exit code where the output is all there is: 1 where it could not be written. */
function withLoss(exitCode: number, loss: OutputLoss): number {
  const lost = loss.lost.find(({ stream }) => stream === 'stdout');
  if (lost === undefined) return exitCode;
  if (exitCode === 0) {
    sayLoss(loss, { stdout: process.stdout, stderr: process.stderr, json: false });
    return 1;
  }
  return exitCode === errorCodes.CANCELLED.exitCode && !lost.isReaderGone ? 1 : exitCode;
}

/** Messages that stderr has lost: stdout has events, before its last one. */
function reportLossAsEvent(loss: OutputLoss): void {
  loss.onLost((lost) => {
    if (lost.stream !== 'stderr') return;
    const event = { type: 'log', level: 'warn', message: lossText(lost), at: new Date().toISOString() };
    process.stdout.write(`${jsonText(event)}\n`);
  });
}
