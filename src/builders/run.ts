/**
 * Runs a build tool: its output goes on as it comes, its last lines are kept for the error, and an abort ends it with all
 * that it has started.
 *
 * The output goes through pipes, on a terminal too, so that the last lines of a failed build are known to `--json` and to
 * the library as well. Nothing is lost by it: pio with PLATFORMIO_FORCE_ANSI prints to a pipe byte by byte what it prints to
 * a terminal, arduino-cli colours in either case (both seen, 6.2.0 and 1.0.4), and neither draws anything in place.
 */

import { toolEnvironment } from './environment.ts';
import { OutputEnd } from './output-end.ts';
import { passOn, runProcess, type ProcessEnd, type ToolRun } from './process.ts';
import type { BuildContext } from './types.ts';

export type ToolEnd = ProcessEnd & {
  /** The last few KiB that it printed, as plain text. */
  readonly outputEnd: string;
};

/** Resolves when the tool has ended. Rejects only when aborted, and then nothing of the tool is left. */
export async function runTool(run: ToolRun, { output, signal, env }: BuildContext): Promise<ToolEnd> {
  const outputEnd = new OutputEnd();
  const end = await runProcess(run, {
    env: toolEnvironment(env, output.isTTY === true),
    signal,
    read: (...pipes) => {
      passOn(pipes, output);
      for (const pipe of pipes) pipe.on('data', (chunk: Uint8Array) => outputEnd.add(chunk));
    },
  });
  return { ...end, outputEnd: outputEnd.text() };
}
