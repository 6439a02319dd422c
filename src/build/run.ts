/**
 * Runs a build tool: its output goes on as it comes, its last lines are kept for the error, and an abort ends it with all
 * that it has started.
 *
 * The output goes through pipes, on a terminal too, so that the last lines of a failed build are known to `--json` and to
 * the library as well. Nothing is lost by it: pio with PLATFORMIO_FORCE_ANSI prints to a pipe byte by byte what it prints to
 * a terminal, arduino-cli colours in either case (both seen, 6.2.0 and 1.0.4), and neither draws anything in place.
 */

import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { cancelled } from '../errors.ts';
import { toolEnvironment } from './environment.ts';
import { endGroup, killGroup } from './group.ts';
import { OutputEnd } from './output-end.ts';
import type { BuildContext } from './types.ts';

/** A tool that leaves a daemon behind leaves its pipes open. Silent for so long after the tool's end: nothing more comes. */
const SILENCE_MS = 200;
const PIPES_LIMIT_MS = 2_000;

export interface ToolRun {
  /** A path, or a name to be found on PATH. */
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

export type ToolEnd =
  | {
      readonly type: 'ended';
      /** 128 + the signal's number where a signal ended it, as a shell has it. */
      readonly exitCode: number;
      readonly signal?: NodeJS.Signals;
      /** The last few KiB that it printed, as plain text. */
      readonly outputEnd: string;
    }
  /** It could not be started. */
  | { readonly type: 'not-started'; readonly cause: unknown };

/** Resolves when the tool has ended. Rejects only when aborted, and then nothing of the tool is left. */
export async function runTool(run: ToolRun, context: BuildContext): Promise<ToolEnd> {
  const { output, signal } = context;
  if (signal.aborted) throw cancelled(signal);
  const { execa } = await import('execa');

  const child = execa(run.file, run.args, {
    cwd: run.cwd,
    env: toolEnvironment(context.env, output.isTTY === true),
    extendEnv: false,
    stdin: 'ignore',
    encoding: 'buffer',
    buffer: false,
    reject: false,
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) return { type: 'not-started', cause: (await child).cause };

  const outputEnd = new OutputEnd();
  const pipes = [child.stdout, child.stderr];
  for (const pipe of pipes) {
    pipe.pipe(output, { end: false });
    pipe.on('data', (chunk: Uint8Array) => outputEnd.add(chunk));
  }
  const killAtExit = (): void => killGroup(pid);
  process.once('exit', killAtExit);
  try {
    await once(child, 'exit', { signal });
    await readToTheEnd(pipes, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    await endGroup(pid);
    throw cancelled(signal);
  } finally {
    process.removeListener('exit', killAtExit);
    for (const pipe of pipes) pipe.unpipe(output).destroy();
  }

  const ended = { type: 'ended', outputEnd: outputEnd.text() } as const;
  const { exitCode, signalCode } = child;
  if (signalCode === null) return { ...ended, exitCode: exitCode ?? 1 };
  return { ...ended, exitCode: 128 + constants.signals[signalCode], signal: signalCode };
}

/** What the tool has printed is read before it counts as ended, at a slow terminal's pace too. */
async function readToTheEnd(pipes: readonly Readable[], signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PIPES_LIMIT_MS;
  const ends = Promise.all(pipes.map((pipe) => pipe.closed || pipe.readableEnded || once(pipe, 'close')));
  let heard = true;
  for (const pipe of pipes) pipe.on('data', () => (heard = true));
  while (heard && performance.now() < deadline) {
    heard = false;
    const ended = await Promise.race([ends, wait(SILENCE_MS, 'silence', { signal })]);
    if (ended !== 'silence') return;
  }
}
