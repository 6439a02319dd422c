#!/usr/bin/env node
/** The process: signals → abort, exit code. The only place that ends it. */

import * as nodeModule from 'node:module';
import { constants } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };
import type { Io } from './commands/io.ts';
import { OtaError } from './errors.ts';
import { signalExitCodes } from './failure.ts';

// Not in Node 20, which loads otarc without it.
const { enableCompileCache } = nodeModule as { enableCompileCache?: () => unknown };
enableCompileCache?.();

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
  // Whoever reads our output has gone (`| head`, an arduino-cli that was interrupted): so are we, in order.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () =>
      controller.abort(new OtaError('CANCELLED', 'Nobody reads the output any more.')),
    );
  }
  return controller.signal;
}

async function run(argv: readonly string[]): Promise<number> {
  // What editors and scripts ask before anything else: answered without the code that reads the other flags.
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`${packageJson.version}\n`);
    return 0;
  }
  const { main } = await import('./program.ts');
  return main(argv, io);
}

const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  signal: abortOnSignal(),
};
process.exitCode = await run(process.argv.slice(2));
// All sockets and children are gone by now. What keeps the process all the same must not keep the user.
setTimeout(() => process.exit(), 1000).unref();
