/** `otarc rollback`: the last image that was proven to run, pushed again. */

import { rollBackProject, type RollBackOptions } from '../../deploy/roll-back.ts';
import { reporterFor, type OutputOptions } from './deploy.ts';
import type { Io } from './io.ts';

/** Resolves to the exit code; what went wrong was reported by then. */
export async function rollbackCommand(
  { output, ...wanted }: Omit<RollBackOptions, 'output'> & { readonly output: OutputOptions },
  io: Io,
): Promise<number> {
  const reporter = reporterFor(output, io);
  const { exitCode } = await rollBackProject({
    ...wanted,
    onEvent: (event) => reporter.tell(event),
    signal: io.signal,
    env: io.env,
    get stdin() {
      return io.stdin;
    },
    output: io.stderr,
  });
  return exitCode;
}
